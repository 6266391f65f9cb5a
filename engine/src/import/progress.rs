//! How far an import is.

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Photo files are stored and scaled; counted one by one.
    Photos,
    /// People are looked up on their pods.
    People,
    /// Other people's posts are fetched from theirs.
    Posts,
    /// Records are written, or planned.
    Records,
}

impl Stage {
    /// The stage in words, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Photos => "photo files",
            Self::People => "people to look up",
            Self::Posts => "posts of others to fetch",
            Self::Records => "records",
        }
    }
}

/// Hears how far an import is.
pub trait ImportProgress: Send + Sync {
    /// A stage begins, with so much to do.
    fn begin(&self, stage: Stage, total: u64);
    /// So much more of the stage is done.
    fn advance(&self, done: u64);
}

/// Nobody listens.
impl ImportProgress for () {
    fn begin(&self, _: Stage, _: u64) {}
    fn advance(&self, _: u64) {}
}
