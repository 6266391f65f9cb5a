//! The tables of a diaspora* 0.9 pod, described once and written for three dialects.
//!
//! The description ([`tables`]) holds what a reader or writer of a pod has to know: columns with
//! type, null and default, primary keys, indexes, foreign keys. Left out are the tables of
//! diaspora*'s own OAuth provider and captcha, which no account carries.

mod ddl;
pub mod facts;
mod model;
mod pool;
mod tables_accounts;
mod tables_posts;
mod tables_talk;
mod versions;

pub use ddl::{index_ddl, quote, table_ddl};
pub use model::{Column, Dialect, Fallback, Kind, Link, Table, find, tables};
pub use pool::Pool;
pub use versions::{AR_ENVIRONMENT, VERSIONS};

/// What can go wrong while a pod's tables are made.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The address names no database this crate knows.
    #[error("not an address of PostgreSQL, MariaDB or SQLite: {0}")]
    UnknownAddress(String),
    /// The database could not be opened.
    #[error("could not open the database: {0}")]
    Connect(#[source] sqlx::Error),
    /// A statement was refused.
    #[error("the database refused `{statement}`: {source}")]
    Statement {
        /// The beginning of the statement.
        statement: String,
        /// What the database said.
        source: sqlx::Error,
    },
}

/// Makes all tables of an empty pod with their indexes, and fills `schema_migrations` and
/// `ar_internal_metadata`.
///
/// # Errors
/// When the database refuses a statement, for instance because the tables are already there.
pub async fn create(pool: &Pool) -> Result<(), SchemaError> {
    create_tables(pool).await?;
    create_indexes(pool).await
}

/// As [`create`] on MariaDB, for texts with another collation.
///
/// # Errors
/// When the database refuses a statement.
pub async fn create_collated(pool: &Pool, collation: &str) -> Result<(), SchemaError> {
    let set = collation.split('_').next().unwrap_or(collation);
    let options = format!("CHARSET={set} COLLATE={collation}");
    let tables = table_ddl(pool.dialect()).join(";\n");
    pool.execute(&tables.replace("CHARSET=utf8mb4 COLLATE=utf8mb4_bin", &options)).await?;
    fill(pool).await
}

/// As [`create`], without the indexes where they can wait.
///
/// # Errors
/// When the database refuses a statement.
pub async fn create_tables(pool: &Pool) -> Result<(), SchemaError> {
    pool.execute(&table_ddl(pool.dialect()).join(";\n")).await?;
    fill(pool).await
}

/// Writes the rows that say which version of the tables it is.
async fn fill(pool: &Pool) -> Result<(), SchemaError> {
    let versions: Vec<String> = VERSIONS.iter().map(|version| format!("('{version}')")).collect();
    pool.execute(&format!("INSERT INTO schema_migrations (version) VALUES {}", versions.join(", "))).await?;
    let key = quote(pool.dialect(), "key");
    pool.execute(&format!(
        "INSERT INTO ar_internal_metadata ({key}, value, created_at, updated_at) \
         VALUES ('environment', '{AR_ENVIRONMENT}', '2013-05-01 08:00:00', '2013-05-01 08:00:00')"
    ))
    .await
}

/// Adds the indexes that [`create_tables`] left out.
///
/// # Errors
/// When rows are not unique that ought to be.
pub async fn create_indexes(pool: &Pool) -> Result<(), SchemaError> {
    let statements = index_ddl(pool.dialect());
    if statements.is_empty() {
        return Ok(());
    }
    pool.execute(&statements.join(";\n")).await
}
