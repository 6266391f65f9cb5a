//! Pappus's own database on a PostgreSQL server, reached directly or through a pooler such as PgBouncer.
//!
//! A pooler may use another connection to the server for each transaction, without the prepared statements, locks and
//! settings of the previous one. So nothing here outlives a transaction, and behind a pooler each statement has its own
//! transaction, because parsing and executing it are two round trips.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Postgres};

use super::database::{CONNECT_TIMEOUT, MAX_CONNECTIONS};
use super::{StoreError, tables};
use crate::sql::{DatabaseUrl, Dialect, Link};

/// The time that a connection may take before Pappus checks whether the server refuses all.
const REFUSAL_CHECK_DELAY: Duration = Duration::from_millis(300);
/// A setting that Pappus defines. Servers accept it from any client; poolers reject it, or do not pass it on.
const DIRECT_SETTING: &str = "pappus.direct";
/// PostgreSQL's code of a protocol violation, which PgBouncer uses for parameters that it does not accept.
const PROTOCOL_VIOLATION: &str = "08P01";
/// The number of the lock for creating tables; it is random.
const MIGRATION_LOCK: i64 = 0x5061_7070_0157_4ae1;

/// Brings the tables up to date; returns the connections, and whether a pooler shares them with others.
pub(super) async fn open(url: &DatabaseUrl) -> Result<(PgPool, bool), StoreError> {
    let unreachable = |error: sqlx::Error| StoreError::unreachable(url, &error);
    let options: PgConnectOptions = url.expose().parse().map_err(unreachable)?;
    // PgBouncer rejects this parameter; see the connections to a pod's database.
    let options = options.extra_float_digits(None);
    let options = options.application_name("pappus").disable_statement_logging();
    let timed_out = |_| StoreError::Unreachable {
        url: url.to_string(),
        reason: format!("no response within {} seconds", CONNECT_TIMEOUT.as_secs()),
        is_temporary: true,
    };
    // This connection is not in the pool, so it is closed after a failure, which releases its lock.
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, first_connection(&options));
    let mut link = connecting.await.map_err(timed_out)?.map_err(unreachable)?;
    let is_pooled = create_tables(url, &mut link).await?;
    link.close().await.map_err(unreachable)?;
    let pool = PgPoolOptions::new().max_connections(MAX_CONNECTIONS).acquire_timeout(CONNECT_TIMEOUT);
    Ok((pool.connect_lazy_with(options), is_pooled))
}

/// Connects with the setting that distinguishes a server from a pooler, or without it if it is rejected.
async fn first_connection(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let marked = options.clone().options([(DIRECT_SETTING, "1")]);
    match PgConnection::connect_with(&marked).await {
        Err(error) if is_protocol_violation(&error) => PgConnection::connect_with(options).await,
        connected => connected,
    }
}

fn is_protocol_violation(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == PROTOCOL_VIOLATION)
}

/// Brings the tables up to date in one transaction; returns whether a pooler is in between.
async fn create_tables(url: &DatabaseUrl, link: &mut PgConnection) -> Result<bool, StoreError> {
    let unreachable = |error: sqlx::Error| StoreError::unreachable(url, &error);
    let mut transaction = link.begin().await.map_err(unreachable)?;
    // The library would lock the whole connection, which a pooler passes on to other clients with the lock.
    let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
    unnamed(&mut transaction).execute(lock, &[]).await.map_err(unreachable)?;
    let setting = format!("SELECT current_setting('{DIRECT_SETTING}', true) AS setting");
    let rows = unnamed(&mut transaction).rows(setting, &[]).await.map_err(unreachable)?;
    let is_direct = rows.iter().any(|row| row.text("setting").as_deref() == Some("1"));
    let migrated = tables::migrator(Dialect::PostgreSql).run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| StoreError::tables(url, &error))?;
    // The next client of this connection could not prepare statements with the same names as the library has used.
    transaction.clear_cached_statements().await.map_err(unreachable)?;
    transaction.commit().await.map_err(unreachable)?;
    Ok(!is_direct)
}

fn unnamed(link: &mut PgConnection) -> Link<'_> {
    Link::Postgres { link, prepares: false }
}

/// Returns a connection of a pool. If the server refuses connections, this fails immediately, whereas the pool would
/// retry until its timeout.
pub(super) async fn connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    match pool.try_acquire() {
        Some(link) => Ok(link),
        // The future is boxed, so that the futures of all callers stay small.
        None => Box::pin(new_connection(pool)).await,
    }
}

async fn new_connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    let options = pool.connect_options();
    let refusal = async {
        tokio::time::sleep(REFUSAL_CHECK_DELAY).await;
        match PgConnection::connect_with(&options).await {
            Err(error @ sqlx::Error::Io(_)) => error,
            Err(_) => std::future::pending().await,
            Ok(link) => {
                // The connection was only a test.
                _ = link.close().await;
                std::future::pending().await
            }
        }
    };
    tokio::select! {
        link = pool.acquire() => link,
        error = refusal => Err(error),
    }
}
