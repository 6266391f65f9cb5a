//! Pappus's own database: an SQLite file, or PostgreSQL when several machines work on one pod.

use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use super::postgres::{self, connection};
use super::{StoreError, StoreRow, tables};
use crate::sql::{DatabaseUrl, Dialect, Link, Row, Value};

/// The maximum wait for a new connection, or for a free one of the pool.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum time that a writer waits for another one; SQLite allows one at a time.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum number of connections.
pub(super) const MAX_CONNECTIONS: u32 = 4;

/// The connections behind a [`Store`].
#[derive(Debug, Clone)]
pub enum Pool {
    /// One file.
    Sqlite(SqlitePool),
    /// A database on a server.
    Postgres(PgPool),
}

/// Pappus's own database, with its tables up to date. Clones share the connections.
///
/// Statements are written once for both databases: `?` is a placeholder for a [`Value`], the names of all tables begin
/// with `pappus_`, numbers are BIGINT (INTEGER in SQLite), times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    /// True if a pooler may use another connection for each transaction.
    is_pooled: bool,
}

impl Store {
    /// Opens the database and brings its tables up to date; a missing SQLite file is created, readable by its owner
    /// only. Several programs may do that at the same time.
    ///
    /// # Errors
    /// [`StoreError`], without passwords.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let opening = async {
            match url.dialect() {
                Dialect::Sqlite => open_sqlite(url).await.map(|pool| (Pool::Sqlite(pool), false)),
                Dialect::PostgreSql => {
                    postgres::open(url).await.map(|(pool, is_pooled)| (Pool::Postgres(pool), is_pooled))
                }
                Dialect::MySql => Err(StoreError::Kind { url: url.to_string() }),
            }
        };
        // Longer than BUSY_TIMEOUT: another program may be creating the tables.
        let timed_out = |_| StoreError::Unreachable {
            url: url.to_string(),
            reason: "no response in time".to_owned(),
            is_temporary: true,
        };
        let (pool, is_pooled) =
            tokio::time::timeout(BUSY_TIMEOUT + CONNECT_TIMEOUT, opening).await.map_err(timed_out)??;
        Ok(Self { pool, is_pooled })
    }

    /// Opens the database as [`open`](Self::open) does, unless it is a missing SQLite file: none is created.
    ///
    /// # Errors
    /// [`StoreError`], without passwords.
    pub async fn open_existing(url: &DatabaseUrl) -> Result<Option<Self>, StoreError> {
        if url.dialect() == Dialect::Sqlite {
            let options: SqliteConnectOptions =
                url.expose().parse().map_err(|error| StoreError::unreachable(url, &error))?;
            if !options.get_filename().exists() {
                return Ok(None);
            }
        }
        Self::open(url).await.map(Some)
    }

    /// Returns the kind of database.
    pub fn dialect(&self) -> Dialect {
        match self.pool {
            Pool::Sqlite(_) => Dialect::Sqlite,
            Pool::Postgres(_) => Dialect::PostgreSql,
        }
    }

    /// Returns the database's own time in milliseconds since 1970, as an SQL expression.
    pub fn now(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite(_) => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
            Pool::Postgres(_) => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Returns the connections, for operations that the store does not provide.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Executes a statement. Returns the number of rows that it changed. `operation` is named in errors.
    ///
    /// # Errors
    /// [`StoreError::Statement`], [`StoreError::Duplicate`].
    pub async fn execute(
        &self,
        operation: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        if self.is_pooled {
            let mut transaction = self.begin().await?;
            let count = transaction.execute(operation, sql, values).await?;
            return transaction.commit().await.map(|()| count);
        }
        let executing = async {
            match &self.pool {
                Pool::Sqlite(pool) => {
                    Link::Sqlite(&mut *pool.acquire().await?).execute(sql.to_owned(), values).await
                }
                Pool::Postgres(pool) => {
                    prepared(&mut *connection(pool).await?, true).execute(sql.to_owned(), values).await
                }
            }
        };
        executing.await.map_err(|error| StoreError::statement(operation, &error))
    }

    /// Executes a statement that returns few rows.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn rows(
        &self,
        operation: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<StoreRow>, StoreError> {
        if self.is_pooled {
            let mut transaction = self.begin().await?;
            let rows = transaction.rows(operation, sql, values).await?;
            return transaction.commit().await.map(|()| rows);
        }
        let reading = async {
            match &self.pool {
                Pool::Sqlite(pool) => {
                    Link::Sqlite(&mut *pool.acquire().await?).rows(sql.to_owned(), values).await
                }
                Pool::Postgres(pool) => {
                    prepared(&mut *connection(pool).await?, true).rows(sql.to_owned(), values).await
                }
            }
        };
        store_rows(operation, reading.await)
    }

    /// Returns the first row of a statement that returns one or none.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn first(
        &self,
        operation: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Option<StoreRow>, StoreError> {
        Ok(self.rows(operation, sql, values).await?.into_iter().next())
    }

    /// Begins a transaction that writes. It is rolled back if it is dropped before [`Transaction::commit`].
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let result = match &self.pool {
            // A transaction that began by reading could not write after another one has written.
            Pool::Sqlite(pool) => pool.begin_with("BEGIN IMMEDIATE").await.map(Transaction::Sqlite),
            Pool::Postgres(pool) => match connection(pool).await {
                Ok(link) => {
                    let result = sqlx::Transaction::begin(link, None).await;
                    let prepares = !self.is_pooled;
                    result.map(|transaction| Transaction::Postgres { transaction, prepares })
                }
                Err(error) => Err(error),
            },
        };
        result.map_err(|error| StoreError::statement("starting to write", &error))
    }

    /// Rewrites an SQLite file and empties its WAL, so that neither contains deleted or replaced data. On PostgreSQL
    /// nothing is done.
    ///
    /// # Errors
    /// [`StoreError::Statement`], also while another program reads or writes.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        if self.dialect() != Dialect::Sqlite {
            return Ok(());
        }
        let operation = "rewriting the file";
        self.execute(operation, "VACUUM", &[]).await?;
        let checkpoint = self.first(operation, "PRAGMA wal_checkpoint(TRUNCATE)", &[]).await?;
        match checkpoint.map(|row| row.get::<i64>("busy")).transpose()? {
            Some(0) => Ok(()),
            _ => Err(StoreError::Statement { operation, reason: "another program uses it".to_owned() }),
        }
    }

    /// Closes all connections; SQLite then removes the WAL files.
    pub async fn close(self) {
        match self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction: its statements take effect together or not at all.
#[derive(Debug)]
pub enum Transaction {
    /// A transaction on an SQLite file; no other connection can write in the meantime.
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    /// A transaction on PostgreSQL.
    Postgres {
        /// The transaction.
        transaction: sqlx::Transaction<'static, sqlx::Postgres>,
        /// True if its connection keeps prepared statements for later transactions.
        prepares: bool,
    },
}

impl Transaction {
    fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(transaction) => Link::Sqlite(transaction),
            Self::Postgres { transaction, prepares } => prepared(transaction, *prepares),
        }
    }

    /// Executes a statement, as [`Store::execute`] does.
    ///
    /// # Errors
    /// [`StoreError::Statement`], [`StoreError::Duplicate`].
    pub async fn execute(
        &mut self,
        operation: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let result = self.link().execute(sql.to_owned(), values).await;
        result.map_err(|error| StoreError::statement(operation, &error))
    }

    /// Executes a statement that returns few rows, as [`Store::rows`] does.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn rows(
        &mut self,
        operation: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<StoreRow>, StoreError> {
        store_rows(operation, self.link().rows(sql.to_owned(), values).await)
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres { transaction, .. } => transaction.commit().await,
        }
        .map_err(|error| StoreError::statement("writing", &error))
    }
}

fn prepared(link: &mut PgConnection, prepares: bool) -> Link<'_> {
    Link::Postgres { link, prepares }
}

fn store_rows(
    operation: &'static str,
    rows: Result<Vec<Row>, sqlx::Error>,
) -> Result<Vec<StoreRow>, StoreError> {
    let rows = rows.map_err(|error| StoreError::statement(operation, &error))?;
    Ok(rows.into_iter().map(StoreRow).collect())
}

/// Returns 32 random hexadecimal digits, as an ID that is unique everywhere.
///
/// # Errors
/// [`StoreError::Random`].
pub fn random_id() -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(hex::encode(bytes))
}

async fn open_sqlite(url: &DatabaseUrl) -> Result<SqlitePool, StoreError> {
    let unreachable = |error: sqlx::Error| StoreError::unreachable(url, &error);
    let options: SqliteConnectOptions = url.expose().parse().map_err(unreachable)?;
    if url.expose().contains(":memory:") || url.expose().contains("mode=memory") {
        return Err(StoreError::Kind { url: url.to_string() });
    }
    create_file(options.get_filename())?;
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        // A power failure must not remove the last entries of an import's journal.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Deleted or replaced secrets are overwritten in the file as well.
        .pragma("secure_delete", "on")
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut link = SqliteConnection::connect_with(&options).await.map_err(unreachable)?;
    // The library does not lock SQLite databases, so two programs could create the tables at the same time.
    let mut transaction = link.begin_with("BEGIN IMMEDIATE").await.map_err(unreachable)?;
    // `run` is generic over connections, so its future could not be spawned.
    let migrated = tables::migrator(Dialect::Sqlite).run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| StoreError::tables(url, &error))?;
    transaction.commit().await.map_err(unreachable)?;
    link.close().await.map_err(unreachable)?;
    let pool = SqlitePoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(BUSY_TIMEOUT + CONNECT_TIMEOUT);
    Ok(pool.connect_lazy_with(options))
}

/// Creates the file for its owner only; SQLite gives the WAL files the same mode.
fn create_file(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mode = file.and_then(|file| file.metadata()).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 { Err(StoreError::Exposed(path.to_owned())) } else { Ok(()) }
}
