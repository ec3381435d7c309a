//! Durations as people write them: `90s`, `1h 30min`, `2 days`.

/// What to say of something else.
pub(super) const MUST: &str = "must be a duration in quotes, such as \"30s\", \"10 min\", \"1h 30min\" or \"2 days\"";

/// Milliseconds of a duration: whole numbers, each with its unit, largest value [`i64::MAX`].
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut sum = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: i64 = number.parse().ok()?;
        sum = sum.checked_add(number.checked_mul(unit_ms(unit)?)?)?;
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(sum)
}

fn unit_ms(unit: &str) -> Option<i64> {
    const SECOND: i64 = 1_000;
    Some(match unit {
        "ms" => 1,
        "s" | "sec" | "second" | "seconds" => SECOND,
        "m" | "min" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hour" | "hours" => 60 * 60 * SECOND,
        "d" | "day" | "days" => 24 * 60 * 60 * SECOND,
        "w" | "week" | "weeks" => 7 * 24 * 60 * 60 * SECOND,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, ms) in [
            ("30s", Some(30_000)),
            ("1h", Some(3_600_000)),
            ("1h 30min", Some(5_400_000)),
            ("1h30m", Some(5_400_000)),
            ("2 days", Some(172_800_000)),
            ("1 week", Some(604_800_000)),
            ("250ms", Some(250)),
            ("0s", Some(0)),
            ("", None),
            ("30", None),
            ("s", None),
            ("-5s", None),
            ("1.5h", None),
            ("5 moons", None),
            ("9223372036854775807 weeks", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
    }
}
