//! The progress of an import.

/// A stage of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Photo files are stored and scaled; counted one by one.
    Photos,
    /// People are looked up on their pods.
    People,
    /// Other people's posts are fetched from their pods.
    Posts,
    /// Records are written, or planned.
    Records,
}

impl Stage {
    /// Returns the stage's name, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Photos => "photo files",
            Self::People => "people to look up",
            Self::Posts => "posts of others to fetch",
            Self::Records => "records",
        }
    }
}

/// Receives the progress of an import.
pub trait ImportProgress: Send + Sync {
    /// Starts a stage of `total` items (records, files or people).
    fn begin(&self, stage: Stage, total: u64);
    /// Adds `done` items to the stage's progress.
    fn advance(&self, done: u64);
}

/// Ignores all progress.
impl ImportProgress for () {
    fn begin(&self, _: Stage, _: u64) {}
    fn advance(&self, _: u64) {}
}
