//! Pappus's own database on a PostgreSQL server, reached directly or through a pooler such as PgBouncer.
//!
//! A pooler may give every transaction another connection of the server, which does not know what the one before had
//! prepared, locked or set. So nothing here outlives a transaction, and behind a pooler every statement gets one:
//! parsing and running a statement are two round trips.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Postgres};

use super::database::{CONNECTIONS, PATIENCE};
use super::{StoreError, tables};
use crate::sql::{DatabaseUrl, Dialect, Link};

/// Time a connection may take before the server is checked for refusing all.
const REFUSAL: Duration = Duration::from_millis(300);
/// A setting of Pappus's own, which a server accepts from anybody. A pooler refuses it, or does not pass it on.
const DIRECT: &str = "pappus.direct";
/// PostgreSQL's code of a protocol violation, which PgBouncer uses for parameters that it does not accept.
const PROTOCOL_VIOLATION: &str = "08P01";
/// The lock on creating tables; the digits are random.
const LOCK: i64 = 0x5061_7070_0157_4ae1;

/// Brings the tables up to date; returns the connections, and whether a pooler shares them with others.
pub(super) async fn open(url: &DatabaseUrl) -> Result<(PgPool, bool), StoreError> {
    let unreachable = |error: sqlx::Error| StoreError::unreachable(url, &error);
    let options: PgConnectOptions = url.expose().parse().map_err(unreachable)?;
    // As for a pod's database: PgBouncer refuses the parameter.
    let options = options.extra_float_digits(None);
    let options = options.application_name("pappus").disable_statement_logging();
    let late = |_| StoreError::Unreachable {
        url: url.to_string(),
        reason: format!("no answer within {} seconds", PATIENCE.as_secs()),
        passing: true,
    };
    // A connection of its own: closed after a failure, it releases its lock.
    let connecting = tokio::time::timeout(PATIENCE, first_connection(&options));
    let mut link = connecting.await.map_err(late)?.map_err(unreachable)?;
    let is_pooled = create_tables(url, &mut link).await?;
    link.close().await.map_err(unreachable)?;
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    Ok((pool.connect_lazy_with(options), is_pooled))
}

/// Connects with the setting that tells a server from a pooler, where it is accepted.
async fn first_connection(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let marked = options.clone().options([(DIRECT, "1")]);
    match PgConnection::connect_with(&marked).await {
        Err(error) if is_protocol_violation(&error) => PgConnection::connect_with(options).await,
        connected => connected,
    }
}

fn is_protocol_violation(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == PROTOCOL_VIOLATION)
}

/// Brings the tables up to date in one transaction; returns whether the connection is one of a pooler.
async fn create_tables(url: &DatabaseUrl, link: &mut PgConnection) -> Result<bool, StoreError> {
    let unreachable = |error: sqlx::Error| StoreError::unreachable(url, &error);
    let mut transaction = link.begin().await.map_err(unreachable)?;
    // sqlx would lock the connection, which a pooler gives to somebody else, with the lock.
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    unnamed(&mut transaction).execute(lock, &[]).await.map_err(unreachable)?;
    let setting = format!("SELECT current_setting('{DIRECT}', true) AS setting");
    let rows = unnamed(&mut transaction).rows(setting, &[]).await.map_err(unreachable)?;
    let is_direct = rows.iter().any(|row| row.text("setting").as_deref() == Some("1"));
    let migrated = tables::migrator(Dialect::PostgreSql).run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| StoreError::tables(url, &error))?;
    // The statements that sqlx has prepared under names would be in the way of whoever gets the connection next.
    transaction.clear_cached_statements().await.map_err(unreachable)?;
    transaction.commit().await.map_err(unreachable)?;
    Ok(!is_direct)
}

fn unnamed(link: &mut PgConnection) -> Link<'_> {
    Link::Postgres { link, prepares: false }
}

/// Returns a connection of a pool. The pool itself retries a server that refuses connections until its timeout;
/// callers of this get the refusal at once.
pub(super) async fn connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    match pool.try_acquire() {
        Some(link) => Ok(link),
        // Boxed, so that it is not part of every future that uses the store.
        None => Box::pin(new_connection(pool)).await,
    }
}

async fn new_connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    let options = pool.connect_options();
    let refusal = async {
        tokio::time::sleep(REFUSAL).await;
        match PgConnection::connect_with(&options).await {
            Err(error @ sqlx::Error::Io(_)) => error,
            Err(_) => std::future::pending().await,
            Ok(link) => {
                // It was only a test.
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
