//! A connection that writes to a pod's database in short transactions.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use super::columns::{ColumnLimits, Held};
use super::error::{Caller, statement_error};
use super::snapshot::{Access, Link, backticks, connect, is_kept, numbered_placeholders, within_time};
use super::{DatabaseError, Row};
use crate::domain::Timestamp;
use crate::pod::config::{DatabaseUrl, Dialect};

/// A value for a column. Typed also when NULL, as PostgreSQL requires.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A row ID or a count.
    Integer(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// A boolean.
    Boolean(Option<bool>),
    /// A point in time.
    Time(Option<NaiveDateTime>),
    /// A date.
    Date(Option<NaiveDate>),
}

impl Value {
    fn postgres_type(&self) -> &'static str {
        match self {
            Self::Integer(_) => "bigint",
            Self::Text(_) => "text",
            Self::Boolean(_) => "boolean",
            Self::Time(_) => "timestamp",
            Self::Date(_) => "date",
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(Some(value))
    }
}

impl From<Option<bool>> for Value {
    fn from(value: Option<bool>) -> Self {
        Self::Boolean(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Time(Some(value.to_utc()))
    }
}

impl From<Option<NaiveDate>> for Value {
    fn from(value: Option<NaiveDate>) -> Self {
        Self::Date(value)
    }
}

/// The action when a row already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The statement fails.
    Fail,
    /// The existing row stays unchanged.
    Ignore,
}

macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Integer(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.clone()),
                Value::Boolean(value) => query.bind(*value),
                Value::Time(value) => query.bind(*value),
                Value::Date(value) => query.bind(*value),
            };
        }
        query
    }};
}

/// A writable connection. Everything between [`PodWriter::begin`] and [`PodWriter::commit`] is atomic.
pub struct PodWriter {
    link: Link,
    dialect: Dialect,
    caller: Caller,
    columns: Option<Arc<ColumnLimits>>,
}

/// The most values in one statement; SQLite's limit is 32,766.
const MAX_VALUES: usize = 30_000;

impl PodWriter {
    /// Connects to the database.
    ///
    /// # Errors
    /// [`DatabaseError::Address`] and [`DatabaseError::Unreachable`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        let link = within_time(url, connect(url, Access::Write)).await?;
        let caller = Caller::writer(url);
        Ok(Self { link, dialect: url.dialect(), caller, columns: None })
    }

    /// Recovers an SQLite file after a writer was killed; a read-only connection cannot, and would fail. Other
    /// databases recover by themselves.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn recover_sqlite_journal(url: &DatabaseUrl) -> Result<(), DatabaseError> {
        if url.dialect() == Dialect::Sqlite {
            let mut pod = Self::open(url).await?;
            pod.rows("the database", "SELECT COUNT(*) FROM sqlite_master".to_owned(), &[]).await?;
        }
        Ok(())
    }

    /// Connects and starts a transaction in which the database itself rejects every change.
    ///
    /// # Errors
    /// [`DatabaseError::Address`] and [`DatabaseError::Unreachable`].
    pub async fn open_read_only(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        let link = within_time(url, connect(url, Access::Read)).await?;
        let caller = Caller::reader(url);
        let mut pod = Self { link, dialect: url.dialect(), caller, columns: None };
        let begin = match pod.dialect {
            Dialect::PostgreSql => "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Dialect::MySql => "START TRANSACTION READ ONLY",
            // The connection was opened read-only.
            Dialect::Sqlite => "BEGIN",
        };
        pod.run("the beginning of a transaction", begin.to_owned(), &[]).await?;
        Ok(pod)
    }

    /// Returns the kind of database.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the columns' capacity; queried once.
    ///
    /// # Errors
    /// [`DatabaseError::CharacterSet`] and [`DatabaseError::Statement`].
    pub(crate) async fn columns(&mut self) -> Result<Arc<ColumnLimits>, DatabaseError> {
        if let Some(columns) = &self.columns {
            return Ok(Arc::clone(columns));
        }
        let rows = match ColumnLimits::statement(self.dialect) {
            Some(sql) => self.rows("what the columns hold", sql.to_owned(), &[]).await?,
            None => Vec::new(),
        };
        if let Some((table, set)) = ColumnLimits::unsupported(self.dialect, &rows) {
            return Err(DatabaseError::character_set(self.dialect, &table, set));
        }
        let columns = Arc::new(ColumnLimits::new(self.dialect, &rows));
        self.columns = Some(Arc::clone(&columns));
        Ok(columns)
    }

    /// Starts a transaction.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn begin(&mut self) -> Result<(), DatabaseError> {
        // A plain BEGIN would detect SQLite's other writers only at the first write.
        let sql = if self.dialect == Dialect::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.run("the beginning of a transaction", sql.to_owned(), &[]).await.map(drop)
    }

    /// Commits everything since [`PodWriter::begin`].
    ///
    /// # Errors
    /// [`DatabaseError::Statement`]; then nothing is committed.
    pub async fn commit(&mut self) -> Result<(), DatabaseError> {
        self.run("the end of a transaction", "COMMIT".to_owned(), &[]).await.map(drop)
    }

    /// Runs a statement and returns the number of rows changed.
    ///
    /// `sql` contains only Pappus's own numbers, or `?` for `values`.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn run(
        &mut self,
        what: &'static str,
        sql: String,
        values: &[Value],
    ) -> Result<u64, DatabaseError> {
        let persistent = self.dialect == Dialect::Sqlite || is_kept(self.dialect, values.len());
        macro_rules! run {
            ($link:expr, $sql:expr) => {{
                if values.is_empty() {
                    // Not every database accepts BEGIN as a prepared statement.
                    $link.execute(sqlx::raw_sql(AssertSqlSafe($sql))).await
                } else {
                    bind!(sqlx::query(AssertSqlSafe($sql)).persistent(persistent), values)
                        .execute($link)
                        .await
                }
                .map(|done| done.rows_affected())
                .map_err(statement_error(what, self.caller.clone()))
            }};
        }
        match &mut self.link {
            Link::Postgres(link) => run!(link, numbered_placeholders(&sql)),
            Link::MySql(link) => run!(link, backticks(sql)),
            Link::Sqlite(link) => run!(link, sql),
        }
    }

    /// Returns all rows of a statement, for few rows only.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn rows(
        &mut self,
        what: &'static str,
        sql: String,
        values: &[Value],
    ) -> Result<Vec<Row>, DatabaseError> {
        let persistent = is_kept(self.dialect, values.len());
        macro_rules! rows {
            ($link:expr, $variant:path, $sql:expr) => {{
                let query = bind!(sqlx::query(AssertSqlSafe($sql)).persistent(persistent), values);
                query
                    .fetch($link)
                    .map_ok($variant)
                    .map_err(statement_error(what, self.caller.clone()))
                    .try_collect()
                    .await
            }};
        }
        match &mut self.link {
            Link::Postgres(link) => rows!(link, Row::Postgres, numbered_placeholders(&sql)),
            Link::MySql(link) => rows!(link, Row::MySql, backticks(sql)),
            Link::Sqlite(link) => rows!(link, Row::Sqlite, sql),
        }
    }

    /// Returns the rows for a list of texts of any length: `sql` has `IN ({})` in place of the list.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn rows_in<T: AsRef<str> + Sync>(
        &mut self,
        what: &'static str,
        sql: &str,
        texts: &[T],
    ) -> Result<Vec<Row>, DatabaseError> {
        if let Link::Postgres(link) = &mut self.link {
            // One array keeps the statement constant, so it is parsed and planned once.
            let sql = numbered_placeholders(&sql.replace("IN ({})", "= ANY(?)"));
            let texts: Vec<String> = texts.iter().map(|text| text.as_ref().to_owned()).collect();
            if texts.is_empty() {
                return Ok(Vec::new());
            }
            let query = sqlx::query(AssertSqlSafe(sql)).persistent(false).bind(texts);
            return query
                .fetch(link)
                .map_ok(Row::Postgres)
                .map_err(statement_error(what, self.caller.clone()))
                .try_collect()
                .await;
        }
        let mut rows = Vec::new();
        for chunk in texts.chunks(1000) {
            let values: Vec<Value> = chunk.iter().map(|text| text.as_ref().into()).collect();
            rows.extend(self.rows(what, sql.replace("{}", &places(chunk.len())), &values).await?);
        }
        Ok(rows)
    }

    /// Inserts many rows with as few statements as possible, and returns the number inserted. Texts are truncated and
    /// characters replaced to fit the columns; to report that, check [`PodWriter::columns`] before.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&str],
        mut rows: Vec<Vec<Value>>,
        existing: OnConflict,
    ) -> Result<u64, DatabaseError> {
        let held = self.columns().await?;
        let held: Vec<_> = columns.iter().map(|column| held.of(table, column)).collect();
        for (column, value) in rows.iter_mut().flat_map(|row| held.iter().zip(row)) {
            if let Value::Text(Some(text)) = value
                && let Held { text: held, cut, replaced } = column.hold(text)
                && (cut || replaced)
            {
                *text = held.into_owned();
            }
        }
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let row = format!("({})", places(columns.len()));
        let first = columns.first().copied().unwrap_or_default();
        let conflict = match (existing, self.dialect) {
            (OnConflict::Fail, _) => String::new(),
            (OnConflict::Ignore, Dialect::MySql) => {
                format!(" ON DUPLICATE KEY UPDATE \"{first}\" = {table}.\"{first}\"")
            }
            (OnConflict::Ignore, _) => " ON CONFLICT DO NOTHING".to_owned(),
        };
        if let Link::Postgres(link) = &mut self.link {
            let Some(kinds) = rows.first() else { return Ok(0) };
            let arrays: Vec<String> =
                (1..).zip(kinds).map(|(n, kind)| format!("${n}::{}[]", kind.postgres_type())).collect();
            let arrays = arrays.join(", ");
            let sql = format!("INSERT INTO {table} ({names}) SELECT * FROM UNNEST({arrays}){conflict}");
            return insert_arrays(link, sql, rows).await.map_err(statement_error(table, self.caller.clone()));
        }
        let mut new = 0;
        for chunk in rows.chunks((MAX_VALUES / columns.len().max(1)).max(1)) {
            let list = vec![row.as_str(); chunk.len()].join(", ");
            let values: Vec<Value> = chunk.iter().flatten().cloned().collect();
            let sql = format!("INSERT INTO {table} ({names}) VALUES {list}{conflict}");
            new += self.run(table, sql, &values).await?;
        }
        Ok(new)
    }
}

/// Sends each column as one array, which PostgreSQL parses many times faster than single values.
async fn insert_arrays(
    link: &mut PgConnection,
    sql: String,
    rows: Vec<Vec<Value>>,
) -> Result<u64, sqlx::Error> {
    let mut columns: Vec<Vec<Value>> = Vec::new();
    for row in rows {
        columns.resize_with(columns.len().max(row.len()), Vec::new);
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for column in columns {
        macro_rules! array {
            ($kind:path) => {
                query.bind(
                    column
                        .into_iter()
                        .map(|value| match value {
                            $kind(value) => Ok(value),
                            _ => Err(sqlx::Error::Encode("values of two types in one column".into())),
                        })
                        .collect::<Result<Vec<_>, _>>()?,
                )
            };
        }
        query = match column.first() {
            Some(Value::Integer(_)) => array!(Value::Integer),
            Some(Value::Boolean(_)) => array!(Value::Boolean),
            Some(Value::Time(_)) => array!(Value::Time),
            Some(Value::Date(_)) => array!(Value::Date),
            Some(Value::Text(_)) | None => array!(Value::Text),
        };
    }
    Ok(query.execute(link).await?.rows_affected())
}

/// Returns placeholders: `?, ?, ?`
fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}
