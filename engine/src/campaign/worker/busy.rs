//! Detects whether the pod is in use, and whether its database is busy.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::pod::config::PodUrl;
use crate::pod::database::{DatabaseError, Snapshot};
use crate::sql::{DatabaseUrl, Dialect};

/// The maximum time in which a web server accepts a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The number of concurrent statements of other clients from which a database counts as busy.
const BUSY_STATEMENTS: i64 = 2;

/// Returns whether the pod is in use: something accepts connections at its address, or clients other than Pappus are
/// connected to its database.
///
/// # Errors
/// The database's error.
pub async fn is_in_use(pod: &PodUrl, database: &DatabaseUrl) -> Result<bool, DatabaseError> {
    let port = url::Url::parse(pod.as_str()).ok().and_then(|url| url.port_or_known_default());
    if let Some(port) = port
        && let Ok(Ok(_)) = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect((pod.host(), port))).await
    {
        return Ok(true);
    }
    Ok(BusyCheck::open(database).await?.connections().await? > 0)
}

/// A connection that checks how busy a pod's database is.
pub struct BusyCheck {
    snapshot: Snapshot,
}

impl BusyCheck {
    /// Opens a connection.
    ///
    /// # Errors
    /// The database's error.
    pub async fn open(database: &DatabaseUrl) -> Result<Self, DatabaseError> {
        Ok(Self { snapshot: Snapshot::open(database).await? })
    }

    /// Returns whether two or more statements of other clients are running.
    ///
    /// # Errors
    /// The database's error.
    pub async fn is_busy(&mut self) -> Result<bool, DatabaseError> {
        let condition = match self.snapshot.dialect() {
            Dialect::PostgreSql => "AND state = 'active'",
            Dialect::MySql => "AND command <> 'Sleep'",
            Dialect::Sqlite => return Ok(false),
        };
        Ok(self.count(condition).await? >= BUSY_STATEMENTS)
    }

    async fn connections(&mut self) -> Result<i64, DatabaseError> {
        self.count("").await
    }

    /// Counts the connections of other clients, except those that the database user may not see.
    async fn count(&mut self, condition: &str) -> Result<i64, DatabaseError> {
        let sql = match self.snapshot.dialect() {
            // PostgreSQL caches these statistics within a transaction, so they are cleared first.
            Dialect::PostgreSql => {
                let clear = "SELECT COUNT(*) FROM (SELECT pg_stat_clear_snapshot()) c".to_owned();
                self.snapshot.rows("other connections", clear, &[]).await?;
                format!(
                    "SELECT COUNT(*) AS found FROM pg_stat_activity WHERE datname = current_database() \
                     AND backend_type = 'client backend' AND application_name <> 'pappus' {condition}"
                )
            }
            // MySQL connections have no names, so other workers of Pappus are counted too.
            Dialect::MySql => format!(
                "SELECT COUNT(*) AS found FROM information_schema.processlist p WHERE p.db = DATABASE() \
                 AND p.id <> CONNECTION_ID() {condition}"
            ),
            Dialect::Sqlite => return Ok(0),
        };
        let row = self.snapshot.first("other connections", sql, &[]).await?;
        Ok(row.and_then(|row| row.integer("found")).unwrap_or(0))
    }
}
