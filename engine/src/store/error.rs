//! Errors of Pappus's own database.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteConnectOptions;

use super::tables::DONE;
use crate::pod::database::reason;
use crate::sql::DatabaseUrl;

/// The reason Pappus's own database could not be used. Addresses in here never show a password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Pappus cannot keep its own data in this kind of database.
    #[error(
        "{url} cannot hold Pappus's own database: name an SQLite file (sqlite:///srv/pappus.sqlite3) or a PostgreSQL database (postgres://user@host/pappus)"
    )]
    Kind {
        /// The address.
        url: String,
    },
    /// The connection failed.
    #[error(
        "Pappus's own database at {url} cannot be opened: {reason}. {}",
        if reason.contains("is full") || reason.contains("No space left") {
            "Free some room on its disk"
        } else {
            "Check that the address, user and password are right"
        }
    )]
    Unreachable {
        /// The address.
        url: String,
        /// The error of the database or the system.
        reason: String,
        /// True when it is unavailable or busy, rather than the address or the password wrong.
        passing: bool,
    },
    /// The file cannot be created or read.
    #[error(
        "Pappus's own database {path} cannot be opened: {source}. Check that its folder exists and is yours"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Others may read data that is only for the podmin.
    #[error("{0} holds what people take with them and others may read it: run chmod 600 on it")]
    Exposed(PathBuf),
    /// The database was written by a later version.
    #[error(
        "Pappus's own database at {url} was made by a newer Pappus: it holds change {version}, which this one does not know. Use the newer Pappus"
    )]
    Newer {
        /// The address.
        url: String,
        /// The unknown migration.
        version: i64,
    },
    /// The tables could not be created or brought up to date.
    #[error("the tables of Pappus's own database at {url} cannot be created: {reason}")]
    Tables {
        /// The address.
        url: String,
        /// The database's error.
        reason: String,
    },
    /// Such a row already exists.
    #[error("{what} failed: there is one already ({reason})")]
    Duplicate {
        /// The operation.
        what: &'static str,
        /// The database's error.
        reason: String,
    },
    /// The database is unavailable or busy; the same may succeed later.
    #[error("{what} failed in Pappus's own database: {reason}")]
    Statement {
        /// The operation.
        what: &'static str,
        /// The database's error.
        reason: String,
    },
    /// The database refuses this, however often it is asked: a table or a right is missing, or a value is invalid.
    #[error("{what} failed in Pappus's own database: {reason}. Waiting will not help{}", missing(.reason))]
    Refused {
        /// The operation.
        what: &'static str,
        /// The database's error.
        reason: String,
    },
    /// The file is damaged.
    #[error(
        "{what} failed: Pappus's own database{} is damaged ({reason}). Stop every program that uses it, then put a \
         copy back. Without one, `sqlite3 FILE .recover` saves what can be read; or move the file away, with its -wal \
         and -shm: archives, their lists and the keys stay as they are, and `pappus export --all` begins anew",
        path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default()
    )]
    Damaged {
        /// The operation.
        what: &'static str,
        /// The file, where it is known.
        path: Option<PathBuf>,
        /// The database's error.
        reason: String,
    },
    /// A row does not hold the expected value.
    #[error("Pappus's own database holds something unexpected in column {column}: {reason}")]
    Column {
        /// The column.
        column: String,
        /// The error in it.
        reason: String,
    },
    /// The system returned no random numbers.
    #[error("the system provides no random numbers")]
    Random,
}

impl StoreError {
    pub(super) fn statement(what: &'static str, error: &sqlx::Error) -> Self {
        let duplicate =
            error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
        let (reason, fault) = (reason(error), fault_of(error));
        match fault {
            _ if duplicate => Self::Duplicate { what, reason },
            StoreFault::Passing => Self::Statement { what, reason },
            StoreFault::Refused => Self::Refused { what, reason },
            StoreFault::Damaged => Self::Damaged { what, path: None, reason },
        }
    }

    /// Returns whether the database is unavailable or busy, so that the same may succeed later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Statement { .. } | Self::Unreachable { passing: true, .. })
    }

    pub(super) fn unreachable(url: &DatabaseUrl, error: &sqlx::Error) -> Self {
        let (reason, fault) = (reason(error), fault_of(error));
        match fault {
            StoreFault::Damaged => {
                let options: Result<SqliteConnectOptions, _> = url.expose().parse();
                let path = options.ok().map(|options| options.get_filename().to_owned());
                Self::Damaged { what: "opening it", path, reason }
            }
            fault => {
                let passing = matches!(fault, StoreFault::Passing);
                Self::Unreachable { url: url.to_string(), reason, passing }
            }
        }
    }

    pub(super) fn tables(url: &DatabaseUrl, error: &MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { url: url.to_string(), version: *version },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                match fault_of(error) {
                    StoreFault::Refused => Self::Tables { url: url.to_string(), reason: reason(error) },
                    _ => Self::unreachable(url, error),
                }
            }
            // The library would name its default table, which does not exist.
            MigrateError::Dirty(version) => {
                let reason = format!(
                    "change {version} was broken off half-way. Put a copy of the database back; or undo the change by hand \
                     and remove its row from {DONE}"
                );
                Self::Tables { url: url.to_string(), reason }
            }
            MigrateError::VersionMismatch(version) => {
                let reason = format!(
                    "{DONE} says that change {version} was made by a Pappus with another text for it. Use the release \
                     that made it, or put a copy of the database back"
                );
                Self::Tables { url: url.to_string(), reason }
            }
            other => Self::Tables {
                url: url.to_string(),
                reason: other.to_string().replace("_sqlx_migrations", DONE),
            },
        }
    }
}

/// Returns the advice for a missing table.
fn missing(reason: &str) -> &'static str {
    if ["no such table", "no such column", "does not exist"].iter().any(|words| reason.contains(words)) {
        ": put a copy of the database back, or name another one"
    } else {
        ""
    }
}

/// Kinds of failures.
enum StoreFault {
    /// Unavailable, busy, full, or shutting down.
    Passing,
    /// The database refuses this.
    Refused,
    /// Its file is damaged, or no database.
    Damaged,
}

/// SQLSTATE classes of PostgreSQL that are temporary: no connection, a conflict with another, no resources, closed by
/// the operator, a system error. 25006 and 55: a standby, locked by another. 3D, 28 and 42 are not.
const PASSING: [&str; 7] = ["08", "25006", "40", "53", "55", "57", "58"];

/// Primary result codes of SQLite that are temporary: BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL,
/// CANTOPEN, PROTOCOL.
const PASSING_CODES: [u32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

fn fault_of(error: &sqlx::Error) -> StoreFault {
    let Some(said) = error.as_database_error() else {
        return match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => StoreFault::Passing,
            _ => StoreFault::Refused,
        };
    };
    let code = said.code().unwrap_or_default();
    if said.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The last byte of an extended code is the primary one.
        return match code.parse::<u32>().unwrap_or_default() & 0xff {
            11 | 26 => StoreFault::Damaged,
            code if PASSING_CODES.contains(&code) => StoreFault::Passing,
            _ => StoreFault::Refused,
        };
    }
    if PASSING.iter().any(|class| code.starts_with(class)) {
        StoreFault::Passing
    } else {
        StoreFault::Refused
    }
}
