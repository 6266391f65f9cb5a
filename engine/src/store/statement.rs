//! Statements that both databases of the store understand, their values and their rows.

use std::borrow::Cow;
use std::str::FromStr;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type};

use super::StoreError;
use crate::pod::database::numbered_placeholders;

/// One value of a statement, in the place of a `?`.
///
/// The kinds are those that mean the same in both databases; numbers are BIGINT, texts TEXT.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// A number, or NULL.
    Integer(Option<i64>),
    /// A text, or NULL.
    Text(Option<Cow<'a, str>>),
    /// Bytes, or NULL.
    Bytes(Option<Cow<'a, [u8]>>),
}

macro_rules! value_from {
    ($($from:ty => $value:ident, $make:expr;)*) => {$(
        impl<'a> From<$from> for Value<'a> {
            fn from(value: $from) -> Self {
                let make: fn($from) -> _ = $make;
                Self::$value(make(value))
            }
        }
    )*};
}

value_from! {
    i64 => Integer, Some;
    Option<i64> => Integer, |value| value;
    &'a str => Text, |value| Some(Cow::Borrowed(value));
    &'a String => Text, |value| Some(Cow::Borrowed(value.as_str()));
    String => Text, |value| Some(Cow::Owned(value));
    Option<&'a str> => Text, |value| value.map(Cow::Borrowed);
    Option<String> => Text, |value| value.map(Cow::Owned);
    &'a [u8] => Bytes, |value| Some(Cow::Borrowed(value));
    Vec<u8> => Bytes, |value| Some(Cow::Owned(value));
}

/// A type that a column of either database can be read as: `i64`, `String`, `Vec<u8>` and the `Option` of each.
pub trait Column<'r>: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {}

impl<'r, T> Column<'r> for T where T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{}

/// A row of the store, read by position.
pub enum StoreRow {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl StoreRow {
    /// Returns the value of a column, counted from 0.
    ///
    /// # Errors
    /// [`StoreError::Column`] when there is no such column or it holds something else.
    pub fn get<'r, T: Column<'r>>(&'r self, column: usize) -> Result<T, StoreError>
    where
        usize: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| StoreError::Column { column, reason: error.to_string() })
    }

    /// Returns the value of a column that holds one of a type's names.
    ///
    /// # Errors
    /// [`StoreError::Column`] when there is no such column or it holds something else.
    pub fn named<T: FromStr>(&self, column: usize) -> Result<T, StoreError> {
        let name: String = self.get(column)?;
        name.parse().map_err(|_| StoreError::Column { column, reason: format!("{name:?} is unknown") })
    }
}

/// A connection of either kind that a statement can be sent over.
pub(super) enum Link<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// A statement for one of the two databases, with its values.
macro_rules! query {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for value in $values {
            query = match value {
                Value::Integer(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.as_deref().map(str::to_owned)),
                Value::Bytes(value) => query.bind(value.as_deref().map(<[u8]>::to_vec)),
            };
        }
        query
    }};
}

impl Link<'_> {
    /// Sends a statement; returns the number of rows it changed.
    pub(super) async fn execute(
        self,
        what: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let done = match self {
            Self::Sqlite(link) => {
                query!(sql.to_owned(), values).execute(link).await.map(|done| done.rows_affected())
            }
            Self::Postgres(link) => query!(numbered_placeholders(sql), values)
                .execute(link)
                .await
                .map(|done| done.rows_affected()),
        };
        done.map_err(|error| StoreError::statement(what, &error))
    }

    /// Sends a statement; returns all its rows.
    pub(super) async fn rows(
        self,
        what: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<StoreRow>, StoreError> {
        let rows = match self {
            Self::Sqlite(link) => query!(sql.to_owned(), values)
                .fetch_all(link)
                .await
                .map(|rows| rows.into_iter().map(StoreRow::Sqlite).collect()),
            Self::Postgres(link) => query!(numbered_placeholders(sql), values)
                .fetch_all(link)
                .await
                .map(|rows| rows.into_iter().map(StoreRow::Postgres).collect()),
        };
        rows.map_err(|error| StoreError::statement(what, &error))
    }
}
