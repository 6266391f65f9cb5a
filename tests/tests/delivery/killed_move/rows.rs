//! Every row of every table of a database, whatever the tables are.

use std::collections::BTreeMap;

use pappus_tests::schema::Pool;
use serde_json::Value;
use sqlx::AssertSqlSafe;

/// Columns and values.
pub(crate) type Row = serde_json::Map<String, Value>;
/// Rows of each table, in the order of their numbers where they have any.
pub(crate) type Tables = BTreeMap<String, Vec<Row>>;

pub(crate) async fn read(url: &str) -> Tables {
    let pool = Pool::connect(url).await.unwrap();
    let mut tables = Tables::new();
    for name in texts(&pool, names(&pool)).await {
        let rows = texts(&pool, rows_of(&pool, &name).await).await;
        tables.insert(name, rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect());
    }
    pool.close().await;
    tables
}

fn names(pool: &Pool) -> String {
    match pool {
        Pool::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        _ => "SELECT CAST(table_name AS text) FROM information_schema.tables WHERE table_schema = 'public'",
    }
    .to_owned()
}

/// A statement that gives each row as a JSON object.
async fn rows_of(pool: &Pool, table: &str) -> String {
    let columns = match pool {
        Pool::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
        _ => format!(
            "SELECT CAST(column_name AS text) FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}'"
        ),
    };
    let columns = texts(pool, columns).await;
    let order = if columns.iter().any(|name| name == "id") { "ORDER BY id" } else { "" };
    match pool {
        Pool::Sqlite(_) => {
            let pairs: Vec<String> = columns
                .iter()
                .map(|name| format!("'{name}', CASE typeof(\"{name}\") WHEN 'blob' THEN hex(\"{name}\") ELSE \"{name}\" END"))
                .collect();
            format!("SELECT json_object({}) FROM \"{table}\" {order}", pairs.join(", "))
        }
        _ => format!("SELECT CAST(to_jsonb(t) AS text) FROM \"{table}\" t {order}"),
    }
}

async fn texts(pool: &Pool, sql: String) -> Vec<String> {
    let sql = AssertSqlSafe(sql);
    match pool {
        Pool::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        Pool::MySql(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        Pool::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
    }
}
