//! Sending statements over a connection to any of the three databases.

use std::fmt::Write as _;

use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{Row, Value};

/// A connection, borrowed for one statement.
pub(crate) enum Link<'a> {
    /// PostgreSQL. `prepares` is false if a connection pooler is used: the next transaction may have another
    /// connection, which does not know the prepared statement.
    Postgres {
        link: &'a mut PgConnection,
        prepares: bool,
    },
    MySql(&'a mut MySqlConnection),
    Sqlite(&'a mut SqliteConnection),
}

/// The maximum number of values of a statement that stays prepared in MariaDB, since each long one needs megabytes of
/// the server's memory.
const MAX_PREPARED_VALUES: usize = 64;

/// Marks a statement as safe. Statements consist of Pappus's own texts, column names and numbers; all other data are
/// bound [`Value`]s.
pub(super) fn trusted(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

/// Creates a query from a statement and its values.
macro_rules! bound {
    ($sql:expr, $values:expr, $persistent:expr) => {{
        let mut query = sqlx::query(trusted($sql)).persistent($persistent);
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
    /// MariaDB does not answer the message that closes a statement. sqlx sends it without `TCP_NODELAY`, so the next
    /// statement waits 40 ms for the server's delayed acknowledgement.
    fn stays_prepared(&self, values: usize) -> bool {
        match self {
            Self::Postgres { prepares, .. } => *prepares,
            Self::MySql(_) => values <= MAX_PREPARED_VALUES,
            Self::Sqlite(_) => true,
        }
    }

    /// Runs a statement; returns the number of rows it changed.
    pub(crate) async fn execute(self, sql: String, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let persistent = self.stays_prepared(values.len());
        macro_rules! execute {
            ($link:expr, $sql:expr) => {{
                let result = if values.is_empty() {
                    // Some databases do not accept BEGIN as a prepared statement.
                    $link.execute(sqlx::raw_sql(trusted($sql))).await
                } else {
                    bound!($sql, values, persistent).execute($link).await
                };
                result.map(|outcome| outcome.rows_affected())
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
        let persistent = self.stays_prepared(values.len());
        match self {
            Self::Postgres { link, .. } => {
                let sql = numbered_placeholders(&sql);
                bound!(sql, values, persistent).fetch(link).map_ok(Row::Postgres).boxed()
            }
            Self::MySql(link) => {
                bound!(backticks(sql), values, persistent).fetch(link).map_ok(Row::MySql).boxed()
            }
            Self::Sqlite(link) => bound!(sql, values, persistent).fetch(link).map_ok(Row::Sqlite).boxed(),
        }
    }

    /// Sends a statement, and returns all its rows. They must be few, since all are in memory.
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

/// Replaces double quotes, which only enclose names in statements, with MySQL's backticks.
fn backticks(sql: String) -> String {
    if sql.contains('"') { sql.replace('"', "`") } else { sql }
}
