//! Rails's description of a database, converted to an address for the database driver.

use std::collections::BTreeMap;
use std::path::Path;

use zeroize::Zeroizing;

use super::ConfigError;
use super::address::{Address, checked_host, mysql_socket, mysql_ssl_mode, path_in, sqlite};
use crate::sql::{AddressError, DatabaseUrl, Dialect, decode, encode, network_url, split_scheme};

/// The keys in a section of `database.yml` that describe the connection. The others tune Rails (`pool`,
/// `prepared_statements`, …), or sqlx handles them itself (`encoding`).
pub(super) const KEYS: [&str; 16] = [
    "adapter",
    "host",
    "port",
    "username",
    "user",
    "password",
    "database",
    "socket",
    "url",
    "sslmode",
    "ssl_mode",
    "sslrootcert",
    "sslca",
    "sslcert",
    "sslkey",
    "schema_search_path",
];

/// One section of `database.yml`, or the equivalent parts of a database address.
///
/// No `Debug`: it contains the password.
#[derive(Default, Clone)]
pub(super) struct Connection {
    pub(super) values: BTreeMap<String, Zeroizing<String>>,
}

impl Connection {
    /// Parses an address as Rails parses `DATABASE_URL`; empty parts count as missing.
    ///
    /// # Errors
    /// [`ConfigError::DatabaseAddress`] when it is malformed.
    pub(super) fn from_address(address: &str, origin: &str) -> Result<Self, ConfigError> {
        Self::parse_address(address)
            .map_err(|reason| AddressError { origin: origin.to_owned(), reason }.into())
    }

    fn parse_address(address: &str) -> Result<Self, String> {
        let (dialect, rest) = split_scheme(address)?;
        let mut connection = Self::default();
        connection.set("adapter", dialect.scheme())?;
        if dialect == Dialect::Sqlite {
            let file = rest.split('?').next().unwrap_or_default();
            connection.set("database", file.strip_prefix("//").unwrap_or(file))?;
            return Ok(connection);
        }
        let url = network_url(address.trim())?;
        for (key, value) in url.query_pairs() {
            if KEYS.contains(&key.as_ref()) && !value.is_empty() {
                connection.values.insert(key.into_owned(), Zeroizing::new(value.into_owned()));
            }
        }
        connection.set("host", url.host_str().unwrap_or_default())?;
        connection.set("port", &url.port().map(|port| port.to_string()).unwrap_or_default())?;
        connection.set("username", url.username())?;
        connection.set("password", url.password().unwrap_or_default())?;
        connection.set("database", url.path().trim_start_matches('/'))?;
        Ok(connection)
    }

    /// Sets a percent-encoded value from an address, unless it is empty.
    fn set(&mut self, key: &str, encoded: &str) -> Result<(), String> {
        if !encoded.is_empty() {
            let value = decode(encoded).ok_or("a percent-encoded part is not UTF-8")?;
            self.values.insert(key.to_owned(), value);
        }
        Ok(())
    }

    /// Merges in the values of `stronger`, which take precedence.
    pub(super) fn merge(&mut self, stronger: Self) {
        self.values.extend(stronger.values);
    }

    /// Returns the value of `key`, unless it is missing or empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns the database user; Rails accepts both keys and prefers `username`.
    fn user(&self) -> Option<&str> {
        self.get("username").or_else(|| self.get("user"))
    }

    fn required(&self, key: &'static str, origin: &str) -> Result<&str, ConfigError> {
        self.get(key).ok_or_else(|| ConfigError::KeyMissing { origin: origin.to_owned(), key })
    }

    /// Builds the database address for sqlx. Paths are relative to the pod's folder, `dir`; `origin` names the
    /// values' file or variable in errors.
    ///
    /// # Errors
    /// [`ConfigError::KeyMissing`], [`ConfigError::UnknownAdapter`] or [`ConfigError::BadValue`].
    pub(super) fn database_url(&self, dir: &Path, origin: &str) -> Result<DatabaseUrl, ConfigError> {
        self.database_url_on(dir, origin, Path::exists)
    }

    /// Like [`database_url`](Self::database_url); `exists` tells which files exist on the machine.
    fn database_url_on(
        &self,
        dir: &Path,
        origin: &str,
        exists: impl Fn(&Path) -> bool,
    ) -> Result<DatabaseUrl, ConfigError> {
        let adapter = self.required("adapter", origin)?;
        let dialect = Dialect::from_name(adapter).ok_or_else(|| ConfigError::UnknownAdapter {
            origin: origin.to_owned(),
            adapter: adapter.to_owned(),
        })?;
        let database = self.required("database", origin)?;
        let address = match dialect {
            Dialect::PostgreSql => self.postgres(database, dir, origin)?,
            Dialect::MySql => self.mysql(database, dir, origin, exists)?,
            Dialect::Sqlite => sqlite(database, dir, origin)?,
        };
        Ok(DatabaseUrl::parse_from(&address, origin)?)
    }

    /// Returns the path under `key`, relative to the pod's folder.
    fn path(&self, key: &'static str, dir: &Path, origin: &str) -> Result<Option<String>, ConfigError> {
        self.get(key).map(|path| path_in(dir, path, key, origin)).transpose()
    }

    fn postgres(&self, database: &str, dir: &Path, origin: &str) -> Result<Zeroizing<String>, ConfigError> {
        let port = self.port(origin)?;
        let mut address = Address::new("postgres");
        match self.get("host") {
            // A folder that contains the server's socket.
            Some(folder) if folder.starts_with('/') => {
                address.credentials(self.user(), self.get("password"));
                address.push(&encode(folder, b""));
                address.port(port);
            }
            Some(host) => {
                address.credentials(self.user(), self.get("password"));
                address.push(&checked_host(host, origin)?);
                address.port(port);
            }
            // A URL with a user but no host is invalid, so these become parameters. sqlx then chooses the default
            // host or socket folder, as libpq does for Rails.
            None => {
                address.parameter("user", self.user());
                address.parameter("password", self.get("password"));
                address.parameter("port", port.map(|port| port.to_string()).as_deref());
                // sqlx looks for a socket on the default port only.
                address.parameter("host", port.filter(|port| *port != 5432).map(|_| "/var/run/postgresql"));
            }
        }
        address.parameter("sslmode", self.get("sslmode"));
        for key in ["sslrootcert", "sslcert", "sslkey"] {
            address.parameter(key, self.path(key, dir, origin)?.as_deref());
        }
        address.parameter("options[search_path]", self.get("schema_search_path"));
        Ok(address.finish(database))
    }

    fn mysql(
        &self,
        database: &str,
        dir: &Path,
        origin: &str,
        exists: impl Fn(&Path) -> bool,
    ) -> Result<Zeroizing<String>, ConfigError> {
        let mut address = Address::new("mysql");
        address.credentials(self.user(), self.get("password"));
        let host = self.get("host").unwrap_or("localhost");
        // As in MySQL's own client library, the socket is only for local connections, and the default for these.
        let socket = match self.path("socket", dir, origin)? {
            _ if host.starts_with('/') => Some(host.to_owned()),
            Some(socket) => Some(socket).filter(|_| host == "localhost"),
            None if host == "localhost" && self.get("port").is_none() => {
                mysql_socket(exists).map(str::to_owned)
            }
            None => None,
        };
        if socket.is_some() {
            address.push("localhost");
            address.parameter("socket", socket.as_deref());
        } else {
            address.push(&checked_host(host, origin)?);
            address.port(self.port(origin)?);
        }
        let mode = self.get("ssl_mode").or(self.get("sslmode")).map(mysql_ssl_mode);
        address.parameter("ssl-mode", mode.as_deref());
        for (parameter, key) in [("ssl-ca", "sslca"), ("ssl-cert", "sslcert"), ("ssl-key", "sslkey")] {
            address.parameter(parameter, self.path(key, dir, origin)?.as_deref());
        }
        Ok(address.finish(database))
    }

    fn port(&self, origin: &str) -> Result<Option<u16>, ConfigError> {
        let parse = |port: &str| {
            port.trim().parse().ok().filter(|port| *port != 0).ok_or_else(|| ConfigError::BadValue {
                origin: origin.to_owned(),
                key: "port",
                reason: "is not a number from 1 to 65535",
            })
        };
        self.get("port").map(parse).transpose()
    }
}

#[cfg(test)]
mod tests;
