//! Connecting to a pod's database.

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::DatabaseError;
use super::error::connect_error;
use crate::sql::{DatabaseUrl, Dialect, Link};

/// Time limit for a new connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to one of the three databases.
pub(super) enum Connection {
    Postgres(PgConnection),
    MySql(MySqlConnection),
    Sqlite(SqliteConnection),
}

impl Connection {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::PostgreSql,
            Self::MySql(_) => Dialect::MySql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Lends the connection for one statement.
    pub(super) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Postgres(link) => Link::Postgres { link, prepares: false },
            Self::MySql(link) => Link::MySql(link),
            Self::Sqlite(link) => Link::Sqlite(link),
        }
    }
}

/// Purpose of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Limits the time for connecting.
pub(super) async fn within_time(
    url: &DatabaseUrl,
    connecting: impl Future<Output = Result<Connection, DatabaseError>>,
) -> Result<Connection, DatabaseError> {
    tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| DatabaseError::Unreachable {
        url: url.to_string(),
        reason: format!("no answer within {} seconds", CONNECT_TIMEOUT.as_secs()),
        is_temporary: true,
    })?
}

/// Connects to the database, without a time limit.
pub(super) async fn connect(url: &DatabaseUrl, access: Access) -> Result<Connection, DatabaseError> {
    let address =
        |error: sqlx::Error| DatabaseError::Address { url: url.to_string(), reason: error.to_string() };
    let failed = |error: sqlx::Error| connect_error(url, &error);
    Ok(match url.dialect() {
        Dialect::PostgreSql => {
            let options: PgConnectOptions = url.expose().parse().map_err(address)?;
            // PgBouncer rejects parameters it does not know, and Pappus reads no floating-point numbers.
            let options = options.extra_float_digits(None);
            let options = options.application_name("pappus").disable_statement_logging();
            Connection::Postgres(PgConnection::connect_with(&options).await.map_err(failed)?)
        }
        Dialect::MySql => {
            let options: MySqlConnectOptions = url.expose().parse().map_err(address)?;
            let options = options.charset("utf8mb4").disable_statement_logging();
            let options = options.statement_cache_capacity(PREPARED_STATEMENTS);
            Connection::MySql(MySqlConnection::connect_with(&options).await.map_err(failed)?)
        }
        Dialect::Sqlite => {
            let options: SqliteConnectOptions = url.expose().parse().map_err(address)?;
            let options = options
                .read_only(access == Access::Read)
                .create_if_missing(false)
                .disable_statement_logging();
            Connection::Sqlite(SqliteConnection::connect_with(&options).await.map_err(failed)?)
        }
    })
}

/// The number of statements that stay prepared for a MariaDB or MySQL connection.
const PREPARED_STATEMENTS: usize = 256;
