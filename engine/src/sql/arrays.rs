//! PostgreSQL's arrays: one value per column instead of one per cell. A statement with them stays constant, so it is
//! parsed and planned once, and many times faster than one with thousands of values.

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;

use super::link::{numbered_placeholders, own};
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

/// Returns the rows for a list of texts: `sql` has `= ANY(?)` in the place of the list.
pub(crate) async fn rows_of_any(
    link: &mut PgConnection,
    sql: &str,
    texts: Vec<String>,
) -> Result<Vec<Row>, sqlx::Error> {
    let query = sqlx::query(own(numbered_placeholders(sql))).persistent(false).bind(texts);
    query.fetch(link).map_ok(Row::Postgres).try_collect().await
}

/// Inserts rows: `insert` is the statement up to its columns, `conflict` what follows the values.
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
    let mut query = sqlx::query(own(sql)).persistent(false);
    for column in columns {
        macro_rules! array {
            ($kind:path, $owned:expr) => {
                query.bind(
                    column
                        .into_iter()
                        .map(|value| match value {
                            $kind(value) => Ok(value.map($owned)),
                            _ => Err(sqlx::Error::Encode("values of two types in one column".into())),
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
