//! Builds the archives that people have requested.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::lease::RequestLease;
use super::{RequestError, Requests};
use crate::archive::encryption::EncryptTo;
use crate::clock::{Clock as _, SystemClock};
use crate::depot::sealed;
use crate::depot::{CampaignKeys, Depot, DepotError, REQUESTS_FOLDER};
use crate::domain::{SigningKey, Timestamp};
use crate::export::{ExportError, ExportOptions, Exported, Exporter};
use crate::pod::config::{PodUrl, Uploads};
use crate::pod::database::Snapshot;
use crate::pod::reader::{AccountReader, ReadError};
use crate::pod::schema::read_schema;
use crate::pod::uploads::PhotoStore;
use crate::production::{Fault, Spool, Written, depot_name, fault};
use crate::progress::{Progress as _, ProgressCounter, Stage};
use crate::sql::DatabaseUrl;
use crate::store::lease::{Kept, Worker, keep};
use crate::store::{StateFolder, StoreError, StoredSignatures, random_id};

/// The number of workers that may end unexpectedly while they build an archive; after that, the request fails.
const MAX_DEATHS: i64 = 5;

/// Everything needed to build archives.
pub struct ArchiveWorkerSetup {
    /// The requests.
    pub requests: Requests,
    /// The pod's database.
    pub database: DatabaseUrl,
    /// The pod's address.
    pub pod: PodUrl,
    /// The location of its photos.
    pub photos: Uploads,
    /// Pappus's own folder.
    pub state: StateFolder,
    /// The depot for archives.
    pub depot: Depot,
    /// The keys that archives are encrypted to.
    pub keys: CampaignKeys,
    /// Program and version, for the manifests.
    pub created_by: String,
    /// The time for which archives are kept.
    pub keep_for: Duration,
    /// The number of bytes that must stay free on the disk of the archives.
    pub reserve: u64,
    /// Receives the outcome of each request.
    pub observer: Observer,
}

/// Receives a request's number and outcome; `None` if the store failed before a request was found.
pub type Observer = Box<dyn Fn(Option<i64>, &Result<JobOutcome, RequestError>) + Send + Sync>;

/// The outcome of looking for a request to process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// No request is due.
    Nothing,
    /// The archive is stored.
    Done,
    /// The archive could not be built, for this reason.
    Failed(String),
    /// The request will be retried, for this reason.
    Rescheduled(String),
    /// The request was cancelled in the meantime, or another worker has taken it over.
    Lost,
    /// The program stops; another worker may claim the request.
    Released,
}

/// Builds archives, one for each request.
pub struct ArchiveWorker {
    setup: ArchiveWorkerSetup,
    archive_key: SigningKey,
    spool: Spool,
    memories: Mutex<Vec<StoredSignatures>>,
    stop: CancellationToken,
}

/// The reason an archive was not built.
enum JobError {
    Export(ExportError),
    Depot(DepotError),
    Store(StoreError),
    Request(RequestError),
    /// The lease on the row was lost.
    Lost,
}

macro_rules! failure {
    ($($from:ty => $variant:ident;)*) => {$(
        impl From<$from> for JobError {
            fn from(error: $from) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

failure! {
    ExportError => Export;
    DepotError => Depot;
    StoreError => Store;
    RequestError => Request;
}

impl ArchiveWorker {
    /// Creates a folder for unfinished archives, and opens the key they are signed with.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn open(setup: ArchiveWorkerSetup, stop: CancellationToken) -> Result<Self, RequestError> {
        let folder = |error: &dyn std::fmt::Display| RequestError::Folder(error.to_string());
        let root = setup.depot.folder().unwrap_or(setup.state.path());
        let spool = Spool::create(root, &random_id()?).map_err(|error| folder(&error))?;
        let archive_key = setup.state.archive_key().map_err(|error| folder(&error))?;
        Ok(Self { setup, archive_key, spool, memories: Mutex::default(), stop })
    }

    /// Processes the next request that is due.
    ///
    /// # Errors
    /// [`RequestError`] if the outcome could not be recorded. The request becomes available when its lease expires.
    pub async fn work_on_next(&self) -> Result<JobOutcome, RequestError> {
        let (id, outcome) = match self.setup.requests.acquire().await {
            Ok(None) => return Ok(JobOutcome::Nothing),
            Ok(Some(lease)) => (Some(lease.request.id), self.work_on(&lease).await),
            Err(error) => (None, Err(error.into())),
        };
        (self.setup.observer)(id, &outcome);
        outcome
    }

    async fn work_on(&self, lease: &RequestLease) -> Result<JobOutcome, RequestError> {
        if let Err(reason) = self.check_depot().await {
            let changed = lease.retry(&reason).await?;
            return Ok(if changed { JobOutcome::Rescheduled(reason) } else { JobOutcome::Lost });
        }
        if self.take_over(lease).await? {
            return self.finish(lease).await;
        }
        if lease.deaths >= MAX_DEATHS {
            let reason = format!("{} programs ended unexpectedly while they built the archive", lease.deaths);
            let changed = lease.fail(&reason).await?;
            return Ok(if changed { JobOutcome::Failed(reason) } else { JobOutcome::Lost });
        }
        let progress = ProgressCounter::default();
        let folder = self.spool.path().join(lease.fence());
        let heartbeat = || lease.heartbeat(progress.position());
        // A whole export is too large for the stack.
        let building = Box::pin(self.build(lease, &progress, &folder));
        let result = keep(building, heartbeat, &self.stop).await;
        // On success the folder is already removed.
        _ = std::fs::remove_dir_all(&folder);
        match result {
            Kept::Done(Ok(())) => self.finish(lease).await,
            Kept::Done(Err(failure)) => self.handle_failure(lease, failure).await,
            Kept::Lost => Ok(JobOutcome::Lost),
            Kept::Stopped => {
                // If this fails, the lease expires.
                _ = lease.release().await;
                Ok(JobOutcome::Released)
            }
        }
    }

    /// Checks that the depot is the expected one before anything is written there. Creates the folder for unfinished
    /// archives again if its disk was unmounted in the meantime.
    async fn check_depot(&self) -> Result<(), String> {
        self.setup.depot.check().await.map_err(|error| error.to_string())?;
        self.spool.recreate().map_err(|error| error.to_string())
    }

    /// Returns whether the archive that an earlier worker recorded is stored. Removes an archive with another digest.
    async fn take_over(&self, lease: &RequestLease) -> Result<bool, RequestError> {
        let (Some(file), Some(sha256)) = (&lease.request.file, &lease.request.sha256) else {
            return Ok(false);
        };
        match self.setup.depot.stored(file).await? {
            Some(stored) if stored.sha256 == *sha256 => Ok(true),
            Some(_) => {
                self.setup.depot.remove(file).await?;
                Ok(false)
            }
            None => Ok(false),
        }
    }

    async fn build(
        &self,
        lease: &RequestLease,
        progress: &ProgressCounter,
        folder: &std::path::Path,
    ) -> Result<(), JobError> {
        let setup = &self.setup;
        setup.depot.expect_space(setup.reserve)?;
        let exported = self.export(lease, progress, folder).await?;
        // Each attempt uses a different name.
        let attempt = lease.fence().get(..12).unwrap_or_default();
        let name = depot_name(REQUESTS_FOLDER, &exported.path, &[&lease.request.id.to_string(), attempt]);
        let written = Written::measure(&exported, name).await.map_err(RequestError::from)?;
        if !lease.record_archive(&written, exported.manifest.created_at.to_utc().and_utc()).await? {
            return Err(JobError::Lost);
        }
        setup.depot.adopt(&written.file, &exported.path).await?;
        Ok(())
    }

    async fn export(
        &self,
        lease: &RequestLease,
        progress: &ProgressCounter,
        folder: &std::path::Path,
    ) -> Result<Exported, JobError> {
        let setup = &self.setup;
        let options = self.options(lease).await?;
        let mut snapshot = Snapshot::open(&setup.database).await.map_err(database)?;
        let schema =
            read_schema(&mut snapshot).await.map_err(|error| RequestError::Archive(error.to_string()))?;
        let uploads =
            PhotoStore::open(&setup.photos).await.map_err(|error| read(ReadError::Uploads(error)))?;
        uploads.expect_photos(&mut snapshot).await.map_err(|error| read(ReadError::Uploads(error)))?;
        let name = &lease.request.username;
        let mut reader = AccountReader::find(&mut snapshot, setup.pod.clone(), name).await.map_err(read)?;
        let total = reader.record_count().await.map_err(read)?;
        let settings = reader.settings().await.map_err(read)?;
        drop(reader);
        if lease.request.mail_to.is_some()
            && !lease.set_mail_address(&self.encrypt_address(&settings.email).await?).await?
        {
            return Err(JobError::Lost);
        }
        progress.begin(Stage::Records, total);
        let exporter = Exporter {
            pod: &setup.pod,
            schema: &schema,
            uploads: &uploads,
            archive_key: &self.archive_key,
            is_destination: false,
            folder,
            options: &options,
            progress,
        };
        let unused = self.memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = match unused {
            Some(memory) => memory,
            None => StoredSignatures::open(&setup.state).await,
        };
        let outcome = exporter.export(&mut snapshot, name, &mut memory).await;
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        Ok(outcome?)
    }

    /// Returns the export options, with the decrypted passphrase.
    async fn options(&self, lease: &RequestLease) -> Result<ExportOptions, RequestError> {
        let setup = &self.setup;
        let now = Timestamp::from(SystemClock.now());
        let encrypt_to = EncryptTo::recipients(&[setup.keys.current(now).await?.recipient])?;
        let key_passphrase = match &lease.sealed {
            Some(sealed) => {
                let unlock = setup.keys.unlock()?.ok_or(RequestError::KeyElsewhere)?;
                Some(sealed::open(&unlock, sealed.clone())?)
            }
            None => None,
        };
        let created_by = setup.created_by.clone();
        Ok(ExportOptions { created_at: now, created_by, key_passphrase, encrypt_to: Some(encrypt_to) })
    }

    /// Encrypts the e-mail address with the key of the store.
    async fn encrypt_address(&self, address: &str) -> Result<String, RequestError> {
        let key = self.setup.keys.current(Timestamp::from(SystemClock.now())).await?;
        Ok(sealed::seal_text(&key.recipient, address)?)
    }

    async fn finish(&self, lease: &RequestLease) -> Result<JobOutcome, RequestError> {
        if lease.finish(self.setup.keep_for).await? {
            return Ok(JobOutcome::Done);
        }
        Ok(JobOutcome::Lost)
    }

    /// Records an error, or schedules another attempt if the error is temporary.
    async fn handle_failure(
        &self,
        lease: &RequestLease,
        failure: JobError,
    ) -> Result<JobOutcome, RequestError> {
        let (reason, is_temporary) = match failure {
            JobError::Lost => return Ok(JobOutcome::Lost),
            JobError::Store(error) => return Err(error.into()),
            JobError::Depot(error) => (error.to_string(), true),
            JobError::Request(error) => (error.to_string(), !lease.is_last()),
            JobError::Export(error) => match fault(&error) {
                Fault::Account(reason) => (reason, false),
                Fault::Gone => ("the account is no longer on the pod".to_owned(), false),
                Fault::Database(reason) => (reason, !lease.is_last()),
                Fault::Lost(reason)
                | Fault::Tables(reason)
                | Fault::Uploads(reason)
                | Fault::Disk(reason) => (reason, true),
            },
        };
        let changed = if is_temporary { lease.retry(&reason).await? } else { lease.fail(&reason).await? };
        Ok(match (changed, is_temporary) {
            (false, _) => JobOutcome::Lost,
            (true, true) => JobOutcome::Rescheduled(reason),
            (true, false) => JobOutcome::Failed(reason),
        })
    }
}

fn database(error: crate::pod::database::DatabaseError) -> JobError {
    read(ReadError::from(error))
}

fn read(error: ReadError) -> JobError {
    JobError::Export(ExportError::from(error))
}

#[async_trait]
impl Worker for ArchiveWorker {
    async fn next(&self) -> bool {
        // The caller pauses if no request is due or the store is unavailable.
        let outcome = self.work_on_next().await;
        !matches!(outcome, Ok(JobOutcome::Nothing) | Err(RequestError::Store(_)))
    }
}
