//! Single values of the file form: how each is written, and what to say of something else.

use crate::rules::duration;
use homeroom_actors::domain::Action;
use homeroom_actors::domain::rules::{AtCap, CapSpan, Measure, TeamScoring, Transfer};
use homeroom_schema::TimeMs;
use toml::de::DeValue;

/// Something that one TOML value can say.
pub(super) trait Value: Sized {
    /// # Errors
    /// What it must be instead.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;
}

/// A duration, milliseconds.
pub(super) struct Span(pub(super) i64);

/// A local date, days since 1970-01-01.
pub(super) struct Day(pub(super) i32);

impl Value for String {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = value.as_str().ok_or("must be a text in quotes")?;
        Ok(text.to_owned())
    }
}

impl Value for bool {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| "must be true or false, without quotes".into())
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Value for $number {
            fn read(value: &DeValue<'_>) -> Result<Self, String> {
                let number = value.as_integer().ok_or("must be a whole number, without quotes")?;
                let parsed = Self::from_str_radix(number.as_str(), number.radix());
                parsed.map_err(|_| format!("must be a whole number from 0 to {}", Self::MAX))
            }
        }
    )*};
}

whole_numbers!(u32, u64);

impl Value for f64 {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let parsed = match (value.as_float(), value.as_integer()) {
            (Some(float), _) => float.as_str().parse().ok(),
            (None, Some(whole)) => i64::from_str_radix(whole.as_str(), whole.radix())
                .ok()
                .map(|whole| whole as Self),
            (None, None) => None,
        };
        let finite = parsed.filter(|number: &Self| number.is_finite());
        finite.ok_or_else(|| "must be a number, without quotes".into())
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let list = value.as_array().ok_or("must be a list")?;
        let element = |(index, element): (usize, &toml::Spanned<DeValue<'_>>)| {
            T::read(element.get_ref()).map_err(|message| format!("element {}: {message}", index + 1))
        };
        list.iter().enumerate().map(element).collect()
    }
}

impl Value for Span {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = value.as_str().ok_or(duration::MUST)?;
        duration::parse(text).map(Self).ok_or_else(|| duration::MUST.into())
    }
}

impl Value for Day {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let must = "must be a date without quotes, such as 2026-09-01";
        let written = value.as_datetime().ok_or(must)?;
        if written.time.is_some() {
            return Err(must.into());
        }
        let date: jiff::civil::Date = written.to_string().parse().map_err(|_| must)?;
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = epoch.until(date).map_err(|_| must)?.get_days();
        Ok(Self(days))
    }
}

impl Value for TimeMs {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let must = "must be a time with its offset and without quotes, such as 2026-09-01T08:00:00+02:00";
        let written = value.as_datetime().ok_or(must)?;
        if written.offset.is_none() {
            return Err(must.into());
        }
        let moment: jiff::Timestamp = written.to_string().parse().map_err(|_| must)?;
        Ok(Self(moment.as_millisecond()))
    }
}

impl Value for CapSpan {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let must = "must be \"day\", \"week\", \"season\", or a duration such as \"24h\" for any window of that length";
        match value.as_str().ok_or(must)? {
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "season" => Ok(Self::Season),
            text => duration::parse(text).map(Self::RollingMs).ok_or_else(|| must.into()),
        }
    }
}

/// Reads one of a few names.
fn named<T>(value: &DeValue<'_>, names: &[&str], parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let parsed = value.as_str().and_then(parse);
    parsed.ok_or_else(|| match value.as_str() {
        Some(text) => format!("there is no \"{text}\"; there are {}", names.join(", ")),
        None => format!("must be in quotes one of {}", names.join(", ")),
    })
}

impl Value for Action {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        named(value, &Self::ALL.map(Self::as_str), Self::parse)
    }
}

impl Value for Measure {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        named(value, &Self::ALL.map(Self::as_str), Self::parse)
    }
}

impl Value for AtCap {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        named(value, &["refuse", "partial"], |text| match text {
            "refuse" => Some(Self::Refuse),
            "partial" => Some(Self::Partial),
            _ => None,
        })
    }
}

impl Value for TeamScoring {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        named(value, &["sum", "mean", "adjusted"], |text| match text {
            "sum" => Some(Self::Sum),
            "mean" => Some(Self::Mean),
            "adjusted" => Some(Self::Adjusted),
            _ => None,
        })
    }
}

impl Value for Transfer {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        named(value, &["follow", "stay"], |text| match text {
            "follow" => Some(Self::Follow),
            "stay" => Some(Self::Stay),
            _ => None,
        })
    }
}
