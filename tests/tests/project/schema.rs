//! The tables we describe are the tables of a real pod, and every database takes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::schema::{Kind, Pool, create, tables};

/// The reference is not part of this repository; without it there is nothing to compare with.
fn reference(file: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/tables").join(file);
    let text = fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: {} is not here", path.display());
    }
    text
}

/// Splits a line of CSV; quoted fields may hold commas.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    text.lines().skip(1).map(fields)
}

#[test]
fn columns_are_those_of_a_pod_on_postgresql() {
    let Some(text) = reference("postgresql-columns.csv") else { return };
    let mut theirs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(&text) {
        let kind = if row[7].is_empty() { row[4].clone() } else { format!("{}({})", row[4], row[7]) };
        let default = row[6].split("::").next().unwrap_or_default().trim_matches('\'');
        let default = if default.starts_with("nextval") { "" } else { default };
        theirs.entry(row[0].clone()).or_default().push(format!("{} {kind} {} {default}", row[2], row[5]));
    }
    for table in tables() {
        let ours: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let kind = match column.kind {
                    Kind::Int => "int4".to_owned(),
                    Kind::BigInt => "int8".to_owned(),
                    Kind::Flag => "bool".to_owned(),
                    Kind::Short => "varchar".to_owned(),
                    Kind::Limited(length) => format!("varchar({length})"),
                    Kind::Long => "text".to_owned(),
                    Kind::Time | Kind::FineTime => "timestamp".to_owned(),
                    Kind::Day => "date".to_owned(),
                };
                let null = if column.nullable { "YES" } else { "NO" };
                format!("{} {kind} {null} {}", column.name, default_of(column.fallback))
            })
            .collect();
        assert_eq!(Some(&ours), theirs.get(table.name), "{}", table.name);
    }
}

fn default_of(fallback: pappus_tests::schema::Fallback) -> String {
    use pappus_tests::schema::Fallback;
    match fallback {
        Fallback::Null => String::new(),
        Fallback::Number(number) => number.to_string(),
        Fallback::Flag(flag) => flag.to_string(),
        Fallback::Word(word) => word.to_owned(),
    }
}

#[test]
fn columns_are_those_of_a_pod_on_mariadb() {
    let Some(text) = reference("mariadb-columns.csv") else { return };
    let mut theirs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(&text) {
        theirs.entry(row[0].clone()).or_default().push(format!("{} {} {}", row[2], row[4], row[5]));
    }
    for table in tables() {
        let ours: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let kind = match column.kind {
                    Kind::Int => "int(11)".to_owned(),
                    Kind::BigInt => "bigint(20)".to_owned(),
                    Kind::Flag => "tinyint(1)".to_owned(),
                    Kind::Short => "varchar(255)".to_owned(),
                    Kind::Limited(length) => format!("varchar({length})"),
                    Kind::Long => "text".to_owned(),
                    Kind::Time => "datetime".to_owned(),
                    Kind::FineTime => "datetime(6)".to_owned(),
                    Kind::Day => "date".to_owned(),
                };
                format!("{} {kind} {}", column.name, if column.nullable { "YES" } else { "NO" })
            })
            .collect();
        assert_eq!(Some(&ours), theirs.get(table.name), "{}", table.name);
    }
}

#[test]
fn indexes_and_foreign_keys_are_those_of_a_pod() {
    let (Some(indexes), Some(links)) =
        (reference("postgresql-indexes.csv"), reference("postgresql-foreign-keys.csv"))
    else {
        return;
    };
    for table in tables() {
        let theirs: BTreeSet<String> = rows(&indexes)
            .filter(|row| row[0] == table.name && row[3] == "f" && !row[4].contains('('))
            .map(|row| format!("{} {}", row[2], row[4].replace('"', "")))
            .collect();
        let ours = table.unique.iter().map(|list| format!("t {}", list.join(",")));
        let ours: BTreeSet<String> =
            ours.chain(table.indexes.iter().map(|list| format!("f {}", list.join(",")))).collect();
        assert_eq!(ours, theirs, "indexes of {}", table.name);

        let theirs: BTreeSet<String> = rows(&links)
            .filter(|row| row[1] == table.name)
            .map(|row| format!("{} {} {}", row[2], row[3], row[5] == "c"))
            .collect();
        let ours: BTreeSet<String> = table
            .links
            .iter()
            .map(|link| format!("{} {} {}", link.column, link.table, link.cascade))
            .collect();
        assert_eq!(ours, theirs, "foreign keys of {}", table.name);
    }
}

#[tokio::test]
async fn every_database_takes_the_tables() {
    let postgres = shared_postgres().await.unwrap().create_database("schema_empty").await.unwrap();
    let mariadb = shared_mariadb().await.unwrap().create_database("schema_empty").await.unwrap();
    for url in [postgres, mariadb, "sqlite::memory:".to_owned()] {
        let pool = Pool::connect(&url).await.unwrap();
        create(&pool).await.unwrap();
        let versions = pool.number("SELECT count(*) FROM schema_migrations").await.unwrap();
        assert_eq!(versions, 48, "{url}");
        pool.close().await;
    }
}
