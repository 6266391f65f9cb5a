//! All rows of the sample pod in memory, and how they get into a database.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use sqlx::{MySql, Postgres, QueryBuilder, Sqlite};

use super::SampleError;
use crate::schema::{Column, Dialect, Fallback, Kind, Pool, Table, find, quote, tables};

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Number(i64),
    Flag(bool),
    Text(Cow<'static, str>),
    /// Seconds since 1970.
    Time(i64),
    /// A day as `2016-02-19`.
    Day(&'static str),
}

/// A text for the tables of data, which are constants.
pub(crate) const fn text(text: &'static str) -> Value {
    Value::Text(Cow::Borrowed(text))
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A column's name and what it holds.
pub(crate) type Cell = (&'static str, Value);

/// The rows, by table.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    rows: BTreeMap<&'static str, Vec<Vec<Value>>>,
}

impl Sheet {
    /// Adds a row and gives its id. `at` goes into `created_at` and `updated_at`; columns not
    /// named hold their default. A later cell of the same name wins.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        at: i64,
        cells: impl IntoIterator<Item = Cell>,
    ) -> Result<i64, SampleError> {
        let table = find(name).ok_or_else(|| unknown("table", name))?;
        let rows = self.rows.entry(table.name).or_default();
        let id = i64::try_from(rows.len()).unwrap_or(i64::MAX).saturating_add(1);
        let mut row: Vec<Value> = table.columns.iter().map(|column| initial(table, column, id, at)).collect();
        for (column, value) in cells {
            *slot(table, &mut row, column)? = value;
        }
        rows.push(row);
        Ok(id)
    }

    /// Changes one value of the row with that id.
    pub(crate) fn set(
        &mut self,
        name: &'static str,
        id: i64,
        column: &'static str,
        value: Value,
    ) -> Result<(), SampleError> {
        let table = find(name).ok_or_else(|| unknown("table", name))?;
        let row = usize::try_from(id - 1).ok().and_then(|index| self.rows.get_mut(name)?.get_mut(index));
        *slot(table, row.ok_or_else(|| unknown("row of", name))?, column)? = value;
        Ok(())
    }

    /// How many rows there are in all tables.
    pub(crate) fn len(&self) -> usize {
        self.rows.values().map(Vec::len).sum()
    }

    /// Writes everything into a database that has the empty tables.
    pub(crate) async fn write(&self, pool: &Pool) -> Result<(), SampleError> {
        match pool {
            Pool::Postgres(pool) => self.write_postgres(pool).await?,
            Pool::MySql(pool) => self.write_mysql(pool).await?,
            Pool::Sqlite(pool) => self.write_sqlite(pool).await?,
        }
        if pool.dialect() == Dialect::Postgres {
            // Rows came with their ids, so the sequences still stand at the beginning.
            for (name, rows) in self.rows.iter().filter(|(name, _)| find(name).is_some_and(Table::has_id)) {
                let sequence = format!("SELECT setval('{name}_id_seq', {})", rows.len());
                pool.execute(&sequence).await?;
            }
        }
        Ok(())
    }

    fn filled(&self) -> impl Iterator<Item = (&'static Table, &Vec<Vec<Value>>)> {
        tables().filter_map(|table| Some((table, self.rows.get(table.name)?)))
    }
}

fn unknown(kind: &'static str, name: &str) -> SampleError {
    SampleError::Unknown { kind, name: name.to_owned() }
}

fn slot<'a>(table: &Table, row: &'a mut [Value], column: &str) -> Result<&'a mut Value, SampleError> {
    let index = table.columns.iter().position(|other| other.name == column);
    index
        .and_then(|index| row.get_mut(index))
        .ok_or_else(|| unknown("column", &format!("{}.{column}", table.name)))
}

fn initial(table: &Table, column: &Column, id: i64, at: i64) -> Value {
    match (column.name, column.fallback) {
        ("id", _) if table.has_id() => Value::Number(id),
        ("created_at" | "updated_at", _) => Value::Time(at),
        ("checked_at", _) => Value::Time(0),
        (_, Fallback::Null) => Value::Null,
        (_, Fallback::Number(number)) => Value::Number(number),
        (_, Fallback::Flag(flag)) => Value::Flag(flag),
        (_, Fallback::Word(word)) => text(word),
    }
}

/// A value in the type its column has, NULL included: PostgreSQL wants to know.
enum Bound<'a> {
    Int(Option<i32>),
    BigInt(Option<i64>),
    Flag(Option<bool>),
    Text(Option<&'a str>),
    Time(Option<NaiveDateTime>),
    Day(Option<NaiveDate>),
}

fn bound<'a>(table: &Table, column: &Column, value: &'a Value) -> Result<Bound<'a>, SampleError> {
    let wrong = || SampleError::Unfit { column: format!("{}.{}", table.name, column.name) };
    if *value == Value::Null && !column.nullable {
        return Err(wrong());
    }
    Ok(match (column.kind, value) {
        (Kind::Int, Value::Null) => Bound::Int(None),
        (Kind::Int, Value::Number(number)) => Bound::Int(Some(i32::try_from(*number).map_err(|_| wrong())?)),
        (Kind::BigInt, Value::Null) => Bound::BigInt(None),
        (Kind::BigInt, Value::Number(number)) => Bound::BigInt(Some(*number)),
        (Kind::Flag, Value::Null) => Bound::Flag(None),
        (Kind::Flag, Value::Flag(flag)) => Bound::Flag(Some(*flag)),
        (Kind::Short | Kind::Limited(_) | Kind::Long, Value::Null) => Bound::Text(None),
        (Kind::Short | Kind::Limited(_) | Kind::Long, Value::Text(text)) => Bound::Text(Some(text)),
        (Kind::Time | Kind::FineTime, Value::Null) => Bound::Time(None),
        (Kind::Time | Kind::FineTime, Value::Time(seconds)) => {
            Bound::Time(Some(DateTime::from_timestamp(*seconds, 0).ok_or_else(wrong)?.naive_utc()))
        }
        (Kind::Day, Value::Null) => Bound::Day(None),
        (Kind::Day, Value::Day(day)) => Bound::Day(Some(day.parse().map_err(|_| wrong())?)),
        _ => return Err(wrong()),
    })
}

fn head(dialect: Dialect, table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quote(dialect, column.name)).collect();
    format!("INSERT INTO {} ({}) VALUES ", quote(dialect, table.name), columns.join(", "))
}

/// The three databases differ only in types that sqlx wants to see spelled out.
macro_rules! writer {
    ($name:ident, $database:ty, $dialect:expr) => {
        async fn $name(&self, pool: &sqlx::Pool<$database>) -> Result<(), SampleError> {
            let mut transaction = pool.begin().await?;
            for (table, rows) in self.filled() {
                // Below the limit of 32,766 parameters that SQLite and PostgreSQL have.
                for chunk in rows.chunks(400) {
                    let mut query = QueryBuilder::<$database>::new(head($dialect, table));
                    for (number, row) in chunk.iter().enumerate() {
                        query.push(if number == 0 { "(" } else { ", (" });
                        for (place, (column, value)) in table.columns.iter().zip(row).enumerate() {
                            if place > 0 {
                                query.push(", ");
                            }
                            match bound(table, column, value)? {
                                Bound::Int(value) => query.push_bind(value),
                                Bound::BigInt(value) => query.push_bind(value),
                                Bound::Flag(value) => query.push_bind(value),
                                Bound::Text(value) => query.push_bind(value.map(str::to_owned)),
                                Bound::Time(value) => query.push_bind(value),
                                Bound::Day(value) => query.push_bind(value),
                            };
                        }
                        query.push(")");
                    }
                    query.build().persistent(false).execute(&mut *transaction).await?;
                }
            }
            transaction.commit().await?;
            Ok(())
        }
    };
}

impl Sheet {
    writer!(write_postgres, Postgres, Dialect::Postgres);
    writer!(write_mysql, MySql, Dialect::MySql);
    writer!(write_sqlite, Sqlite, Dialect::Sqlite);
}
