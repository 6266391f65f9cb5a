//! Errors of the queue.

use std::io;
use std::path::PathBuf;

/// The reason jobs cannot be stored or claimed.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The queue's file cannot be created.
    #[error("the queue of jobs {path} cannot be opened: {source}. Check that its folder exists and is yours")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The queue's tables cannot be created.
    #[error(
        "the tables of the queue of jobs cannot be made: {0}. On PostgreSQL they need the extension hstore: \
         when Pappus's own user may not make it, let a superuser run CREATE EXTENSION hstore in Pappus's database once"
    )]
    Tables(String),
    /// The database of the queue failed.
    #[error("the queue of jobs cannot be used: {0}")]
    Queue(String),
}
