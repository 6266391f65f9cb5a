//! Errors of Pappus's own database.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteConnectOptions;

use super::tables::MIGRATIONS_TABLE;
use crate::pod::database::reason;
use crate::sql::DatabaseUrl;

/// The reason Pappus's own database could not be used. Addresses in it contain no password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Pappus cannot store its own data in this kind of database.
    #[error(
        "{url} cannot be Pappus's own database: specify an SQLite file (sqlite:///srv/pappus.sqlite3) or a PostgreSQL database (postgres://user@host/pappus)"
    )]
    Kind {
        /// The address.
        url: String,
    },
    /// The connection failed.
    #[error(
        "Pappus's own database at {url} cannot be opened: {reason}. {}",
        if reason.contains("is full") || reason.contains("No space left") {
            "Free some space on its disk"
        } else {
            "Check the address, user and password"
        }
    )]
    Unreachable {
        /// The address.
        url: String,
        /// The error of the database or the system.
        reason: String,
        /// True if the database is unavailable or busy; false if the address or the password is wrong.
        is_temporary: bool,
    },
    /// The file cannot be created or read.
    #[error(
        "Pappus's own database {path} cannot be opened: {source}. Check that its folder exists and belongs to you"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Other users may read data that is for the podmin only.
    #[error("{0} contains people's private data, but others may read it: run chmod 600 on it")]
    Exposed(PathBuf),
    /// The database was written by a later version.
    #[error(
        "Pappus's own database at {url} was created by a newer Pappus: it contains migration {version}, which this version does not know. Use the newer Pappus"
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
    /// A row with the same unique value already exists.
    #[error("{operation} failed: it already exists ({reason})")]
    Duplicate {
        /// The operation.
        operation: &'static str,
        /// The database's error.
        reason: String,
    },
    /// The database is unavailable or busy; the operation may succeed later.
    #[error("{operation} failed in Pappus's own database: {reason}")]
    Statement {
        /// The operation.
        operation: &'static str,
        /// The database's error.
        reason: String,
    },
    /// The database rejects the statement permanently: a table or a permission is missing, or a value is invalid.
    #[error("{operation} failed in Pappus's own database: {reason}. Waiting will not help{}", missing(.reason))]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The database's error.
        reason: String,
    },
    /// The file is damaged.
    #[error(
        "{operation} failed: Pappus's own database{} is damaged ({reason}). Stop every program that uses it, then restore a \
         backup. Without one, `sqlite3 FILE .recover` recovers the readable data; or move the file away, with its -wal \
         and -shm: archives, their lists and the keys remain, and `pappus export --all` starts again",
        path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default()
    )]
    Damaged {
        /// The operation.
        operation: &'static str,
        /// The file, if it is known.
        path: Option<PathBuf>,
        /// The database's error.
        reason: String,
    },
    /// A column does not contain the expected value.
    #[error("Pappus's own database has an unexpected value in column {column}: {reason}")]
    Column {
        /// The column.
        column: String,
        /// The error in it.
        reason: String,
    },
    /// The operating system provides no random numbers.
    #[error("the system provides no random numbers")]
    Random,
}

impl StoreError {
    pub(super) fn statement(operation: &'static str, error: &sqlx::Error) -> Self {
        let is_duplicate =
            error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
        let (reason, fault) = (reason(error), fault_of(error));
        match fault {
            _ if is_duplicate => Self::Duplicate { operation, reason },
            StoreFault::Temporary => Self::Statement { operation, reason },
            StoreFault::Refused => Self::Refused { operation, reason },
            StoreFault::Damaged => Self::Damaged { operation, path: None, reason },
        }
    }

    /// Returns whether the database is unavailable or busy, so that the operation may succeed later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Statement { .. } | Self::Unreachable { is_temporary: true, .. })
    }

    pub(super) fn unreachable(url: &DatabaseUrl, error: &sqlx::Error) -> Self {
        let (reason, fault) = (reason(error), fault_of(error));
        match fault {
            StoreFault::Damaged => {
                let options: Result<SqliteConnectOptions, _> = url.expose().parse();
                let path = options.ok().map(|options| options.get_filename().to_owned());
                Self::Damaged { operation: "opening it", path, reason }
            }
            fault => {
                let is_temporary = matches!(fault, StoreFault::Temporary);
                Self::Unreachable { url: url.to_string(), reason, is_temporary }
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
            // The texts of the library name its default table, which does not exist.
            MigrateError::Dirty(version) => {
                let reason = format!(
                    "migration {version} was interrupted. Restore a backup of the database; or undo the migration by hand \
                     and remove its row from {MIGRATIONS_TABLE}"
                );
                Self::Tables { url: url.to_string(), reason }
            }
            MigrateError::VersionMismatch(version) => {
                let reason = format!(
                    "migration {version} in {MIGRATIONS_TABLE} was applied by a Pappus with another text of it. Use that \
                     release, or restore a backup of the database"
                );
                Self::Tables { url: url.to_string(), reason }
            }
            other => Self::Tables {
                url: url.to_string(),
                reason: other.to_string().replace("_sqlx_migrations", MIGRATIONS_TABLE),
            },
        }
    }
}

/// Returns the advice for a missing table.
fn missing(reason: &str) -> &'static str {
    if ["no such table", "no such column", "does not exist"].iter().any(|words| reason.contains(words)) {
        ": restore a backup of the database, or specify another one"
    } else {
        ""
    }
}

/// Kinds of failures.
enum StoreFault {
    /// Unavailable, busy, full, or shutting down.
    Temporary,
    /// The database rejects the statement.
    Refused,
    /// Its file is damaged, or is not a database.
    Damaged,
}

/// SQLSTATE classes of PostgreSQL that are temporary: connection errors, conflicts with other transactions,
/// missing resources, shutdowns, system errors; 25006 is a standby, 55 a lock. 3D, 28 and 42 are permanent.
const TEMPORARY_CLASSES: [&str; 7] = ["08", "25006", "40", "53", "55", "57", "58"];

/// Primary result codes of SQLite that are temporary: BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL,
/// CANTOPEN, PROTOCOL.
const TEMPORARY_CODES: [u32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

fn fault_of(error: &sqlx::Error) -> StoreFault {
    let Some(database_error) = error.as_database_error() else {
        return match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => StoreFault::Temporary,
            _ => StoreFault::Refused,
        };
    };
    let code = database_error.code().unwrap_or_default();
    if database_error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The last byte of an extended code is the primary one.
        return match code.parse::<u32>().unwrap_or_default() & 0xff {
            11 | 26 => StoreFault::Damaged,
            code if TEMPORARY_CODES.contains(&code) => StoreFault::Temporary,
            _ => StoreFault::Refused,
        };
    }
    if TEMPORARY_CLASSES.iter().any(|class| code.starts_with(class)) {
        StoreFault::Temporary
    } else {
        StoreFault::Refused
    }
}
