//! Text for people or JSON for programs, never both.

use std::io::Write as _;

use serde::Serialize;

use crate::error::Failure;

/// The destination of results.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Returns whether the output is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line of text.
    pub(crate) fn line(&self, text: impl std::fmt::Display) {
        if !self.json {
            // A closed pipe (`| head`) is ignored.
            _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// Prints the JSON result, with the program's peak memory.
    pub(crate) fn document(&self, value: &impl Serialize) {
        if self.json {
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

/// Returns the peak resident memory, as reported by Linux.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
