//! Times on the wire: RFC 3339 in UTC with milliseconds.

use homeroom_schema::TimeMs;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// `2026-03-01T09:30:00.000Z`.
#[must_use]
pub fn time(at: TimeMs) -> String {
    let moment = Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX });
    PRINTER.timestamp_to_string(&moment)
}

/// The same, or null.
#[must_use]
pub fn optional_time(at: Option<TimeMs>) -> Option<String> {
    at.map(time)
}

/// Reads an RFC 3339 time with any offset; what is finer than a millisecond is cut off.
#[must_use]
pub fn parse_time(text: &str) -> Option<TimeMs> {
    let has_date_and_time = text.len() <= 40 && text.contains(['T', 't']);
    let moment: Timestamp = has_date_and_time.then(|| text.parse().ok()).flatten()?;
    Some(TimeMs(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_are_in_utc() {
        for (text, at, shown) in [
            ("2026-03-01T09:30:00Z", 1_772_357_400_000, "2026-03-01T09:30:00.000Z"),
            (
                "2026-03-01T10:30:00.5+01:00",
                1_772_357_400_500,
                "2026-03-01T09:30:00.500Z",
            ),
            (
                "2026-03-01T09:30:00.123456789Z",
                1_772_357_400_123,
                "2026-03-01T09:30:00.123Z",
            ),
            ("1970-01-01T00:00:00.000Z", 0, "1970-01-01T00:00:00.000Z"),
            ("1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parse_time(text), Some(TimeMs(at)), "{text}");
            assert_eq!(time(TimeMs(at)), shown);
        }
    }

    #[test]
    fn what_is_no_moment_is_not_read() {
        for text in [
            "",
            "now",
            "2026-03-01",
            "2026-03-01T09:30:00",
            "2026-13-01T00:00:00Z",
            "1772357400000",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn moments_beyond_the_calendar_are_shown_at_its_ends() {
        assert!(time(TimeMs(i64::MAX)).starts_with("9999-"));
        assert!(time(TimeMs(i64::MIN)).starts_with("-009999-"));
    }
}
