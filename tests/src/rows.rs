//! All rows of a pod in memory, spelled the same whatever the database.

use std::collections::{BTreeMap, HashMap};

use crate::copy::read;
use crate::schema::{Kind, Pool, SchemaError, Table, tables};

/// A row: what its columns hold, by name. NULL is absent, true is `1`, false `0`, times are
/// `2026-11-22 10:00:00`.
pub type Record = BTreeMap<&'static str, String>;

/// Every row of every table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    tables: BTreeMap<&'static str, Vec<Record>>,
}

impl Rows {
    /// Reads them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn read(pool: &Pool) -> Result<Self, SchemaError> {
        let mut rows = Self::default();
        for table in tables() {
            let mut records: Vec<Record> =
                read(pool, table).await?.into_iter().map(|line| record(table, line)).collect();
            records.sort_by_cached_key(|record| (number(record, "id"), record.clone()));
            rows.tables.insert(table.name, records);
        }
        Ok(rows)
    }

    /// The rows of a table by `id`, where there is one.
    pub fn of(&self, table: &str) -> &[Record] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    /// The rows of a table by a column.
    pub fn by<'a>(&'a self, table: &str, column: &str) -> HashMap<&'a str, &'a Record> {
        self.of(table).iter().filter_map(|record| Some((record.get(column)?.as_str(), record))).collect()
    }

    /// Leaves out a table.
    #[must_use]
    pub fn without(mut self, table: &str) -> Self {
        self.tables.remove(table);
        self
    }

    /// What is different in another state of the same pod, a line for each row.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, records) in &self.tables {
            let others = other.of(name);
            let gone = records.iter().filter(|record| !others.contains(record));
            lines.extend(gone.map(|record| format!("{name} - {record:?}")));
            let new = others.iter().filter(|record| !records.contains(record));
            lines.extend(new.map(|record| format!("{name} + {record:?}")));
        }
        lines
    }
}

fn record(table: &Table, line: Vec<Option<String>>) -> Record {
    let values = table.columns.iter().zip(line);
    values
        .filter_map(|(column, value)| {
            let value = value?;
            // Fractions of seconds are kept by some databases only.
            let value = match column.kind {
                Kind::Time | Kind::FineTime => value.chars().take(19).collect(),
                _ => value,
            };
            Some((column.name, value))
        })
        .collect()
}

/// The number in a column; 0 for none.
pub fn number(record: &Record, column: &str) -> i64 {
    record.get(column).and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// Whether a column holds true.
pub fn flag(record: &Record, column: &str) -> bool {
    record.get(column).is_some_and(|value| value == "1")
}

/// The text in a column; empty for none.
pub fn text<'a>(record: &'a Record, column: &str) -> &'a str {
    record.get(column).map_or("", String::as_str)
}
