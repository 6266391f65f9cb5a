//! Errors of merging archives.

use std::io;
use std::path::{Path, PathBuf};

use crate::archive::document::DocumentError;
use crate::archive::encryption::EncryptionError;
use crate::archive::open::{OpenError, VerifyError};
use crate::archive::view::ViewError;
use crate::archive::writer::WriteError;
use crate::domain::KeyError;

/// An error of merging archives. No files are left behind.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Fewer than two archives were given.
    #[error("specify at least two archives of one account")]
    TooFew,
    /// An archive of a stock pod, which has no manifest.
    #[error("{0} was written by a stock pod: it is not signed, and cannot be merged with signed archives")]
    Unsigned(PathBuf),
    /// An archive of another account.
    #[error(
        "{path} is the archive of {found}, another is of {expected}: only archives of the same account can be merged"
    )]
    AnotherAccount {
        /// The archive.
        path: PathBuf,
        /// The account of the archive.
        found: String,
        /// The account of the newest archive.
        expected: String,
    },
    /// An archive of the account with another key.
    #[error("{path} has another key than the newest archive: it is not of the same account")]
    AnotherKey {
        /// The archive.
        path: PathBuf,
    },
    /// An archive signed by another archive key.
    #[error(
        "{path} is signed by the archive key {found}, and this pod's is {expected}: omit --pod, --pod-url and --state \
         to sign with the account's key only"
    )]
    AnotherPodKey {
        /// The archive.
        path: PathBuf,
        /// The key that signed it.
        found: String,
        /// The key that would sign.
        expected: String,
    },
    /// No key to sign with is available.
    #[error(
        "the account has no private key, so only its pod can sign: specify the pod with --pod or --pod-url, and --state"
    )]
    NoSigningKey,
    /// The private key is encrypted and no passphrase was given.
    #[error("the private key has to sign but is encrypted: specify the passphrase with --key-passphrase")]
    KeyLocked,
    /// The private key cannot be used.
    #[error("the account's private key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// An archive can no longer be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A document can no longer be read.
    #[error("a document cannot be read: {0}")]
    Document(#[from] DocumentError),
    /// The merged document is invalid; this is a bug in Pappus.
    #[error("the finished file is not an archive: {0}. This is a bug in Pappus; please report it")]
    Result(#[from] VerifyError),
    /// The archive could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The HTML pages could not be created.
    #[error("the archive's pages were not written: {0}")]
    View(#[from] ViewError),
    /// The archive could not be encrypted.
    #[error("the archive was not encrypted: {0}")]
    Encryption(#[from] EncryptionError),
    /// A file of that name already exists.
    #[error("{0} already exists and is not overwritten. Move it away, or specify another folder with --out")]
    Exists(PathBuf),
    /// The file system failed.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl MergeError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}
