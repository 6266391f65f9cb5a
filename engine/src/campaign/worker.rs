//! A worker: takes accounts up, keeps its lease, stops when told to.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

use super::CampaignError;
use super::account::Desk;
use super::care::{Care, Rests, step_back};
use super::feeder::Feeder;
use super::outage::Outage;
use super::queue::{Pulse, Queue};
use super::records::{Campaign, CampaignState, Claimed, Outcome};
use super::setup::{Ended, Finished, Observer, Setup};
use super::source::Source;
use super::spool::Spool;
use super::standing::marked;
use crate::archive::encryption::Lock;
use crate::delivery::{Clock as _, SystemClock};
use crate::depot::{Depot, DepotError};
use crate::domain::Timestamp;
use crate::export::ExportOptions;
use crate::pod::reader::ReadAhead;
use crate::store::{StoreError, StoredSignatures, random_id};

/// Works on a campaign until nothing is left to do, or `stop` holds true: then what is begun is finished, what is not
/// begun is given back. A paused campaign is waited for.
///
/// The memory needed does not depend on the number of accounts.
///
/// # Errors
/// [`CampaignError`]. What was in hand is given back, or is free when the lease has run out.
pub async fn work(
    setup: Arc<Setup>,
    campaign: &Campaign,
    stop: watch::Receiver<bool>,
) -> Result<Ended, CampaignError> {
    let here = setup.archive_key.public_key().map(|key| key.fingerprint().to_string()).unwrap_or_default();
    if here != campaign.archive_key {
        let (name, was) = (campaign.name.clone(), campaign.archive_key.clone());
        return Err(CampaignError::OtherKey { name, was, here });
    }
    if setup.options.gentle {
        step_back();
    }
    let campaign = &marked(&setup, campaign, stop.clone()).await?;
    let depot = match &campaign.place {
        Some(place) => setup.depot.bound_to(place),
        None => setup.depot.clone(),
    };
    // What was left a day ago, no upload is still at. Whatever fails here shows again where it matters.
    _ = depot.sweep(LEFT_OVER, SystemClock.now().into()).await;
    loop {
        let shift = Shift::new(Arc::clone(&setup), campaign, depot.clone(), stop.clone()).await;
        let shift = match shift {
            Ok(shift) => Arc::new(shift),
            Err(CampaignError::Stopped) => return Ok(Ended { state: campaign.state, stopped: true }),
            Err(error) => return Err(error),
        };
        match shift.run().await {
            Ok(Some(ended)) => return Ok(ended),
            // The lease had run out: the machine slept, or the store was away for longer. Begin anew.
            Ok(None) => {}
            Err(CampaignError::Stopped) => return Ok(Ended { state: campaign.state, stopped: true }),
            Err(error) => return Err(error),
        }
    }
}

/// How often a worker looks whether the campaign has been paused, or others have left accounts behind.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// How long what a killed program has left in the depot lies there.
const LEFT_OVER: Duration = Duration::from_hours(24);
/// Bytes of archives that wait to be stored.
const READY_BYTES: i64 = 32 << 20;

/// A worker's time under one lease.
pub(super) struct Shift {
    pub(super) setup: Arc<Setup>,
    pub(super) campaign: Campaign,
    /// Where archives go, and nowhere else.
    pub(super) depot: Depot,
    pub(super) queue: Queue,
    pub(super) outage: Outage,
    pub(super) source: Source,
    pub(super) spool: Spool,
    pub(super) export: ExportOptions,
    pub(super) rests: Rests,
    stop: watch::Receiver<bool>,
    hold: watch::Sender<Hold>,
    /// Accounts this worker knows to be its own.
    in_hand: std::sync::Mutex<HashSet<i64>>,
}

/// What is to become of accounts that are taken up and not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// They are exported.
    Go,
    /// They are given back; others will be taken up later.
    Wait,
    /// They are given back, and that is all.
    End,
}

impl Shift {
    async fn new(
        setup: Arc<Setup>,
        campaign: &Campaign,
        depot: Depot,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, CampaignError> {
        let worker = random_id()?;
        let outage = Outage::new(setup.options.patience, stop.clone());
        let make = || async {
            depot.check().await?;
            Spool::make(depot.folder().unwrap_or(setup.state.path()), &worker)
        };
        let spool = outage.until_it_works(setup.observer.as_ref(), make, CampaignError::passes).await?;
        let recipients = &campaign.options.recipients;
        let lock = if recipients.is_empty() {
            None
        } else {
            let lock = Lock::recipients(recipients);
            Some(lock.map_err(|error| CampaignError::Recipient(error.to_string()))?)
        };
        let export = ExportOptions {
            created_at: Timestamp::from(campaign.created_at),
            created_by: setup.created_by.clone(),
            key_passphrase: None,
            lock,
        };
        let queue = Queue::new(&setup.store, campaign.id, worker, campaign.options.order);
        let source = Source::new(&setup.database);
        Ok(Self {
            setup,
            campaign: campaign.clone(),
            depot,
            queue,
            outage,
            source,
            spool,
            export,
            rests: Rests::new(),
            stop,
            hold: watch::Sender::new(Hold::Go),
            in_hand: std::sync::Mutex::default(),
        })
    }

    pub(super) fn observer(&self) -> &dyn Observer {
        self.setup.observer.as_ref()
    }

    /// Does something in the store, as often as needed.
    pub(super) async fn in_store<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, CampaignError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.outage.until_it_works(self.observer(), attempt, StoreError::passes).await
    }

    pub(super) fn hold(&self) -> Hold {
        *self.hold.borrow()
    }

    pub(super) fn watch_hold(&self) -> watch::Receiver<Hold> {
        self.hold.subscribe()
    }

    /// The accounts this worker knows to be its own.
    pub(super) fn in_hand(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn give_back(&self, claimed: &[Claimed]) -> Result<(), CampaignError> {
        self.in_store(|| self.queue.give_back(claimed)).await?;
        let mut in_hand = self.in_hand();
        for claimed in claimed {
            in_hand.remove(&claimed.user_id);
        }
        Ok(())
    }

    pub(super) fn count(&self, outcome: &Outcome) {
        self.in_hand().remove(&outcome.claimed.user_id);
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

    /// Works until the campaign ends or it is told to stop; `None` when the lease was lost.
    async fn run(self: Arc<Self>) -> Result<Option<Ended>, CampaignError> {
        let lease = self.setup.options.lease;
        self.in_store(|| self.queue.register(&self.setup.options.host, lease)).await?;
        let done = self.work().await;
        match done {
            Ok(done) => {
                self.in_store(|| self.queue.leave()).await?;
                Ok(done)
            }
            Err(error) => {
                // Without it, others wait for the lease to run out.
                _ = self.queue.leave().await;
                Err(error)
            }
        }
    }

    async fn work(self: &Arc<Self>) -> Result<Option<Ended>, CampaignError> {
        let (sender, receiver) = mpsc::channel(1);
        let receiver = Arc::new(Mutex::new(receiver));
        // Dropped, all of them end.
        let (mut lanes, mut keeping, mut feeding) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        for _ in 0..self.tasks() {
            let (shift, batches) = (Arc::clone(self), Arc::clone(&receiver));
            lanes.spawn(async move { shift.lane(&batches).await });
        }
        let (pulses, mut pulse) = watch::channel(None);
        let shift = Arc::clone(self);
        keeping.spawn(async move { shift.keep_lease(&pulses).await });
        let shift = Arc::clone(self);
        feeding.spawn(async move { Feeder::new(&shift, sender).feed().await });
        let mut stop = self.stop.clone();
        let ended = loop {
            let now: Option<Pulse> = *pulse.borrow_and_update();
            if now.is_some_and(|pulse| pulse.lost) {
                return Ok(None);
            }
            let state = now.map_or(CampaignState::Running, |pulse| pulse.state);
            let stopped = *stop.borrow();
            let over = matches!(state, CampaignState::Cancelled | CampaignState::Finished);
            self.hold.send_replace(match (stopped || over, state) {
                (true, _) => Hold::End,
                (false, CampaignState::Running) => Hold::Go,
                (false, _) => Hold::Wait,
            });
            if stopped || over {
                break Ended { state, stopped };
            }
            tokio::select! {
                Some(ended) = lanes.join_next() => ended.map_err(|_| CampaignError::Broken)??,
                Some(ended) = keeping.join_next() => ended.map_err(|_| CampaignError::Broken)??,
                Some(ended) = feeding.join_next() => {
                    ended.map_err(|_| CampaignError::Broken)??;
                    break Ended { state: CampaignState::Finished, stopped: false };
                }
                Ok(()) = pulse.changed() => {}
                Ok(_) = stop.wait_for(|stop| *stop) => {}
            }
        };
        // What is begun is finished, and the lease kept meanwhile.
        while let Some(fed) = feeding.join_next().await {
            fed.map_err(|_| CampaignError::Broken)??;
        }
        while let Some(lane) = lanes.join_next().await {
            lane.map_err(|_| CampaignError::Broken)??;
        }
        if ended.state == CampaignState::Finished && !ended.stopped {
            self.end_campaign().await?;
        }
        Ok(Some(ended))
    }

    pub(super) fn tasks(&self) -> usize {
        if self.setup.options.gentle { 1 } else { self.setup.options.tasks.max(1) }
    }

    async fn keep_lease(&self, pulses: &watch::Sender<Option<Pulse>>) -> Result<(), CampaignError> {
        let lease = self.setup.options.lease;
        let pause = (lease / 4).min(LOOK);
        let mut last = None;
        loop {
            let reason = self.outage.reason();
            let pulse = self.in_store(|| self.queue.pulse(lease, reason.as_deref())).await?;
            if last != Some(pulse.state) {
                self.observer().state(pulse.state);
                last = Some(pulse.state);
            }
            pulses.send_replace(Some(pulse));
            tokio::time::sleep(pause).await;
        }
    }

    /// One of the tasks that export.
    async fn lane(&self, batches: &Mutex<mpsc::Receiver<Vec<Claimed>>>) -> Result<(), CampaignError> {
        let memory = StoredSignatures::open(&self.setup.state).await;
        let mut desk = Desk { snapshot: None, memory };
        let mut care = Care::new(self);
        loop {
            let batch = loop {
                if self.source.is_crowded() {
                    // Another task may wait for it, with accounts that are not done before.
                    desk.snapshot = None;
                }
                let next = async { batches.lock().await.recv().await };
                if let Ok(batch) = tokio::time::timeout(LOOK, next).await {
                    break batch;
                }
            };
            let Some(batch) = batch else { return Ok(()) };
            self.batch(batch, &mut desk, &mut care).await?;
        }
    }

    async fn batch(
        &self,
        batch: Vec<Claimed>,
        desk: &mut Desk,
        care: &mut Care<'_>,
    ) -> Result<(), CampaignError> {
        self.room().await?;
        self.rests.begin();
        let mut ahead = self.read_ahead(&batch, desk).await?;
        let (mut ready, mut bytes) = (Vec::new(), 0);
        let mut left = batch.into_iter();
        while let Some(claimed) = left.next() {
            if self.hold() != Hold::Go {
                let rest: Vec<Claimed> = std::iter::once(claimed).chain(left).collect();
                self.give_back(&rest).await?;
                break;
            }
            let done = self.account(&claimed, desk, ahead.as_mut()).await?;
            bytes += done.outcome.written.as_ref().map_or(0, |written| written.bytes);
            ready.push(done);
            if bytes > READY_BYTES || self.setup.options.gentle {
                self.store(std::mem::take(&mut ready)).await?;
                bytes = 0;
                self.room().await?;
            }
            care.rest().await;
        }
        self.store(ready).await
    }

    /// Reads many small accounts at once. What does not go well is tried again account by account.
    async fn read_ahead(
        &self,
        batch: &[Claimed],
        desk: &mut Desk,
    ) -> Result<Option<ReadAhead>, CampaignError> {
        if batch.len() < 2 || self.hold() != Hold::Go {
            return Ok(None);
        }
        self.connect(desk).await?;
        let Some(snapshot) = desk.snapshot.as_mut() else { return Ok(None) };
        let users: Vec<i64> = batch.iter().map(|claimed| claimed.user_id).collect();
        let read = ReadAhead::read(snapshot, &users).await;
        if read.is_err() {
            // After a refused statement PostgreSQL takes no other one.
            desk.snapshot = None;
        }
        Ok(read.ok())
    }

    /// Waits until the disk of the archives is there, with room.
    async fn room(&self) -> Result<(), CampaignError> {
        let depot = &self.depot;
        let reserve = self.setup.options.reserve;
        let look = || async move {
            depot.check().await?;
            match depot.free_space()? {
                Some(free) if free < reserve => Err(DepotError::Full { place: depot.place() }),
                _ => Ok(()),
            }
        };
        self.outage.until_it_works(self.observer(), look, DepotError::is_of_the_depot).await
    }
}
