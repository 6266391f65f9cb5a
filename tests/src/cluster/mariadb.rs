//! A throwaway MariaDB server.

use std::path::{Path, PathBuf};

use sqlx::MySqlConnection;

use super::server::{Account, Server, free_port};
use super::{ClusterError, checked, create_database};

const PROGRAM: &str = "mariadbd";
const PACKAGE: &str = "mariadb-server";
const SERVER: &str = "/usr/sbin/mariadbd";
const INSTALLER: &str = "/usr/bin/mariadb-install-db";

/// Speed instead of safety, and the character set diaspora* asks for.
const SETTINGS: [&str; 11] = [
    "--skip-networking=0",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=64M",
    "--max-allowed-packet=64M",
];

/// A running MariaDB server; dropped, it is gone.
#[derive(Debug)]
pub struct MariaDbCluster {
    server: Server,
    port: u16,
    socket: PathBuf,
}

impl MariaDbCluster {
    /// Makes and starts a server.
    ///
    /// # Errors
    /// When MariaDB is not installed or does not start.
    pub async fn start() -> Result<Self, ClusterError> {
        let cluster = tokio::task::spawn_blocking(Self::launch)
            .await
            .map_err(|source| ClusterError::Io { action: "start a thread", source: source.into() })??;
        cluster.server.answered::<MySqlConnection>(PROGRAM, &cluster.url("mysql")).await?;
        Ok(cluster)
    }

    fn launch() -> Result<Self, ClusterError> {
        for program in [SERVER, INSTALLER] {
            if !Path::new(program).exists() {
                return Err(MISSING);
            }
        }
        let account = Account::of("mysql")?;
        let folder = account.folder("my")?;
        let data = folder.path().join("data");
        let mut setup = account.line(Path::new(INSTALLER));
        for option in [
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ] {
            setup.push(option.into());
        }
        setup.push(format!("--datadir={}", data.display()).into());
        let port = free_port()?;
        let socket = folder.path().join("socket");
        let mut line = account.line(Path::new(SERVER));
        line.push("--no-defaults".into());
        line.extend(SETTINGS.iter().map(Into::into));
        line.push(format!("--datadir={}", data.display()).into());
        line.push(format!("--socket={}", socket.display()).into());
        line.push(format!("--port={port}").into());
        // MariaDB would flush everything on SIGTERM.
        let server = Server::start(folder, "KILL", &setup, &line)?;
        Ok(Self { server, port, socket })
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Errors
    /// When the name is taken or not fit for a database.
    pub async fn create_database(&self, name: &str) -> Result<String, ClusterError> {
        let name = checked(name)?;
        create_database(&self.url("mysql"), &format!("CREATE DATABASE {name}")).await?;
        Ok(self.url(name))
    }

    /// The address of a database on this server.
    pub fn url(&self, name: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{name}", self.port)
    }

    /// Its TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its Unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

const MISSING: ClusterError = ClusterError::Missing { program: PROGRAM, package: PACKAGE };
