//! Opens the queue, with its tables up to date.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Jobs, JobsError, Kind};
use crate::pod::database::reason;
use crate::store::{Pool, Store};

/// Name of the queue's file.
const FILE: &str = "jobs.sqlite3";
/// The table that records apalis's migrations on PostgreSQL; others may use sqlx in the same database.
const DONE: &str = "pappus_jobs_migrations";
/// Maximum wait for a connection, or for another writer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum number of connections.
const CONNECTIONS: u32 = 8;

impl Jobs {
    /// Opens the queue of a store: on PostgreSQL in the same database, else in a file in `folder`.
    ///
    /// # Errors
    /// [`JobsError`].
    pub async fn open(store: &Store, folder: &Path) -> Result<Self, JobsError> {
        match store.pool() {
            Pool::Sqlite(_) => open_sqlite(&folder.join(FILE)).await,
            Pool::Postgres(pool) => open_postgres(pool).await,
        }
    }
}

async fn open_sqlite(path: &Path) -> Result<Jobs, JobsError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    opened.map_err(|source| JobsError::File { path: path.to_owned(), source })?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // Jobs lost in a power failure are pushed again.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(PATIENCE)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options);
    let failed = |error: sqlx::Error| JobsError::Tables(reason(&error));
    // sqlx locks nothing here, and two programs would create the tables at once.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let migrated = SqliteStorage::migrations().run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| JobsError::Tables(error.to_string()))?;
    transaction.commit().await.map_err(failed)?;
    super::forget_future_times(&pool).await.map_err(failed)?;
    Ok(Jobs(Kind::Sqlite(pool)))
}

async fn open_postgres(store: &PgPool) -> Result<Jobs, JobsError> {
    let options = store.connect_options().as_ref().clone();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options);
    let mut migrator = PostgresStorage::migrations();
    // "Dangerous" for a database that already has the other table; this one never had.
    migrator.dangerous_set_table_name(DONE);
    let mut link = pool.acquire().await.map_err(|error| JobsError::Queue(reason(&error)))?;
    let migrated = migrator.run_direct(None, &mut *link, false).await;
    migrated.map_err(|error| JobsError::Tables(error.to_string()))?;
    drop(link);
    Ok(Jobs(Kind::Postgres(pool)))
}
