//! Opening a database read-only with one consistent view of it.

use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};

use super::DatabaseError;
use super::connection::{Access, CONNECT_TIMEOUT, Connection, connect, within_time};
use super::error::{Caller, statement_error};
use crate::backoff::Backoff;
use crate::sql::{DatabaseUrl, Dialect, Row, Value};

/// Pauses between attempts to connect to a database that accepts no more connections.
const CONNECT_BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(1));

/// Settings of the transaction, as far as the server supports them. They favour indexes, and disable just-in-time
/// compilation and parallel workers, which cost more than they save for the few rows that most statements read. They
/// also disable time limits, which are meant for web requests: an export's transaction lasts for hours, and is idle
/// while an archive is written.
const POSTGRES_SETTINGS: &str = "SELECT set_config(name, value, true) FROM (VALUES ('jit', 'off'), \
     ('max_parallel_workers_per_gather', '0'), ('random_page_cost', '1.1'), ('work_mem', '32MB'), \
     ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0')) \
     settings (name, value) WHERE current_setting(name, true) IS NOT NULL";

/// A connection in a read-only transaction: every statement sees the pod as of the first one.
pub struct Snapshot {
    connection: Connection,
    caller: Caller,
    statements: u64,
}

/// PostgreSQL's name of a shared snapshot.
#[derive(Debug, Clone)]
pub struct SharedSnapshot(String);

impl SharedSnapshot {
    /// Checks the name, which is inserted into a statement unquoted.
    fn new(name: String) -> Option<Self> {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        (is_plain && !name.is_empty()).then_some(Self(name))
    }
}

impl Snapshot {
    /// Connects and starts the read-only transaction. Retries for some seconds while the database accepts no more
    /// connections.
    ///
    /// # Errors
    /// [`DatabaseError::Address`], [`DatabaseError::Unreachable`] and [`DatabaseError::TooManyConnections`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        let (started, mut pauses) = (tokio::time::Instant::now(), CONNECT_BACKOFF.pauses());
        loop {
            match Self::begin(url, None).await {
                // Another program may be about to close a connection.
                Err(DatabaseError::TooManyConnections { .. }) if started.elapsed() < CONNECT_TIMEOUT => {
                    tokio::time::sleep(pauses.next_pause()).await;
                }
                other => return other,
            }
        }
    }

    /// Like [`open`](Self::open), without retries.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_without_retries(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        Self::begin(url, None).await
    }

    /// Reads the database user's full name where grants require it: on MySQL and MariaDB, with the host.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn read_user(&mut self) -> Result<(), DatabaseError> {
        if self.dialect() == Dialect::MySql {
            let row =
                self.first("its user", "SELECT CURRENT_USER() AS database_user".to_owned(), &[]).await?;
            let user = row.and_then(|row| row.text("database_user"));
            let quoted = user.as_deref().and_then(|user| user.rsplit_once('@'));
            self.caller.user = quoted.map(|(name, host)| format!("'{name}'@'{host}'"));
        }
        Ok(())
    }

    /// Returns the statements that grant this user the right to read tables.
    pub(crate) fn grant(&self, tables: &[&str]) -> String {
        self.caller.grant(self.dialect(), tables)
    }

    async fn begin(url: &DatabaseUrl, shared: Option<&SharedSnapshot>) -> Result<Self, DatabaseError> {
        let unreachable =
            |reason: String| DatabaseError::Unreachable { url: url.to_string(), reason, is_temporary: true };
        let connection = within_time(url, connect(url, Access::Read)).await?;
        let mut snapshot = Self { connection, caller: Caller::reader(url), statements: 0 };
        // PostgreSQL requires this before any query.
        let set_snapshot = shared.map(|shared| format!("SET TRANSACTION SNAPSHOT '{}'", shared.0));
        let begin: &[&str] = match snapshot.dialect() {
            Dialect::PostgreSql => &[
                "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
                set_snapshot.as_deref().unwrap_or_default(),
                // A database without an encoding may contain any bytes; converting to UTF-8 fails for whole rows.
                "SELECT set_config('client_encoding', 'SQL_ASCII', false) \
                 WHERE current_setting('server_encoding') = 'SQL_ASCII'",
                POSTGRES_SETTINGS,
            ],
            Dialect::MySql => &[
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ],
            Dialect::Sqlite => &["BEGIN"],
        };
        for statement in begin.iter().filter(|statement| !statement.is_empty()) {
            snapshot.run(statement).await.map_err(|error| unreachable(error.to_string()))?;
        }
        Ok(snapshot)
    }

    /// Shares this view of the pod with other connections, as long as this one stays open; returns its name for
    /// [`open_shared`](Self::open_shared), or `None` unless the database is PostgreSQL.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn share(&mut self) -> Result<Option<SharedSnapshot>, DatabaseError> {
        if self.dialect() != Dialect::PostgreSql {
            return Ok(None);
        }
        let sql = "SELECT pg_export_snapshot() AS snapshot_name".to_owned();
        let row = self.first("a snapshot to share", sql, &[]).await?;
        Ok(row.and_then(|row| row.text("snapshot_name")).and_then(SharedSnapshot::new))
    }

    /// Opens a connection with the same view as the one that shared its snapshot.
    ///
    /// # Errors
    /// As [`open`](Self::open), also when the other connection was closed.
    pub async fn open_shared(url: &DatabaseUrl, shared: &SharedSnapshot) -> Result<Self, DatabaseError> {
        Self::begin(url, Some(shared)).await
    }

    /// Returns the kind of database.
    pub fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// Returns the number of statements sent so far.
    pub fn statements(&self) -> u64 {
        self.statements
    }

    async fn run(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        self.statements += 1;
        self.connection.link().execute(statement.to_owned(), &[]).await.map(drop)
    }

    /// Sends one statement and streams its rows, so that memory use does not depend on their number.
    ///
    /// `sql` contains only Pappus's own numbers, or `?` for the values in `texts`.
    pub fn stream<'a>(
        &'a mut self,
        subject: &'static str,
        sql: String,
        texts: &[&str],
    ) -> BoxStream<'a, Result<Row, DatabaseError>> {
        self.statements += 1;
        let caller = self.caller.clone();
        let values: Vec<Value<'_>> = texts.iter().map(|text| (*text).into()).collect();
        self.connection.link().stream(sql, &values).map_err(statement_error(subject, caller)).boxed()
    }

    /// Returns all rows of a statement, for few rows only.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn rows(
        &mut self,
        subject: &'static str,
        sql: String,
        texts: &[&str],
    ) -> Result<Vec<Row>, DatabaseError> {
        self.stream(subject, sql, texts).try_collect().await
    }

    /// Returns the first row of a statement.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn first(
        &mut self,
        subject: &'static str,
        sql: String,
        texts: &[&str],
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.rows(subject, sql, texts).await?.into_iter().next())
    }
}
