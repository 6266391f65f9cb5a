//! What went wrong, in one sentence.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use crate::interrupt::Interrupted;

/// The one error of the command line: what was being done, and why it failed.
#[derive(Debug)]
pub(crate) struct Failure {
    doing: Option<String>,
    reason: String,
    code: Option<&'static str>,
    interrupted: Option<Interrupted>,
}

impl Failure {
    /// Something failed while doing something.
    pub(crate) fn new(doing: impl Into<String>, error: impl fmt::Display) -> Self {
        Self { doing: Some(doing.into()), reason: error.to_string(), code: None, interrupted: None }
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

    /// A signal has ended the program before its work was done.
    pub(crate) fn interrupted(by: Interrupted) -> Self {
        Self { interrupted: Some(by), ..Self::say("interrupted") }.with_code("interrupted")
    }

    /// The code the program ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        self.interrupted.map_or(ExitCode::FAILURE, ExitCode::from)
    }

    /// Writes the sentence to standard error.
    pub(crate) fn print(&self) {
        _ = writeln!(std::io::stderr(), "pappus: {self}");
    }

    /// A whole sentence.
    pub(crate) fn say(sentence: impl Into<String>) -> Self {
        Self { doing: None, reason: sentence.into(), code: None, interrupted: None }
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
