//! Opening a database read-only and holding one consistent view of it.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::error::{Caller, refused, statement_error};
use super::{Cell as _, DatabaseError, Row};
use crate::pod::config::{DatabaseUrl, Dialect};

/// Between two tries of a database that takes no more connections.
const CROWDED_PAUSE: Duration = Duration::from_millis(500);
/// How long a pod's database may take to answer a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to one of the three databases.
pub(super) enum Link {
    Postgres(PgConnection),
    MySql(MySqlConnection),
    Sqlite(SqliteConnection),
}

/// A connection inside a read-only transaction: every statement sees the pod as it was at the first one.
pub struct Snapshot {
    link: Link,
    dialect: Dialect,
    caller: Caller,
    statements: u64,
}

/// The name PostgreSQL gives to a snapshot that is shared.
#[derive(Debug, Clone)]
pub struct SharedSnapshot(String);

impl SharedSnapshot {
    /// It stands in a statement as it is.
    fn new(name: String) -> Option<Self> {
        let plain = name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        (plain && !name.is_empty()).then_some(Self(name))
    }
}

impl Snapshot {
    /// Connects and begins the read-only transaction. A database that takes no more connections is asked again for some
    /// seconds.
    ///
    /// # Errors
    /// [`DatabaseError::Address`] and [`DatabaseError::Unreachable`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        let begun = tokio::time::Instant::now();
        loop {
            match Self::begin(url, None).await {
                // Somebody else may be about to close one.
                Err(DatabaseError::Crowded { .. }) if begun.elapsed() < CONNECT_TIMEOUT => {
                    tokio::time::sleep(CROWDED_PAUSE).await;
                }
                other => return other,
            }
        }
    }

    /// The same without waiting for a connection that others may close.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_now(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        Self::begin(url, None).await
    }

    /// Asks who this user is, where a name alone is not enough.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn ask_user(&mut self) -> Result<(), DatabaseError> {
        if self.dialect == Dialect::MySql {
            let row = self.first("its user", "SELECT CURRENT_USER()".to_owned(), &[]).await?;
            let user = row.and_then(|row| row.text(0));
            let quoted = user.as_deref().and_then(|user| user.rsplit_once('@'));
            self.caller.user = quoted.map(|(name, host)| format!("'{name}'@'{host}'"));
        }
        Ok(())
    }

    /// The statements that let this user read tables.
    pub(crate) fn grant(&self, tables: &[&str]) -> String {
        self.caller.grant(self.dialect, tables)
    }

    async fn begin(url: &DatabaseUrl, shared: Option<&SharedSnapshot>) -> Result<Self, DatabaseError> {
        let unreachable =
            |reason: String| DatabaseError::Unreachable { url: url.to_string(), reason, passing: true };
        let link = within_time(url, connect(url, Access::Read)).await?;
        let mut snapshot = Self { link, dialect: url.dialect(), caller: Caller::reader(url), statements: 0 };
        // It must come before anything is asked for.
        let share = shared.map(|shared| format!("SET TRANSACTION SNAPSHOT '{}'", shared.0));
        let begin: &[&str] = match snapshot.dialect {
            Dialect::PostgreSql => &[
                "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
                share.as_deref().unwrap_or_default(),
                // A database without an encoding may hold anything; asked for UTF-8 it refuses whole rows.
                "SELECT set_config('client_encoding', 'SQL_ASCII', false) \
                 WHERE current_setting('server_encoding') = 'SQL_ASCII'",
            ],
            Dialect::MySql => &[
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ],
            Dialect::Sqlite => &["BEGIN"],
        };
        for statement in begin.iter().filter(|statement| !statement.is_empty()) {
            snapshot.run(statement).await.map_err(|error| unreachable(error.to_string()))?;
        }
        Ok(snapshot)
    }

    /// Lets other connections see the pod as this one does, as long as this one stays: its name for
    /// [`open_shared`](Self::open_shared). Only PostgreSQL can; the others give `None`.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn share(&mut self) -> Result<Option<SharedSnapshot>, DatabaseError> {
        if self.dialect != Dialect::PostgreSql {
            return Ok(None);
        }
        let row = self.first("a snapshot to share", "SELECT pg_export_snapshot()".to_owned(), &[]).await?;
        Ok(row.and_then(|row| row.text(0)).and_then(SharedSnapshot::new))
    }

    /// Another connection that sees what the one sees that shared its snapshot.
    ///
    /// # Errors
    /// As [`open`](Self::open), also when the other connection has gone.
    pub async fn open_shared(url: &DatabaseUrl, shared: &SharedSnapshot) -> Result<Self, DatabaseError> {
        Self::begin(url, Some(shared)).await
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Statements sent so far.
    pub fn statements(&self) -> u64 {
        self.statements
    }

    async fn run(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        self.statements += 1;
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match &mut self.link {
            Link::Postgres(link) => link.execute(statement).await.map(drop),
            Link::MySql(link) => link.execute(statement).await.map(drop),
            Link::Sqlite(link) => link.execute(statement).await.map(drop),
        }
    }

    /// Sends one statement and gives its rows as they come, so that any number takes the same memory.
    ///
    /// `sql` holds numbers of our own only, or `?` for the values in `texts`.
    pub fn stream<'a>(
        &'a mut self,
        what: &'static str,
        sql: String,
        texts: &[&str],
    ) -> BoxStream<'a, Result<Row, DatabaseError>> {
        self.statements += 1;
        let caller = self.caller.clone();
        macro_rules! rows {
            ($link:expr, $variant:path, $sql:expr) => {{
                let mut query = sqlx::query(AssertSqlSafe($sql)).persistent(false);
                for text in texts {
                    query = query.bind((*text).to_owned());
                }
                query.fetch($link).map_ok($variant).map_err(statement_error(what, caller)).boxed()
            }};
        }
        match &mut self.link {
            Link::Postgres(link) => rows!(link, Row::Postgres, numbered_placeholders(&sql)),
            Link::MySql(link) => rows!(link, Row::MySql, backticks(sql)),
            Link::Sqlite(link) => rows!(link, Row::Sqlite, sql),
        }
    }

    /// All rows of a statement that is known to give few.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn rows(
        &mut self,
        what: &'static str,
        sql: String,
        texts: &[&str],
    ) -> Result<Vec<Row>, DatabaseError> {
        self.stream(what, sql, texts).try_collect().await
    }

    /// The first row of a statement.
    ///
    /// # Errors
    /// [`DatabaseError::Statement`].
    pub async fn first(
        &mut self,
        what: &'static str,
        sql: String,
        texts: &[&str],
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.rows(what, sql, texts).await?.into_iter().next())
    }
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Waits for a connection as long as a database may take.
pub(super) async fn within_time(
    url: &DatabaseUrl,
    connecting: impl Future<Output = Result<Link, DatabaseError>>,
) -> Result<Link, DatabaseError> {
    tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| DatabaseError::Unreachable {
        url: url.to_string(),
        reason: format!("no answer within {} seconds", CONNECT_TIMEOUT.as_secs()),
        passing: true,
    })?
}

pub(super) async fn connect(url: &DatabaseUrl, access: Access) -> Result<Link, DatabaseError> {
    let address =
        |error: sqlx::Error| DatabaseError::Address { url: url.to_string(), reason: error.to_string() };
    let refused = |error: sqlx::Error| refused(url, &error);
    Ok(match url.dialect() {
        Dialect::PostgreSql => {
            let options: PgConnectOptions = url.expose().parse().map_err(address)?;
            // PgBouncer refuses parameters it does not know, and no fractions are read here.
            let options = options.extra_float_digits(None);
            let options = options.application_name("pappus").disable_statement_logging();
            Link::Postgres(PgConnection::connect_with(&options).await.map_err(refused)?)
        }
        Dialect::MySql => {
            let options: MySqlConnectOptions = url.expose().parse().map_err(address)?;
            let options = options.charset("utf8mb4").disable_statement_logging();
            Link::MySql(MySqlConnection::connect_with(&options).await.map_err(refused)?)
        }
        Dialect::Sqlite => {
            let options: SqliteConnectOptions = url.expose().parse().map_err(address)?;
            let options = options
                .read_only(access == Access::Read)
                .create_if_missing(false)
                .disable_statement_logging();
            Link::Sqlite(SqliteConnection::connect_with(&options).await.map_err(refused)?)
        }
    })
}

/// PostgreSQL numbers its placeholders.
pub(crate) fn numbered_placeholders(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() * 2);
    for (index, part) in sql.split('?').enumerate() {
        if index > 0 {
            // Writing to a string cannot fail.
            _ = write!(numbered, "${index}");
        }
        numbered.push_str(part);
    }
    numbered
}

/// MySQL quotes names with backticks; the statements here use double quotes for nothing but names.
pub(super) fn backticks(sql: String) -> String {
    if sql.contains('"') { sql.replace('"', "`") } else { sql }
}
