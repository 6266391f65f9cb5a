//! What can go wrong with the queue.

use std::io;
use std::path::PathBuf;

/// Why jobs cannot be kept or taken up.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The queue's file cannot be made.
    #[error("the queue of jobs {path} cannot be opened: {source}. Check that its folder exists and is yours")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The queue's tables cannot be made.
    #[error(
        "the tables of the queue of jobs cannot be made: {0}. On PostgreSQL they need the extension hstore: \
         when Pappus's own user may not make it, let a superuser run CREATE EXTENSION hstore in Pappus's database once"
    )]
    Tables(String),
    /// The database of the queue failed.
    #[error("the queue of jobs cannot be used: {0}")]
    Queue(String),
}
