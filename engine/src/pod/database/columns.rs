//! Capacity of the columns in a pod's database.
//!
//! On MySQL and MariaDB, diaspora*'s own tables use `utf8mb4`, with texts of 65,535 bytes and strings of 255
//! characters; a pod with tables of its own may allow only characters of up to three bytes. A PostgreSQL database in
//! UTF-8 allows all characters but NUL. Databases and tables in other character sets are not supported: their columns
//! store only some of the characters that people write, and reject the others.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::sql::{Dialect, Row, is_forbidden};

/// Replaces a character that a column cannot store.
const REPLACEMENT: char = '\u{FFFD}';

/// Capacity of a pod's columns.
#[derive(Debug, Clone)]
pub(crate) struct ColumnLimits {
    limited: HashMap<(String, String), Column>,
    unlimited: Column,
    collations: HashMap<(String, String), Collation>,
}

/// A column's text comparison.
#[derive(Debug, Clone)]
pub(super) struct Collation {
    pub(super) character_set: String,
    pub(super) name: String,
}

impl Collation {
    /// Returns whether trailing spaces are ignored, as in all but the newest collations.
    pub(super) fn ignores_trailing_spaces(&self) -> bool {
        !self.name.contains("_nopad_") && !self.name.contains("_0900_")
    }
}

/// Capacity of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    characters: usize,
    bytes: usize,
    /// The highest character in its character set.
    highest: char,
    /// True if it stores NUL characters.
    allows_nul: bool,
    /// True if control characters that change on reading are replaced; see [`crate::sql::clean_text`].
    is_clean: bool,
}

/// A text, adapted to a column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FittedText<'a> {
    /// The text.
    pub(crate) text: Cow<'a, str>,
    /// True when the text was truncated.
    pub(crate) cut: bool,
    /// True when characters were replaced.
    pub(crate) replaced: bool,
}

impl Column {
    /// Adapts a text to this column.
    pub(crate) fn hold(self, text: &str) -> FittedText<'_> {
        let is_unsupported = |c: char| {
            c > self.highest || (c == '\0' && !self.allows_nul) || (self.is_clean && is_forbidden(c))
        };
        let replaced = text.contains(is_unsupported);
        let mut fitted = Cow::Borrowed(text);
        if replaced {
            let replacement = if REPLACEMENT > self.highest { '?' } else { REPLACEMENT };
            let fit = |c| if is_unsupported(c) { replacement } else { c };
            fitted = text.chars().map(fit).collect::<String>().into();
        }
        let end = fitted.char_indices().nth(self.characters).map_or(fitted.len(), |(end, _)| end);
        let end = fitted.floor_char_boundary(end.min(self.bytes));
        let cut = end < fitted.len();
        if cut {
            fitted = fitted.get(..end).unwrap_or_default().to_owned().into();
        }
        FittedText { text: fitted, cut, replaced }
    }

    /// Limits the column to `characters`, where diaspora* itself accepts no more.
    pub(crate) fn at_most(self, characters: usize) -> Self {
        Self { characters: self.characters.min(characters), ..self }
    }

    /// Returns the column without the control characters that are replaced when a text is read back.
    pub(crate) fn clean(self) -> Self {
        Self { is_clean: true, ..self }
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

    /// Returns the first table with an unsupported character set among the statement's rows, and that character set.
    pub(super) fn unsupported(dialect: Dialect, rows: &[Row]) -> Option<(String, String)> {
        let tables: HashSet<&str> = crate::pod::schema::tables().collect();
        let mut sets_by_table =
            rows.iter().filter_map(|row| Some((row.text("found_table")?, row.text("text_encoding")?)));
        sets_by_table.find(|(table, set)| tables.contains(table.as_str()) && !is_supported(dialect, set))
    }

    /// Reads the statement's rows.
    pub(super) fn new(dialect: Dialect, rows: &[Row]) -> Self {
        let allows_nul = dialect != Dialect::PostgreSql;
        let unlimited = Column {
            characters: usize::MAX,
            bytes: usize::MAX,
            highest: char::MAX,
            allows_nul,
            is_clean: false,
        };
        let limit = |row: &Row, column: &'static str| {
            row.integer(column).and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
        };
        let key = |row: &Row| Some((row.text("found_table")?, row.text("found_column")?));
        let limited = rows.iter().filter_map(|row| {
            let highest = highest_character(row.text("text_encoding").as_deref());
            let (characters, bytes) = (limit(row, "max_characters"), limit(row, "max_bytes"));
            Some((key(row)?, Column { characters, bytes, highest, allows_nul, is_clean: false }))
        });
        let collations = rows.iter().filter_map(|row| {
            let character_set = safe_name(row.text("text_encoding")?)?;
            Some((key(row)?, Collation { character_set, name: safe_name(row.text("text_collation")?)? }))
        });
        Self { limited: limited.collect(), unlimited, collations: collations.collect() }
    }

    /// Returns a column's text comparison; `None` when it compares bytes.
    pub(super) fn collation(&self, table: &str, column: &str) -> Option<&Collation> {
        self.collations.get(&(table.to_owned(), column.to_owned()))
    }

    /// Returns whether a column is case-insensitive.
    pub(crate) fn folds(&self, table: &str, column: &str) -> bool {
        self.collation(table, column).is_some_and(|collation| !collation.name.ends_with("_bin"))
    }

    /// Returns a column's capacity.
    pub(crate) fn of(&self, table: &str, column: &str) -> Column {
        self.limited.get(&(table.to_owned(), column.to_owned())).copied().unwrap_or(self.unlimited)
    }
}

/// Returns the name of a character set or collation if it is safe in a statement.
fn safe_name(name: String) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    Some(name).filter(|name| name.bytes().all(is_plain))
}

/// Returns whether a character set contains all characters, or all up to a highest one.
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
fn highest_character(set: Option<&str>) -> char {
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

    fn column(characters: usize, bytes: usize, set: &str, allows_nul: bool) -> Column {
        Column { characters, bytes, highest: highest_character(Some(set)), allows_nul, is_clean: false }
    }

    fn held(column: Column, text: &str) -> (String, bool, bool) {
        let FittedText { text, cut, replaced } = column.hold(text);
        (text.into_owned(), cut, replaced)
    }

    #[test]
    fn texts_that_fit_are_unchanged() {
        let column = column(255, 1020, "utf8mb4", true);
        for text in ["", "🌼🌼", "a\0b", &"я".repeat(255)] {
            assert_eq!(held(column, text), (text.to_owned(), false, false));
        }
    }

    #[test]
    fn other_texts_are_replaced_and_cut() {
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
