//! A row, read by position and with forgiveness: a bad value spoils its column, never the row.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use super::clean_text;
use super::unsayable::{self, Unsayable};
use crate::domain::Timestamp;

/// A row of any of the three databases.
pub enum Row {
    /// From PostgreSQL.
    Postgres(PgRow),
    /// From MariaDB or MySQL.
    MySql(MySqlRow),
    /// From SQLite.
    Sqlite(SqliteRow),
}

/// A time or a date out of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// NULL.
    Absent,
    /// As the network can write it: of the years 1 to 9999.
    Known(T),
    /// Something else, such as infinity, a year before Christ, a day 0, or a text.
    Unsayable(Unsayable),
}

/// Reading one column; all positions count from 0.
pub trait Cell {
    /// An integer of any width.
    fn integer(&self, column: usize) -> Option<i64>;
    /// A truth value, however the database keeps it.
    fn boolean(&self, column: usize) -> Option<bool>;
    /// A text without characters that JSON or XML cannot carry; `None` for NULL.
    fn text(&self, column: usize) -> Option<String>;
    /// A point in time.
    fn time(&self, column: usize) -> Option<Timestamp>;
    /// A date, `YYYY-MM-DD`.
    fn date(&self, column: usize) -> Option<String>;

    /// A text, with empty taken as absent: what diaspora* leaves out of its entities.
    fn filled(&self, column: usize) -> Option<String> {
        self.text(column).filter(|text| !text.is_empty())
    }
}

impl Cell for Row {
    fn integer(&self, column: usize) -> Option<i64> {
        match self {
            Self::Postgres(row) => match row.try_get_raw(column).ok()?.type_info().name() {
                "INT8" => row.try_get::<i64, _>(column).ok(),
                "INT2" => row.try_get::<i16, _>(column).ok().map(i64::from),
                _ => row.try_get::<i32, _>(column).ok().map(i64::from),
            },
            Self::MySql(row) => row.try_get_unchecked::<i64, _>(column).ok(),
            Self::Sqlite(row) => row.try_get_unchecked::<Option<i64>, _>(column).ok().flatten(),
        }
    }

    fn boolean(&self, column: usize) -> Option<bool> {
        match self {
            Self::Postgres(row) => row.try_get::<bool, _>(column).ok(),
            Self::MySql(row) => row.try_get_unchecked::<i64, _>(column).ok().map(|value| value != 0),
            Self::Sqlite(row) => {
                // Older Rails wrote 't' and 'f' into SQLite.
                let raw = row.try_get_raw(column).ok().filter(|value| !value.is_null())?;
                match raw.type_info().name() {
                    "TEXT" => row.try_get_unchecked::<&str, _>(column).ok().map(|v| v == "t" || v == "1"),
                    _ => row.try_get_unchecked::<i64, _>(column).ok().map(|value| value != 0),
                }
            }
        }
    }

    fn text(&self, column: usize) -> Option<String> {
        let bytes: Option<&[u8]> = match self {
            Self::Postgres(row) => row.try_get_unchecked(column).ok()?,
            Self::MySql(row) => row.try_get_unchecked(column).ok()?,
            Self::Sqlite(row) => row.try_get_unchecked(column).ok()?,
        };
        bytes.map(clean_text)
    }

    fn time(&self, column: usize) -> Option<Timestamp> {
        let time = match self {
            Self::Postgres(row) => postgres_time(row, column),
            Self::MySql(row) => row.try_get_unchecked::<NaiveDateTime, _>(column).ok(),
            Self::Sqlite(row) => row.try_get_unchecked::<Option<NaiveDateTime>, _>(column).ok().flatten(),
        };
        time.filter(|time| YEARS.contains(&time.year())).map(Timestamp::from_utc)
    }

    fn date(&self, column: usize) -> Option<String> {
        let date = match self {
            Self::Postgres(row) => postgres_date(row, column),
            Self::MySql(row) => row.try_get_unchecked::<NaiveDate, _>(column).ok(),
            Self::Sqlite(row) => row.try_get_unchecked::<Option<NaiveDate>, _>(column).ok().flatten(),
        };
        let date = date.filter(|date| YEARS.contains(&date.year()));
        date.map(|date| date.format("%Y-%m-%d").to_string())
    }
}

/// The years that the network's form of a time, and of a date, has room for.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// PostgreSQL's day 0 in days after 1970-01-01.
pub(super) const POSTGRES_EPOCH_DAYS: i64 = 10_957;

/// PostgreSQL sends microseconds since 2000-01-01, with the largest and smallest number for infinity, on which
/// the library's own decoder panics.
fn postgres_time(row: &PgRow, column: usize) -> Option<NaiveDateTime> {
    let bytes = row.try_get_raw(column).ok()?.as_bytes().ok()?.try_into().ok()?;
    let micros = i64::from_be_bytes(bytes).checked_add(POSTGRES_EPOCH_DAYS * 86_400_000_000)?;
    DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc())
}

/// The same for days.
fn postgres_date(row: &PgRow, column: usize) -> Option<NaiveDate> {
    let bytes = row.try_get_raw(column).ok()?.as_bytes().ok()?.try_into().ok()?;
    let days = i64::from(i32::from_be_bytes(bytes)) + POSTGRES_EPOCH_DAYS;
    DateTime::from_timestamp(days * 86_400, 0).map(|time| time.date_naive())
}

impl Row {
    /// A point in time, or why it is none.
    pub fn time_reading(&self, column: usize) -> Reading<Timestamp> {
        self.time(column).map_or_else(|| self.unsayable(column), Reading::Known)
    }

    /// A date, or why it is none.
    pub fn date_reading(&self, column: usize) -> Reading<String> {
        self.date(column).map_or_else(|| self.unsayable(column), Reading::Known)
    }

    /// What a column holds that is neither a time nor a date.
    fn unsayable<T>(&self, column: usize) -> Reading<T> {
        let held = match self {
            Self::Postgres(row) => row.try_get_raw(column).ok().and_then(|value| {
                let bytes = value.as_bytes().ok()?;
                Some(unsayable::of_postgres(bytes))
            }),
            // Asked for a time, the library takes day 0 for NULL; the bytes tell them apart.
            Self::MySql(row) => row.try_get_unchecked::<&[u8], _>(column).ok().map(unsayable::of_mysql),
            Self::Sqlite(row) => row
                .try_get_unchecked::<Option<&[u8]>, _>(column)
                .ok()
                .flatten()
                .map(|bytes| unsayable::of_text(&clean_text(bytes))),
        };
        held.map_or(Reading::Absent, Reading::Unsayable)
    }

    /// How many columns it has.
    pub fn width(&self) -> usize {
        match self {
            Self::Postgres(row) => row.len(),
            Self::MySql(row) => row.len(),
            Self::Sqlite(row) => row.len(),
        }
    }

    /// Whether the column is NULL.
    pub fn is_null(&self, column: usize) -> bool {
        match self {
            Self::Postgres(row) => row.try_get_raw(column).is_ok_and(|value| value.is_null()),
            Self::MySql(row) => row.try_get_raw(column).is_ok_and(|value| value.is_null()),
            Self::Sqlite(row) => row.try_get_raw(column).is_ok_and(|value| value.is_null()),
        }
    }
}
