//! What can go wrong with Pappus's own database.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use crate::pod::config::DatabaseUrl;
use crate::pod::database::reason;

/// Why Pappus's own database could not be used. Addresses in here never show a password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A database of a kind Pappus does not keep its own things in.
    #[error(
        "{url} cannot hold Pappus's own database: name an SQLite file (sqlite:///srv/pappus.sqlite3) or a PostgreSQL database (postgres://user@host/pappus)"
    )]
    Kind {
        /// The address.
        url: String,
    },
    /// No connection.
    #[error(
        "Pappus's own database at {url} cannot be opened: {reason}. Check that the address, user and password are right"
    )]
    Unreachable {
        /// The address.
        url: String,
        /// What the database or the system said.
        reason: String,
    },
    /// The file cannot be made or looked at.
    #[error(
        "Pappus's own database {path} cannot be opened: {source}. Check that its folder exists and is yours"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read what is nobody's business but the podmin's.
    #[error("{0} holds what people take with them and others may read it: run chmod 600 on it")]
    Exposed(PathBuf),
    /// Written by a later version.
    #[error(
        "Pappus's own database at {url} was made by a newer Pappus: it holds change {version}, which this one does not know. Use the newer Pappus"
    )]
    Newer {
        /// The address.
        url: String,
        /// The unknown change.
        version: i64,
    },
    /// The tables could not be made or brought up to date.
    #[error("the tables of Pappus's own database at {url} cannot be made: {reason}")]
    Tables {
        /// The address.
        url: String,
        /// What the database said.
        reason: String,
    },
    /// There is one like it already.
    #[error("{what} failed: there is one already ({reason})")]
    Duplicate {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        reason: String,
    },
    /// A statement failed.
    #[error("{what} failed in Pappus's own database: {reason}")]
    Statement {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        reason: String,
    },
    /// A row does not hold what it should.
    #[error("Pappus's own database holds something unexpected in column {column}: {reason}")]
    Column {
        /// The column, counted from 0.
        column: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl StoreError {
    pub(super) fn statement(what: &'static str, error: &sqlx::Error) -> Self {
        let duplicate =
            error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
        let reason = reason(error);
        if duplicate { Self::Duplicate { what, reason } } else { Self::Statement { what, reason } }
    }

    pub(super) fn unreachable(url: &DatabaseUrl, error: &sqlx::Error) -> Self {
        Self::Unreachable { url: url.to_string(), reason: reason(error) }
    }

    pub(super) fn tables(url: &DatabaseUrl, error: &MigrateError) -> Self {
        let url = url.to_string();
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { url, version: *version },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::Tables { url, reason: reason(error) }
            }
            other => Self::Tables { url, reason: other.to_string() },
        }
    }
}
