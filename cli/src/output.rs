//! Text for people or JSON for programs, never both.

use std::borrow::Cow;
use std::io::Write as _;

use serde::Serialize;

use crate::error::Failure;

/// The destination of results.
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Returns whether the output is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints a line of text.
    pub(crate) fn line(&self, text: impl std::fmt::Display) {
        if !self.is_json {
            // A closed pipe (`| head`) is ignored.
            _ = writeln!(std::io::stdout(), "{}", printable(&text.to_string()));
        }
    }

    /// Prints the JSON result, with the program's peak memory.
    pub(crate) fn document(&self, value: &impl Serialize) {
        if self.is_json {
            let mut value = serde_json::to_value(value).unwrap_or_default();
            if let (Some(fields), Some(peak)) = (value.as_object_mut(), peak_memory_kb()) {
                fields.insert("peak_memory_kb".to_owned(), peak.into());
            }
            let text = serde_json::to_string_pretty(&value).unwrap_or_default();
            _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// Reports a failure: a sentence on standard error, with `--json` also a document.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.document(&serde_json::json!({ "error": failure.to_string(), "code": failure.code() }));
        failure.print();
    }
}

/// Escapes characters that could control a terminal: control characters except line breaks, and characters that change
/// the direction of writing. Texts may come from archives and from other pods.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_unsafe = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Returns the peak resident memory in kibibytes, as reported by Linux; `None` on other systems.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn characters_that_control_a_terminal_are_escaped() {
        for text in ["", "Grüße 🌼\n│ a │\n", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{200f}"] {
            assert_eq!(printable(text), text);
        }
        let hostile = "a\u{1b}[2Jb\rc\td\u{7}\u{9b}31m\u{7f}\0\u{202e}e\u{2066}";
        let expected = "a\\u{1b}[2Jb\\rc\\td\\u{7}\\u{9b}31m\\u{7f}\\u{0}\\u{202e}e\\u{2066}";
        assert_eq!(printable(hostile), expected);
    }
}
