//! The address of a database.

use std::fmt;
use std::path::Path;

use url::Url;
use zeroize::Zeroizing;

use super::Dialect;
use super::percent::encode;

/// An error in a database address. The message does not repeat the address, since it may contain a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "reading the database address ({origin}): {reason}; expected an address like \
     postgres://user:password@host:5432/diaspora_production"
)]
pub struct AddressError {
    /// The origin of the address, such as a file or a setting.
    pub origin: String,
    /// The problem with the address.
    pub reason: String,
}

/// A database address; `Debug` and `Display` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    dialect: Dialect,
    full: Zeroizing<String>,
    redacted: String,
}

impl DatabaseUrl {
    /// Parses an address such as `postgres://user:password@host:5432/diaspora_production`,
    /// `mysql://user@localhost/diaspora_production?socket=/run/mysqld/mysqld.sock` or `sqlite:///srv/pod.sqlite3`.
    /// Rails's scheme names (`postgresql`, `mysql2`, `trilogy`, `sqlite3`, …) are accepted too.
    ///
    /// # Errors
    /// [`AddressError`] if the address is invalid or does not contain the name of a database.
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        Self::parse_from(address, "as given")
    }

    /// Parses an address like [`parse`](Self::parse); errors contain `origin`.
    pub(crate) fn parse_from(address: &str, origin: &str) -> Result<Self, AddressError> {
        Self::try_parse(address).map_err(|reason| AddressError { origin: origin.to_owned(), reason })
    }

    /// Returns the address of the SQLite file at `path`.
    ///
    /// # Errors
    /// [`AddressError`] if the path is not UTF-8.
    pub fn from_file(path: &Path) -> Result<Self, AddressError> {
        let text = path.to_str().ok_or_else(|| AddressError {
            origin: path.display().to_string(),
            reason: "it is not UTF-8".to_owned(),
        })?;
        Self::parse(&format!("sqlite://{}", encode(text, b"/").as_str()))
    }

    fn try_parse(address: &str) -> Result<Self, String> {
        let (dialect, rest) = split_scheme(address)?;
        let full = Zeroizing::new(format!("{}:{rest}", dialect.scheme()));
        let redacted = if dialect == Dialect::Sqlite {
            if rest.trim_start_matches('/').is_empty() {
                return Err("the name of the database file is missing".to_owned());
            }
            // SQLite has no passwords, so nothing needs hiding.
            full.to_string()
        } else {
            let url = network_url(&full)?;
            let has_database = !url.path().trim_start_matches('/').is_empty()
                || url.query_pairs().any(|(key, value)| key == "dbname" && !value.is_empty());
            if !has_database {
                return Err("the name of the database after the host is missing".to_owned());
            }
            redact(&url)
        };
        Ok(Self { dialect, full, redacted })
    }

    /// Returns the kind of database.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the user name in the address, if it is safe in a statement.
    pub(crate) fn user(&self) -> Option<String> {
        let url = network_url(&self.full).ok()?;
        let parameter = url.query_pairs().find(|(key, _)| key == "user").map(|(_, user)| user.into_owned());
        let is_plain = |user: &String| {
            !user.is_empty()
                && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        parameter.or_else(|| Some(url.username().to_owned())).filter(is_plain)
    }

    /// Returns the whole address including the password, for the database driver only.
    pub fn expose(&self) -> &str {
        &self.full
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.redacted)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DatabaseUrl").field(&self.redacted).finish()
    }
}

/// Splits an address into the dialect of its scheme and the part after the colon.
pub(crate) fn split_scheme(address: &str) -> Result<(Dialect, &str), String> {
    // Errors do not repeat the text before the colon, since it may be a password.
    let unknown = || "it begins with neither postgres:// nor mysql:// nor sqlite://".to_owned();
    let (scheme, rest) = address.trim().split_once(':').ok_or_else(unknown)?;
    let dialect = Dialect::from_name(&scheme.to_ascii_lowercase()).ok_or_else(unknown)?;
    if dialect != Dialect::Sqlite && !rest.starts_with("//") {
        return Err("`//` is missing after the first colon".to_owned());
    }
    Ok((dialect, rest))
}

/// Parses the address of a database server.
///
/// A `/`, `?` or `#` that is not percent-encoded would split a password, and its second part would be shown as the
/// database's name. Such an address is recognized by a `#`, or by an `@` after the host, and rejected.
pub(crate) fn network_url(address: &str) -> Result<Url, String> {
    let after_slashes = address.split_once("//").map_or(address, |(_, rest)| rest);
    let (_, after_host) =
        after_slashes.split_at(after_slashes.find(['/', '?', '#']).unwrap_or(after_slashes.len()));
    if after_host.contains(['@', '#']) {
        return Err("characters such as @ / ? # in the user name, password or database name must be \
                    percent-encoded (@ is %40, / is %2F, ? is %3F, # is %23)"
            .to_owned());
    }
    // The parser's errors ("invalid port number", …) do not quote the address.
    Url::parse(address).map_err(|error| error.to_string())
}

/// Returns an address without its password, and only with parameters that are not secret.
fn redact(url: &Url) -> String {
    const SHOWN_PARAMETERS: [&str; 6] = ["host", "port", "socket", "dbname", "user", "sslmode"];
    let password = if url.password().is_some() { ":***" } else { "" };
    let mut text = format!("{}://{}{password}", url.scheme(), url.username());
    if !url.username().is_empty() || !password.is_empty() {
        text.push('@');
    }
    text.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        text.push(':');
        text.push_str(&port.to_string());
    }
    text.push_str(url.path());
    let shown = url.query_pairs().filter(|(key, _)| SHOWN_PARAMETERS.contains(&key.as_ref()));
    for (index, (key, value)) in shown.enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(&key);
        text.push('=');
        text.push_str(&value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_are_recognized_by_all_their_names() {
        for (address, dialect, full) in [
            ("postgres://u:p@h/d", Dialect::PostgreSql, "postgres://u:p@h/d"),
            (" postgresql://h/d\n", Dialect::PostgreSql, "postgres://h/d"),
            ("postgis://h/d", Dialect::PostgreSql, "postgres://h/d"),
            ("postgres:///?dbname=d&host=/var/run/postgresql", Dialect::PostgreSql, ""),
            ("MySQL2://h:3307/d", Dialect::MySql, "mysql://h:3307/d"),
            ("trilogy://[::1]/d", Dialect::MySql, "mysql://[::1]/d"),
            ("sqlite3:db/pod.sqlite3", Dialect::Sqlite, "sqlite:db/pod.sqlite3"),
            ("sqlite:///srv/pod.sqlite3", Dialect::Sqlite, "sqlite:///srv/pod.sqlite3"),
            ("sqlite::memory:", Dialect::Sqlite, "sqlite::memory:"),
        ] {
            let url = DatabaseUrl::parse(address).unwrap();
            assert_eq!(url.dialect(), dialect, "{address}");
            assert!(full.is_empty() || url.expose() == full, "{address}: {}", url.expose());
        }
        assert_eq!(Dialect::PostgreSql.to_string(), "PostgreSQL");
        assert_eq!(Dialect::MySql.to_string(), "MariaDB/MySQL");
        assert_eq!(Dialect::Sqlite.to_string(), "SQLite");
    }

    #[test]
    fn drivers_parse_the_addresses() {
        use sqlx::{mysql::MySqlConnectOptions, postgres::PgConnectOptions};
        let expose = |address| DatabaseUrl::parse(address).unwrap().expose().to_owned();

        let pg: PgConnectOptions = expose("postgis://a%40b:p%2541@%2Frun%2Fpg:5433/a%20b").parse().unwrap();
        assert_eq!(pg.get_socket().and_then(|socket| socket.to_str()), Some("/run/pg"));
        assert_eq!((pg.get_username(), pg.get_port(), pg.get_database()), ("a@b", 5433, Some("a b")));
        assert!(format!("{pg:?}").contains(r#"password: Some("p%41")"#));

        let pg: PgConnectOptions = expose("postgres:///d?user=u&password=p%2541").parse().unwrap();
        assert_eq!((pg.get_username(), pg.get_database()), ("u", Some("d")));
        assert!(format!("{pg:?}").contains(r#"password: Some("p%41")"#));

        let mysql: MySqlConnectOptions =
            expose("mysql2://u:@localhost/d?socket=/run/m.sock").parse().unwrap();
        assert_eq!(mysql.get_socket().and_then(|socket| socket.to_str()), Some("/run/m.sock"));
        assert!(format!("{mysql:?}").contains("password: None"));
    }

    #[test]
    fn passwords_are_hidden() {
        for (address, shown) in [
            ("postgres://u:hunter2@h:5433/d", "postgres://u:***@h:5433/d"),
            ("postgres://:hunter2@h/d", "postgres://:***@h/d"),
            ("postgres://u@h/d?sslmode=require&x=hunter2", "postgres://u@h/d?sslmode=require"),
            ("postgres:///d?user=u&password=hunter2", "postgres:///d?user=u"),
            ("mysql://u:hunter2@localhost/d?socket=/s", "mysql://u:***@localhost/d?socket=/s"),
        ] {
            let url = DatabaseUrl::parse(address).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}{url}").contains("hunter2"));
            assert!(url.expose().contains("hunter2") || !address.contains("hunter2"));
        }
    }

    #[test]
    fn invalid_addresses_are_rejected_without_repeating_them() {
        for address in [
            "",
            "hunter2",
            "hunter2:x",
            "oracle://u:hunter2@h/d",
            "postgres:u:hunter2@h/d",
            "postgres://u:hunter2@h",
            "postgres://u:hunter2@h/",
            "postgres://u:hunter2@/d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:1/hunter2@h/d",
            "postgres://u:1?hunter2@h/d",
            "postgres://u:1#hunter2@h/d",
            "postgres://u:1@h/d#hunter2",
            "sqlite://",
        ] {
            let error = DatabaseUrl::parse(address).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
