//! Why a pod's database could not be read or written, and what helps.

use sqlx::mysql::MySqlDatabaseError;

use crate::pod::config::{DatabaseUrl, Dialect};

/// Why the pod's database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No connection.
    #[error(
        "the pod's database at {url} cannot be reached: {reason}. Check that it runs and that the address, user and password are right"
    )]
    Unreachable {
        /// The address, without its password.
        url: String,
        /// What the database or the system said.
        reason: String,
        /// Whether it is away or busy, and not an address or a password that is wrong.
        passing: bool,
    },
    /// It takes no more connections just now, in all or from this user.
    #[error(
        "the pod's database at {url} takes no more connections just now: {reason}. Wait until others are closed, or \
         let it take more ({})",
        more_connections(url)
    )]
    Crowded {
        /// The address, without its password.
        url: String,
        /// What the database said.
        reason: String,
    },
    /// The address cannot be used.
    #[error("{url} is not an address of a database that can be used: {reason}")]
    Address {
        /// The address, without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection ended in the middle of something: the same may go well with another one.
    #[error("the connection to the pod's database ended while it was asked about {what}: {reason}")]
    Lost {
        /// What it was about.
        what: &'static str,
        /// What the database or the system said.
        reason: String,
    },
    /// The database's user may not read or write a table.
    #[error("the pod's database does not allow this user a statement about {what}: {reason}. {help}")]
    Denied {
        /// What it was about.
        what: &'static str,
        /// What the database said.
        reason: String,
        /// What helps.
        help: String,
    },
    /// A statement failed.
    #[error("the pod's database refused a statement about {what}: {reason}")]
    Statement {
        /// What it was about.
        what: &'static str,
        /// What the database said.
        reason: String,
    },
}

impl DatabaseError {
    /// Whether the database is away or busy, so that the same may go well later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unreachable { passing: true, .. } | Self::Lost { .. } | Self::Crowded { .. })
    }
}

/// How a database is told to take more connections.
fn more_connections(url: &str) -> &'static str {
    if url.starts_with("mysql") {
        "SET GLOBAL max_connections, or max_user_connections"
    } else {
        "max_connections of the server, or ALTER ROLE … CONNECTION LIMIT …"
    }
}

/// Why no connection came about.
pub(super) fn refused(url: &DatabaseUrl, error: &sqlx::Error) -> DatabaseError {
    let (url, reason) = (url.to_string(), reason(error));
    if is_crowded(error) {
        return DatabaseError::Crowded { url, reason };
    }
    DatabaseError::Unreachable { url, reason, passing: is_away(error) }
}

/// Who asks a database, and for which rights.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Whom the database knows us as.
    pub(super) user: Option<String>,
    /// `SELECT`, or more.
    pub(super) rights: &'static str,
}

impl Caller {
    /// Somebody who reads.
    pub(super) fn reader(url: &DatabaseUrl) -> Self {
        Self { user: url.user(), rights: "SELECT" }
    }

    /// Somebody who writes.
    pub(super) fn writer(url: &DatabaseUrl) -> Self {
        Self { user: url.user(), rights: "SELECT, INSERT, UPDATE, DELETE" }
    }

    /// The statements that give the rights to tables.
    pub(super) fn grant(&self, dialect: Dialect, tables: &[&str]) -> String {
        let user = self.user.as_deref().unwrap_or("USER");
        let rights = self.rights;
        if dialect == Dialect::MySql {
            let one = |table: &&str| format!("GRANT {rights} ON {table} TO {user};");
            return tables.iter().map(one).collect::<Vec<_>>().join(" ");
        }
        // A name with other characters needs quotes.
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let user = if user.bytes().all(plain) || self.user.is_none() {
            user.to_owned()
        } else {
            format!("\"{user}\"")
        };
        format!("GRANT {rights} ON {} TO {user};", tables.join(", "))
    }
}

/// Why a statement failed.
pub(super) fn statement_error(
    what: &'static str,
    mut caller: Caller,
) -> impl FnMut(sqlx::Error) -> DatabaseError {
    move |error| {
        if let Some(table) = denied_table(&error) {
            let mut dialect = Dialect::PostgreSql;
            if let Some(user) = mysql_user(&error) {
                (dialect, caller.user) = (Dialect::MySql, Some(user));
            }
            let help = format!("As the owner of the database, run: {}", caller.grant(dialect, &[&table]));
            return DatabaseError::Denied { what, reason: reason(&error), help };
        }
        let reason = error.to_string();
        if is_lost(&error) {
            DatabaseError::Lost { what, reason }
        } else {
            DatabaseError::Statement { what, reason }
        }
    }
}

/// The user that MySQL refuses something, `'NAME'@'HOST'`.
fn mysql_user(error: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Database(database) = error else { return None };
    mysql_number(error)?;
    let (_, user) = database.message().split_once(" to user ")?;
    Some(user.split_whitespace().next()?.to_owned())
}

fn mysql_number(error: &sqlx::Error) -> Option<u16> {
    let sqlx::Error::Database(error) = error else { return None };
    error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// The table that a user may not use, as the database's sentence names it: last in that of PostgreSQL, after the last
/// point in that of MySQL.
fn denied_table(error: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Database(database) = error else { return None };
    let message = database.message();
    // ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR.
    let word = match mysql_number(error) {
        Some(1142 | 1143) => {
            let quoted = message.rsplit_once(" for table ").map(|(_, table)| table)?;
            quoted.rsplit('.').next()?
        }
        None if database.code().as_deref() == Some("42501") => message.split_whitespace().next_back()?,
        _ => return None,
    };
    let quotes = ['`', '\'', '"', '«', '»', '„', '“', '”'];
    Some(word.trim_matches(quotes).to_owned()).filter(|word| !word.is_empty())
}

/// Whether a connection has ended, be it that the server was shut down or an administrator ended it.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connection exceptions; shut down, crashed, starting; MariaDB: shut down, killed, gone, lost.
            code.starts_with("08")
                || ["57P01", "57P02", "57P03", "57P05"].contains(&code.as_ref())
                || code == "70100"
        }),
        _ => false,
    }
}

/// Whether a server, or this user's share of it, has no connection free.
fn is_crowded(error: &sqlx::Error) -> bool {
    // ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED.
    if matches!(mysql_number(error), Some(1040 | 1203 | 1226)) {
        return true;
    }
    let sqlx::Error::Database(error) = error else { return false };
    // PgBouncer has no code of its own for it.
    error.code().as_deref() == Some("53300") || error.message().contains("no more connections allowed")
}

/// What the database itself said, without the library's words around it.
pub(crate) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// Whether a server is not there, or takes no more connections just now; a wrong password or name is another matter.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            ["08", "53", "57"].iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}
