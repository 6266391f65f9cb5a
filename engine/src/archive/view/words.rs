//! Values that templates print: times, numbers, file names, and the language of a text.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{Datelike as _, Timelike as _};

use crate::domain::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A date, shown as `12 March 2016`.
#[derive(Clone, Copy)]
pub(super) struct Day(pub(super) Timestamp);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.0.to_utc().date();
        write!(f, "{} {} {}", date.day(), month(date.month0()), date.year())
    }
}

/// Returns the name of a month, counted from 0.
fn month(month: u32) -> &'static str {
    usize::try_from(month).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default()
}

/// Formats `2011-03-12` as `12 March 2011`. The year 1004 means "not specified" in diaspora*.
pub(super) fn birthday(text: &str) -> String {
    let Ok(date) = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d") else { return text.to_owned() };
    let (day, month) = (date.day(), month(date.month0()));
    if date.year() <= 1004 { format!("{day} {month}") } else { format!("{day} {month} {}", date.year()) }
}

/// A `<time>` element that shows date and minute in UTC, which the page says once.
#[derive(Clone, Copy)]
pub(super) struct Moment(pub(super) Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0.to_utc().time();
        let (hour, minute) = (time.hour(), time.minute());
        write!(f, "<time datetime=\"{}\">{}, {hour:02}:{minute:02}</time>", self.0, Day(self.0))
    }
}

// Digits, fixed words, and no user content that would need escaping.
impl HtmlSafe for Moment {}
impl HtmlSafe for Day {}

/// A number with thousands separators: `3,049`.
#[derive(Clone, Copy)]
pub(super) struct Count(pub(super) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1000 {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{},{:03}", Count(self.0 / 1000), self.0 % 1000)
        }
    }
}

impl HtmlSafe for Count {}

/// A file name, percent-encoded for a URL.
#[derive(Clone, Copy)]
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.as_bytes().chunk_by(|a, b| unreserved(*a) == unreserved(*b)) {
            match str::from_utf8(part) {
                Ok(text) if unreserved(part[0]) => f.write_str(text)?,
                _ => part.iter().try_for_each(|byte| write!(f, "%{byte:02X}"))?,
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Encoded<'_> {}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Returns whether a character changes the direction of the text after it. `<bdi>` and `dir` isolate these in
/// elements; titles and attributes have no such protection.
pub(super) fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Cleans a text for a title or attribute: removes control characters and changes of direction.
pub(super) fn plain(text: &str) -> String {
    let text = text.trim();
    text.chars().filter(|&c| !turns_direction(c)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns the user's language as an HTML language tag, or an empty string for unknown. diaspora* has values such as
/// `de_formal`.
pub(super) fn language(language: Option<&str>) -> String {
    let language = language.unwrap_or_default();
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if language.split(['-', '_']).all(fits) { language.replace('_', "-") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_numbers_and_names() {
        let time = Timestamp::from_utc("2016-03-02T04:05:06".parse().unwrap());
        assert_eq!(
            Moment(time).to_string(),
            "<time datetime=\"2016-03-02T04:05:06Z\">2 March 2016, 04:05</time>"
        );
        assert_eq!(["1004-12-31", "1984-01-02", "?"].map(birthday), ["31 December", "2 January 1984", "?"]);
        let counts = [0, 999, 1000, 1_020_003].map(|count| Count(count).to_string());
        assert_eq!(counts, ["0", "999", "1,000", "1,020,003"]);
        assert_eq!(Encoded("a b/../\"<ü>.jpg").to_string(), "a%20b%2F..%2F%22%3C%C3%BC%3E.jpg");
    }

    #[test]
    fn attributes_cannot_be_turned_round() {
        assert_eq!(plain(" Ann\u{202e}\nexe.\u{0}gpj\u{2066} "), "Ann exe. gpj");
        assert_eq!(plain("مرحبا"), "مرحبا");
    }

    #[test]
    fn languages() {
        let given = ["pt-BR", "de_formal", "en", "\"><script>", "a b", ""].map(|text| language(Some(text)));
        assert_eq!(given, ["pt-BR", "de-formal", "en", "", "", ""]);
        assert_eq!(language(None), "");
    }
}
