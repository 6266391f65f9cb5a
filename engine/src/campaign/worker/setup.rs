//! What a worker needs, and what it says.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::campaign::ledger::records::{AccountState, CampaignState};
use crate::depot::Depot;
use crate::domain::SigningKey;
use crate::pod::config::{DatabaseUrl, PodUrl, Uploads};
use crate::pod::schema::SchemaVersion;
use crate::pod::uploads::PhotoStore;
use crate::store::{StateFolder, Store};

/// Everything a worker needs.
pub struct Setup {
    /// Pappus's own database.
    pub store: Store,
    /// The pod's database.
    pub database: DatabaseUrl,
    /// The pod's address.
    pub pod: PodUrl,
    /// The version of its tables.
    pub schema: SchemaVersion,
    /// Where its photos are.
    pub photos: Uploads,
    /// The same, open.
    pub uploads: PhotoStore,
    /// The key it signs archives with.
    pub archive_key: SigningKey,
    /// Pappus's own folder.
    pub state: StateFolder,
    /// Where archives go.
    pub depot: Depot,
    /// Program and version, for the manifests.
    pub created_by: String,
    /// Who hears how it goes.
    pub observer: Arc<dyn Observer>,
    /// How to work.
    pub options: WorkerOptions,
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Accounts exported at the same time.
    pub tasks: usize,
    /// How long after its last word others take over what a worker had in hand.
    pub lease: Duration,
    /// How long a database, a disk or a server for files may be away before the worker gives up.
    pub patience: Duration,
    /// Whether to spare the pod: one account at a time, a rest after each, none while its database is busy.
    pub gentle: bool,
    /// Bytes that stay free on the disk of the archives.
    pub reserve: u64,
    /// This machine's name, for people.
    pub host: String,
}

/// Hears how a worker gets on.
pub trait Observer: Send + Sync {
    /// An account is finished, one way or the other.
    fn finished(&self, account: &Finished);
    /// Something that all accounts need is away, and is waited for.
    fn waits(&self, reason: &str);
    /// It is back.
    fn goes_on(&self);
    /// The campaign's state is another than before.
    fn state(&self, state: CampaignState);
    /// Something that the podmin should know, in a sentence.
    fn notes(&self, _sentence: &str) {}
}

/// What became of an account.
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
    /// How long it took.
    pub seconds: f64,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
}

/// How work on a campaign ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The campaign's state.
    pub state: CampaignState,
    /// Whether the worker was told to stop.
    pub stopped: bool,
}
