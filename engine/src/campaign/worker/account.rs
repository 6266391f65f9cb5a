//! One claimed account: exported, taken over, or recorded with its error.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::{AccountState, ClaimedAccount, LEFT_POD, Outcome};
use crate::campaign::worker::presence::Presence;
use crate::campaign::worker::session::WorkerSession;
use crate::campaign::worker::source::Connection;
use crate::depot::{DepotError, is_of_the_disk};
use crate::export::{ExportError, Exported, Exporter, OutputError};
use crate::pod::database::DatabaseError;
use crate::pod::reader::ReadAhead;
use crate::production::{Fault, Written, fault};
use crate::store::StoredSignatures;

/// The maximum number of attempts at an account, each with a new connection. After that the account counts as the
/// cause of the failure, not the database.
const MAX_TRIES: u32 = 2;
/// The pause between two attempts of a task that waits for another task's connection.
const CONNECTION_LIMIT_PAUSE: Duration = Duration::from_secs(1);
/// The maximum number of lost connections for an account: administrators or poolers may end them repeatedly.
const MAX_LOST_CONNECTIONS: u32 = 12;

/// The state that a worker task keeps from one account to the next.
pub(in crate::campaign) struct WorkerState {
    pub(in crate::campaign) connection: Option<Connection>,
    /// Rows of the current batch; they outlive the connection.
    pub(in crate::campaign) ahead: ReadAhead,
    pub(in crate::campaign) memory: StoredSignatures,
}

/// A processed account whose archive is still to be stored.
pub(in crate::campaign) struct Ready {
    pub(in crate::campaign) outcome: Outcome,
    /// The archive, if there is one to store.
    pub(in crate::campaign) path: Option<PathBuf>,
}

impl WorkerSession {
    /// Exports an account, or finds its archive already stored.
    pub(in crate::campaign) async fn process_account(
        &self,
        claimed: &ClaimedAccount,
        worker_state: &mut WorkerState,
        mut is_read_ahead: bool,
    ) -> Result<Ready, CampaignError> {
        let started = Instant::now();
        if let Some(written) = self.take_over(claimed).await? {
            let outcome = outcome(claimed, AccountState::Done, Some(written), started, None);
            return Ok(Ready { outcome, path: None });
        }
        let mut waiting = self.retry.begin(self.observer());
        let (mut tries, mut lost_connections) = (0, 0);
        loop {
            self.connect(worker_state).await?;
            let attempt = self.attempt(claimed, worker_state, std::mem::take(&mut is_read_ahead), started);
            match attempt.await? {
                Ok(ready) => return Ok(ready),
                Err(Fault::Account(reason)) => return Ok(failed(claimed, started, reason)),
                Err(Fault::Gone) => {
                    tries += 1;
                    let presence = self.presence(claimed, worker_state).await?;
                    if tries >= MAX_TRIES || !matches!(presence, Presence::Present) {
                        return Ok(missing(claimed, started, &presence));
                    }
                }
                Err(Fault::Tables(reason)) => {
                    waiting.pause(&reason).await?;
                    self.wait_for_tables(worker_state, &mut waiting).await?;
                }
                Err(Fault::Lost(reason)) => {
                    worker_state.connection = None;
                    lost_connections += 1;
                    if lost_connections >= MAX_LOST_CONNECTIONS {
                        return Ok(failed(claimed, started, reason));
                    }
                    waiting.pause(&reason).await?;
                    self.connect(worker_state).await?;
                }
                Err(Fault::Database(reason)) => {
                    worker_state.connection = None;
                    tries += 1;
                    if tries >= MAX_TRIES {
                        return Ok(failed(claimed, started, reason));
                    }
                    self.connect(worker_state).await?;
                }
                Err(Fault::Uploads(reason)) => {
                    tries += 1;
                    if tries >= MAX_TRIES {
                        return Ok(failed(claimed, started, reason));
                    }
                    waiting.pause(&reason).await?;
                    while let Err(error) = self.setup.uploads.reopen(&self.setup.photos).await {
                        // An outage that ends is not the account's failure.
                        tries = 0;
                        waiting.pause(&error.to_string()).await?;
                    }
                }
                Err(Fault::Disk(reason)) => {
                    waiting.pause(&reason).await?;
                    self.wait_for_depot().await?;
                }
            }
        }
    }

    /// Exports an account once.
    async fn attempt(
        &self,
        claimed: &ClaimedAccount,
        worker_state: &mut WorkerState,
        is_read_ahead: bool,
        started: Instant,
    ) -> Result<Result<Ready, Fault>, CampaignError> {
        let mut exported = self.export(claimed, worker_state, is_read_ahead).await;
        if let Err(ExportError::Output(OutputError::Exists(leftover))) = &exported {
            // It is in the worker's own folder, left behind when the depot became unavailable after the archive got
            // its name.
            match std::fs::remove_file(leftover) {
                Ok(()) => exported = self.export(claimed, worker_state, false).await,
                Err(error) if is_of_the_disk(&error) => return Ok(Err(Fault::Disk(error.to_string()))),
                Err(_) => {}
            }
        }
        let exported = match exported {
            Ok(exported) => exported,
            Err(error) => return Ok(Err(fault(&error))),
        };
        if !self.is_of(claimed, &exported) {
            // It is another account's archive, in the worker's own folder; a remaining file is removed with the folder.
            _ = std::fs::remove_file(&exported.path);
            return Ok(Err(Fault::Gone));
        }
        match self.measure(claimed, &exported, started).await {
            Err(error @ CampaignError::Spool { .. }) if error.passes() => {
                Ok(Err(Fault::Disk(error.to_string())))
            }
            ready => ready.map(Ok),
        }
    }

    /// Waits until the pod's database accepts a connection. While other tasks of this worker have connections, a
    /// database that accepts no more is no outage: this task waits for one of theirs, however long that takes.
    pub(in crate::campaign) async fn connect(
        &self,
        worker_state: &mut WorkerState,
    ) -> Result<(), CampaignError> {
        if worker_state.connection.is_some() {
            return Ok(());
        }
        let mut waiting = self.retry.begin(self.observer());
        worker_state.connection = Some(loop {
            match self.source.open().await {
                Ok(connection) => break connection,
                Err(DatabaseError::TooManyConnections { reason, .. }) if self.source.in_use() > 0 => {
                    self.report_connection_limit(&reason);
                    self.retry.sleep(CONNECTION_LIMIT_PAUSE).await?;
                }
                Err(error) => waiting.pause(&error.to_string()).await?,
            }
        });
        Ok(())
    }

    /// Reports once that there are fewer connections than tasks.
    fn report_connection_limit(&self, reason: &str) {
        if !self.source.mark_connection_limited() {
            return;
        }
        let (tasks, connections) = (self.tasks(), self.source.in_use());
        self.observer().notes(&format!(
            "The pod's database accepts no more connections ({reason}): {connections} of {tasks} tasks work at \
             a time."
        ));
    }

    async fn export(
        &self,
        claimed: &ClaimedAccount,
        worker_state: &mut WorkerState,
        is_read_ahead: bool,
    ) -> Result<Exported, ExportError> {
        let WorkerState { connection, ahead: rows, memory } = worker_state;
        let Some(Connection { snapshot, .. }) = connection else { return Err(ExportError::Panicked) };
        let setup = &self.setup;
        let exporter = Exporter {
            pod: &setup.pod,
            schema: &setup.schema,
            uploads: &setup.uploads,
            archive_key: &setup.archive_key,
            is_destination: false,
            folder: self.spool.path(),
            options: &self.export,
            progress: if setup.options.gentle { &self.duty_cycle } else { &() },
        };
        if is_read_ahead {
            exporter.export_ahead(snapshot, rows, claimed.user_id, memory).await
        } else {
            exporter.export_user(snapshot, claimed.user_id, memory).await
        }
    }

    /// Measures an archive that is to be stored.
    async fn measure(
        &self,
        claimed: &ClaimedAccount,
        exported: &Exported,
        started: Instant,
    ) -> Result<Ready, CampaignError> {
        let path = exported.path.clone();
        let written = Written::measure(exported, self.name_for(claimed, &path)?).await?;
        let mut outcome = outcome(claimed, AccountState::Done, Some(written), started, None);
        // The ID may have been corrected since the list was written.
        outcome.claimed.account = exported.manifest.account.diaspora_id.to_string();
        Ok(Ready { outcome, path: Some(path) })
    }

    /// Returns the archive that an earlier worker was about to store, if it exists unaltered.
    async fn take_over(&self, claimed: &ClaimedAccount) -> Result<Option<Written>, CampaignError> {
        let Some(written) = &claimed.written else { return Ok(None) };
        let depot = &self.depot;
        let check = || depot.stored(&written.file);
        let stored = self.retry.until_ok(self.observer(), check, DepotError::is_of_the_depot).await?;
        Ok(stored.filter(|stored| stored.sha256 == written.sha256).map(|_| written.clone()))
    }
}

fn outcome(
    claimed: &ClaimedAccount,
    state: AccountState,
    written: Option<Written>,
    started: Instant,
    reason: Option<String>,
) -> Outcome {
    let millis = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    Outcome { claimed: claimed.clone(), state, written, millis, reason }
}

fn failed(claimed: &ClaimedAccount, started: Instant, reason: String) -> Ready {
    Ready { outcome: outcome(claimed, AccountState::Failed, None, started, Some(reason)), path: None }
}

/// Returns the result of an account that is missing or was replaced by another.
fn missing(claimed: &ClaimedAccount, started: Instant, presence: &Presence) -> Ready {
    let row = claimed.user_id;
    match presence {
        Presence::Present => {
            failed(claimed, started, format!("row {row} of the pod's users changes while it is read"))
        }
        Presence::Replaced(id) => {
            failed(claimed, started, format!("row {row} of the pod's users is {id} now"))
        }
        Presence::Absent => {
            let reason = Some(format!("{LEFT_POD} since the campaign began"));
            Ready { outcome: outcome(claimed, AccountState::Skipped, None, started, reason), path: None }
        }
    }
}
