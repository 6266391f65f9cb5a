//! A PgBouncer before a throwaway PostgreSQL server, set up as it comes: it shares connections between transactions.

use std::path::Path;

use super::server::{Account, Server, free_port};
use super::{ClusterError, PostgresCluster};

const PROGRAM: &str = "pgbouncer";
const BINARY: &str = "/usr/sbin/pgbouncer";

/// A running PgBouncer; dropped, it is gone.
#[derive(Debug)]
pub struct PgBouncer {
    _server: Server,
    port: u16,
}

impl PgBouncer {
    /// Starts one before a server.
    ///
    /// # Errors
    /// When PgBouncer is not installed or does not start.
    pub async fn before(cluster: &PostgresCluster) -> Result<Self, ClusterError> {
        Self::with(cluster, "").await
    }

    /// Starts one that accepts some parameters of connections, and does not pass them on.
    ///
    /// # Errors
    /// As [`before`](Self::before).
    pub async fn ignoring(cluster: &PostgresCluster, parameters: &str) -> Result<Self, ClusterError> {
        Self::with(cluster, &format!("ignore_startup_parameters = {parameters}\n")).await
    }

    async fn with(cluster: &PostgresCluster, more: &str) -> Result<Self, ClusterError> {
        if !Path::new(BINARY).exists() {
            return Err(ClusterError::Missing { program: PROGRAM, package: PROGRAM });
        }
        let account = Account::of("postgres")?;
        let folder = account.folder("bouncer")?;
        let port = free_port()?;
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = transaction\nunix_socket_dir =\n{more}",
            cluster.port()
        );
        let file = folder.path().join("pgbouncer.ini");
        let written = std::fs::write(&file, settings);
        written.map_err(|source| ClusterError::Io { action: "write the settings of PgBouncer", source })?;
        let mut line = account.line(Path::new(BINARY));
        line.push(file.into());
        let setup = account.line(Path::new("/bin/true"));
        let server = Server::start(folder, "TERM", &setup, &line)?;
        server.listens(PROGRAM, port).await?;
        Ok(Self { _server: server, port })
    }

    /// The address of a database through it.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }
}
