//! The statements that PostgreSQL spent most time on, as its extension `pg_stat_statements` counts them.

use sqlx::{PgPool, Row as _};

use super::Failure;

/// Starts counting anew; fails where the extension is missing.
pub(super) async fn reset(pool: &PgPool) -> Result<(), Failure> {
    sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
        .execute(pool)
        .await?;
    Ok(())
}

/// A table of the dearest statements. Those that differ only in how many accounts they name count as one.
pub(super) async fn dearest(pool: &PgPool) -> Result<comfy_table::Table, Failure> {
    let sql = "SELECT sum(calls)::bigint, sum(rows)::bigint, sum(total_exec_time)::float8 AS time, \
               substr(statement, 1, 160) || CASE WHEN length(statement) > 200 THEN ' … ' || right(statement, 40) \
               ELSE substr(statement, 161) END \
               FROM (SELECT *, regexp_replace(query, '(\\$\\d+,? ?)+', '…', 'g') AS statement \
               FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database \
               WHERE datname = current_database())) counted GROUP BY statement ORDER BY time DESC LIMIT 16";
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(["statements", "rows", "seconds", "statement"]);
    for row in sqlx::query(sql).fetch_all(pool).await? {
        let (calls, rows, time): (i64, i64, f64) = (row.get(0), row.get(1), row.get(2));
        let statement: String = row.get(3);
        table.add_row([
            calls.to_string(),
            rows.to_string(),
            format!("{:.2}", time / 1000.0),
            statement.replace('|', "\\|"),
        ]);
    }
    Ok(table)
}
