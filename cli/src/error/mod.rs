//! Errors of the commands, each as one sentence.

mod os_error;

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use crate::interrupt::Interrupted;
use crate::output::printable;

use os_error::explain;

/// The error of all commands: the attempted action, and the reason why it failed.
#[derive(Debug)]
pub(crate) struct Failure {
    action: Option<String>,
    reason: String,
    code: Option<&'static str>,
    signal: Option<Interrupted>,
    is_wrong_usage: bool,
}

impl Failure {
    /// Creates an error from the attempted action and its cause.
    pub(crate) fn new(action: impl Into<String>, error: impl fmt::Display) -> Self {
        Self { action: Some(action.into()), ..Self::message(error.to_string()) }
    }

    /// Creates the error for arguments that contradict each other or are incomplete.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self { is_wrong_usage: true, ..Self::message(sentence) }
    }

    /// Adds the stable name of the error, which programs use.
    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Returns the stable name of the error.
    pub(crate) fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// Creates the error for a signal that ended the program before its work was done.
    pub(crate) fn interrupted(signal: Interrupted) -> Self {
        Self { signal: Some(signal), ..Self::message("interrupted") }.with_code("interrupted")
    }

    /// Returns the program's exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.signal {
            Some(signal) => signal.into(),
            None if self.is_wrong_usage => ExitCode::from(2),
            None => ExitCode::FAILURE,
        }
    }

    /// Prints the sentence to standard error.
    pub(crate) fn print(&self) {
        _ = writeln!(std::io::stderr(), "pappus: {}", printable(&self.to_string()));
    }

    /// Creates an error from a complete sentence.
    pub(crate) fn message(sentence: impl Into<String>) -> Self {
        let reason = explain(&sentence.into());
        Self { action: None, reason, code: None, signal: None, is_wrong_usage: false }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Some(action) => write!(f, "{action}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::message(error.to_string())
    }
}
