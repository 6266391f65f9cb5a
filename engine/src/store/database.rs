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

/// Maximum wait for a new connection, or for a free one.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Time a writer waits for another one to finish; SQLite allows one at a time.
const BUSY: Duration = Duration::from_secs(30);
/// Maximum number of connections.
pub(super) const CONNECTIONS: u32 = 4;

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
/// Statements are written once for both databases: `?` stands for a [`Value`], all names of Pappus's are
/// `pappus_…`, numbers are BIGINT (INTEGER in SQLite), times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    /// True when a pooler gives every transaction another connection.
    is_pooled: bool,
}

impl Store {
    /// Opens the database and brings its tables up to date; a missing SQLite file is created, readable by its owner
    /// only. Several programs may do that at once.
    ///
    /// # Errors
    /// [`StoreError`]; it shows no passwords.
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
        // Longer than BUSY: another program may be creating the tables.
        let late = |_| StoreError::Unreachable {
            url: url.to_string(),
            reason: "no answer in time".to_owned(),
            passing: true,
        };
        let (pool, is_pooled) = tokio::time::timeout(BUSY + PATIENCE, opening).await.map_err(late)??;
        Ok(Self { pool, is_pooled })
    }

    /// Opens the database as [`open`](Self::open) does, unless it is a missing SQLite file: none is created.
    ///
    /// # Errors
    /// [`StoreError`]; it shows no passwords.
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

    /// Returns the connections, for what the helpers here do not do.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Sends a statement; returns the number of rows it changed. `what` appears in the error.
    ///
    /// # Errors
    /// [`StoreError::Statement`], [`StoreError::Duplicate`].
    pub async fn execute(
        &self,
        what: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        if self.is_pooled {
            let mut transaction = self.begin().await?;
            let done = transaction.execute(what, sql, values).await?;
            return transaction.commit().await.map(|()| done);
        }
        let done = async {
            match &self.pool {
                Pool::Sqlite(pool) => {
                    Link::Sqlite(&mut *pool.acquire().await?).execute(sql.to_owned(), values).await
                }
                Pool::Postgres(pool) => {
                    prepared(&mut *connection(pool).await?, true).execute(sql.to_owned(), values).await
                }
            }
        };
        done.await.map_err(|error| StoreError::statement(what, &error))
    }

    /// Sends a statement that returns few rows.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn rows(
        &self,
        what: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<StoreRow>, StoreError> {
        if self.is_pooled {
            let mut transaction = self.begin().await?;
            let rows = transaction.rows(what, sql, values).await?;
            return transaction.commit().await.map(|()| rows);
        }
        let rows = async {
            match &self.pool {
                Pool::Sqlite(pool) => {
                    Link::Sqlite(&mut *pool.acquire().await?).rows(sql.to_owned(), values).await
                }
                Pool::Postgres(pool) => {
                    prepared(&mut *connection(pool).await?, true).rows(sql.to_owned(), values).await
                }
            }
        };
        store_rows(what, rows.await)
    }

    /// Returns the first row of a statement that returns one or none.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn first(
        &self,
        what: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Option<StoreRow>, StoreError> {
        Ok(self.rows(what, sql, values).await?.into_iter().next())
    }

    /// Begins a transaction that writes; dropped before [`Transaction::commit`], it is rolled back.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let begun = match &self.pool {
            // A transaction started as a reader could not write once another has written.
            Pool::Sqlite(pool) => pool.begin_with("BEGIN IMMEDIATE").await.map(Transaction::Sqlite),
            Pool::Postgres(pool) => match connection(pool).await {
                Ok(link) => {
                    let begun = sqlx::Transaction::begin(link, None).await;
                    let prepares = !self.is_pooled;
                    begun.map(|transaction| Transaction::Postgres { transaction, prepares })
                }
                Err(error) => Err(error),
            },
        };
        begun.map_err(|error| StoreError::statement("starting to write", &error))
    }

    /// Rewrites an SQLite file, and empties its WAL: neither holds what was deleted or replaced before. A server
    /// maintains its own files.
    ///
    /// # Errors
    /// [`StoreError::Statement`], also while another program reads or writes.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        if self.dialect() != Dialect::Sqlite {
            return Ok(());
        }
        let what = "writing the file anew";
        self.execute(what, "VACUUM", &[]).await?;
        let emptied = self.first(what, "PRAGMA wal_checkpoint(TRUNCATE)", &[]).await?;
        match emptied.map(|row| row.get::<i64>("busy")).transpose()? {
            Some(0) => Ok(()),
            _ => Err(StoreError::Statement { what, reason: "another program uses it".to_owned() }),
        }
    }

    /// Closes all connections, which removes an SQLite file's companions.
    pub async fn close(self) {
        match self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

/// Statements that take effect together or not at all.
#[derive(Debug)]
pub enum Transaction {
    /// On an SQLite file; nobody else writes meanwhile.
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    /// On PostgreSQL.
    Postgres {
        /// The transaction.
        transaction: sqlx::Transaction<'static, sqlx::Postgres>,
        /// True when its connection keeps statements prepared for later transactions.
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

    /// See [`Store::execute`].
    ///
    /// # Errors
    /// [`StoreError::Statement`], [`StoreError::Duplicate`].
    pub async fn execute(
        &mut self,
        what: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let done = self.link().execute(sql.to_owned(), values).await;
        done.map_err(|error| StoreError::statement(what, &error))
    }

    /// See [`Store::rows`].
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn rows(
        &mut self,
        what: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<StoreRow>, StoreError> {
        store_rows(what, self.link().rows(sql.to_owned(), values).await)
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

fn store_rows(what: &'static str, rows: Result<Vec<Row>, sqlx::Error>) -> Result<Vec<StoreRow>, StoreError> {
    let rows = rows.map_err(|error| StoreError::statement(what, &error))?;
    Ok(rows.into_iter().map(StoreRow).collect())
}

/// Returns 32 random hexadecimal digits, as names of rows.
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
    make_file(options.get_filename())?;
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        // An import's list of what it has written must not lose its end in a power failure.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Deleted or replaced secrets are overwritten in the file as well.
        .pragma("secure_delete", "on")
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let mut link = SqliteConnection::connect_with(&options).await.map_err(unreachable)?;
    // sqlx locks nothing here, and two programs would create the tables at once.
    let mut transaction = link.begin_with("BEGIN IMMEDIATE").await.map_err(unreachable)?;
    // `run` is generic over connections, which makes its future unfit for a spawned task.
    let migrated = tables::migrator(Dialect::Sqlite).run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| StoreError::tables(url, &error))?;
    transaction.commit().await.map_err(unreachable)?;
    link.close().await.map_err(unreachable)?;
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(BUSY + PATIENCE);
    Ok(pool.connect_lazy_with(options))
}

/// Creates the file: SQLite gives its companion files the same mode.
fn make_file(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mode = opened.and_then(|file| file.metadata()).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 { Err(StoreError::Exposed(path.to_owned())) } else { Ok(()) }
}
