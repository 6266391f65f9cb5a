//! A throwaway PostgreSQL server.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use sqlx::PgConnection;

use super::server::{Account, Server, free_port};
use super::{ClusterError, checked, create_database};

const PROGRAM: &str = "postgres";
const PACKAGE: &str = "postgresql";
const BINARIES: &str = "/usr/lib/postgresql";

/// Speed instead of safety.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=256MB",
    "autovacuum_naptime=1min",
];

/// Counts statements, if Debian's extension is installed.
const STATISTICS: [&str; 2] = ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=20000"];

/// A running PostgreSQL server; dropped, it is gone.
#[derive(Debug)]
pub struct PostgresCluster {
    server: Server,
    port: u16,
    socket_folder: PathBuf,
}

impl PostgresCluster {
    /// Makes and starts a server.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn start() -> Result<Self, ClusterError> {
        Self::start_with(false).await
    }

    /// Makes and starts a server that counts its statements, if it can.
    ///
    /// # Errors
    /// As [`PostgresCluster::start`].
    pub async fn start_counting() -> Result<Self, ClusterError> {
        Self::start_with(true).await
    }

    async fn start_with(statistics: bool) -> Result<Self, ClusterError> {
        let cluster = tokio::task::spawn_blocking(move || Self::launch(statistics))
            .await
            .map_err(|source| ClusterError::Io { action: "start a thread", source: source.into() })??;
        cluster.server.answered::<PgConnection>(PROGRAM, &cluster.url("postgres")).await?;
        Ok(cluster)
    }

    fn launch(statistics: bool) -> Result<Self, ClusterError> {
        let binaries = newest_binaries()?;
        let counts = statistics && binaries.join("../lib/pg_stat_statements.so").exists();
        let statistics = STATISTICS.iter().filter(|_| counts);
        let account = Account::of("postgres")?;
        let folder = account.folder("pg")?;
        let socket_folder = folder.path().to_owned();
        let data = folder.path().join("data");
        let mut setup = account.line(&binaries.join("initdb"));
        for option in
            ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]
        {
            setup.push(option.into());
        }
        setup.push(data.clone().into());
        let port = free_port()?;
        let mut line = account.line(&binaries.join("postgres"));
        line.push("-D".into());
        line.push(data.into());
        let network = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", socket_folder.display()),
        ];
        for setting in
            SETTINGS.iter().chain(statistics).map(OsString::from).chain(network.iter().map(OsString::from))
        {
            line.push("-c".into());
            line.push(setting);
        }
        // SIGQUIT is PostgreSQL's immediate shutdown.
        let server = Server::start(folder, "QUIT", &setup, &line)?;
        Ok(Self { server, port, socket_folder })
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Errors
    /// When the name is taken or not fit for a database.
    pub async fn create_database(&self, name: &str) -> Result<String, ClusterError> {
        let name = checked(name)?;
        create_database(&self.url("postgres"), &format!("CREATE DATABASE {name}")).await?;
        Ok(self.url(name))
    }

    /// Makes an empty database that takes any bytes as text, as pods have that were set up with
    /// the C locale.
    ///
    /// # Errors
    /// When the name is taken or not fit for a database.
    pub async fn create_ascii_database(&self, name: &str) -> Result<String, ClusterError> {
        let name = checked(name)?;
        let options = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0";
        create_database(&self.url("postgres"), &format!("CREATE DATABASE {name} {options}")).await?;
        Ok(self.url(name))
    }

    /// Makes a database that begins as a copy of another one, which nobody may be connected to.
    ///
    /// # Errors
    /// When the original is in use or a name is not fit for a database.
    pub async fn copy_database(&self, original: &str, name: &str) -> Result<String, ClusterError> {
        let (original, name) = (checked(original)?, checked(name)?);
        create_database(&self.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {original}"))
            .await?;
        Ok(self.url(name))
    }

    /// The address of a database on this server.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Seconds of processor time of the server and of all its connections that have ended.
    pub fn processor_seconds(&self) -> Option<f64> {
        let pid = fs::read_to_string(self.socket_folder.join("data/postmaster.pid")).ok()?;
        crate::watched::processor_seconds(pid.lines().next()?.parse().ok()?)
    }

    /// Its TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket.
    pub fn socket_folder(&self) -> &std::path::Path {
        &self.socket_folder
    }
}

const MISSING: ClusterError = ClusterError::Missing { program: PROGRAM, package: PACKAGE };

/// Debian keeps one folder per major version.
fn newest_binaries() -> Result<PathBuf, ClusterError> {
    let folders = fs::read_dir(BINARIES).map_err(|_| MISSING)?;
    folders
        .filter_map(Result::ok)
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").exists())
        .max()
        .map(|(_, folder)| folder)
        .ok_or(MISSING)
}
