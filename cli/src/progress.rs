//! Progress: a bar on a terminal, otherwise lines; nothing if the output is JSON.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use pappus_engine::progress::{Progress, Stage};

/// A bar that counts records or bytes.
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    /// Returns whether a bar would be visible. If not, totals do not have to be counted.
    pub(crate) fn is_wanted(is_json: bool) -> bool {
        !is_json && std::io::stderr().is_terminal()
    }

    /// Creates a bar that counts records.
    pub(crate) fn records(label: &str, total: u64) -> Self {
        Self::new(label, total, "{msg} {wide_bar} {human_pos}/{human_len} records{left}")
    }

    /// Creates a bar that counts bytes.
    pub(crate) fn bytes(label: &str, total: u64) -> Self {
        Self::new(label, total, "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes}{left}")
    }

    /// Creates a bar that counts items of any kind. Prints a line to standard error if the bar would not be visible,
    /// and nothing if the output is JSON.
    pub(crate) fn count(label: &str, total: u64, is_json: bool) -> Self {
        if total > 0 && Self::is_wanted(is_json) {
            return Self::new(label, total, "{msg} {wide_bar} {human_pos}/{human_len}{left}");
        }
        if !is_json && total > 0 {
            // A closed standard error is ignored.
            _ = writeln!(std::io::stderr(), "{label}: {}", crate::commands::thousands(total));
        }
        Self::hidden()
    }

    /// Creates an invisible bar.
    pub(crate) fn hidden() -> Self {
        Self(None)
    }

    fn new(label: &str, total: u64, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("left", write_time_left));
        }
        bar.set_message(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// Sets the position and the total.
    pub(crate) fn set_of(&self, done: u64, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(total.max(done));
            bar.set_position(done);
        }
    }
}

/// Writes the remaining time, if it can be estimated: a twentieth is done, and the position changes.
fn write_time_left(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    let is_known = state.len().is_some_and(|total| state.pos().saturating_mul(20) >= total);
    let remaining = state.eta();
    if is_known && remaining >= Duration::from_secs(1) {
        // Writing to the bar's own text cannot fail.
        _ = write!(text, ", {} left", HumanDuration(remaining));
    }
}

impl Progress for Bar {
    fn advance(&self, done: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(done);
            // Totals are estimates: rows can be added while they are read.
            if bar.length().is_some_and(|total| total < bar.position()) {
                bar.set_length(bar.position());
            }
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

/// The progress of an import or a verification: on a terminal a bar for each stage; otherwise a line for each stage but
/// the verification; nothing if the output is JSON.
pub(crate) struct Steps {
    is_json: bool,
    bar: Mutex<Bar>,
}

impl Steps {
    /// Creates the display, before the first stage.
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json, bar: Mutex::new(Bar::hidden()) }
    }
}

impl Progress for Steps {
    fn begin(&self, stage: Stage, total: u64) {
        if total == 0 {
            return;
        }
        let bar = match stage {
            Stage::Verifying if Bar::is_wanted(self.is_json) => Bar::bytes(stage.label(), total),
            Stage::Verifying => Bar::hidden(),
            _ => Bar::count(stage.label(), total, self.is_json),
        };
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    fn advance(&self, done: u64) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).advance(done);
    }
}
