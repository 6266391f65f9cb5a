//! Progress of long work, in stages.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// A stage of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Archives are verified; counted in bytes.
    Verifying,
    /// Photo files are decoded, and stored and scaled unless it is a plan; counted one by one.
    Photos,
    /// People are looked up on their pods.
    People,
    /// Other people's posts are fetched from their pods.
    Posts,
    /// Records are read, written, or planned.
    Records,
}

impl Stage {
    /// Returns the value in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the stage's name, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Verifying => "verifying",
            Self::Photos => "photo files",
            Self::People => "people to look up",
            Self::Posts => "posts of others to fetch",
            Self::Records => "records",
        }
    }
}

/// Receives the progress of work.
pub trait Progress: Send + Sync {
    /// Starts a stage of `total` items (records, files, people or bytes). Not called by work of a single stage whose
    /// total the caller counts.
    fn begin(&self, _stage: Stage, _total: u64) {}

    /// Reports that `done` more items are done.
    fn advance(&self, done: u64);
}

/// Ignores all progress.
impl Progress for () {
    fn advance(&self, _: u64) {}
}

/// The position of work at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The current stage; `None` before the first.
    pub stage: Option<Stage>,
    /// Items done in this stage.
    pub advanced: u64,
    /// All items of this stage.
    pub total: u64,
}

/// Keeps the current position, for another thread or task to report.
#[derive(Debug, Default)]
pub struct ProgressCounter(Mutex<Position>);

impl ProgressCounter {
    /// Returns the current position.
    pub fn position(&self) -> Position {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the current position, as another process has reported it.
    pub fn set(&self, position: Position) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }
}

impl Progress for ProgressCounter {
    fn begin(&self, stage: Stage, total: u64) {
        self.set(Position { stage: Some(stage), advanced: 0, total });
    }

    fn advance(&self, done: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).advanced += done;
    }
}
