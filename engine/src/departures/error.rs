//! Errors of requests.

use crate::archive::encryption::EncryptionError;
use crate::depot::{DepotError, KeysError};
use crate::production::SpoolError;
use crate::store::StoreError;

/// The reason a request cannot be recorded, read or processed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys of the store cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The depot failed.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// Something cannot be encrypted or opened.
    #[error("the archive cannot be encrypted or opened: {0}")]
    Encryption(#[from] EncryptionError),
    /// The key that opens the archives is on another machine.
    #[error(
        "archives can only be opened on the machine that has the key file, and this one has none. \
         Restore it from a copy, with: pappus keys restore"
    )]
    KeyElsewhere,
    /// An archive does not have the expected contents.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// The folder for unfinished archives cannot be used.
    #[error("the folder for unfinished archives cannot be used: {0}")]
    Folder(String),
    /// The person has as many archives as are kept for one account.
    #[error("as many archives as are kept for one account exist already: delete one first")]
    TooMany,
    /// Rows change faster than they can be read.
    #[error("the request is changing at this moment; try again")]
    Changing,
    /// A thread panicked.
    #[error("reading stopped unexpectedly. This is a bug in Pappus; please report it")]
    Broken,
}

impl From<SpoolError> for RequestError {
    fn from(error: SpoolError) -> Self {
        Self::Folder(error.to_string())
    }
}
