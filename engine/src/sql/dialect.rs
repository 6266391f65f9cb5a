//! The kinds of databases.

use std::fmt;

/// The kinds of databases that diaspora* and Pappus's sample pod use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL.
    PostgreSql,
    /// MariaDB or MySQL.
    MySql,
    /// SQLite, as the embedded sample pod uses it.
    Sqlite,
}

impl Dialect {
    /// Returns the kind of database for a URL scheme or the name of a Rails adapter.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "postgres" | "postgresql" | "postgis" => Some(Self::PostgreSql),
            "mysql" | "mysql2" | "mariadb" | "trilogy" => Some(Self::MySql),
            "sqlite" | "sqlite3" => Some(Self::Sqlite),
            _ => None,
        }
    }

    /// Returns sqlx's scheme.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgres",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PostgreSql => "PostgreSQL",
            Self::MySql => "MariaDB/MySQL",
            Self::Sqlite => "SQLite",
        })
    }
}
