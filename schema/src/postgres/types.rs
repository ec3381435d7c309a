//! How moments and JSON stand in the binary format of Postgres, and how columns are read. No statements.

use super::errors::Trouble;
use crate::ids::{IdError, TimeMs, Version};
use bytes::{BufMut as _, BytesMut};
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

type Failed = Box<dyn Error + Sync + Send>;

/// 2000-01-01T00:00:00Z, from which Postgres counts, in milliseconds since 1970.
const EPOCH_MS: i64 = 946_684_800_000;
/// The first and the last microsecond that `timestamptz` can say (4713 BC, 294276 AD); beyond them is infinity.
const MICROS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
/// The version byte in front of JSON.
const JSONB: u8 = 1;

impl ToSql for TimeMs {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        let micros = self.0.checked_sub(EPOCH_MS).and_then(|ms| ms.checked_mul(1_000));
        let infinity = if self.0 < EPOCH_MS { i64::MIN } else { i64::MAX };
        out.put_i64(micros.filter(|micros| MICROS.contains(micros)).unwrap_or(infinity));
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for TimeMs {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        Ok(match i64::from_be_bytes(raw.try_into()?) {
            infinity @ (i64::MIN | i64::MAX) => Self(infinity),
            micros => Self(micros.div_euclid(1_000) + EPOCH_MS),
        })
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// JSON text on its way into a `jsonb` column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'a>(pub(super) &'a str);

impl ToSql for Json<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        out.put_u8(JSONB);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }

    to_sql_checked!();
}

/// JSON text out of a `jsonb` column, as Postgres writes it.
struct JsonText(String);

impl<'a> FromSql<'a> for JsonText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        match raw.split_first() {
            Some((&JSONB, text)) => Ok(Self(std::str::from_utf8(text)?.to_owned())),
            _ => Err("JSON of an unknown version".into()),
        }
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }
}

/// A column of any type that stands in Postgres as it does here.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Trouble> {
    row.try_get(column).map_err(|error| {
        damaged(
            column,
            &error
                .into_source()
                .map_or_else(String::new, |source| source.to_string()),
        )
    })
}

pub(super) fn json(row: &Row, column: usize) -> Result<String, Trouble> {
    get::<JsonText>(row, column).map(|JsonText(text)| text)
}

pub(super) fn unsigned(row: &Row, column: usize) -> Result<u64, Trouble> {
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|_| damaged(column, "a number below zero"))
}

pub(super) fn version(row: &Row, column: usize) -> Result<Version, Trouble> {
    unsigned(row, column).map(Version)
}

pub(super) fn id<T: TryFrom<u64, Error = IdError>>(row: &Row, column: usize) -> Result<T, Trouble> {
    T::try_from(unsigned(row, column)?).map_err(|error| damaged(column, &error.to_string()))
}

pub(super) fn id_or_none<T: TryFrom<u64, Error = IdError>>(row: &Row, column: usize) -> Result<Option<T>, Trouble> {
    match get::<Option<i64>>(row, column)? {
        None => Ok(None),
        Some(_) => id(row, column).map(Some),
    }
}

/// A value that no program of ours has written.
pub(super) fn damaged(column: usize, cause: &str) -> Trouble {
    Trouble::Damaged(format!("column {column}: {cause}"))
}

/// A number as Postgres stores it. Ids, versions and totals end far below the bound; anything beyond would be refused by
/// the checks of the tables, since it turns negative.
pub(super) const fn sql(number: u64) -> i64 {
    number.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(at: TimeMs) -> TimeMs {
        let mut bytes = BytesMut::new();
        at.to_sql(&Type::TIMESTAMPTZ, &mut bytes).unwrap();
        TimeMs::from_sql(&Type::TIMESTAMPTZ, &bytes).unwrap()
    }

    #[test]
    fn moments_come_back_to_the_millisecond_and_the_ends_are_infinite() {
        for ms in [
            0,
            -1,
            1,
            EPOCH_MS,
            EPOCH_MS - 1,
            1_700_000_000_123,
            253_402_300_799_999,
            -62_135_596_800_000,
        ] {
            assert_eq!(round_trip(TimeMs(ms)), TimeMs(ms));
        }
        for end in [i64::MIN, i64::MAX] {
            assert_eq!(round_trip(TimeMs(end)), TimeMs(end));
        }
        assert_eq!(round_trip(TimeMs(i64::MAX - 1)), TimeMs(i64::MAX));
    }
}
