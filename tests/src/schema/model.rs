//! Plain data that describes a table.

use super::{tables_accounts, tables_posts, tables_talk};

/// The three databases a pod may live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MariaDB or MySQL.
    MySql,
    /// SQLite, for the embedded sample pod.
    Sqlite,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 32 bits; the primary key when the column is named `id`.
    Int,
    /// 64 bits; newer tables have such ids.
    BigInt,
    /// `boolean`, `tinyint(1)` on MariaDB.
    Flag,
    /// A string without limit on PostgreSQL, of 255 characters on MariaDB.
    Short,
    /// A string with a limit on every database.
    Limited(u16),
    /// `text`.
    Long,
    /// A timestamp: microseconds on PostgreSQL, seconds on MariaDB.
    Time,
    /// A timestamp with microseconds on MariaDB too.
    FineTime,
    /// A day.
    Day,
}

/// What a column holds when a row does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// NULL.
    Null,
    /// A number.
    Number(i64),
    /// True or false.
    Flag(bool),
    /// A string; also a timestamp, as text.
    Word(&'static str),
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// Its default.
    pub fallback: Fallback,
}

/// A foreign key to another table's `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The column that refers.
    pub column: &'static str,
    /// The table it refers to.
    pub table: &'static str,
    /// Whether rows go when the row they refer to goes.
    pub cascade: bool,
}

/// One table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns in order.
    pub columns: &'static [Column],
    /// The primary key; the signature tables have none.
    pub key: Option<&'static str>,
    /// Unique indexes: lists of columns.
    pub unique: &'static [&'static [&'static str]],
    /// Other indexes.
    pub indexes: &'static [&'static [&'static str]],
    /// Foreign keys.
    pub links: &'static [Link],
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether rows are numbered by the database.
    pub fn has_id(&self) -> bool {
        self.key == Some("id")
    }
}

impl Column {
    /// The same column, taking NULL.
    pub(super) const fn null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The same column with a number as default.
    pub(super) const fn number(mut self, value: i64) -> Self {
        self.fallback = Fallback::Number(value);
        self
    }

    /// The same column with true or false as default.
    pub(super) const fn or(mut self, value: bool) -> Self {
        self.fallback = Fallback::Flag(value);
        self
    }

    /// The same column with a text as default.
    pub(super) const fn word(mut self, value: &'static str) -> Self {
        self.fallback = Fallback::Word(value);
        self
    }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false, fallback: Fallback::Null }
}

pub(super) const fn id() -> Column {
    column("id", Kind::Int)
}

pub(super) const fn big_id() -> Column {
    column("id", Kind::BigInt)
}

pub(super) const fn int(name: &'static str) -> Column {
    column(name, Kind::Int)
}

pub(super) const fn flag(name: &'static str) -> Column {
    column(name, Kind::Flag)
}

pub(super) const fn short(name: &'static str) -> Column {
    column(name, Kind::Short)
}

pub(super) const fn limited(name: &'static str, length: u16) -> Column {
    column(name, Kind::Limited(length))
}

pub(super) const fn long(name: &'static str) -> Column {
    column(name, Kind::Long)
}

pub(super) const fn time(name: &'static str) -> Column {
    column(name, Kind::Time)
}

pub(super) const fn fine_time(name: &'static str) -> Column {
    column(name, Kind::FineTime)
}

pub(super) const fn day(name: &'static str) -> Column {
    column(name, Kind::Day)
}

pub(super) const fn owned_by(column: &'static str, table: &'static str) -> Link {
    Link { column, table, cascade: true }
}

pub(super) const fn refers(column: &'static str, table: &'static str) -> Link {
    Link { column, table, cascade: false }
}

/// All tables, in an order in which foreign keys find what they refer to.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    tables_accounts::TABLES.iter().chain(tables_posts::TABLES).chain(tables_talk::TABLES)
}

/// The table of that name.
pub fn find(name: &str) -> Option<&'static Table> {
    tables().find(|table| table.name == name)
}
