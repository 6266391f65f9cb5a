//! Capacity of the columns in a pod's database.
//!
//! On MySQL and MariaDB, diaspora*'s own tables use `utf8mb4`, with texts of 65,535 bytes and strings of 255
//! characters; a pod set up by hand may allow characters of three bytes only. A PostgreSQL database in UTF-8 allows all
//! characters but NUL. Databases and tables in other character sets are no targets: their columns hold a part of what
//! people write, and fail for the rest.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::sql::{Dialect, Row, is_forbidden};

/// Replaces a character that a column cannot store.
const REPLACEMENT: char = '\u{FFFD}';

/// Capacity of a pod's columns.
#[derive(Debug, Clone)]
pub(crate) struct ColumnLimits {
    known: HashMap<(String, String), Column>,
    usual: Column,
    folding: HashMap<(String, String), Collation>,
}

/// A column's text comparison: character set and collation.
#[derive(Debug, Clone)]
pub(super) struct Collation {
    pub(super) set: String,
    pub(super) collation: String,
}

impl Collation {
    /// Returns whether trailing spaces are ignored, as in all but the newest collations.
    pub(super) fn pads(&self) -> bool {
        !self.collation.contains("_nopad_") && !self.collation.contains("_0900_")
    }
}

/// Capacity of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    characters: usize,
    bytes: usize,
    /// The highest character in its character set.
    last: char,
    nul: bool,
    /// True if it stores only what is read back unchanged; see [`crate::sql::clean_text`].
    clean: bool,
}

/// A text, adapted to a column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held<'a> {
    /// The text.
    pub(crate) text: Cow<'a, str>,
    /// True when the text was truncated.
    pub(crate) cut: bool,
    /// True when characters were replaced.
    pub(crate) replaced: bool,
}

impl Column {
    /// Adapts a text to this column.
    pub(crate) fn hold(self, text: &str) -> Held<'_> {
        let unheld = |c: char| c > self.last || (c == '\0' && !self.nul) || (self.clean && is_forbidden(c));
        let replaced = text.contains(unheld);
        let mut held = Cow::Borrowed(text);
        if replaced {
            let instead = if REPLACEMENT > self.last { '?' } else { REPLACEMENT };
            held = text.chars().map(|c| if unheld(c) { instead } else { c }).collect::<String>().into();
        }
        let by_characters = held.char_indices().nth(self.characters).map_or(held.len(), |(end, _)| end);
        let end = held.floor_char_boundary(by_characters.min(self.bytes));
        let cut = end < held.len();
        if cut {
            held = held.get(..end).unwrap_or_default().to_owned().into();
        }
        Held { text: held, cut, replaced }
    }

    /// Limits the column to `characters`, where diaspora* itself accepts no more.
    pub(crate) fn at_most(self, characters: usize) -> Self {
        Self { characters: self.characters.min(characters), ..self }
    }

    /// Returns the column without the control characters that are replaced when a text is read back.
    pub(crate) fn clean(self) -> Self {
        Self { clean: true, ..self }
    }
}

impl ColumnLimits {
    /// Returns the statement that lists them, for [`ColumnLimits::new`]. `None` when all columns store any text.
    pub(super) fn statement(dialect: Dialect) -> Option<&'static str> {
        match dialect {
            Dialect::PostgreSql => Some(
                // As in [`super::VISIBLE`].
                "SELECT CAST(c.relname AS TEXT) AS found_table, CAST(a.attname AS TEXT) AS found_column, \
                 CAST(a.atttypmod - 4 AS BIGINT) AS max_characters, CAST(NULL AS BIGINT) AS max_bytes, \
                 current_setting('server_encoding') AS text_encoding, CAST(NULL AS TEXT) AS text_collation \
                 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                 WHERE pg_table_is_visible(c.oid) AND c.relnamespace <> 'pg_catalog'::regnamespace \
                 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND a.atttypmod > 4 \
                 AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype)",
            ),
            Dialect::MySql => Some(
                "SELECT CAST(table_name AS CHAR) AS found_table, CAST(column_name AS CHAR) AS found_column, \
                 CAST(character_maximum_length AS SIGNED) AS max_characters, \
                 CAST(character_octet_length AS SIGNED) AS max_bytes, \
                 CAST(character_set_name AS CHAR) AS text_encoding, \
                 CAST(collation_name AS CHAR) AS text_collation FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND character_set_name IS NOT NULL",
            ),
            Dialect::Sqlite => None,
        }
    }

    /// Returns the first character set among the statement's rows that no import can write in, and where it is.
    pub(super) fn unsupported(dialect: Dialect, rows: &[Row]) -> Option<(String, String)> {
        let tables: HashSet<&str> = crate::pod::schema::tables().collect();
        let found =
            rows.iter().filter_map(|row| Some((row.text("found_table")?, row.text("text_encoding")?)));
        found
            .filter(|(table, _)| tables.contains(table.as_str()))
            .find(|(_, set)| !is_supported(dialect, set))
    }

    /// Reads the statement's rows.
    pub(super) fn new(dialect: Dialect, rows: &[Row]) -> Self {
        let nul = dialect != Dialect::PostgreSql;
        let usual = Column { characters: usize::MAX, bytes: usize::MAX, last: char::MAX, nul, clean: false };
        let number = |row: &Row, column: &'static str| {
            row.integer(column).and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
        };
        let place = |row: &Row| Some((row.text("found_table")?, row.text("found_column")?));
        let known = rows.iter().filter_map(|row| {
            let last = last_of(row.text("text_encoding").as_deref());
            let (characters, bytes) = (number(row, "max_characters"), number(row, "max_bytes"));
            Some((place(row)?, Column { characters, bytes, last, nul, clean: false }))
        });
        let folding = rows.iter().filter_map(|row| {
            let set = name(row.text("text_encoding")?)?;
            Some((place(row)?, Collation { set, collation: name(row.text("text_collation")?)? }))
        });
        Self { known: known.collect(), usual, folding: folding.collect() }
    }

    /// Returns a column's text comparison; `None` when it compares bytes.
    pub(super) fn folding(&self, table: &str, column: &str) -> Option<&Collation> {
        self.folding.get(&(table.to_owned(), column.to_owned()))
    }

    /// Returns whether a column is case-insensitive.
    pub(crate) fn folds(&self, table: &str, column: &str) -> bool {
        self.folding(table, column).is_some_and(|folding| !folding.collation.ends_with("_bin"))
    }

    /// Returns a column's capacity.
    pub(crate) fn of(&self, table: &str, column: &str) -> Column {
        self.known.get(&(table.to_owned(), column.to_owned())).copied().unwrap_or(self.usual)
    }
}

/// Returns the name of a character set or collation if it is safe in a statement.
fn name(name: String) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    Some(name).filter(|name| name.bytes().all(is_plain))
}

/// Returns whether a character set holds all characters, or a range of them from the first one on.
fn is_supported(dialect: Dialect, set: &str) -> bool {
    match dialect {
        Dialect::PostgreSql => matches!(set, "UTF8" | "SQL_ASCII"),
        Dialect::MySql => {
            matches!(
                set,
                "utf8mb4" | "utf8" | "utf8mb3" | "ucs2" | "utf16" | "utf32" | "latin1" | "ascii" | "binary"
            )
        }
        Dialect::Sqlite => true,
    }
}

/// Returns the highest character in a character set.
fn last_of(set: Option<&str>) -> char {
    match set {
        Some("utf8" | "utf8mb3" | "ucs2") => '\u{FFFF}',
        Some("latin1") => '\u{FF}',
        Some("ascii") => '\u{7F}',
        _ => char::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(characters: usize, bytes: usize, set: &str, nul: bool) -> Column {
        Column { characters, bytes, last: last_of(Some(set)), nul, clean: false }
    }

    fn held(column: Column, text: &str) -> (String, bool, bool) {
        let Held { text, cut, replaced } = column.hold(text);
        (text.into_owned(), cut, replaced)
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let column = column(255, 1020, "utf8mb4", true);
        for text in ["", "🌼🌼", "a\0b", &"я".repeat(255)] {
            assert_eq!(held(column, text), (text.to_owned(), false, false));
        }
    }

    #[test]
    fn what_does_not_is_replaced_and_cut() {
        assert_eq!(held(column(9, 99, "utf8mb3", true), "a🌼b"), ("a\u{FFFD}b".into(), false, true));
        assert_eq!(held(column(9, 99, "latin1", true), "naïve я"), ("naïve ?".into(), false, true));
        assert_eq!(held(column(9, 99, "utf8mb4", false), "\0🌼"), ("\u{FFFD}🌼".into(), false, true));
        assert_eq!(held(column(2, 99, "utf8mb4", true), "яяя"), ("яя".into(), true, false));
        assert_eq!(held(column(99, 5, "utf8mb4", true), "яяя"), ("яя".into(), true, false));
        let bell = "a\u{7}b\u{1b}\t\n\u{7f}";
        let wide = column(9, 99, "utf8mb4", true);
        assert_eq!(held(wide, bell), (bell.to_owned(), false, false));
        assert_eq!(held(wide.clean(), bell), ("a\u{FFFD}b\u{FFFD}\t\n\u{7f}".into(), false, true));
        // The replacement may be longer than the character.
        assert_eq!(held(column(9, 4, "utf8mb4", false), "\0\0"), ("\u{FFFD}".into(), true, true));
    }
}
