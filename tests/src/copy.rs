//! Copies a pod's rows from one database to another, whatever the two are.

use sqlx::{AssertSqlSafe, Row as _};

use crate::schema::{
    Column, Dialect, Kind, Pool, SchemaError, Table, create_indexes, create_tables, quote, tables,
};

/// Values bound in one statement; SQLite takes 32,766.
const VALUES: usize = 20_000;

/// Makes the tables in an empty database and fills them with every row of another one.
///
/// # Errors
/// When a database refuses.
pub async fn copy_pod(from: &Pool, to: &Pool) -> Result<u64, SchemaError> {
    create_tables(to).await?;
    for table in ["schema_migrations", "ar_internal_metadata"] {
        to.execute(&format!("DELETE FROM {table}")).await?;
    }
    let mut copied = 0;
    for table in tables() {
        let rows = read(from, table).await?;
        copied += rows.len() as u64;
        for chunk in rows.chunks((VALUES / table.columns.len()).max(1)) {
            write(to, table, chunk).await?;
        }
    }
    create_indexes(to).await?;
    if to.dialect() == Dialect::Postgres {
        for table in tables().filter(|table| table.columns.iter().any(|column| column.name == "id")) {
            let name = quote(Dialect::Postgres, table.name);
            // Rows with numbers of their own leave the sequence where it was.
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence('{name}', 'id'), GREATEST((SELECT MAX(id) FROM {name}), 1))"
            );
            to.execute(&sql).await?;
        }
    }
    Ok(copied)
}

pub(crate) type Line = Vec<Option<String>>;

/// A value as text that every database reads back as the same value.
fn as_text(dialect: Dialect, column: &Column) -> String {
    let name = quote(dialect, column.name);
    match (dialect, column.kind) {
        (Dialect::Postgres, Kind::Flag) => format!("CAST(CAST({name} AS integer) AS text)"),
        (Dialect::Postgres, Kind::Time | Kind::FineTime) => {
            format!("to_char({name}, 'YYYY-MM-DD HH24:MI:SS.US')")
        }
        (Dialect::MySql, _) => format!("CAST({name} AS CHAR)"),
        _ => format!("CAST({name} AS text)"),
    }
}

pub(crate) async fn read(pool: &Pool, table: &Table) -> Result<Vec<Line>, SchemaError> {
    let dialect = pool.dialect();
    let columns: Vec<String> = table.columns.iter().map(|column| as_text(dialect, column)).collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), quote(dialect, table.name));
    let width = columns.len();
    macro_rules! rows {
        ($pool:expr) => {
            sqlx::query(AssertSqlSafe(sql.clone())).fetch_all($pool).await.map(|rows| {
                rows.iter()
                    .map(|row| (0..width).map(|place| row.try_get(place).ok().flatten()).collect())
                    .collect()
            })
        };
    }
    match pool {
        Pool::Postgres(pool) => rows!(pool),
        Pool::MySql(pool) => rows!(pool),
        Pool::Sqlite(pool) => rows!(pool),
    }
    .map_err(|source| SchemaError::Statement { statement: sql, source })
}

/// The text as a value of the column's type. MariaDB and SQLite convert by themselves.
fn typed(dialect: Dialect, column: &Column, place: usize) -> String {
    let to = match column.kind {
        _ if dialect != Dialect::Postgres => return "?".to_owned(),
        Kind::Int => "integer",
        Kind::BigInt => "bigint",
        Kind::Flag => return format!("(${place}::integer <> 0)"),
        Kind::Time | Kind::FineTime => "timestamp",
        Kind::Day => "date",
        Kind::Short | Kind::Limited(_) | Kind::Long => "text",
    };
    format!("${place}::{to}")
}

async fn write(pool: &Pool, table: &Table, rows: &[Line]) -> Result<(), SchemaError> {
    let dialect = pool.dialect();
    let names: Vec<String> = table.columns.iter().map(|column| quote(dialect, column.name)).collect();
    let mut place = 0;
    let lines: Vec<String> = rows
        .iter()
        .map(|_| {
            let values: Vec<String> = table
                .columns
                .iter()
                .map(|column| {
                    place += 1;
                    typed(dialect, column, place)
                })
                .collect();
            format!("({})", values.join(","))
        })
        .collect();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES {}",
        quote(dialect, table.name),
        names.join(","),
        lines.join(",")
    );
    macro_rules! insert {
        ($pool:expr) => {{
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in rows.iter().flatten() {
                query = query.bind(value.as_deref());
            }
            query.execute($pool).await.map(drop)
        }};
    }
    match pool {
        Pool::Postgres(pool) => insert!(pool),
        Pool::MySql(pool) => insert!(pool),
        Pool::Sqlite(pool) => insert!(pool),
    }
    .map_err(|source| SchemaError::Statement { statement: format!("INSERT INTO {}", table.name), source })
}
