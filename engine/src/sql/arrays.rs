//! PostgreSQL's arrays: a statement has one array for each column instead of one value for each cell. It is many times
//! faster than a statement with thousands of values, which PostgreSQL would parse and plan.

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;

use super::link::{numbered_placeholders, trusted};
use super::{Row, Value};

impl Value<'_> {
    /// Returns the name of the type in PostgreSQL.
    fn postgres_type(&self) -> &'static str {
        match self {
            Self::Integer(_) => "bigint",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytea",
            Self::Boolean(_) => "boolean",
            Self::Time(_) => "timestamp",
            Self::Date(_) => "date",
        }
    }
}

/// Returns the rows for a list of texts; `sql` contains `= ANY(?)` instead of the list.
pub(crate) async fn rows_of_any(
    link: &mut PgConnection,
    sql: &str,
    texts: Vec<String>,
) -> Result<Vec<Row>, sqlx::Error> {
    let query = sqlx::query(trusted(numbered_placeholders(sql))).persistent(false).bind(texts);
    query.fetch(link).map_ok(Row::Postgres).try_collect().await
}

/// Inserts rows, and returns their number. `insert` is the statement up to its columns, `conflict` an `ON CONFLICT`
/// clause or empty.
pub(crate) async fn insert(
    link: &mut PgConnection,
    insert: &str,
    rows: Vec<Vec<Value<'_>>>,
    conflict: &str,
) -> Result<u64, sqlx::Error> {
    let Some(kinds) = rows.first() else { return Ok(0) };
    let arrays: Vec<String> =
        (1..).zip(kinds).map(|(n, kind)| format!("${n}::{}[]", kind.postgres_type())).collect();
    let sql = format!("{insert} SELECT * FROM UNNEST({}){conflict}", arrays.join(", "));
    let mut columns: Vec<Vec<Value<'_>>> = Vec::new();
    for row in rows {
        columns.resize_with(columns.len().max(row.len()), Vec::new);
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let mut query = sqlx::query(trusted(sql)).persistent(false);
    for column in columns {
        macro_rules! array {
            ($kind:path, $owned:expr) => {
                query.bind(
                    column
                        .into_iter()
                        .map(|value| match value {
                            $kind(value) => Ok(value.map($owned)),
                            _ => Err(sqlx::Error::Encode("a column has values of two types".into())),
                        })
                        .collect::<Result<Vec<_>, _>>()?,
                )
            };
        }
        query = match column.first() {
            Some(Value::Integer(_)) => array!(Value::Integer, |value| value),
            Some(Value::Bytes(_)) => array!(Value::Bytes, std::borrow::Cow::into_owned),
            Some(Value::Boolean(_)) => array!(Value::Boolean, |value| value),
            Some(Value::Time(_)) => array!(Value::Time, |value| value),
            Some(Value::Date(_)) => array!(Value::Date, |value| value),
            Some(Value::Text(_)) | None => array!(Value::Text, std::borrow::Cow::into_owned),
        };
    }
    Ok(query.execute(link).await?.rows_affected())
}
