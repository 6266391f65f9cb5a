//! The parts of a database address for the database driver, and the paths in it.

use std::path::Path;

use zeroize::Zeroizing;

use super::ConfigError;
use crate::sql::encode;

/// The paths of a local MySQL or MariaDB server's socket: of Debian, of older systems, of Red Hat, of MySQL itself.
/// Client libraries use the one that they were compiled with for `localhost`.
const MYSQL_SOCKETS: [&str; 4] = [
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
];

/// Returns the first usual socket of a local MySQL or MariaDB server that exists.
pub(super) fn mysql_socket(exists: impl Fn(&Path) -> bool) -> Option<&'static str> {
    MYSQL_SOCKETS.into_iter().find(|socket| exists(Path::new(socket)))
}

/// Returns the driver's name of a TLS mode: `ssl_mode: :verify_ca` and `ssl_mode: SSL_MODE_VERIFY_CA` are both in use.
pub(super) fn mysql_ssl_mode(mode: &str) -> String {
    let mode = mode.trim_start_matches(':').to_ascii_uppercase();
    mode.strip_prefix("SSL_MODE_").unwrap_or(&mode).to_owned()
}

/// Returns a path that is relative to the pod's folder `dir`, in which Rails runs.
pub(super) fn path_in(
    dir: &Path,
    path: &str,
    key: &'static str,
    origin: &str,
) -> Result<String, ConfigError> {
    dir.join(path).into_os_string().into_string().map_err(|_| ConfigError::BadValue {
        origin: origin.to_owned(),
        key,
        reason: "is in a folder whose name is not UTF-8",
    })
}

/// Checks that a host name or IP address is valid in a URL; puts a bare IPv6 address in brackets.
pub(super) fn checked_host(host: &str, origin: &str) -> Result<String, ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
    if !host.bytes().all(allowed) {
        let reason = "is neither a host name, an address, nor a socket folder";
        return Err(ConfigError::BadValue { origin: origin.to_owned(), key: "host", reason });
    }
    let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
    Ok(if is_bare_ipv6 { format!("[{host}]") } else { host.to_owned() })
}

/// Builds the address of an SQLite file.
pub(super) fn sqlite(database: &str, dir: &Path, origin: &str) -> Result<Zeroizing<String>, ConfigError> {
    if database == ":memory:" {
        return Ok(Zeroizing::new("sqlite::memory:".to_owned()));
    }
    let path = path_in(dir, database, "database", origin)?;
    Ok(Zeroizing::new(format!("sqlite://{}", encode(&path, b"/").as_str())))
}

/// Builder for a database address.
pub(super) struct Address {
    text: Zeroizing<String>,
    parameters: Zeroizing<String>,
}

impl Address {
    pub(super) fn new(scheme: &str) -> Self {
        Self { text: Zeroizing::new(format!("{scheme}://")), parameters: Zeroizing::default() }
    }

    /// Appends text that is already encoded.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn credentials(&mut self, user: Option<&str>, password: Option<&str>) {
        if user.is_none() && password.is_none() {
            return;
        }
        self.push(&encode(user.unwrap_or_default(), b""));
        if let Some(password) = password {
            self.push(":");
            self.push(&encode(password, b""));
        }
        self.push("@");
    }

    pub(super) fn port(&mut self, port: Option<u16>) {
        if let Some(port) = port {
            self.text.push(':');
            self.text.push_str(&port.to_string());
        }
    }

    pub(super) fn parameter(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            let separator = if self.parameters.is_empty() { '?' } else { '&' };
            self.parameters.push(separator);
            self.parameters.push_str(key);
            self.parameters.push('=');
            self.parameters.push_str(&encode(value, b"/"));
        }
    }

    pub(super) fn finish(mut self, database: &str) -> Zeroizing<String> {
        self.text.push('/');
        self.text.push_str(&encode(database, b""));
        self.text.push_str(&self.parameters);
        self.text
    }
}
