//! One name for three kinds of connection pools.

use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, MySqlPool, PgPool, SqlitePool};

use super::{Dialect, SchemaError};

/// A pool on one of the three databases.
#[derive(Clone, Debug)]
pub enum Pool {
    /// PostgreSQL.
    Postgres(PgPool),
    /// MariaDB or MySQL.
    MySql(MySqlPool),
    /// SQLite.
    Sqlite(SqlitePool),
}

impl Pool {
    /// Opens `postgres://…`, `mysql://…` or `sqlite:…`; a SQLite file is made when missing.
    ///
    /// # Errors
    /// When the address is of no known kind or the database does not answer.
    pub async fn connect(url: &str) -> Result<Self, SchemaError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" => PgPoolOptions::new()
                .max_connections(4)
                .connect(url)
                .await
                .map(Self::Postgres)
                .map_err(SchemaError::Connect),
            "mysql" | "mariadb" => MySqlPoolOptions::new()
                .max_connections(4)
                .connect(url)
                .await
                .map(Self::MySql)
                .map_err(SchemaError::Connect),
            "sqlite" => Self::connect_sqlite(url).await.map_err(SchemaError::Connect),
            _ => Err(SchemaError::UnknownAddress(scheme.to_owned())),
        }
    }

    async fn connect_sqlite(url: &str) -> Result<Self, sqlx::Error> {
        // A throwaway pod needs neither a journal on disk nor safety against a power cut. One
        // connection, because every connection to `sqlite::memory:` has a database of its own.
        let options: SqliteConnectOptions = url.parse()?;
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off);
        SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map(Self::Sqlite)
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::MySql(_) => Dialect::MySql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Runs one or several statements without parameters.
    ///
    /// # Errors
    /// When the database refuses; the error holds the beginning of the statement.
    pub async fn execute(&self, sql: &str) -> Result<(), SchemaError> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql));
        let done = match self {
            Self::Postgres(pool) => query.execute(pool).await.map(|_| ()),
            Self::MySql(pool) => query.execute(pool).await.map(|_| ()),
            Self::Sqlite(pool) => query.execute(pool).await.map(|_| ()),
        };
        done.map_err(|source| SchemaError::Statement { statement: sql.chars().take(160).collect(), source })
    }

    /// Runs a query whose first column is a number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn number(&self, sql: &str) -> Result<i64, SchemaError> {
        let query = AssertSqlSafe(sql);
        let found = match self {
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await,
            Self::MySql(pool) => sqlx::query_scalar(query).fetch_one(pool).await,
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await,
        };
        found.map_err(|source| SchemaError::Statement { statement: sql.chars().take(160).collect(), source })
    }

    /// Runs a query whose first column is a text.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn texts(&self, sql: &str) -> Result<Vec<String>, SchemaError> {
        let query = AssertSqlSafe(sql);
        let found = match self {
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
            Self::MySql(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
        };
        found.map_err(|source| SchemaError::Statement { statement: sql.chars().take(160).collect(), source })
    }

    /// Waits until all connections are closed.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::MySql(pool) => pool.close().await,
            Self::Sqlite(pool) => pool.close().await,
        }
    }
}
