//! Progress of the work on a newcomer, as reported by its process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pappus_engine::import::{ImportProgress, Stage};

use super::Progress;

/// Progress of the current step.
#[derive(Debug, Default)]
pub(super) struct ProgressCounter {
    stage: Mutex<Option<&'static str>>,
    total: AtomicU64,
    advanced: AtomicU64,
}

impl ProgressCounter {
    /// Starts a stage of `total` items.
    pub(super) fn start(&self, stage: &'static str, total: u64) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage);
        self.advanced.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// Sets the number of items done.
    pub(super) fn set(&self, done: u64) {
        self.advanced.store(done, Ordering::Relaxed);
    }

    /// Returns the progress to report to the service.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            stage: self.stage.lock().unwrap_or_else(PoisonError::into_inner).map(str::to_owned),
            advanced: self.advanced.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
        }
    }
}

impl ImportProgress for ProgressCounter {
    fn begin(&self, stage: Stage, total: u64) {
        let word = match stage {
            Stage::Photos => "photos",
            Stage::People => "people",
            Stage::Posts => "posts",
            Stage::Records => "records",
        };
        self.start(word, total);
    }

    fn advance(&self, done: u64) {
        self.advanced.fetch_add(done, Ordering::Relaxed);
    }
}
