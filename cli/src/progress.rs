//! Progress: a bar on a terminal, plain lines otherwise, nothing for programs.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pappus_engine::progress::{Progress, Stage};

/// A bar that counts records or bytes.
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    /// Returns whether a bar would be visible; if not, totals need not be counted.
    pub(crate) fn is_wanted(json: bool) -> bool {
        !json && std::io::stderr().is_terminal()
    }

    /// Creates a bar that counts records.
    pub(crate) fn records(what: &str, total: u64) -> Self {
        Self::new(what, total, "{msg} {wide_bar} {human_pos}/{human_len} records, {eta} left")
    }

    /// Creates a bar that counts bytes.
    pub(crate) fn bytes(what: &str, total: u64) -> Self {
        Self::new(what, total, "{msg} {wide_bar} {bytes}/{total_bytes}, {eta} left")
    }

    /// Creates a bar that counts anything; prints a line to standard error if it would not be visible, nothing for
    /// programs.
    pub(crate) fn count(what: &str, total: u64, json: bool) -> Self {
        if total > 0 && Self::is_wanted(json) {
            return Self::new(what, total, "{msg} {wide_bar} {human_pos}/{human_len}, {eta} left");
        }
        if !json && total > 0 {
            // A closed standard error is ignored.
            _ = writeln!(std::io::stderr(), "{what}: {}", crate::commands::thousands(total));
        }
        Self::hidden()
    }

    /// Creates an invisible bar.
    pub(crate) fn hidden() -> Self {
        Self(None)
    }

    fn new(what: &str, total: u64, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// Sets the position and the total.
    pub(crate) fn set_of(&self, done: u64, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(total);
            bar.set_position(done);
        }
    }
}

impl Progress for Bar {
    fn advance(&self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The stages of an import or a verification: a bar each on a terminal, a line for each that changes something
/// otherwise, nothing for programs.
pub(crate) struct Steps {
    json: bool,
    bar: Mutex<Bar>,
}

impl Steps {
    /// Creates the display before any stage.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, bar: Mutex::new(Bar::hidden()) }
    }
}

impl Progress for Steps {
    fn begin(&self, stage: Stage, total: u64) {
        if total == 0 {
            return;
        }
        let bar = match stage {
            Stage::Verifying if Bar::is_wanted(self.json) => Bar::bytes(stage.label(), total),
            Stage::Verifying => Bar::hidden(),
            _ => Bar::count(stage.label(), total, self.json),
        };
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    fn advance(&self, done: u64) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).advance(done);
    }
}
