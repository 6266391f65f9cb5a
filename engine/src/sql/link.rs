//! Sending statements over a connection to any of the three databases.

use std::fmt::Write as _;

use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{Row, Value};

/// A connection, lent for one statement.
pub(crate) enum Link<'a> {
    /// `prepares`: false behind PostgreSQL's poolers, where the next transaction may have another connection, which
    /// does not know the statement.
    Postgres {
        link: &'a mut PgConnection,
        prepares: bool,
    },
    MySql(&'a mut MySqlConnection),
    Sqlite(&'a mut SqliteConnection),
}

/// The most values of a statement that MariaDB keeps prepared: a long list takes megabytes of the server's memory.
const KEPT_VALUES: usize = 64;

/// Marks a statement as safe. Statements are put together from Pappus's own texts, column names and numbers;
/// everything that came from elsewhere is a bound [`Value`].
pub(super) fn own(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

/// A statement with its values.
macro_rules! bound {
    ($sql:expr, $values:expr, $kept:expr) => {{
        let mut query = sqlx::query(own($sql)).persistent($kept);
        for value in $values {
            query = match value {
                Value::Integer(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.as_deref().map(str::to_owned)),
                Value::Bytes(value) => query.bind(value.as_deref().map(<[u8]>::to_vec)),
                Value::Boolean(value) => query.bind(*value),
                Value::Time(value) => query.bind(*value),
                Value::Date(value) => query.bind(*value),
            };
        }
        query
    }};
}

impl<'a> Link<'a> {
    /// Returns whether a statement stays prepared after it was run.
    ///
    /// To MariaDB, closing a statement is a message without an answer. sqlx sends it without `TCP_NODELAY`, so the
    /// next statement waits for the server's delayed acknowledgement: 40 ms.
    fn is_kept(&self, values: usize) -> bool {
        match self {
            Self::Postgres { prepares, .. } => *prepares,
            Self::MySql(_) => values <= KEPT_VALUES,
            Self::Sqlite(_) => true,
        }
    }

    /// Runs a statement; returns the number of rows it changed.
    pub(crate) async fn execute(self, sql: String, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let kept = self.is_kept(values.len());
        macro_rules! execute {
            ($link:expr, $sql:expr) => {{
                let done = if values.is_empty() {
                    // Not every database accepts BEGIN as a prepared statement.
                    $link.execute(sqlx::raw_sql(own($sql))).await
                } else {
                    bound!($sql, values, kept).execute($link).await
                };
                done.map(|done| done.rows_affected())
            }};
        }
        match self {
            Self::Postgres { link, .. } => execute!(link, numbered_placeholders(&sql)),
            Self::MySql(link) => execute!(link, backticks(sql)),
            Self::Sqlite(link) => execute!(link, sql),
        }
    }

    /// Sends a statement and streams its rows, so that memory use does not depend on their number.
    pub(crate) fn stream(self, sql: String, values: &[Value<'_>]) -> BoxStream<'a, Result<Row, sqlx::Error>> {
        let kept = self.is_kept(values.len());
        match self {
            Self::Postgres { link, .. } => {
                let sql = numbered_placeholders(&sql);
                bound!(sql, values, kept).fetch(link).map_ok(Row::Postgres).boxed()
            }
            Self::MySql(link) => bound!(backticks(sql), values, kept).fetch(link).map_ok(Row::MySql).boxed(),
            Self::Sqlite(link) => bound!(sql, values, kept).fetch(link).map_ok(Row::Sqlite).boxed(),
        }
    }

    /// Sends a statement; returns all its rows, for few rows only.
    pub(crate) async fn rows(self, sql: String, values: &[Value<'_>]) -> Result<Vec<Row>, sqlx::Error> {
        self.stream(sql, values).try_collect().await
    }
}

/// Numbers the placeholders for PostgreSQL.
pub(super) fn numbered_placeholders(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() * 2);
    for (index, part) in sql.split('?').enumerate() {
        if index > 0 {
            // Writing to a string cannot fail.
            _ = write!(numbered, "${index}");
        }
        numbered.push_str(part);
    }
    numbered
}

/// Replaces double quotes, used here only for names, by MySQL's backticks.
fn backticks(sql: String) -> String {
    if sql.contains('"') { sql.replace('"', "`") } else { sql }
}
