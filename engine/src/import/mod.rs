//! Imports an account into a pod.
//!
//! ```text
//! Archive<Verified> ──survey──▶ people, keys ──▶ plan (dry run) ──▶ Report
//!                                          └───▶ import ──journal──▶ Report
//! ```
//!
//! A dry run and an import decide in the same code; a dry run's connection is a read-only transaction. For each batch
//! of records, `scan::existing` reads its rows on the pod and its notes in the journal, `decide` makes a plan, and
//! `apply` reports the plan and carries it out. Before a batch is written, the journal in Pappus's own store notes its
//! rows: so an import that was killed continues where it stopped, and one that is not announced yet can be undone.

mod apply;
mod decide;
mod error;
mod evidence;
mod importer;
mod journal;
mod missing_contacts;
mod pod_pin;
mod proof;
mod report;
mod scan;
mod start;
mod target;
mod write;

use std::sync::Arc;

pub use error::ImportError;
pub(crate) use evidence::stored_key;
pub use evidence::{Evidence, KeySource};
pub(crate) use journal::ignored_by::ignoring_people;
pub use journal::imports::{ImportRecord, ImportState, find_import, list_imports};
pub(crate) use journal::notes::{followed_tags, photo_names_taken};
pub(crate) use journal::states::{MarkError, mark_announced};
pub use journal::undo::{UndoError, Undone, undo};
pub use missing_contacts::ContactCompletion;
pub(crate) use pod_pin::is_pinned;
pub use pod_pin::{InvalidPin, PodPin, PodPinError};
pub use proof::Proof;
pub(crate) use proof::published_key;
pub use report::{Finding, FindingCode, Report, Subject, Tally};
pub use scan::capacity::Needs;
pub use scan::people::NewPerson;
pub use scan::person_profile::PersonProfile;
pub(crate) use scan::person_profile::were_joined;
pub(crate) use scan::text::normal_tag;

use tokio::task::JoinHandle;

use importer::Importer;
use journal::former::Claimant;
use journal::notes::Journal;
use target::{Planned, Target};

use crate::archive::open::{Archive, Verified};
use crate::depot::CampaignKeys;
use crate::discovery::Discovery;
use crate::domain::{DiasporaId, KeyError, PrivateKey, SecretText, Timestamp};
use crate::pod::config::PodUrl;
use crate::pod::database::PodWriter;
use crate::pod::uploads::PhotoStore;
use crate::progress::Progress;
use crate::sql::DatabaseUrl;
use crate::store::Store;

/// The options of an import.
pub struct ImportOptions {
    /// The username on the target pod.
    pub username: String,
    /// Usernames that the pod reserves.
    pub reserved_names: Vec<String>,
    /// Replaces the e-mail address in the archive.
    pub email: Option<String>,
    /// The hash of the password that the user has chosen, in diaspora*'s format; without one the user cannot sign in
    /// before requesting a password reset.
    pub encrypted_password: Option<SecretText>,
    /// True to accept an archive without proof of its owner.
    pub accept_unproven: bool,
    /// Pods that the podmin trusts, each for its own people.
    pub pinned_pods: Vec<PodPin>,
    /// Looks up people whom the target pod does not know, and the account's key; none to ask no other pod.
    pub discovery: Option<Discovery>,
    /// The store for photo files.
    pub uploads: PhotoStore,
    /// The timestamp of new rows.
    pub now: Timestamp,
    /// The owner of the import, such as `newcomer-12`, if several people upload archives; none for the podmin's own
    /// imports. An import of another owner is not continued.
    pub owner: Option<String>,
    /// SHA-256 of the archive file.
    pub archive_sha256: String,
    /// The keys that open the saved key of an account whose earlier import was undone.
    pub keys: Option<CampaignKeys>,
    /// Receives the import's progress.
    pub progress: Arc<dyn Progress>,
}

/// The key of an account to import. Finding two large primes takes as long as the rest of the import, so it starts
/// first, and the account gets the key last.
pub struct PendingKey(JoinHandle<Result<PrivateKey, KeyError>>);

impl PendingKey {
    /// Starts generating the key, on a thread of its own. Must be called within a tokio runtime.
    pub fn begin() -> Self {
        Self(tokio::task::spawn_blocking(PrivateKey::generate))
    }
}

/// The result of a dry run or a finished import.
#[derive(Debug)]
pub struct Imported {
    /// The account's old diaspora* ID.
    pub old: DiasporaId,
    /// The account's new diaspora* ID.
    pub new: DiasporaId,
    /// The proof that the archive is the account's.
    pub proof: Proof,
    /// The keys that were compared.
    pub evidence: Evidence,
    /// The import's ID in the store; none for a dry run.
    pub import: Option<String>,
    /// The records imported and left out.
    pub report: Report,
    /// The space and time that the import needs, or needed.
    pub needs: Needs,
}

/// Reports what an import would do, and writes nothing. If a store exists, earlier runs and undone imports are taken
/// into account.
///
/// # Errors
/// Any error that would stop the import.
pub async fn plan(
    archive: Archive<Verified>,
    database: &DatabaseUrl,
    url: &PodUrl,
    store: Option<&Store>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let mut pod = PodWriter::open_read_only(database).await?;
    pod.columns().await?;
    let mut target = Target::new(pod, url.clone(), options.now, Some(Planned::default()));
    target.photo_base_url = options.uploads.public_address(url);
    target.progress = Arc::clone(&options.progress);
    let journal = Journal::blank(store);
    Importer { target, options, journal, key: None, former_key: None }.run(archive, store).await
}

/// Checks in advance that a username is available on a pod, and an e-mail address can be used. Another account may
/// still take them first: the import checks again. `old_id` is the account that requests the name.
///
/// # Errors
/// [`ImportError::Name`], [`ImportError::Username`], [`ImportError::FormerName`], [`ImportError::Email`], or a
/// database error.
pub async fn check_choice(
    database: &DatabaseUrl,
    url: &PodUrl,
    store: &Store,
    old_id: &DiasporaId,
    reserved_names: &[String],
    (username, email): (&str, Option<&str>),
) -> Result<(), ImportError> {
    let new_id: DiasporaId = format!("{username}@{}", url.diaspora_host()).parse()?;
    let mut pod = PodWriter::open_read_only(database).await?;
    // As a dry run does: fails for a pod whose tables cannot store all characters that people write.
    pod.columns().await?;
    // Nothing is written, so no row gets this time.
    let now = Timestamp::from_utc(chrono::NaiveDateTime::default());
    let mut target = Target::new(pod, url.clone(), now, Some(Planned::default()));
    scan::names::check_name(&mut target, &new_id, reserved_names).await?;
    // The import checks again, with the archive.
    journal::former::identity_for(
        store,
        url.as_str(),
        username,
        &Claimant { old_id, archive: None, is_newcomer: true },
    )
    .await?;
    match email {
        Some(email) => scan::names::check_email(&mut target, &scan::names::stored_email(email)).await,
        None => Ok(()),
    }
}

/// Imports an account, or continues an interrupted import. Records that people have deleted since an earlier run stay
/// deleted.
///
/// # Errors
/// [`ImportError`]. Rows written so far stay, and the same call continues from there.
pub async fn import(
    archive: Archive<Verified>,
    database: &DatabaseUrl,
    url: &PodUrl,
    store: &Store,
    options: &ImportOptions,
    key: PendingKey,
) -> Result<Imported, ImportError> {
    let mut pod = PodWriter::open(database).await?;
    pod.columns().await?;
    let mut target = Target::new(pod, url.clone(), options.now, None);
    target.photo_base_url = options.uploads.public_address(url);
    target.progress = Arc::clone(&options.progress);
    let (journal, key) = (Journal::blank(Some(store)), Some(key));
    Importer { target, options, journal, key, former_key: None }.run(archive, Some(store)).await
}
