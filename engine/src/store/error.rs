//! What can go wrong with Pappus's own database.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteConnectOptions;

use super::tables::DONE;
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
        /// Whether it is away or busy, and not an address or a password that is wrong.
        passing: bool,
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
    /// The database is away, or busy, and may do the same later.
    #[error("{what} failed in Pappus's own database: {reason}")]
    Statement {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        reason: String,
    },
    /// The database does not do this, however often it is asked: a table is missing, a right, or a value is none.
    #[error("{what} failed in Pappus's own database: {reason}. It will not go better by itself{}", missing(.reason))]
    Refused {
        /// What was being done.
        what: &'static str,
        /// What the database said.
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
        /// What was being done.
        what: &'static str,
        /// The file, where it is known.
        path: Option<PathBuf>,
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
        let (reason, fault) = (reason(error), fault_of(error));
        match fault {
            _ if duplicate => Self::Duplicate { what, reason },
            StoreFault::Passing => Self::Statement { what, reason },
            StoreFault::Refused => Self::Refused { what, reason },
            StoreFault::Damaged => Self::Damaged { what, path: None, reason },
        }
    }

    /// Whether the database is away or busy, so that the same may go well later.
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
            // The library would name a table of its own, which is not there.
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

/// What is to be done about a table that is not there.
fn missing(reason: &str) -> &'static str {
    if ["no such table", "no such column", "does not exist"].iter().any(|words| reason.contains(words)) {
        ": put a copy of the database back, or name another one"
    } else {
        ""
    }
}

/// Kinds of failures.
enum StoreFault {
    /// Away, busy, full, or closing down.
    Passing,
    /// It will not do this.
    Refused,
    /// Its file is none, or damaged.
    Damaged,
}

/// SQLSTATE classes of PostgreSQL that pass: no connection, a conflict with another, no resources, closed by the
/// operator, trouble of the system. 25006 and 55: a standby, locked by another. 3D, 28 and 42 do not.
const PASSING: [&str; 7] = ["08", "25006", "40", "53", "55", "57", "58"];

/// Primary result codes of SQLite that pass: BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL.
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
        // An extended code has the primary one in its last byte.
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
