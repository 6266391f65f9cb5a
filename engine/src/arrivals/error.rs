//! Errors of arrivals.

use crate::store::StoreError;

/// The reason why an upload cannot be accepted or recorded.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder for uploads cannot be used.
    #[error("the folder for uploads cannot be read: {0}")]
    Files(std::io::Error),
    /// A thread panicked.
    #[error("reading stopped unexpectedly. This is a bug in Pappus; please report it")]
    Broken,
}
