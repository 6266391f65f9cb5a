//! An account comes to a pod.
//!
//! ```text
//! Archive<Verified> ──survey──▶ people, keys ──▶ plan (reads only) ──▶ Report
//!                                          └───▶ import ──journal──▶ Report
//! ```
//!
//! A plan and an import go the same way through the same decisions; the plan's connection is a read-only
//! transaction. Before a batch is written, the journal in Pappus's own store notes what will be written, so an
//! import that was killed goes on where it was, and one that is not announced yet can be taken back.

mod error;
mod evidence;
mod importer;
mod journal;
mod pod_pin;
mod progress;
mod proof;
mod records;
mod report;
mod scan;
mod start;
mod target;

use std::sync::Arc;

pub use error::ImportError;
pub use evidence::{Evidence, KeySource};
pub(crate) use journal::imports::mark_announced;
pub use journal::imports::{ImportRecord, ImportState, find_import, list_imports};
pub(crate) use journal::notes::photo_names_taken;
pub use journal::undo::{UndoError, Undone, undo};
pub use pod_pin::{PodPin, PodPinError};
pub use progress::{ImportProgress, Stage};
pub use proof::Proof;
pub(crate) use proof::published_key;
pub use report::{Finding, FindingCode, Report, Tally};
pub use scan::capacity::Needs;
pub use scan::people::NewPerson;
pub use scan::person_profile::PersonProfile;
pub(crate) use scan::person_profile::were_joined;

use tokio::task::JoinHandle;

use importer::Importer;
use journal::former::Claimant;
use journal::notes::Journal;
use target::{Planned, Target};

use crate::archive::open::{Archive, Verified};
use crate::depot::CampaignKeys;
use crate::discovery::Discovery;
use crate::domain::SecretText;
use crate::domain::{DiasporaId, KeyError, PrivateKey, Timestamp};
use crate::pod::config::{DatabaseUrl, PodUrl};
use crate::pod::database::PodWriter;
use crate::pod::uploads::PhotoStore;
use crate::store::Store;

/// What to import, where, and how.
pub struct ImportOptions {
    /// The username on the target pod.
    pub username: String,
    /// Usernames that the pod keeps for itself.
    pub reserved_names: Vec<String>,
    /// Instead of the e-mail address in the archive.
    pub email: Option<String>,
    /// The hash of the password that the user has chosen, as diaspora* keeps it; without one nobody can sign in before
    /// asking the pod for a new password.
    pub encrypted_password: Option<SecretText>,
    /// Take the archive even if nothing proves whose it is.
    pub accept_unproven: bool,
    /// Pods that the podmin trusts, each for its own people.
    pub pinned_pods: Vec<PodPin>,
    /// Looks up people whom the target pod does not know, and the account's key; none when nobody is asked.
    pub discovery: Option<Discovery>,
    /// Where photo files go.
    pub uploads: PhotoStore,
    /// The time that new rows get.
    pub now: Timestamp,
    /// SHA-256 of the archive file.
    pub archive_sha256: String,
    /// What opens the key of an account that was here before, by an import that was taken back.
    pub keys: Option<CampaignKeys>,
    /// Hears how far it is.
    pub progress: Arc<dyn ImportProgress>,
}

/// The key of an account that comes. Finding two large primes takes as long as all the rest, so it is begun first, and
/// the account gets it last.
pub struct PendingKey(JoinHandle<Result<PrivateKey, KeyError>>);

impl PendingKey {
    /// Begins, on a thread of its own. Must be called within a tokio runtime.
    pub fn begin() -> Self {
        Self(tokio::task::spawn_blocking(PrivateKey::generate))
    }
}

/// A plan, or a finished import.
#[derive(Debug)]
pub struct Imported {
    /// Who the account was.
    pub old: DiasporaId,
    /// Who it is.
    pub new: DiasporaId,
    /// What proves that.
    pub proof: Proof,
    /// The keys that speak for it.
    pub evidence: Evidence,
    /// The import's name in the store; none for a plan.
    pub import: Option<String>,
    /// What came in and what did not.
    pub report: Report,
    /// What it needs, or needed.
    pub needs: Needs,
}

/// Says what an import would do, and writes nothing. Where there is a store, it knows of earlier runs and of imports
/// that were taken back.
///
/// # Errors
/// What would stop the import.
pub async fn plan(
    archive: Archive<Verified>,
    database: &DatabaseUrl,
    url: &PodUrl,
    store: Option<&Store>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let pod = PodWriter::open_read_only(database).await?;
    let mut target = Target::new(pod, url.clone(), options.now, Some(Planned::default()));
    target.photos_at = options.uploads.public_address(url);
    target.progress = Arc::clone(&options.progress);
    let journal = Journal::blank(store);
    Importer { target, options, journal, key: None, former_key: None }.run(archive, store).await
}

/// Makes sure that a username can be taken on a pod, and an e-mail address used, before anything else is done. Somebody
/// else may still be quicker: the import looks again. `old` is who wants the name.
///
/// # Errors
/// [`ImportError::Name`], [`ImportError::Username`], [`ImportError::FormerName`], [`ImportError::Email`], or a
/// database's failure.
pub async fn check_choice(
    database: &DatabaseUrl,
    url: &PodUrl,
    store: &Store,
    old: &DiasporaId,
    reserved_names: &[String],
    (username, email): (&str, Option<&str>),
) -> Result<(), ImportError> {
    let new: DiasporaId = format!("{username}@{}", url.diaspora_host()).parse()?;
    let pod = PodWriter::open_read_only(database).await?;
    // Nothing is written, so no row gets this time.
    let at = Timestamp::from_utc(chrono::NaiveDateTime::default());
    let mut target = Target::new(pod, url.clone(), at, Some(Planned::default()));
    scan::names::check_name(&mut target, &new, reserved_names).await?;
    // The archive is looked at again by the import.
    journal::former::identity_for(store, url.as_str(), username, &Claimant { old, archive: None }).await?;
    match email {
        Some(email) => scan::names::check_email(&mut target, &scan::names::stored_email(email)).await,
        None => Ok(()),
    }
}

/// Imports an account, or goes on with an import that was broken off. What people have deleted since an earlier run
/// stays deleted.
///
/// # Errors
/// [`ImportError`]. What has been written stays, and the same call goes on from there.
pub async fn import(
    archive: Archive<Verified>,
    database: &DatabaseUrl,
    url: &PodUrl,
    store: &Store,
    options: &ImportOptions,
    key: PendingKey,
) -> Result<Imported, ImportError> {
    let pod = PodWriter::open(database).await?;
    let mut target = Target::new(pod, url.clone(), options.now, None);
    target.photos_at = options.uploads.public_address(url);
    target.progress = Arc::clone(&options.progress);
    let (journal, key) = (Journal::blank(Some(store)), Some(key));
    Importer { target, options, journal, key, former_key: None }.run(archive, Some(store)).await
}
