//! Tolerant reading of rows by column name: an invalid value affects only its column, not the row.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex as _, Decode, Postgres, Row as _, Sqlite, Type, TypeInfo as _, ValueRef as _};

use super::unsayable::{self, UnrepresentableTime};
use super::{clean_text, numbers};
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

/// A time or date read from a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// NULL.
    Absent,
    /// A time or date that the protocol can represent, in the years 1 to 9999.
    Known(T),
    /// Another value, such as infinity, a year BC, a day 0, or a text.
    UnrepresentableTime(UnrepresentableTime),
}

impl Row {
    /// Reads a whole number from a column with numbers of any type, or from a text of digits.
    pub fn integer(&self, column: &str) -> Option<i64> {
        self.integer_at(self.column_index(column)?)
    }

    /// Reads a boolean in the form of any of the databases, or from a text such as `true`.
    pub fn boolean(&self, column: &str) -> Option<bool> {
        let index = self.column_index(column)?;
        match self {
            Self::Postgres(row) if matches!(row.try_get_raw(index).ok()?.type_info().name(), "BOOL") => {
                row.try_get(index).ok()
            }
            _ => match self.integer_at(index) {
                Some(value) => Some(value != 0),
                None => parse_boolean_word(&self.text_at(index)?),
            },
        }
    }

    /// Reads a text without characters that JSON or XML cannot represent; `None` for NULL.
    pub fn text(&self, column: &str) -> Option<String> {
        self.text_at(self.column_index(column)?)
    }

    /// Reads a text; returns `None` for an empty one, which diaspora* omits from its entities.
    pub fn non_empty_text(&self, column: &str) -> Option<String> {
        self.text(column).filter(|text| !text.is_empty())
    }

    /// Reads a point in time.
    pub fn time(&self, column: &str) -> Option<Timestamp> {
        self.time_at(self.column_index(column)?)
    }

    /// Reads a date, `YYYY-MM-DD`.
    pub fn date(&self, column: &str) -> Option<String> {
        self.date_at(self.column_index(column)?)
    }

    /// Returns the index of a column. If the statement does not select it, that is a bug in Pappus: debug builds panic.
    fn column_index(&self, column: &str) -> Option<usize> {
        let index = match self {
            Self::Postgres(row) => column.index(row),
            Self::MySql(row) => column.index(row),
            Self::Sqlite(row) => column.index(row),
        };
        debug_assert!(index.is_ok(), "no column {column}");
        index.ok()
    }

    fn integer_at(&self, column: usize) -> Option<i64> {
        match self {
            Self::Postgres(row) => numbers::of_postgres(row, column),
            Self::MySql(row) => numbers::of_mysql(row, column),
            Self::Sqlite(row) => numbers::of_sqlite(row, column),
        }
    }

    fn text_at(&self, column: usize) -> Option<String> {
        let bytes: Option<&[u8]> = match self {
            Self::Postgres(row) => row.try_get_unchecked(column).ok()?,
            Self::MySql(row) => row.try_get_unchecked(column).ok()?,
            Self::Sqlite(row) => row.try_get_unchecked(column).ok()?,
        };
        bytes.map(clean_text)
    }

    fn time_at(&self, column: usize) -> Option<Timestamp> {
        let time = match self {
            Self::Postgres(row) => postgres_time(row, column),
            Self::MySql(row) => row.try_get_unchecked::<NaiveDateTime, _>(column).ok(),
            Self::Sqlite(row) => row.try_get_unchecked::<Option<NaiveDateTime>, _>(column).ok().flatten(),
        };
        time.filter(|time| YEARS.contains(&time.year())).map(Timestamp::from_utc)
    }

    fn date_at(&self, column: usize) -> Option<String> {
        let date = match self {
            Self::Postgres(row) => postgres_date(row, column),
            Self::MySql(row) => row.try_get_unchecked::<NaiveDate, _>(column).ok(),
            Self::Sqlite(row) => row.try_get_unchecked::<Option<NaiveDate>, _>(column).ok().flatten(),
        };
        let date = date.filter(|date| YEARS.contains(&date.year()));
        date.map(|date| date.format("%Y-%m-%d").to_string())
    }

    /// Reads a column of Pappus's own tables.
    ///
    /// # Errors
    /// The reason, if there is no such column or it contains a value of another type.
    pub(crate) fn strict<'r, T>(&'r self, column: &str) -> Result<T, String>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Postgres(row) => row.try_get(column).map_err(|error| error.to_string()),
            Self::Sqlite(row) => row.try_get(column).map_err(|error| error.to_string()),
            Self::MySql(_) => Err("Pappus's own database is never on MariaDB or MySQL".to_owned()),
        }
    }

    /// Reads a point in time, or a value that is not a representable time.
    pub fn time_reading(&self, column: &str) -> Reading<Timestamp> {
        let Some(index) = self.column_index(column) else { return Reading::Absent };
        self.time_at(index).map_or_else(|| self.unrepresentable(index), Reading::Known)
    }

    /// Reads a date, or a value that is not a representable date.
    pub fn date_reading(&self, column: &str) -> Reading<String> {
        let Some(index) = self.column_index(column) else { return Reading::Absent };
        self.date_at(index).map_or_else(|| self.unrepresentable(index), Reading::Known)
    }

    /// Returns a description of a column's value, for people.
    pub fn display_value(&self, column: &str) -> String {
        let number = match self {
            Self::Postgres(row) => row
                .try_get::<f64, _>(column)
                .ok()
                .or_else(|| row.try_get::<f32, _>(column).ok().map(f64::from)),
            Self::MySql(row) => row.try_get::<f64, _>(column).ok(),
            Self::Sqlite(row) => row.try_get::<f64, _>(column).ok(),
        };
        let is_text = match self {
            Self::Postgres(row) => row.try_get::<&str, _>(column).is_ok(),
            Self::MySql(_) | Self::Sqlite(_) => number.is_none(),
        };
        match (number, self.text(column)) {
            (Some(number), _) => number.to_string(),
            (None, Some(text)) if is_text => unsayable::quoted(&text),
            _ => "a value that cannot be shown".to_owned(),
        }
    }

    /// Reads a value that is neither a representable time nor a representable date.
    fn unrepresentable<T>(&self, column: usize) -> Reading<T> {
        let value = match self {
            Self::Postgres(row) => row.try_get_raw(column).ok().and_then(|value| {
                let bytes = value.as_bytes().ok()?;
                Some(unsayable::of_postgres(bytes))
            }),
            // sqlx decodes a time with day 0 as NULL; the raw bytes differ.
            Self::MySql(row) => row.try_get_unchecked::<&[u8], _>(column).ok().map(unsayable::of_mysql),
            Self::Sqlite(row) => row
                .try_get_unchecked::<Option<&[u8]>, _>(column)
                .ok()
                .flatten()
                .map(|bytes| unsayable::of_text(&clean_text(bytes))),
        };
        value.map_or(Reading::Absent, Reading::UnrepresentableTime)
    }

    /// Returns the bytes of all values as they came from the database.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Postgres(row) => {
                let bytes = |at| row.try_get_raw(at).ok()?.as_bytes().ok().map(<[u8]>::len);
                (0..row.len()).filter_map(bytes).sum()
            }
            Self::MySql(row) => {
                let bytes =
                    |at| row.try_get_unchecked::<Option<&[u8]>, _>(at).ok().flatten().map(<[u8]>::len);
                (0..row.len()).filter_map(bytes).sum()
            }
            Self::Sqlite(row) => {
                let bytes = |at| {
                    let value = row.try_get_raw(at).ok().filter(|value| !value.is_null())?;
                    // SQLite would turn numbers into texts, for later reads as well.
                    let is_number = !matches!(value.type_info().name(), "TEXT" | "BLOB");
                    if is_number { Some(8) } else { row.try_get_unchecked(at).ok().map(<[u8]>::len) }
                };
                (0..row.len()).filter_map(bytes).sum()
            }
        }
    }

    /// Returns whether the column is NULL.
    pub fn is_null(&self, column: &str) -> bool {
        let Some(index) = self.column_index(column) else { return false };
        match self {
            Self::Postgres(row) => row.try_get_raw(index).is_ok_and(|value| value.is_null()),
            Self::MySql(row) => row.try_get_raw(index).is_ok_and(|value| value.is_null()),
            Self::Sqlite(row) => row.try_get_raw(index).is_ok_and(|value| value.is_null()),
        }
    }
}

/// Parses the words that databases and Rails use for booleans; earlier versions of Rails used 't' and 'f'.
fn parse_boolean_word(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" => Some(true),
        "f" | "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The years that the protocol's times and dates can represent.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// PostgreSQL's epoch, 2000-01-01, in days since 1970-01-01.
pub(super) const POSTGRES_EPOCH_DAYS: i64 = 10_957;

/// Decodes PostgreSQL's microseconds since 2000-01-01. The largest and the smallest number mean infinity and -infinity,
/// for which sqlx's own decoder panics.
fn postgres_time(row: &PgRow, column: usize) -> Option<NaiveDateTime> {
    let bytes = row.try_get_raw(column).ok()?.as_bytes().ok()?.try_into().ok()?;
    let micros = i64::from_be_bytes(bytes).checked_add(POSTGRES_EPOCH_DAYS * 86_400_000_000)?;
    DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc())
}

/// Decodes PostgreSQL's days since 2000-01-01.
fn postgres_date(row: &PgRow, column: usize) -> Option<NaiveDate> {
    let bytes = row.try_get_raw(column).ok()?.as_bytes().ok()?.try_into().ok()?;
    let days = i64::from(i32::from_be_bytes(bytes)) + POSTGRES_EPOCH_DAYS;
    DateTime::from_timestamp(days * 86_400, 0).map(|time| time.date_naive())
}
