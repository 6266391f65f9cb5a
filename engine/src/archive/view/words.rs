//! Texts and values that templates print, in the account's language.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use askama::filters::{Html, HtmlSafe, Safe, escape};
use chrono::{Datelike as _, NaiveDate, Timelike as _};

use crate::domain::Timestamp;
use crate::words::{Translations, Words};

/// The texts in all languages. With damaged files, which tests exclude, pages would show the keys.
static TRANSLATIONS: LazyLock<Translations> = LazyLock::new(|| Translations::built_in().unwrap_or_default());

/// The texts of one language. Every record contains dates and numbers, so they are formatted without the translations'
/// own, slower patterns.
pub(super) struct PageWords {
    words: Words,
    months: Vec<String>,
    /// A date, a birthday without a year, and a moment, with [`PARTS`] in the places of their values.
    day: String,
    no_year: String,
    moment: String,
    separator: String,
}

/// Placeholders for day, month and year, or for day and time, in the patterns.
const PARTS: [char; 3] = ['\u{1}', '\u{2}', '\u{3}'];

impl PageWords {
    /// Chooses the language that best matches the account's, such as `en` or `de_formal`.
    pub(super) fn new(language: Option<&str>) -> Self {
        let words = TRANSLATIONS.accepted(&language.unwrap_or_default().replace('_', "-"));
        let [first, second, third] = PARTS.map(String::from);
        let values = |names: [&'static str; 3]| {
            vec![
                (names[0], first.as_str().into()),
                (names[1], second.as_str().into()),
                (names[2], third.as_str().into()),
            ]
        };
        Self {
            months: (1..=12).map(|month| words.say(&format!("month-{month}"))).collect(),
            day: words.with("day", values(["day", "month", "year"])),
            no_year: words.with("view-no-year", values(["day", "month", "year"])),
            moment: words.with("view-moment", values(["day", "time", ""])),
            separator: words.say("thousands-separator"),
            words,
        }
    }

    /// Returns the language, as in HTML's `lang`.
    pub(super) fn code(&self) -> &'static str {
        self.words.code()
    }

    /// Returns the text direction, as in HTML's `dir`.
    pub(super) fn direction(&self) -> &'static str {
        self.words.direction()
    }

    /// Returns a text.
    pub(super) fn text<'a>(&'a self, key: &'a str) -> Cow<'a, str> {
        self.words.text(key)
    }

    /// Returns a text, with values inserted that are HTML or safe in it.
    pub(super) fn html(&self, key: &str, values: &[(&str, &dyn fmt::Display)]) -> Safe<String> {
        let values = values.iter().map(|(name, value)| (*name, value.to_string().into())).collect();
        Safe(self.words.with(key, values))
    }

    /// Returns a text about a number.
    pub(super) fn counted(&self, key: &str, number: u64) -> String {
        let shown = self.number(number).to_string();
        self.words.with(key, vec![("count", number.into()), ("number", shown.into())])
    }

    /// Returns a date: `12 March 2016`.
    pub(super) fn day(&self, time: Timestamp) -> Day<'_> {
        Day { words: self, time }
    }

    /// Returns a `<time>` element.
    pub(super) fn moment(&self, time: Timestamp) -> Moment<'_> {
        Moment { words: self, time }
    }

    /// Returns a number with thousands separators: `3,049`.
    pub(super) fn number(&self, number: u64) -> Count<'_> {
        Count { number, separator: &self.separator }
    }

    /// Returns the name of a month, by its number.
    pub(super) fn month(&self, number: u32) -> &str {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.months.get(index)).map_or("", String::as_str)
    }

    /// Formats `2011-03-12` as `12 March 2011`. The year 1004 means "not specified" in diaspora*.
    pub(super) fn birthday(&self, text: &str) -> String {
        let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") else { return text.to_owned() };
        let pattern = if date.year() <= 1004 { &self.no_year } else { &self.day };
        let mut formatted = String::new();
        // Writing to a string cannot fail.
        _ = self.write_date(&mut formatted, pattern, date);
        formatted
    }

    fn write_date(&self, out: &mut impl fmt::Write, pattern: &str, date: NaiveDate) -> fmt::Result {
        fill(out, pattern, |out, part| match part {
            0 => write!(out, "{}", date.day()),
            1 => out.write_str(self.months.get(date.month0() as usize).map_or("", String::as_str)),
            _ => write!(out, "{}", date.year()),
        })
    }
}

/// Writes a pattern with `value` in the places of its [`PARTS`].
fn fill<W: fmt::Write>(
    out: &mut W,
    pattern: &str,
    mut value: impl FnMut(&mut W, usize) -> fmt::Result,
) -> fmt::Result {
    for segment in pattern.split_inclusive(PARTS) {
        match segment.chars().last().and_then(|last| PARTS.iter().position(|part| *part == last)) {
            Some(part) => {
                out.write_str(&segment[..segment.len() - 1])?;
                value(out, part)?;
            }
            None => out.write_str(segment)?,
        }
    }
    Ok(())
}

/// Escapes a text for [`PageWords::html`].
pub(super) fn escaped(text: &str) -> String {
    // Escaping a text cannot fail.
    escape(text, Html).map(|text| text.to_string()).unwrap_or_default()
}

/// A date, shown as `12 March 2016`.
#[derive(Clone, Copy)]
pub(super) struct Day<'a> {
    words: &'a PageWords,
    time: Timestamp,
}

impl fmt::Display for Day<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.write_date(f, &self.words.day, self.time.to_utc().date())
    }
}

/// A `<time>` element that shows date and minute in UTC, as the page states once.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    words: &'a PageWords,
    time: Timestamp,
}

impl fmt::Display for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.to_utc().time();
        write!(f, "<time datetime=\"{}\">", self.time)?;
        fill(f, &self.words.moment, |f, part| match part {
            0 => write!(f, "{}", self.words.day(self.time)),
            _ => write!(f, "{:02}:{:02}", time.hour(), time.minute()),
        })?;
        f.write_str("</time>")
    }
}

// These contain digits and fixed words, and no user content that would need escaping.
impl HtmlSafe for Moment<'_> {}
impl HtmlSafe for Day<'_> {}

/// A number with thousands separators.
#[derive(Clone, Copy)]
pub(super) struct Count<'a> {
    number: u64,
    separator: &'a str,
}

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number < 1000 {
            write!(f, "{}", self.number)
        } else {
            let thousands = Count { number: self.number / 1000, ..*self };
            write!(f, "{thousands}{}{:03}", self.separator, self.number % 1000)
        }
    }
}

impl HtmlSafe for Count<'_> {}

/// A file name, percent-encoded for a URL.
#[derive(Clone, Copy)]
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.as_bytes().chunk_by(|a, b| is_unreserved(*a) == is_unreserved(*b)) {
            match str::from_utf8(part) {
                Ok(text) if is_unreserved(part[0]) => f.write_str(text)?,
                _ => part.iter().try_for_each(|byte| write!(f, "%{byte:02X}"))?,
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Encoded<'_> {}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Returns whether a character changes the direction of the text after it. `<bdi>` and `dir` isolate these in
/// elements; titles and attributes have no such protection.
pub(super) fn changes_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Cleans a text for a title or attribute: removes control characters and changes of direction.
pub(super) fn plain(text: &str) -> String {
    let text = text.trim();
    text.chars().filter(|&c| !changes_direction(c)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns the user's language as an HTML language tag, or an empty string for unknown. diaspora* has values such as
/// `de_formal`.
pub(super) fn language(language: Option<&str>) -> String {
    let language = language.unwrap_or_default();
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if language.split(['-', '_']).all(is_subtag) { language.replace('_', "-") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_numbers_and_names() {
        let time = Timestamp::from_utc("2016-03-02T04:05:06".parse().unwrap());
        let (english, german) = (PageWords::new(Some("pt-BR")), PageWords::new(Some("de_formal")));
        let [in_english, in_german] = [&english, &german].map(|words| words.moment(time).to_string());
        assert_eq!(in_english, "<time datetime=\"2016-03-02T04:05:06Z\">2 March 2016, 04:05</time>");
        assert_eq!(in_german, "<time datetime=\"2016-03-02T04:05:06Z\">2. März 2016, 04:05</time>");
        let birthdays = ["1004-12-31", "1984-01-02", "?"];
        let [in_english, in_german] =
            [&english, &german].map(|words| birthdays.map(|birthday| words.birthday(birthday)));
        assert_eq!(in_english, ["31 December", "2 January 1984", "?"]);
        assert_eq!(in_german, ["31. Dezember", "2. Januar 1984", "?"]);
        let counts = [0, 999, 1000, 1_020_003];
        let [in_english, in_german] =
            [&english, &german].map(|words| counts.map(|count| words.number(count).to_string()));
        assert_eq!(in_english, ["0", "999", "1,000", "1,020,003"]);
        assert_eq!(in_german, ["0", "999", "1.000", "1.020.003"]);
        assert_eq!((english.code(), german.code()), ("en", "de"));
        assert_eq!(Encoded("a b/../\"<ü>.jpg").to_string(), "a%20b%2F..%2F%22%3C%C3%BC%3E.jpg");
    }

    #[test]
    fn attributes_cannot_change_direction() {
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
