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
    /// An archive or a passphrase cannot be encrypted or decrypted.
    #[error("encryption or decryption failed: {0}")]
    Encryption(#[from] EncryptionError),
    /// The key that decrypts the archives is on another machine.
    #[error(
        "archives can only be decrypted on a machine that has the key file, and this one does not have it. \
         Restore it from a copy, with: pappus keys restore"
    )]
    KeyElsewhere,
    /// An archive does not have the expected contents.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// The folder for unfinished archives cannot be used.
    #[error("the folder for unfinished archives cannot be used: {0}")]
    Folder(String),
    /// The person has the maximum number of archives.
    #[error("the account already has the maximum number of archives; delete one first")]
    TooMany,
    /// Other programs change the person's requests at the same time.
    #[error("the request is being changed; try again")]
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
