//! Moments on pages: HTML's `<time>`, so that a script can show the reader's local time. Without the script, the text
//! shows UTC.

use std::fmt;

use askama::filters::{Html, HtmlSafe, escape};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::words::Words;

/// A date with hour and minute.
#[derive(Debug, Clone)]
pub struct Moment {
    at: DateTime<Utc>,
    text: String,
}

/// A text in HTML.
pub struct Markup(String);

impl Moment {
    /// Returns a moment in a language.
    pub fn new(words: &Words, at: DateTime<Utc>) -> Self {
        Self { at, text: words.moment(at) }
    }

    /// Returns a moment with its own text.
    pub(crate) fn with_text(at: DateTime<Utc>, text: String) -> Self {
        Self { at, text }
    }

    /// Returns the moment in UTC, for translated texts.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the moment as HTML's `datetime`.
    pub(crate) fn datetime(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// Returns a text that contains [`Self::text`], with the moment marked up.
    pub fn within(&self, text: &str) -> Markup {
        let escaped = |text: &str| escape(text, Html).map(|html| html.to_string()).unwrap_or_default();
        Markup(match text.split_once(&self.text) {
            Some((before, after)) => format!("{}{self}{}", escaped(before), escaped(after)),
            None => escaped(text),
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = escape(&self.text, Html).map_err(|_| fmt::Error)?;
        write!(formatter, "<time datetime=\"{}\">{text}</time>", self.datetime())
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl HtmlSafe for Moment {}
impl HtmlSafe for Markup {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_around_the_moment_are_escaped() {
        let at = "2026-11-12T15:33:20Z".parse().unwrap();
        let moment = Moment::with_text(at, "9 < 10".to_owned());
        let html = "<time datetime=\"2026-11-12T15:33:20Z\">9 &#60; 10</time>";
        assert_eq!(moment.to_string(), html);
        assert_eq!(moment.within("<b> 9 < 10 & more").to_string(), format!("&#60;b&#62; {html} &#38; more"));
        assert_eq!(moment.within("<none>").to_string(), "&#60;none&#62;");
    }
}
