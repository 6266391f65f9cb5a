//! What went wrong, in one sentence.

use std::fmt;
use std::io::Write as _;

/// The one error of the command line: what was being done, and why it failed.
#[derive(Debug)]
pub(crate) struct Failure {
    doing: Option<String>,
    reason: String,
    code: Option<&'static str>,
}

impl Failure {
    /// Something failed while doing something.
    pub(crate) fn new(doing: impl Into<String>, error: impl fmt::Display) -> Self {
        Self { doing: Some(doing.into()), reason: error.to_string(), code: None }
    }

    /// With the stable name of what is wrong, for programs.
    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The stable name of what is wrong.
    pub(crate) fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// Writes the sentence to standard error.
    pub(crate) fn say_aloud(&self) {
        _ = writeln!(std::io::stderr(), "pappus: {self}");
    }

    /// A whole sentence.
    pub(crate) fn say(sentence: impl Into<String>) -> Self {
        Self { doing: None, reason: sentence.into(), code: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.doing {
            Some(doing) => write!(f, "{doing}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::say(error.to_string())
    }
}
