//! What holds for all tables in the same way, from the description of the tables and of the models.

use std::collections::{HashMap, HashSet};

use super::{Check, is_filled, is_guid};
use crate::rows::{Record, number, text};
use crate::schema::facts::{
    COUNTERS, LENGTHS, NAMED, POLYMORPHIC, PRESENT, REFERENCES, UNIQUE, UNIQUE_WORDS, WORDS, table_of,
};
use crate::schema::{Kind, Table, tables};

impl Check<'_> {
    pub(super) fn models(&mut self) {
        for table in tables() {
            self.columns(table);
            for list in table.unique {
                self.unique(table.name, list, false);
            }
        }
        self.references();
        for (table, list) in UNIQUE {
            self.unique(table, list, false);
        }
        for (table, list) in UNIQUE_WORDS {
            self.unique(table, list, true);
        }
        self.values();
        self.counters();
        self.times();
    }

    /// NOT NULL, and lengths that MariaDB keeps and SQLite does not.
    fn columns(&mut self, table: &Table) {
        for record in self.rows.of(table.name) {
            for column in table.columns {
                let Some(value) = record.get(column.name) else {
                    self.must(column.nullable, table.name, record, &format!("{} is NULL", column.name));
                    continue;
                };
                let most = match column.kind {
                    Kind::Short => 255,
                    Kind::Limited(most) => usize::from(most),
                    _ => usize::MAX,
                };
                let rule = format!("{} is longer than {most}", column.name);
                self.must(value.chars().count() <= most, table.name, record, &rule);
            }
        }
    }

    fn unique(&mut self, table: &str, columns: &[&str], words: bool) {
        let mut seen = HashSet::new();
        for record in self.rows.of(table) {
            let values: Option<Vec<&str>> =
                columns.iter().map(|column| record.get(column).map(String::as_str)).collect();
            // NULL is equal to nothing.
            let Some(values) = values else { continue };
            let key = values.join("\0");
            let key = if words { key.to_lowercase() } else { key };
            self.must(seen.insert(key), table, record, &format!("not the only one with this {columns:?}"));
        }
    }

    fn references(&mut self) {
        let mut numbers: HashMap<&str, HashSet<i64>> = HashMap::new();
        for table in tables().filter(|table| table.has_id()) {
            let ids = self.rows.of(table.name).iter().map(|record| number(record, "id")).collect();
            numbers.insert(table.name, ids);
        }
        let has = |table: &str, id: i64| numbers.get(table).is_some_and(|ids| ids.contains(&id));
        let declared = tables()
            .flat_map(|table| table.links.iter().map(|link| (table.name, link.column, link.table, false)));
        let known = REFERENCES.iter().map(|one| (one.table, one.column, one.to, one.required));
        for (table, column, to, required) in declared.chain(known) {
            for record in self.rows.of(table) {
                let holds = match record.get(column) {
                    None => !required,
                    Some(id) => has(to, id.parse().unwrap_or_default()),
                };
                self.must(holds, table, record, &format!("{column} names no row of {to}"));
            }
        }
        for reference in POLYMORPHIC {
            for record in self.rows.of(reference.table) {
                let class = text(record, reference.class);
                let holds =
                    reference.classes.contains(&class) && has(table_of(class), number(record, reference.id));
                self.must(holds, reference.table, record, &format!("{} names no {class}", reference.id));
            }
        }
    }

    fn values(&mut self) {
        for (table, column) in PRESENT {
            for record in self.rows.of(table) {
                self.must(is_filled(record, column), table, record, &format!("{column} is blank"));
            }
        }
        for (table, column, most) in LENGTHS {
            for record in self.rows.of(table) {
                let holds = text(record, column).chars().count() <= *most;
                self.must(holds, table, record, &format!("{column} is longer than {most}"));
            }
        }
        for (table, column, words) in WORDS {
            for record in self.rows.of(table) {
                let holds = record.get(column).is_none_or(|word| words.contains(&word.as_str()));
                self.must(holds, table, record, &format!("{column} is none of {words:?}"));
            }
        }
        for table in NAMED {
            for record in self.rows.of(table) {
                self.must(is_guid(text(record, "guid")), table, record, "guid is none");
            }
        }
    }

    fn counters(&mut self) {
        for counter in COUNTERS {
            let (table, column) = counter.counts;
            let (by, to) = counter.by;
            let mut counts: HashMap<&str, i64> = HashMap::new();
            for record in self.rows.of(counter.rows) {
                let counted = counter.only.iter().all(|(name, value)| text(record, name) == *value);
                if let (true, Some(parent)) = (counted, record.get(by)) {
                    *counts.entry(parent).or_default() += 1;
                }
            }
            for record in self.rows.of(table) {
                let there = counts.get(text(record, to)).copied().unwrap_or_default();
                let holds = record.get(column).is_some_and(|count| *count == there.to_string());
                self.must(holds, table, record, &format!("{column} is not {there}"));
            }
        }
    }

    /// Nothing happens after now, and nothing changes before it is there.
    #[expect(clippy::disallowed_methods, reason = "the programs that wrote the rows went by this clock")]
    fn times(&mut self) {
        let now = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S").to_string();
        for table in tables() {
            let times: Vec<&str> = table
                .columns
                .iter()
                .filter(|column| matches!(column.kind, Kind::Time | Kind::FineTime))
                .map(|column| column.name)
                .collect();
            for record in self.rows.of(table.name) {
                for column in &times {
                    let holds = record.get(column).is_none_or(|time| *time <= now);
                    self.must(holds, table.name, record, &format!("{column} is in the future"));
                }
                let ordered = |record: &Record| Some(record.get("created_at")? <= record.get("updated_at")?);
                self.must(ordered(record).unwrap_or(true), table.name, record, "changed before it was made");
            }
        }
    }
}
