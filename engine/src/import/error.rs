//! The errors of an import.

use super::{Evidence, KeySource, scan::capacity};
use crate::archive::document::DocumentError;
use crate::archive::encryption::EncryptionError;
use crate::archive::open::OpenError;
use crate::depot::KeysError;
use crate::domain::{DiasporaId, DiasporaIdError, KeyError, KeyFingerprint};
use crate::pod::database::DatabaseError;
use crate::pod::uploads::UploadsError;
use crate::store::StoreError;

/// The reason why an account was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The archive can no longer be read.
    #[error(transparent)]
    Archive(#[from] OpenError),
    /// The archive document can no longer be read.
    #[error("the archive document: {0}")]
    Document(#[from] DocumentError),
    /// The pod's database failed. Rows written before stay: the same command continues from there.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Pappus's own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not enough disk space for the photos.
    #[error(
        "the photos with their sizes need about {} in {location}, where {} are free: free up space there first. Nothing \
         more was written", capacity::megabytes(*.needed), capacity::megabytes(*.free)
    )]
    NoSpace {
        /// The location of the photo files.
        location: String,
        /// Bytes needed, estimated.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The system does not report the free disk space.
    #[error("the free space in {location} cannot be determined: {source}")]
    Space {
        /// The location of the photo files.
        location: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// Storing the photo files failed.
    #[error("{0}. The photos stored so far are kept; run the same command again")]
    Uploads(#[from] UploadsError),
    /// The new key could not be generated.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The new username does not form a valid diaspora* ID.
    #[error(transparent)]
    Name(#[from] DiasporaIdError),
    /// The username is not available; with the reason.
    #[error("the username {0:?} cannot be used: {1}. Choose another one with --as")]
    Username(String, &'static str),
    /// Other pods may know another account, or another key, by the username.
    #[error(
        "the username {0:?} cannot be used: {1}. Other pods may have saved the key that the name had, and would \
         refuse everything signed with another key. Choose another name with --as"
    )]
    FormerName(String, &'static str),
    /// The user has closed the imported account.
    #[error("the account {0} was closed on this pod after it was imported: nothing more is imported into it")]
    Closed(DiasporaId),
    /// An undo of the import was interrupted, or was started while the import ran.
    #[error(
        "the import {import} of {old_id} is being undone, and that was interrupted: run `pappus undo {import}` again, \
         then import"
    )]
    BeingUndone {
        /// The account's old diaspora* ID.
        old_id: DiasporaId,
        /// The import's ID.
        import: String,
    },
    /// The folder with the keys was not specified.
    #[error("the key that seals an account's private key is in Pappus's own folder: specify it with --state")]
    NoKeyFolder,
    /// The keys of Pappus's own folder cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A sealed key cannot be opened.
    #[error("the account's sealed private key: {0}")]
    Sealed(EncryptionError),
    /// The e-mail address cannot be used.
    #[error("the e-mail address {0:?} cannot be used: {1}. Specify another one with --email")]
    Email(String, &'static str),
    /// The archive does not name its account.
    #[error("the archive does not specify whose account it contains")]
    NoAccount,
    /// The archive is from the target pod itself.
    #[error("{0} is an account of this pod already: an account cannot be imported where it came from")]
    SamePod(DiasporaId),
    /// The key in the archive differs from the one that the target pod has or the old pod publishes.
    #[error(
        "the key in the archive is not the key of {account}: {source_of_key} {other_key}, the archive contains {archive_key}. \
         It may be forged, so it is refused"
    )]
    WrongKey {
        /// The account.
        account: DiasporaId,
        /// The source of the other key.
        source_of_key: KeySource,
        /// The other key.
        other_key: KeyFingerprint,
        /// Fingerprint of the key in the archive; `none` if it contains no readable key.
        archive_key: String,
        /// All keys that were compared.
        evidence: Box<Evidence>,
    },
    /// The pod has stored a key for the account that cannot be read.
    #[error(
        "the key that this pod has stored for {0} cannot be read: {1}. It may not be the archive's, so the archive is \
         refused. Correct people.serialized_public_key on this pod, or empty it if the key is lost: an empty key counts as \
         unknown"
    )]
    UnreadableKey(DiasporaId, KeyError),
    /// Nothing proves the archive's owner. Contains the account, the error of the old pod's answer with a final space
    /// (empty if the pod was not asked), and all keys that were compared.
    #[error(
        "nothing proves that this is the archive of {0}: the archive's key is known neither to this pod nor by a \
         pinned pod key. {1}If you know whose it is, specify --accept-unproven"
    )]
    Unproven(DiasporaId, String, Box<Evidence>),
    /// The account has moved before, to the given diaspora* ID.
    #[error("{0} has already moved to {1}: an account moves once")]
    AlreadyMoved(DiasporaId, String),
    /// The account is being or was imported under another name.
    #[error(
        "{old_id} was imported here before as {name} (import {import}): undo that first, or use the same name"
    )]
    ImportedBefore {
        /// The account's old diaspora* ID.
        old_id: DiasporaId,
        /// The username it has here.
        name: String,
        /// The import's ID.
        import: String,
    },
    /// The account was imported from an archive with another key.
    #[error(
        "{old_id} was imported here before as {name} (import {import}) from an archive with the key {imported_key}, and this \
         archive's key is {archive_key}: one of the two is not the account's. Import a newer archive of the same account, or \
         undo that import first"
    )]
    AnotherKey {
        /// The account's old diaspora* ID.
        old_id: DiasporaId,
        /// The username it has here.
        name: String,
        /// The import's ID.
        import: String,
        /// Fingerprint of the key in the archive that was imported.
        imported_key: String,
        /// Fingerprint of the key in this one; `none` if it contains no readable key.
        archive_key: String,
    },
    /// A row that was just written is missing; with its description.
    #[error("{0} disappeared while it was being imported; run the same command again")]
    RowMissing(&'static str),
    /// A worker thread panicked, or the journal is inconsistent.
    #[error("the import stopped unexpectedly. This is a bug in Pappus; please report it")]
    Internal,
}

impl ImportError {
    /// Returns the stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Archive(_) => "archive",
            Self::Document(error) => error.code(),
            Self::Database(_) => "database",
            Self::Store(_) => "store",
            Self::Uploads(_) | Self::Space { .. } => "uploads",
            Self::NoSpace { .. } => "no_space",
            Self::Key(_) => "key",
            Self::Name(_) | Self::Username(..) => "username_not_possible",
            Self::FormerName(..) => "username_known_elsewhere",
            Self::Closed(_) => "account_closed",
            Self::BeingUndone { .. } => "being_undone",
            Self::NoKeyFolder | Self::Keys(_) | Self::Sealed(_) => "keys",
            Self::Email(..) => "email_not_possible",
            Self::NoAccount => "no_account",
            Self::SamePod(_) => "onto_itself",
            Self::WrongKey { .. } => "wrong_key",
            Self::UnreadableKey(..) => "unreadable_key",
            Self::Unproven(..) => "unproven",
            Self::AlreadyMoved(..) => "already_moved",
            Self::ImportedBefore { .. } | Self::AnotherKey { .. } => "imported_before",
            Self::RowMissing(_) => "changed",
            Self::Internal => "broken",
        }
    }
}
