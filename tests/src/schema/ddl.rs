//! From the description to `CREATE TABLE` and `CREATE INDEX`.

use super::model::{Column, Dialect, Fallback, Kind, Link, Table, tables};

/// MariaDB takes names of at most 64, PostgreSQL of 63 bytes.
const LONGEST_NAME: usize = 63;

/// A name in the quotes of the dialect; `order` and `references` are words of SQL.
pub fn quote(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::MySql => format!("`{name}`"),
        Dialect::Postgres | Dialect::Sqlite => format!("\"{name}\""),
    }
}

/// The statements that make the tables, without their indexes unless the dialect wants both in
/// one: every change of a table costs MariaDB a good part of a second.
pub fn table_ddl(dialect: Dialect) -> Vec<String> {
    tables().map(|table| create_table(dialect, table)).collect()
}

/// The statements that make the indexes; large pods want them after the rows.
pub fn index_ddl(dialect: Dialect) -> Vec<String> {
    if dialect == Dialect::MySql {
        return Vec::new();
    }
    let mut statements: Vec<String> = tables()
        .flat_map(|table| indexes(table).map(|(list, unique)| create_index(dialect, table, list, unique)))
        .collect();
    // utf8mb4_bin compares bytes, so diaspora* has this one on PostgreSQL only.
    statements.push("CREATE UNIQUE INDEX index_tags_on_lower_name ON tags (lower(name))".to_owned());
    statements
}

/// Lists of columns, and whether they are unique.
fn indexes(table: &Table) -> impl Iterator<Item = (&'static [&'static str], bool)> {
    let unique = table.unique.iter().map(|list| (*list, true));
    unique.chain(table.indexes.iter().map(|list| (*list, false)))
}

fn create_table(dialect: Dialect, table: &Table) -> String {
    let mut lines: Vec<String> =
        table.columns.iter().map(|column| column_line(dialect, table, column)).collect();
    if let Some(key) = table.key.filter(|_| !(dialect == Dialect::Sqlite && table.has_id())) {
        lines.push(format!("PRIMARY KEY ({})", quote(dialect, key)));
    }
    lines.extend(table.links.iter().map(|link| link_line(dialect, table, link)));
    if dialect == Dialect::MySql {
        lines.extend(indexes(table).map(|(list, unique)| {
            let kind = if unique { "UNIQUE KEY" } else { "KEY" };
            format!(
                "{kind} {} ({})",
                quote(dialect, &index_name(table, list)),
                key_columns(dialect, table, list)
            )
        }));
    }
    let options = match dialect {
        Dialect::MySql => " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC",
        Dialect::Postgres | Dialect::Sqlite => "",
    };
    format!("CREATE TABLE {} ({}){options}", quote(dialect, table.name), lines.join(", "))
}

fn column_line(dialect: Dialect, table: &Table, column: &Column) -> String {
    let name = quote(dialect, column.name);
    if column.name == "id" && table.has_id() {
        let big = column.kind == Kind::BigInt;
        return match dialect {
            Dialect::Postgres if big => format!("{name} bigserial NOT NULL"),
            Dialect::Postgres => format!("{name} serial NOT NULL"),
            Dialect::MySql if big => format!("{name} bigint(20) NOT NULL AUTO_INCREMENT"),
            Dialect::MySql => format!("{name} int(11) NOT NULL AUTO_INCREMENT"),
            Dialect::Sqlite => format!("{name} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"),
        };
    }
    let null = if column.nullable { "" } else { " NOT NULL" };
    format!("{name} {}{null}{}", type_name(dialect, column.kind), default_clause(dialect, column.fallback))
}

fn type_name(dialect: Dialect, kind: Kind) -> String {
    let name = match (dialect, kind) {
        (_, Kind::Limited(length)) => return format!("varchar({length})"),
        (Dialect::Postgres, Kind::Int) => "integer",
        (Dialect::MySql, Kind::Int) => "int(11)",
        (Dialect::Sqlite, Kind::Int) => "INTEGER",
        (Dialect::MySql, Kind::BigInt) => "bigint(20)",
        (_, Kind::BigInt) => "bigint",
        (Dialect::MySql, Kind::Flag) => "tinyint(1)",
        (_, Kind::Flag) => "boolean",
        (Dialect::Postgres, Kind::Short) => "character varying",
        (_, Kind::Short) => "varchar(255)",
        (_, Kind::Long) => "text",
        (Dialect::Postgres, Kind::Time | Kind::FineTime) => "timestamp without time zone",
        (Dialect::MySql, Kind::FineTime) => "datetime(6)",
        (_, Kind::Time | Kind::FineTime) => "datetime",
        (_, Kind::Day) => "date",
    };
    name.to_owned()
}

fn default_clause(dialect: Dialect, fallback: Fallback) -> String {
    match fallback {
        Fallback::Null => String::new(),
        Fallback::Number(number) => format!(" DEFAULT {number}"),
        Fallback::Flag(flag) if dialect == Dialect::Postgres => format!(" DEFAULT {flag}"),
        Fallback::Flag(flag) => format!(" DEFAULT {}", u8::from(flag)),
        Fallback::Word(word) => format!(" DEFAULT '{word}'"),
    }
}

fn link_line(dialect: Dialect, table: &Table, link: &Link) -> String {
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}){}",
        quote(dialect, &format!("{}_{}_fk", table.name, link.column)),
        quote(dialect, link.column),
        quote(dialect, link.table),
        quote(dialect, "id"),
        if link.cascade { " ON DELETE CASCADE" } else { "" }
    )
}

fn create_index(dialect: Dialect, table: &Table, columns: &[&str], unique: bool) -> String {
    format!(
        "CREATE {}INDEX {} ON {} ({})",
        if unique { "UNIQUE " } else { "" },
        quote(dialect, &index_name(table, columns)),
        quote(dialect, table.name),
        key_columns(dialect, table, columns)
    )
}

fn key_columns(dialect: Dialect, table: &Table, columns: &[&str]) -> String {
    let listed: Vec<String> = columns
        .iter()
        .map(|name| format!("{}{}", quote(dialect, name), key_length(dialect, table, name, columns.len())))
        .collect();
    listed.join(", ")
}

/// Old MariaDB takes keys of 767 bytes, so diaspora* indexes the beginning of long strings.
fn key_length(dialect: Dialect, table: &Table, name: &str, columns: usize) -> &'static str {
    let long = table
        .column(name)
        .is_some_and(|column| matches!(column.kind, Kind::Short | Kind::Long | Kind::Limited(255..)));
    match (dialect, long, columns) {
        (Dialect::MySql, true, 1) => "(191)",
        (Dialect::MySql, true, _) => "(190)",
        _ => "",
    }
}

fn index_name(table: &Table, columns: &[&str]) -> String {
    let name = format!("index_{}_on_{}", table.name, columns.join("_and_"));
    if name.len() <= LONGEST_NAME {
        return name;
    }
    // First letters only: `person_id` becomes `pi`.
    let short: Vec<String> = columns
        .iter()
        .map(|column| column.split('_').filter_map(|part| part.chars().next()).collect())
        .collect();
    format!("index_{}_on_{}", table.name, short.join("_and_"))
}
