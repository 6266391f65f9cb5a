//! Whether a pod's rows are such as diaspora*'s own models would have left them.
//!
//! The databases check what is declared in them: types, NOT NULL, unique indexes, some foreign keys. The
//! models of diaspora* ask for much more, and nothing but the models knows it. Rows that break such a rule are
//! found late: by a user who cannot save the settings any more, by a counter that never fits again.

mod models;
mod people;
mod photos;
mod posts;
mod talk;
mod texts;

use std::collections::BTreeMap;
use std::path::Path;

use crate::rows::{Record, Rows, number, text};
use crate::schema::{Pool, SchemaError};

/// The pod whose rows are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its address, with a slash at the end.
    pub url: &'a str,
    /// The folder that holds `images/`.
    pub uploads: &'a Path,
    /// Bits of the keys of its own people.
    pub bits: usize,
}

impl Place<'_> {
    /// The part of its diaspora* IDs behind the @.
    fn host(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, host)| host).trim_end_matches('/')
    }

    /// Where its photos are seen.
    fn images(&self) -> String {
        format!("{}uploads/images/", self.url)
    }
}

/// Everything that is not as diaspora* would have it, a line for each, with table and row.
///
/// # Errors
/// When the database refuses to be read.
pub async fn problems(pool: &Pool, place: Place<'_>) -> Result<Vec<String>, SchemaError> {
    Ok(problems_of(&Rows::read(pool).await?, place))
}

/// The same for rows that have been read.
pub fn problems_of(rows: &Rows, place: Place<'_>) -> Vec<String> {
    let mut check = Check { rows, place, found: Vec::new() };
    check.models();
    check.people();
    check.posts();
    check.photos();
    check.talk();
    check.found
}

struct Check<'a> {
    rows: &'a Rows,
    place: Place<'a>,
    found: Vec<String>,
}

impl<'a> Check<'a> {
    /// Notes a problem unless what must be is.
    fn must(&mut self, holds: bool, table: &str, record: &Record, rule: &str) {
        if !holds {
            let shown: BTreeMap<&str, String> =
                record.iter().map(|(name, value)| (*name, value.chars().take(60).collect())).collect();
            self.found.push(format!("{table} {}: {rule}: {shown:?}", number(record, "id")));
        }
    }

    /// The rows of a table by their number.
    fn by_id(&self, table: &str) -> BTreeMap<i64, &'a Record> {
        self.rows.of(table).iter().map(|record| (number(record, "id"), record)).collect()
    }

    /// The users of this pod by their persons' numbers.
    fn owners(&self) -> BTreeMap<i64, i64> {
        let people = self.rows.of("people").iter().filter(|person| person.contains_key("owner_id"));
        people.map(|person| (number(person, "id"), number(person, "owner_id"))).collect()
    }
}

/// Whether a name is one in the network: 16 to 255 characters, the last a letter, digit, `-` or `_`.
fn is_guid(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (16..=255).contains(&name.len())
        && name.chars().all(|c| plain(c) || matches!(c, '@' | '.' | ':'))
        && name.chars().last().is_some_and(plain)
}

/// Whether an address is one of the web.
fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// A text without white space around it, as Ruby strips: ASCII and NUL.
fn stripped(value: &str) -> &str {
    value.trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '\0' | '\u{B}'))
}

/// Whether a column is there and not blank.
fn is_filled(record: &Record, column: &str) -> bool {
    !text(record, column).trim().is_empty()
}
