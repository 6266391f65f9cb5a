//! Throwaway PostgreSQL, MariaDB and S3 servers on free ports of 127.0.0.1.
//!
//! A server lives as long as its cluster value, and never longer than the process: a small shell
//! keeps it and waits on a pipe from us. When the pipe closes, because the value is dropped or
//! because the process was killed, the shell stops the server and removes its files.
//!
//! Tests share one cluster per process ([`shared_postgres`], [`shared_mariadb`]) and take a
//! database each. Nothing here is safe against a power cut, and everybody on the machine may log
//! in: this is for invented data only.

mod mariadb;
mod nginx;
mod pgbouncer;
mod postgres;
mod s3;
mod server;

use std::io;

use tokio::sync::OnceCell;

pub use mariadb::MariaDbCluster;
pub use nginx::{Nginx, NginxFolder};
pub use pgbouncer::PgBouncer;
pub use postgres::PostgresCluster;
pub use s3::{S3Double, S3Object};

use crate::schema::{Pool, SchemaError};

/// What can go wrong with a throwaway server.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A program of the server is not installed.
    #[error("{program} was not found; on Debian: apt-get install {package}")]
    Missing {
        /// The program looked for.
        program: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// Files or processes of the server could not be made.
    #[error("could not {action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended badly.
    #[error("{program} failed: {output}")]
    Program {
        /// Which program.
        program: &'static str,
        /// The end of what it wrote.
        output: String,
    },
    /// The server does not answer.
    #[error("{program} does not answer: {log}")]
    Silent {
        /// Which server.
        program: &'static str,
        /// The end of its log.
        log: String,
    },
    /// A name that is not fit for a database.
    #[error("not a name for a database (lower case letters, digits, underscore): {0}")]
    Name(String),
    /// The server answered, and refused.
    #[error(transparent)]
    Database(#[from] SchemaError),
}

impl ClusterError {
    fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

/// The PostgreSQL server of this process, started on first use.
///
/// # Errors
/// When it cannot be started.
pub async fn shared_postgres() -> Result<&'static PostgresCluster, ClusterError> {
    static SHARED: OnceCell<PostgresCluster> = OnceCell::const_new();
    SHARED.get_or_try_init(PostgresCluster::start).await
}

/// The MariaDB server of this process, started on first use.
///
/// # Errors
/// When it cannot be started.
pub async fn shared_mariadb() -> Result<&'static MariaDbCluster, ClusterError> {
    static SHARED: OnceCell<MariaDbCluster> = OnceCell::const_new();
    SHARED.get_or_try_init(MariaDbCluster::start).await
}

/// The S3 server of this process, started on first use. It takes every key.
///
/// # Errors
/// When it cannot be started.
pub async fn shared_s3() -> Result<&'static S3Double, ClusterError> {
    static SHARED: OnceCell<S3Double> = OnceCell::const_new();
    SHARED.get_or_try_init(S3Double::start).await
}

/// Names come from tests; they are checked because they end up in a statement.
fn checked(name: &str) -> Result<&str, ClusterError> {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if name.is_empty() || name.len() > 60 || !name.chars().all(fits) {
        return Err(ClusterError::Name(name.to_owned()));
    }
    Ok(name)
}

async fn create_database(administration: &str, statement: &str) -> Result<(), ClusterError> {
    let pool = Pool::connect(administration).await?;
    let done = pool.execute(statement).await;
    pool.close().await;
    Ok(done?)
}
