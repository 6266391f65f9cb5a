//! Announces to the network that an account has moved.
//!
//! ```text
//! imported account ──▶ references on the target pod itself ──▶ envelopes ──▶ ledger of deliveries
//! ```
//!
//! Every step is idempotent: references that have moved are not found again, and a delivery is queued once.

mod envelopes;
mod evidence;
mod farewell;
mod key_state;
mod local;
mod local_contacts;
mod people;
mod recipient;
mod sealer;
mod source;
mod tombstone;

pub use envelopes::Announced;
pub use key_state::{KeyState, key_state};
pub use source::pods_of_contacts;
pub(crate) use tombstone::{has_content, tombstone};

use envelopes::{Announcer, OldAccount};
use source::Source;

use crate::archive::document::DocumentError;
use crate::archive::open::{Archive, OpenError, Verified};
use crate::delivery::DeliveryError;
use crate::discovery::Discovery;
use crate::domain::{DiasporaId, KeyError, Timestamp};
use crate::federation::{EncryptedError, EntityError, EnvelopeError};
use crate::import::{
    Evidence, ImportRecord, ImportState, KeySource, MarkError, PodPin, is_pinned, list_imports,
};
use crate::pod::config::PodUrl;
use crate::pod::database::{DatabaseError, PodWriter};
use crate::sql::DatabaseUrl;
use crate::store::{Store, StoreError};

/// The reason a move was not announced.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// The archive can no longer be read.
    #[error(transparent)]
    Archive(#[from] OpenError),
    /// The archive document can no longer be read.
    #[error("the archive document: {0}")]
    Document(#[from] DocumentError),
    /// The archive does not name its account.
    #[error("the archive does not specify whose account it contains")]
    NoAccount,
    /// The account has not been imported.
    #[error("{0} has not been imported into this pod: run `pappus import` first")]
    NotImported(DiasporaId),
    /// The import is incomplete.
    #[error("the import of {0} is not complete: run the same `pappus import` again first")]
    Incomplete(DiasporaId),
    /// The import was undone meanwhile, or is being undone: nothing was written or queued.
    #[error(
        "the import {0} is being undone, or was undone just now: the move was not announced. `pappus imports` lists its \
         state; to move the account nevertheless, finish the undo, then import it again"
    )]
    BeingUndone(String),
    /// No usable private key; other pods trust only the old key.
    #[error(
        "the archive has no usable private key of {account}: {reason}. Nobody can announce the move without it; \
         the account stays here under its new name, and its contacts have to be notified by hand"
    )]
    NoKey {
        /// The account.
        account: DiasporaId,
        /// The problem with the key.
        reason: KeyError,
    },
    /// The archive is not the one that was imported.
    #[error(
        "the archive's key of {account} is {archive_key}, and the one that was imported had {imported_key}: announce the move with \
         the archive that was imported, or a later one of the same account"
    )]
    AnotherArchive {
        /// The account.
        account: DiasporaId,
        /// Fingerprint of the key in the archive that was imported.
        imported_key: String,
        /// Fingerprint of the key in this one.
        archive_key: String,
    },
    /// This pod now has another key of the account, or the old pod publishes another one.
    #[error(
        "the key of {account} differs by now: {source_of_key} {other_key}, and the archive has {archive_key}. Other pods would believe \
         neither. Somebody else's archive may have been imported; {}",
        if *is_announced {
            "the move has been announced already and cannot be undone. Ask the person; if it is not theirs, close the \
             account on this pod"
        } else {
            "`pappus undo` undoes the import"
        }
    )]
    WrongKey {
        /// The account.
        account: DiasporaId,
        /// The source of the other key.
        source_of_key: KeySource,
        /// Fingerprint of that key.
        other_key: String,
        /// Fingerprint of the key in the archive.
        archive_key: String,
        /// True when the move was announced before: it can no longer be undone.
        is_announced: bool,
        /// All keys that were compared.
        evidence: Box<Evidence>,
    },
    /// This pod has stored a key of the account since the import, and the key cannot be read.
    #[error(
        "the key that this pod has stored for {0} by now cannot be read: {1}. It may not be the archive's, so nobody is \
         notified. Correct people.serialized_public_key on this pod, or empty it if the key is lost: an empty key counts as \
         unknown"
    )]
    UnreadableKey(DiasporaId, KeyError),
    /// Only a pinned pod key proved whose archive it is, and that key is no longer pinned.
    #[error(
        "nothing proves by now that this is the archive of {0}: only the key of its pod proved it for the import, that key \
         is not trusted now, and neither this pod nor the old one shows the account's key. If you still trust the key, pass \
         it again (`pappus announce --trust-pod {host}=SHA256:…`); for a newcomer, add it on the board", host = .0.host()
    )]
    Unproven(DiasporaId),
    /// Only this pod's own key of the account proved whose archive it is, and the pod has lost that key.
    #[error(
        "nothing proves by now that this is the archive of {0}: at the import this pod knew the account's key, now it does \
         not, and the old pod does not answer or was not asked. Announce the move while the old pod is online, or trust \
         its key: `pappus announce --trust-pod {host}=SHA256:…`. If you know whose archive it is, repeat the import with \
         --accept-unproven first", host = .0.host()
    )]
    NoLongerKnown(DiasporaId),
    /// The archive that was imported did not contain this key, so its evidence does not prove this archive.
    #[error(
        "nothing proves that the key {1} is that of {0}: the archive that was imported did not show it. Repeat the import \
         with this archive first"
    )]
    OtherEvidence(DiasporaId, String),
    /// The new account no longer exists.
    #[error("the account {0} is no longer on this pod")]
    Gone(String),
    /// The account has already moved elsewhere.
    #[error("the account {old_id} has already moved to {destination}: an account moves once")]
    AlreadyMoved {
        /// The account's old ID.
        old_id: DiasporaId,
        /// The diaspora* ID to which it moved.
        destination: String,
    },
    /// The pod's database failed; running the same command again resumes.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store failed; running the same command again resumes.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A delivery could not be queued.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// A key could not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An entity could not be built.
    #[error(transparent)]
    Entity(#[from] EntityError),
    /// An envelope could not be built.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A recipient's key cannot be used.
    #[error(transparent)]
    Encrypted(#[from] EncryptedError),
}

impl AnnounceError {
    /// Returns whether the pod's database or the store failed: the same announcement, repeated, resumes.
    pub(crate) fn is_of_database(&self) -> bool {
        matches!(
            self,
            Self::Database(_)
                | Self::Store(_)
                | Self::Delivery(DeliveryError::Store(_) | DeliveryError::Target(_))
        )
    }
}

impl From<MarkError> for AnnounceError {
    fn from(error: MarkError) -> Self {
        match error {
            MarkError::Store(error) => Self::Store(error),
            MarkError::Refused(import) => Self::BeingUndone(import),
        }
    }
}

/// Options of an announcement.
pub struct AnnounceOptions {
    /// The passphrase of the private key, if it is encrypted.
    pub key_passphrase: Option<zeroize::Zeroizing<String>>,
    /// The text of a last public post by the old account, for friends whose software does not support moves; `{new}`
    /// in it becomes the new address. None for no post.
    pub farewell: Option<String>,
    /// Looks up the key that the old pod publishes now; none if no other pod is to be contacted.
    pub discovery: Option<Discovery>,
    /// The pods that the podmin trusts now, each for its own people.
    pub pinned_pods: Vec<PodPin>,
    /// The timestamp of new rows.
    pub now: Timestamp,
}

/// Points all references on the target pod from the old person to the new one, and queues the messages to the contacts'
/// pods. Returns without sending them.
///
/// The archive is needed for the old account's key, since pods accept a move only from the old account, and for
/// contacts unknown to the target pod: their pods are notified as well.
///
/// # Errors
/// [`AnnounceError`]; the same call resumes.
pub async fn announce(
    mut archive: Archive<Verified>,
    database: &DatabaseUrl,
    url: &PodUrl,
    store: &Store,
    options: &AnnounceOptions,
) -> Result<Announced, AnnounceError> {
    let old_id = archive.report().account.clone().ok_or(AnnounceError::NoAccount)?;
    let import = imported_account(store, &old_id, url).await?;
    let Source { private_key, contacts } = Source::read(&mut archive)?;
    let key = match &options.key_passphrase {
        Some(passphrase) if private_key.is_encrypted() => private_key.decrypt(passphrase)?,
        _ => private_key,
    };
    let old_key =
        key.signing_key().map_err(|reason| AnnounceError::NoKey { account: old_id.clone(), reason })?;
    let is_trusted = is_pinned(&archive, &old_id, &options.pinned_pods);
    let guid = archive.manifest().map(|manifest| manifest.account.guid.clone());
    let mut pod = PodWriter::open(database).await?;
    evidence::recheck_evidence(
        &mut pod,
        &import,
        &old_id,
        old_key.public_key()?.fingerprint(),
        options.discovery.as_ref(),
        is_trusted,
    )
    .await?;
    let old = OldAccount { id: old_id, guid, key: old_key };
    let mut announcer = Announcer::open(pod, store, options.now, &import, old).await?;
    announcer.move_references(store).await?;
    announcer.queue(store, &contacts, options.farewell.as_deref()).await
}

/// Returns the complete import of an account.
async fn imported_account(
    store: &Store,
    old_id: &DiasporaId,
    url: &PodUrl,
) -> Result<ImportRecord, AnnounceError> {
    let import = list_imports(store, Some(url.as_str()))
        .await?
        .into_iter()
        .find(|import| import.old_id == old_id.as_str() && import.state != ImportState::Undone)
        .filter(|import| !import.is_being_undone)
        .ok_or_else(|| AnnounceError::NotImported(old_id.clone()))?;
    match import.state {
        ImportState::Importing => Err(AnnounceError::Incomplete(old_id.clone())),
        _ => Ok(import),
    }
}
