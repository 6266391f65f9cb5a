//! Names for rows that databases number.

use std::collections::HashMap;

use serde_json::Value;

use super::rows::{Row, Tables};

/// Which columns tell a row from the others of its table.
const NATURAL: &[(&str, &[&str])] = &[
    ("people", &["diaspora_handle"]),
    ("users", &["username"]),
    ("pods", &["host", "port"]),
    ("tags", &["name"]),
    ("signature_orders", &["order"]),
    ("posts", &["guid"]),
    ("photos", &["guid"]),
    ("comments", &["guid"]),
    ("likes", &["guid"]),
    ("polls", &["guid"]),
    ("poll_answers", &["guid"]),
    ("poll_participations", &["guid"]),
    ("conversations", &["guid"]),
    ("aspects", &["user_id", "name"]),
    ("contacts", &["user_id", "person_id"]),
    ("profiles", &["person_id"]),
];

/// Which table a column refers to, unless a column `…_type` beside it says so.
const REFERENCES: &[(&str, &str)] = &[
    ("author_id", "people"),
    ("person_id", "people"),
    ("old_person_id", "people"),
    ("new_person_id", "people"),
    ("owner_id", "users"),
    ("user_id", "users"),
    ("pod_id", "pods"),
    ("contact_id", "contacts"),
    ("aspect_id", "aspects"),
    ("auto_follow_back_aspect_id", "aspects"),
    ("tag_id", "tags"),
    ("status_message_id", "posts"),
    ("poll_id", "polls"),
    ("poll_answer_id", "poll_answers"),
    ("comment_id", "comments"),
    ("like_id", "likes"),
    ("poll_participation_id", "poll_participations"),
    ("signature_order_id", "signature_orders"),
    ("conversation_id", "conversations"),
];

/// Columns that only look as if they referred to something.
const PLAIN: &[&str] = &["order_id", "new_id"];

pub(crate) struct Names<'a>(HashMap<(&'a str, i64), &'a Row>);

impl<'a> Names<'a> {
    pub(crate) fn new(tables: &'a Tables) -> Self {
        let rows = tables.iter().flat_map(|(table, rows)| rows.iter().map(move |row| (table.as_str(), row)));
        Self(rows.filter_map(|(table, row)| Some(((table, row.get("id")?.as_i64()?), row))).collect())
    }

    /// What a row is called by whoever knows no numbers.
    pub(crate) fn name(&self, table: &str, id: i64) -> String {
        let Some(row) = self.0.get(&(table, id)) else { return format!("{table} that are not there") };
        let natural = NATURAL.iter().find(|(name, _)| *name == table);
        let (_, columns) = natural.unwrap_or_else(|| unreachable!("what are {table} called?"));
        let words = columns.iter().map(|column| {
            if column.ends_with("_id") { self.referred(table, row, column) } else { row[*column].to_string() }
        });
        format!("{table} {}", words.collect::<Vec<_>>().join(" "))
    }

    /// What a column refers to.
    pub(crate) fn referred(&self, table: &str, row: &Row, column: &str) -> String {
        let stem = column.trim_end_matches("_id");
        let kind = row.get(&format!("{stem}_type")).and_then(Value::as_str);
        let to = match (kind, REFERENCES.iter().find(|(name, _)| *name == column)) {
            (Some("Post"), _) => "posts",
            (Some("Photo"), _) => "photos",
            (Some("Comment"), _) => "comments",
            (Some("Profile"), _) => "profiles",
            (None, Some((_, to))) => to,
            (None, None) if PLAIN.contains(&column) => return row[column].to_string(),
            (kind, None | Some(_)) => unreachable!("{table}.{column} refers to {kind:?}"),
        };
        self.name(to, row[column].as_i64().unwrap())
    }

    /// A text with names instead of numbers of rows.
    pub(crate) fn in_text(&self, table: &str, text: &str) -> String {
        let words = text.split_inclusive(|letter: char| !letter.is_ascii_digit()).map(|word| {
            let digits = word.trim_end_matches(|letter: char| !letter.is_ascii_digit());
            let name = digits.parse().map_or_else(|_| digits.to_owned(), |id| self.name(table, id));
            name + &word[digits.len()..]
        });
        words.collect()
    }
}
