//! Errors of a pod's database, with remedies.

use sqlx::mysql::MySqlDatabaseError;

use crate::sql::{DatabaseUrl, Dialect};

/// The reason the pod's database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The connection could not be established.
    #[error(
        "the pod's database at {url} cannot be reached: {reason}. Check that it runs and that the address, user and password are right"
    )]
    Unreachable {
        /// The address, without its password.
        url: String,
        /// The error reported by the database or the system.
        reason: String,
        /// True when the database is unavailable or busy; false when the address or password is wrong.
        is_temporary: bool,
    },
    /// The database accepts no more connections for now, in total or from this user.
    #[error(
        "the pod's database at {url} accepts no more connections at the moment: {reason}. Wait until others are \
         closed, or raise the limit ({})",
        more_connections(url)
    )]
    TooManyConnections {
        /// The address, without its password.
        url: String,
        /// The error reported by the database.
        reason: String,
    },
    /// The address cannot be used.
    #[error("{url} is not the address of a supported database: {reason}")]
    Address {
        /// The address, without its password.
        url: String,
        /// The address's defect.
        reason: String,
    },
    /// The connection was lost during a statement; a retry on a new one may succeed.
    #[error("the connection to the pod's database was lost during a statement about {subject}: {reason}")]
    Lost {
        /// Subject of the statement.
        subject: &'static str,
        /// The error reported by the database or the system.
        reason: String,
    },
    /// The database user lacks a right on a table.
    #[error("the pod's database does not allow this user a statement about {subject}: {reason}. {help}")]
    Denied {
        /// Subject of the statement.
        subject: &'static str,
        /// The error reported by the database.
        reason: String,
        /// The remedy.
        help: String,
    },
    /// A table or column is missing, as while a pod's database is being restored.
    #[error("the pod's database lacks a table or column for a statement about {subject}: {reason}")]
    Missing {
        /// Subject of the statement.
        subject: &'static str,
        /// The error reported by the database.
        reason: String,
    },
    /// The database's character set lacks characters that people write.
    #[error("{subject} in the character set {set}, which cannot store all characters; {help} first")]
    CharacterSet {
        /// The database or one of its tables, with "is".
        subject: String,
        /// The character set.
        set: String,
        /// The remedy.
        help: &'static str,
    },
    /// A statement failed.
    #[error("the pod's database rejected a statement about {subject}: {reason}")]
    Statement {
        /// Subject of the statement.
        subject: &'static str,
        /// The error reported by the database.
        reason: String,
    },
}

impl DatabaseError {
    /// Builds the error for a table's character set; on PostgreSQL it is that of the whole database.
    pub(super) fn character_set(dialect: Dialect, table: &str, set: String) -> Self {
        let (subject, help) = match dialect {
            Dialect::PostgreSql => (
                "the pod's database is".to_owned(),
                "restore a dump of it into a database created with ENCODING 'UTF8'",
            ),
            _ => (format!("the pod's table {table} is"), "convert the pod's tables to utf8mb4"),
        };
        Self::CharacterSet { subject, set, help }
    }

    /// Returns whether the database is unavailable or busy, so that a retry may succeed.
    pub fn passes(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { is_temporary: true, .. }
                | Self::Lost { .. }
                | Self::TooManyConnections { .. }
        )
    }
}

/// Returns the setting that raises the database's connection limit.
fn more_connections(url: &str) -> &'static str {
    if url.starts_with("mysql") {
        "SET GLOBAL max_connections, or max_user_connections"
    } else {
        "max_connections of the server, or ALTER ROLE … CONNECTION LIMIT …"
    }
}

/// Converts a failure to connect.
pub(super) fn connect_error(url: &DatabaseUrl, error: &sqlx::Error) -> DatabaseError {
    let (url, reason) = (url.to_string(), reason(error));
    if has_too_many_connections(error) {
        return DatabaseError::TooManyConnections { url, reason };
    }
    DatabaseError::Unreachable { url, reason, is_temporary: is_unavailable(error) }
}

/// The database user, and the rights it needs.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Name of the database user.
    pub(super) user: Option<String>,
    /// The rights, such as `SELECT`, separated by commas.
    pub(super) rights: &'static str,
}

impl Caller {
    /// Returns a caller that reads.
    pub(super) fn reader(url: &DatabaseUrl) -> Self {
        Self { user: url.user(), rights: "SELECT" }
    }

    /// Returns a caller that writes.
    pub(super) fn writer(url: &DatabaseUrl) -> Self {
        Self { user: url.user(), rights: "SELECT, INSERT, UPDATE, DELETE" }
    }

    /// Builds the statements that grant the rights on tables.
    pub(super) fn grant(&self, dialect: Dialect, tables: &[&str]) -> String {
        let user = self.user.as_deref().unwrap_or("USER");
        let rights = self.rights;
        if dialect == Dialect::MySql {
            let grant_one = |table: &&str| format!("GRANT {rights} ON {table} TO {user};");
            return tables.iter().map(grant_one).collect::<Vec<_>>().join(" ");
        }
        // Names with other characters need quotes.
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let user = if user.bytes().all(is_plain) || self.user.is_none() {
            user.to_owned()
        } else {
            format!("\"{user}\"")
        };
        format!("GRANT {rights} ON {} TO {user};", tables.join(", "))
    }
}

/// Converts a statement's failure.
pub(super) fn statement_error(
    subject: &'static str,
    mut caller: Caller,
) -> impl FnMut(sqlx::Error) -> DatabaseError {
    move |error| {
        if let Some(table) = denied_table(&error) {
            let mut dialect = Dialect::PostgreSql;
            if let Some(user) = mysql_user(&error) {
                (dialect, caller.user) = (Dialect::MySql, Some(user));
            }
            let help = format!("As the owner of the database, run: {}", caller.grant(dialect, &[&table]));
            return DatabaseError::Denied { subject, reason: reason(&error), help };
        }
        let reason = error.to_string();
        if is_lost(&error) {
            DatabaseError::Lost { subject, reason }
        } else if is_missing(&error) {
            DatabaseError::Missing { subject, reason }
        } else {
            DatabaseError::Statement { subject, reason }
        }
    }
}

/// Returns the user that MySQL denied a right, `'NAME'@'HOST'`.
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

/// Returns the table that the user has no right to, from the database's message: PostgreSQL names it last, MySQL
/// after the last dot.
fn denied_table(error: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Database(database) = error else { return None };
    let message = database.message();
    // ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR.
    let quoted_table = match mysql_number(error) {
        Some(1142 | 1143) => {
            let quoted = message.rsplit_once(" for table ").map(|(_, table)| table)?;
            quoted.rsplit('.').next()?
        }
        None if database.code().as_deref() == Some("42501") => message.split_whitespace().next_back()?,
        _ => return None,
    };
    let quotes = ['`', '\'', '"', '«', '»', '„', '“', '”'];
    Some(quoted_table.trim_matches(quotes).to_owned()).filter(|table| !table.is_empty())
}

/// Returns whether a table, a column, or the schema or database around them does not exist.
fn is_missing(error: &sqlx::Error) -> bool {
    // ER_BAD_DB_ERROR, ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE.
    if let Some(number) = mysql_number(error) {
        return matches!(number, 1049 | 1054 | 1146);
    }
    let sqlx::Error::Database(error) = error else { return false };
    // undefined_table, invalid_schema_name, undefined_column. SQLite has one code for all errors in statements.
    matches!(error.code().as_deref(), Some("42P01" | "3F000" | "42703"))
        || error.message().starts_with("no such table")
        || error.message().starts_with("no such column")
}

/// Returns whether a connection has ended, by a server shutdown or by an administrator.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connection exceptions; shut down, crashed, starting; ended by a time limit for idle or long transactions;
            // MariaDB: shut down, killed, gone, lost.
            code.starts_with("08")
                || ["57P01", "57P02", "57P03", "57P05", "25P03", "25P04"].contains(&code.as_ref())
                || code == "70100"
        }),
        _ => false,
    }
}

/// Returns whether the server, or this user's share of it, has no free connection.
fn has_too_many_connections(error: &sqlx::Error) -> bool {
    // ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED.
    if matches!(mysql_number(error), Some(1040 | 1203 | 1226)) {
        return true;
    }
    let sqlx::Error::Database(error) = error else { return false };
    // PgBouncer has no error code for it.
    error.code().as_deref() == Some("53300") || error.message().contains("no more connections allowed")
}

/// Returns the database's own message, without sqlx's additions.
pub(crate) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// Returns whether a server is unavailable or out of connections, as opposed to a wrong password or name.
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            ["08", "53", "57"].iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}
