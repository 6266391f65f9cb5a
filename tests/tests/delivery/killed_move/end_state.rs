//! Where a move has ended, in words that are the same for every run: what the databases number is named instead,
//! and what must differ from run to run ([`DIFFERS`]) is checked and then left out. Nothing else is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use pappus_engine::domain::PrivateKey;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::envelopes::Keys;
use super::names::Names;
use super::rows::{Row, Tables, read};
use super::scene::Place;

/// What may differ between two runs, and why.
pub(crate) const DIFFERS: &[(&str, &str, &str)] = &[
    ("*", "id", "numbers are used up by what was rolled back; the order of the rows must be the same"),
    ("*", "*_id", "says whom it means instead of a number"),
    ("users", "hidden_shareables", "holds numbers of posts: says which posts instead"),
    ("*", "*_at", "a time of the run itself, which goes on an hour later; times of records stay"),
    ("users", "serialized_private_key", "made at random; it must fit the public one"),
    ("people", "serialized_public_key", "the other half, of the new person only"),
    ("people", "guid", "of the new person: the import's name, made at random"),
    ("account_migrations", "signature", "by the new key; it must be the one that the pods are sent"),
    ("pappus_imports", "id", "made at random; it must be the new person's GUID"),
    ("pappus_import_rows", "seq", "a batch may be noted again, when its rows were not written after all"),
    ("pappus_moves", "guid", "of the new person"),
    ("pappus_moves", "public_key", "of the new person"),
    ("pappus_deliveries", "body", "sealed at random: opened with the recipient's key, and checked"),
];

/// One line for each row and each file.
pub(crate) type Lines = BTreeMap<String, usize>;

pub(crate) async fn end_state(place: &Place) -> Lines {
    let (pod, store) = (read(&place.pod).await, read(&place.store).await);
    let mut lines = Lines::new();
    let end = End::new(&pod, &store);
    let mut add = |line: String| *lines.entry(line).or_default() += 1;
    for (table, rows) in &pod {
        let numbered = rows.iter().any(|row| row.contains_key("id"));
        for (place, row) in rows.iter().enumerate() {
            // Rows without a number have no order.
            let place = if numbered { place.to_string() } else { String::new() };
            add(format!("{table} {place} {}", end.row(table, row)));
        }
    }
    for (table, rows) in &store {
        match table.as_str() {
            "pappus_import_rows" => end.journal(rows).into_iter().for_each(&mut add),
            "pappus_deliveries" => {
                for (place, row) in rows.iter().enumerate() {
                    add(format!("{table} {place} {}", end.row(table, row)));
                }
            }
            _ => rows.iter().for_each(|row| add(format!("{table} {}", end.row(table, row)))),
        }
    }
    files(&place.uploads(), &mut add);
    lines
}

/// What only one of two has; nothing when they are the same.
pub(crate) fn difference(expected: &Lines, found: &Lines) -> Vec<String> {
    let all: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let times = |lines: &Lines, line: &String| lines.get(line).copied().unwrap_or_default();
    let differ = all.into_iter().filter(|line| times(expected, line) != times(found, line));
    differ
        .map(|line| format!("{} times instead of {}: {line}", times(found, line), times(expected, line)))
        .collect()
}

fn files(folder: &Path, add: &mut impl FnMut(String)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, add);
        } else {
            let digest = Sha256::digest(std::fs::read(&path).unwrap());
            add(format!("file {} {digest:x?}", path.file_name().unwrap().display()));
        }
    }
}

struct End<'a> {
    names: Names<'a>,
    keys: Keys,
    /// Names of imports, and whose they are.
    imports: HashMap<&'a str, &'a str>,
    new_public: &'a str,
    new_guid: &'a str,
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

impl<'a> End<'a> {
    fn new(pod: &'a Tables, store: &'a Tables) -> Self {
        let person = |id: &str| pod["people"].iter().find(|row| text(row, "diaspora_handle") == id).unwrap();
        let (new, old) = (person("ida@haven.example"), person("ida@closing.example"));
        let user = pod["users"].iter().find(|row| row["id"] == new["owner_id"]).unwrap();
        let imports: HashMap<&str, &str> =
            store["pappus_imports"].iter().map(|row| (text(row, "id"), text(row, "old_id"))).collect();
        let (new_public, new_guid) = (text(new, "serialized_public_key"), text(new, "guid"));
        let private = PrivateKey::from_pem(text(user, "serialized_private_key").to_owned());
        assert_eq!(private.signing_key().unwrap().public_key().unwrap().as_pem(), new_public, "a pair");
        assert_eq!(imports.get(new_guid), Some(&"ida@closing.example"));
        let keys = Keys::new(&pod["people"], text(old, "serialized_public_key"), new_public);
        let end = Self { names: Names::new(pod), keys, imports, new_public, new_guid };
        end.signatures_agree(pod, store);
        end
    }

    /// The signature that the pod keeps is the one that other pods are sent, which has been checked.
    fn signatures_agree(&self, pod: &Tables, store: &Tables) {
        let moves = &store["pappus_deliveries"];
        let moves = moves.iter().filter(|row| row["kind"] == "account_migration" && is_ours(row));
        for sent in moves.map(|row| self.keys.migration(text(row, "body"))) {
            let kept =
                pod["account_migrations"].iter().filter(|row| text(row, "signature") == sent.signature);
            assert_eq!(kept.count(), 1, "the pod keeps the signature that others are sent");
        }
    }

    fn row(&self, table: &str, row: &Row) -> String {
        let mut values = BTreeMap::new();
        for (column, value) in row {
            if let Some(value) = self.value(table, row, column, value) {
                values.insert(column.as_str(), value);
            }
        }
        serde_json::to_string(&values).unwrap()
    }

    fn value(&self, table: &str, row: &Row, column: &str, value: &Value) -> Option<String> {
        let said = value.as_str().unwrap_or_default();
        Some(match (table, column) {
            (_, "id") if value.is_number() => return None,
            ("users", "hidden_shareables") => self.names.in_text("posts", said),
            ("users", "serialized_private_key") if text(row, "username") == "ida" => "the new key".to_owned(),
            ("people", "serialized_public_key") | ("pappus_moves", "public_key")
                if said == self.new_public =>
            {
                "the new key".to_owned()
            }
            ("people" | "pappus_moves", "guid") if said == self.new_guid => "the import".to_owned(),
            ("account_migrations", "signature") if in_the_run(&row["completed_at"]) => {
                "by the new key".to_owned()
            }
            ("pappus_deliveries", "body") if is_ours(row) => self.keys.open(row),
            (_, column) if column.ends_with("_at") && in_the_run(value) => "in the run".to_owned(),
            (_, "id" | "import_id") => format!("the import of {}", self.imports[said]),
            ("pappus_imports" | "pappus_deliveries", _) => value.to_string(),
            (_, column) if column.ends_with("_id") && !value.is_null() => {
                self.names.referred(table, row, column)
            }
            _ => value.to_string(),
        })
    }

    /// What an import has noted, each thing once.
    fn journal(&self, rows: &[Row]) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        for row in rows {
            // An author's number, or an address.
            let previous = row["previous"].as_str().map(|previous| {
                previous
                    .parse()
                    .map_or_else(|_| previous.to_owned(), |author| self.names.name("people", author))
            });
            let import = self.imports[text(row, "import_id")];
            let (kind, guid) = (text(row, "kind"), text(row, "guid"));
            lines.insert(format!("the import of {import}: {kind} {guid}, before of {previous:?}"));
        }
        lines
    }
}

/// Whether a delivery is of the move; another account has moved here before.
fn is_ours(delivery: &Row) -> bool {
    text(delivery, "account") == "ida@closing.example"
}

/// Times of the run are of 2027 and later, those in the archive are not.
fn in_the_run(time: &Value) -> bool {
    const RUN_MILLIS: i64 = super::scene::RUN.cast_signed() * 1000;
    match time {
        Value::Number(millis) => millis.as_i64().unwrap() >= RUN_MILLIS,
        Value::String(time) => time.as_str() >= "2027-03",
        _ => false,
    }
}
