//! A worker: claims accounts, keeps its lease, stops when told to.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::archive::encryption::EncryptTo;
use crate::campaign::CampaignError;
use crate::campaign::ledger::final_status::ensure_marked;
use crate::campaign::ledger::queue::{HeartbeatResult, Queue};
use crate::campaign::ledger::records::{Campaign, CampaignState, ClaimedAccount, Outcome};
use crate::campaign::worker::account::WorkerState;
use crate::campaign::worker::feeder::Feeder;
use crate::campaign::worker::retry::Retry;
use crate::campaign::worker::setup::{Ended, Finished, Observer, Setup};
use crate::campaign::worker::source::Source;
use crate::campaign::worker::throttle::{DutyCycle, Throttle, lower_priority};
use crate::clock::{Clock as _, SystemClock};
use crate::depot::{Depot, DepotError};
use crate::domain::Timestamp;
use crate::export::ExportOptions;
use crate::pod::reader::ReadAhead;
use crate::production::Spool;
use crate::store::{StoreError, StoredSignatures, random_id};

/// Works on a campaign until nothing is left to do, or `stop` is cancelled: then started accounts are finished, the
/// others released. Waits while the campaign is paused.
///
/// The memory needed does not depend on the number of accounts.
///
/// # Errors
/// [`CampaignError`]. Claimed accounts are released, or free when the lease has expired.
pub async fn work(
    setup: Arc<Setup>,
    campaign: &Campaign,
    stop: CancellationToken,
) -> Result<Ended, CampaignError> {
    let actual = setup.archive_key.public_key().map(|key| key.fingerprint().to_string()).unwrap_or_default();
    if actual != campaign.archive_key {
        let (name, expected) = (campaign.name.clone(), campaign.archive_key.clone());
        return Err(CampaignError::OtherKey { name, expected, actual });
    }
    if setup.options.gentle {
        lower_priority();
    }
    let campaign = &ensure_marked(&setup, campaign, stop.clone()).await?;
    let depot = match &campaign.place {
        Some(place) => setup.depot.bound_to(place),
        None => setup.depot.clone(),
    };
    // Uploads take less than a day, so older leftovers are unused. A persistent error appears again when an archive
    // is stored.
    _ = depot.sweep(LEFTOVER_AGE, SystemClock.now().into()).await;
    loop {
        let session = WorkerSession::new(Arc::clone(&setup), campaign, depot.clone(), stop.clone()).await;
        let session = match session {
            Ok(session) => Arc::new(session),
            Err(CampaignError::Stopped) => return Ok(Ended { state: campaign.state, stopped: true }),
            Err(error) => return Err(error),
        };
        match session.run().await {
            Ok(Some(ended)) => return Ok(ended),
            // The lease had expired: the machine slept, or the store was unavailable for longer. Start again.
            Ok(None) => {}
            Err(CampaignError::Stopped) => return Ok(Ended { state: campaign.state, stopped: true }),
            Err(error) => return Err(error),
        }
    }
}

/// Interval at which a worker checks whether the campaign was paused, or others have left accounts behind.
pub(in crate::campaign) const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The time for which leftovers of a killed program remain in the depot.
const LEFTOVER_AGE: Duration = Duration::from_hours(24);
/// The maximum bytes of archives that a task collects before it stores them; one archive may exceed it.
const MAX_READY_BYTES: i64 = 32 << 20;

/// A worker's time under one lease.
pub(in crate::campaign) struct WorkerSession {
    pub(in crate::campaign) setup: Arc<Setup>,
    pub(in crate::campaign) campaign: Campaign,
    /// The only depot that archives go to.
    pub(in crate::campaign) depot: Depot,
    pub(in crate::campaign) queue: Queue,
    pub(in crate::campaign) retry: Retry,
    pub(in crate::campaign) source: Source,
    pub(in crate::campaign) spool: Spool,
    pub(in crate::campaign) export: ExportOptions,
    pub(in crate::campaign) duty_cycle: DutyCycle,
    stop: CancellationToken,
    run_state: watch::Sender<RunState>,
    /// The accounts that this worker has leased (`users.id`).
    leased_accounts: std::sync::Mutex<HashSet<i64>>,
}

/// The treatment of accounts that are claimed and not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::campaign) enum RunState {
    /// They are exported.
    Running,
    /// They are released; others will be claimed later.
    Paused,
    /// They are released, and no others are claimed.
    Stopping,
}

impl WorkerSession {
    async fn new(
        setup: Arc<Setup>,
        campaign: &Campaign,
        depot: Depot,
        stop: CancellationToken,
    ) -> Result<Self, CampaignError> {
        let worker = random_id()?;
        let retry = Retry::new(setup.options.patience, stop.clone());
        let create_spool = || async {
            depot.check().await?;
            Spool::create(depot.folder().unwrap_or(setup.state.path()), &worker).map_err(CampaignError::from)
        };
        let spool = retry.until_ok(setup.observer.as_ref(), create_spool, CampaignError::passes).await?;
        let recipients = &campaign.options.recipients;
        let encrypt_to = if recipients.is_empty() {
            None
        } else {
            let encrypt_to = EncryptTo::recipients(recipients);
            Some(encrypt_to.map_err(|error| CampaignError::Recipient(error.to_string()))?)
        };
        let export = ExportOptions {
            created_at: Timestamp::from(campaign.created_at),
            created_by: setup.created_by.clone(),
            key_passphrase: None,
            encrypt_to,
        };
        let queue = Queue::new(&setup.store, campaign.id, worker, campaign.options.order);
        let source = Source::new(&setup.database);
        Ok(Self {
            setup,
            campaign: campaign.clone(),
            depot,
            queue,
            retry,
            source,
            spool,
            export,
            duty_cycle: DutyCycle::new(),
            stop,
            run_state: watch::Sender::new(RunState::Running),
            leased_accounts: std::sync::Mutex::default(),
        })
    }

    pub(in crate::campaign) fn observer(&self) -> &dyn Observer {
        self.setup.observer.as_ref()
    }

    /// Runs an operation on the store, as often as needed.
    pub(in crate::campaign) async fn in_store<T, F>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T, CampaignError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.retry.until_ok(self.observer(), attempt, StoreError::passes).await
    }

    pub(in crate::campaign) fn run_state(&self) -> RunState {
        *self.run_state.borrow()
    }

    pub(in crate::campaign) fn watch_run_state(&self) -> watch::Receiver<RunState> {
        self.run_state.subscribe()
    }

    /// Returns the accounts that this worker has leased (`users.id`).
    pub(in crate::campaign) fn leased_accounts(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.leased_accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::campaign) async fn release(&self, claimed: &[ClaimedAccount]) -> Result<(), CampaignError> {
        self.in_store(|| self.queue.release(claimed)).await?;
        let mut leased_accounts = self.leased_accounts();
        for claimed in claimed {
            leased_accounts.remove(&claimed.user_id);
        }
        Ok(())
    }

    /// Reports the result of an account, which this worker no longer leases.
    pub(in crate::campaign) fn report(&self, outcome: &Outcome) {
        self.leased_accounts().remove(&outcome.claimed.user_id);
        let written = outcome.written.as_ref();
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
        self.observer().finished(&Finished {
            account: outcome.claimed.account.clone(),
            state: outcome.state,
            file: written.map(|written| written.file.clone()),
            bytes: number(written.map(|written| written.bytes)),
            records: number(written.map(|written| written.records)),
            omissions: number(written.map(|written| written.omissions)),
            seconds: Duration::from_millis(number(Some(outcome.millis))).as_secs_f64(),
            reason: outcome.reason.clone(),
        });
    }

    /// Works until the campaign ends or the worker is stopped; `None` when the lease was lost.
    async fn run(self: Arc<Self>) -> Result<Option<Ended>, CampaignError> {
        let lease = self.setup.options.lease;
        self.in_store(|| self.queue.register(&self.setup.options.host, lease)).await?;
        let result = self.work().await;
        match result {
            Ok(ended) => {
                self.in_store(|| self.queue.unregister()).await?;
                Ok(ended)
            }
            Err(error) => {
                // If this fails, others wait for the lease to expire.
                _ = self.queue.unregister().await;
                Err(error)
            }
        }
    }

    async fn work(self: &Arc<Self>) -> Result<Option<Ended>, CampaignError> {
        let (sender, receiver) = mpsc::channel(1);
        let receiver = Arc::new(Mutex::new(receiver));
        // Dropping them ends all tasks.
        let (mut workers, mut heartbeat_task, mut feeder_task) =
            (JoinSet::new(), JoinSet::new(), JoinSet::new());
        for _ in 0..self.tasks() {
            let (session, batches) = (Arc::clone(self), Arc::clone(&receiver));
            workers.spawn(async move { session.run_task(&batches).await });
        }
        let (heartbeats, mut heartbeat) = watch::channel(None);
        let session = Arc::clone(self);
        heartbeat_task.spawn(async move { session.keep_lease(&heartbeats).await });
        let session = Arc::clone(self);
        feeder_task.spawn(async move { Feeder::new(&session, sender).feed().await });
        let ended = loop {
            let latest: Option<HeartbeatResult> = *heartbeat.borrow_and_update();
            if latest.is_some_and(|heartbeat| heartbeat.is_lost) {
                return Ok(None);
            }
            let state = latest.map_or(CampaignState::Running, |heartbeat| heartbeat.state);
            let is_stopped = self.stop.is_cancelled();
            let is_over = matches!(state, CampaignState::Cancelled | CampaignState::Finished);
            self.run_state.send_replace(match (is_stopped || is_over, state) {
                (true, _) => RunState::Stopping,
                (false, CampaignState::Running) => RunState::Running,
                (false, _) => RunState::Paused,
            });
            if is_stopped || is_over {
                break Ended { state, stopped: is_stopped };
            }
            tokio::select! {
                Some(result) = workers.join_next() => result.map_err(|_| CampaignError::Broken)??,
                Some(result) = heartbeat_task.join_next() => result.map_err(|_| CampaignError::Broken)??,
                Some(result) = feeder_task.join_next() => {
                    result.map_err(|_| CampaignError::Broken)??;
                    break Ended { state: CampaignState::Finished, stopped: false };
                }
                Ok(()) = heartbeat.changed() => {}
                () = self.stop.cancelled() => {}
            }
        };
        // Started accounts are finished under the lease.
        while let Some(result) = feeder_task.join_next().await {
            result.map_err(|_| CampaignError::Broken)??;
        }
        while let Some(result) = workers.join_next().await {
            result.map_err(|_| CampaignError::Broken)??;
        }
        if ended.state == CampaignState::Finished && !ended.stopped {
            self.end_campaign().await?;
        }
        Ok(Some(ended))
    }

    /// Returns the number of tasks that export, at least one.
    pub(in crate::campaign) fn tasks(&self) -> usize {
        if self.setup.options.gentle { 1 } else { self.setup.options.tasks.max(1) }
    }

    /// Sends heartbeats until the task is dropped, and reports changes of the campaign's state.
    async fn keep_lease(
        &self,
        heartbeats: &watch::Sender<Option<HeartbeatResult>>,
    ) -> Result<(), CampaignError> {
        let lease = self.setup.options.lease;
        let pause = (lease / 4).min(POLL_INTERVAL);
        let mut last = None;
        loop {
            let reason = self.retry.reason();
            let heartbeat = self.in_store(|| self.queue.heartbeat(lease, reason.as_deref())).await?;
            if last != Some(heartbeat.state) {
                self.observer().state(heartbeat.state);
                last = Some(heartbeat.state);
            }
            heartbeats.send_replace(Some(heartbeat));
            tokio::time::sleep(pause).await;
        }
    }

    /// Runs one of the tasks that export.
    async fn run_task(
        &self,
        batches: &Mutex<mpsc::Receiver<Vec<ClaimedAccount>>>,
    ) -> Result<(), CampaignError> {
        let memory = StoredSignatures::open(&self.setup.state).await;
        let ahead = ReadAhead::new(self.ahead_bytes());
        let mut worker_state = WorkerState { connection: None, ahead, memory };
        let mut throttle = Throttle::new(self);
        loop {
            let batch = loop {
                if self.source.is_connection_limited() {
                    // Another task with open accounts may be waiting for the connection.
                    worker_state.connection = None;
                }
                let next = async { batches.lock().await.recv().await };
                if let Ok(batch) = tokio::time::timeout(POLL_INTERVAL, next).await {
                    break batch;
                }
            };
            let Some(batch) = batch else { return Ok(()) };
            self.export_batch(batch, &mut worker_state, &mut throttle).await?;
        }
    }

    async fn export_batch(
        &self,
        batch: Vec<ClaimedAccount>,
        worker_state: &mut WorkerState,
        throttle: &mut Throttle<'_>,
    ) -> Result<(), CampaignError> {
        self.wait_for_space().await?;
        self.duty_cycle.begin();
        let is_read_ahead = self.read_ahead(&batch, worker_state).await?;
        let (mut ready, mut bytes) = (Vec::new(), 0);
        let mut remaining = batch.into_iter();
        while let Some(claimed) = remaining.next() {
            if self.run_state() != RunState::Running {
                let unstarted: Vec<ClaimedAccount> = std::iter::once(claimed).chain(remaining).collect();
                self.release(&unstarted).await?;
                break;
            }
            let processed = self.process_account(&claimed, worker_state, is_read_ahead).await?;
            bytes += processed.outcome.written.as_ref().map_or(0, |written| written.bytes);
            ready.push(processed);
            if bytes > MAX_READY_BYTES || self.setup.options.gentle {
                self.store(std::mem::take(&mut ready)).await?;
                bytes = 0;
                self.wait_for_space().await?;
            }
            throttle.rest().await;
        }
        self.store(ready).await
    }

    /// Waits until the disk of the archives is available and has space.
    async fn wait_for_space(&self) -> Result<(), CampaignError> {
        let depot = &self.depot;
        let reserve = self.setup.options.reserve;
        let check = || async move {
            depot.check().await?;
            depot.expect_space(reserve)
        };
        self.retry.until_ok(self.observer(), check, DepotError::is_of_the_depot).await
    }
}
