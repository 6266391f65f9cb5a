//! A connection that writes to a pod's database in short transactions.

use std::sync::Arc;

use super::DatabaseError;
use super::columns::{ColumnLimits, FittedText};
use super::connection::{Access, Connection, connect, within_time};
use super::error::{Caller, statement_error};
use crate::sql::{DatabaseUrl, Dialect, Row, Value, arrays, placeholders};

/// The action when a row already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The statement fails.
    Fail,
    /// The existing row stays unchanged.
    Ignore,
}

/// A writable connection. Everything between [`PodWriter::begin`] and [`PodWriter::commit`] is atomic.
pub struct PodWriter {
    connection: Connection,
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
        let connection = within_time(url, connect(url, Access::Write)).await?;
        Ok(Self { connection, caller: Caller::writer(url), columns: None })
    }

    /// Recovers an SQLite file after a writer was killed; a read-only connection cannot do this, and would fail.
    /// Other databases recover by themselves.
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
        let connection = within_time(url, connect(url, Access::Read)).await?;
        let mut pod = Self { connection, caller: Caller::reader(url), columns: None };
        let begin = match pod.dialect() {
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
        self.connection.dialect()
    }

    /// Returns the columns' capacity; queried once.
    ///
    /// # Errors
    /// [`DatabaseError::CharacterSet`] and [`DatabaseError::Statement`].
    pub(crate) async fn columns(&mut self) -> Result<Arc<ColumnLimits>, DatabaseError> {
        if let Some(columns) = &self.columns {
            return Ok(Arc::clone(columns));
        }
        let rows = match ColumnLimits::statement(self.dialect()) {
            Some(sql) => self.rows("the columns' limits", sql.to_owned(), &[]).await?,
            None => Vec::new(),
        };
        if let Some((table, set)) = ColumnLimits::unsupported(self.dialect(), &rows) {
            return Err(DatabaseError::character_set(self.dialect(), &table, set));
        }
        let columns = Arc::new(ColumnLimits::new(self.dialect(), &rows));
        self.columns = Some(Arc::clone(&columns));
        Ok(columns)
    }

    /// Starts a transaction.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn begin(&mut self) -> Result<(), DatabaseError> {
        // A plain BEGIN would detect SQLite's other writers only at the first write.
        let sql = if self.dialect() == Dialect::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
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
        subject: &'static str,
        sql: String,
        values: &[Value<'_>],
    ) -> Result<u64, DatabaseError> {
        let result = self.connection.link().execute(sql, values).await;
        result.map_err(statement_error(subject, self.caller.clone()))
    }

    /// Returns all rows of a statement, for few rows only.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn rows(
        &mut self,
        subject: &'static str,
        sql: String,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, DatabaseError> {
        let rows = self.connection.link().rows(sql, values).await;
        rows.map_err(statement_error(subject, self.caller.clone()))
    }

    /// Returns the rows for a list of texts of any length: `sql` has `IN ({})` in place of the list.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn rows_in<T: AsRef<str> + Sync>(
        &mut self,
        subject: &'static str,
        sql: &str,
        texts: &[T],
    ) -> Result<Vec<Row>, DatabaseError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        if let Connection::Postgres(link) = &mut self.connection {
            let sql = sql.replace("IN ({})", "= ANY(?)");
            let texts = texts.iter().map(|text| text.as_ref().to_owned()).collect();
            let rows = arrays::rows_of_any(link, &sql, texts).await;
            return rows.map_err(statement_error(subject, self.caller.clone()));
        }
        let mut rows = Vec::new();
        for chunk in texts.chunks(1000) {
            let values: Vec<Value<'_>> = chunk.iter().map(|text| text.as_ref().into()).collect();
            rows.extend(self.rows(subject, sql.replace("{}", &placeholders(chunk.len())), &values).await?);
        }
        Ok(rows)
    }

    /// Inserts many rows with as few statements as possible, and returns the number inserted. Texts are truncated and
    /// characters replaced to fit the columns; callers that report this check [`PodWriter::columns`] before.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&str],
        mut rows: Vec<Vec<Value<'_>>>,
        on_conflict: OnConflict,
    ) -> Result<u64, DatabaseError> {
        let limits = self.columns().await?;
        let limits: Vec<_> = columns.iter().map(|column| limits.of(table, column)).collect();
        for (column, value) in rows.iter_mut().flat_map(|row| limits.iter().zip(row)) {
            if let Value::Text(Some(text)) = value
                && let FittedText { text: fitted, cut, replaced } = column.hold(text)
                && (cut || replaced)
            {
                *text = fitted.into_owned().into();
            }
        }
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let row = format!("({})", placeholders(columns.len()));
        let first = columns.first().copied().unwrap_or_default();
        let conflict = match (on_conflict, self.dialect()) {
            (OnConflict::Fail, _) => String::new(),
            (OnConflict::Ignore, Dialect::MySql) => {
                format!(" ON DUPLICATE KEY UPDATE \"{first}\" = {table}.\"{first}\"")
            }
            (OnConflict::Ignore, _) => " ON CONFLICT DO NOTHING".to_owned(),
        };
        let insert = format!("INSERT INTO {table} ({names})");
        if let Connection::Postgres(link) = &mut self.connection {
            let inserted = arrays::insert(link, &insert, rows, &conflict).await;
            return inserted.map_err(statement_error(table, self.caller.clone()));
        }
        let mut inserted = 0;
        for chunk in rows.chunks((MAX_VALUES / columns.len().max(1)).max(1)) {
            let list = vec![row.as_str(); chunk.len()].join(", ");
            let values: Vec<Value<'_>> = chunk.iter().flatten().cloned().collect();
            let sql = format!("{insert} VALUES {list}{conflict}");
            inserted += self.run(table, sql, &values).await?;
        }
        Ok(inserted)
    }
}
