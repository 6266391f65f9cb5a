//! The setup and the events of a worker.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::campaign::ledger::records::{AccountState, CampaignState};
use crate::depot::Depot;
use crate::domain::SigningKey;
use crate::pod::config::{PodUrl, Uploads};
use crate::pod::schema::SchemaVersion;
use crate::pod::uploads::PhotoStore;
use crate::sql::DatabaseUrl;
use crate::store::{StateFolder, Store};

/// Everything a worker needs.
pub struct Setup {
    /// Pappus's own database.
    pub store: Store,
    /// The pod's database.
    pub database: DatabaseUrl,
    /// The pod's address.
    pub pod: PodUrl,
    /// The version of the pod's tables.
    pub schema: SchemaVersion,
    /// The location of the pod's photos.
    pub photos: Uploads,
    /// The photos, opened.
    pub uploads: PhotoStore,
    /// The key that archives are signed with.
    pub archive_key: SigningKey,
    /// Pappus's own folder.
    pub state: StateFolder,
    /// The depot for archives.
    pub depot: Depot,
    /// Program and version, for the manifests.
    pub created_by: String,
    /// Receives the worker's events.
    pub observer: Arc<dyn Observer>,
    /// The worker's options.
    pub options: WorkerOptions,
}

/// The options of a worker.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Accounts exported at the same time.
    pub tasks: usize,
    /// Time without a heartbeat after which others take over a worker's accounts.
    pub lease: Duration,
    /// Time for which a database, a disk or a file server may be unavailable before the worker gives up.
    pub patience: Duration,
    /// True to spare the pod: one account at a time, a pause after each, none while its database is busy.
    pub gentle: bool,
    /// Bytes that stay free on the disk of the archives.
    pub reserve: u64,
    /// This machine's name, for display.
    pub host: String,
}

/// Receives the events of a worker.
pub trait Observer: Send + Sync {
    /// An account is finished, successfully or not.
    fn finished(&self, account: &Finished);
    /// A resource that all accounts need is unavailable; the worker waits for it.
    fn waits(&self, reason: &str);
    /// The resource is available again.
    fn resumes(&self);
    /// The campaign's state has changed.
    fn state(&self, state: CampaignState);
    /// A message for the podmin, as a sentence.
    fn notes(&self, _sentence: &str) {}
}

/// The result of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finished {
    /// Its diaspora* ID.
    pub account: String,
    /// Done, failed or skipped.
    pub state: AccountState,
    /// Its archive.
    pub file: Option<String>,
    /// The archive's size.
    pub bytes: u64,
    /// Records in it.
    pub records: u64,
    /// Records left out or incomplete.
    pub omissions: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// The reason it failed or was skipped.
    pub reason: Option<String>,
}

/// The end of work on a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The campaign's state.
    pub state: CampaignState,
    /// True when the worker was told to stop.
    pub stopped: bool,
}
