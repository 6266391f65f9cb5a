//! Processes the ledger.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::ledger::Ledger;
use super::pod::Work;
use super::records::{DeliveryError, DeliveryState};
use super::target::TargetPod;
use super::transport::Transport;
use super::writer::{Leased, Writer, with_retries, write};
use crate::clock::Clock;
use crate::store::{Store, StoreError, random_id};

/// Options of delivery.
#[derive(Debug, Clone)]
pub struct Options {
    /// Continues, for weeks if necessary, until nothing is left to be sent.
    pub wait: bool,
    /// Number of concurrent deliveries.
    pub concurrency: usize,
    /// Number of further concurrent deliveries once they take longer than `slow_after`.
    pub slow_concurrency: usize,
    /// Number of concurrent deliveries to one pod.
    pub per_pod: usize,
    /// Time limit for an answer.
    pub timeout: Duration,
    /// Time after which a delivery counts as slow.
    pub slow_after: Duration,
    /// Time after which other programs take over a killed program's pods.
    pub lease: Duration,
    /// Time between two checks for friends who are back, edited profiles, and deliveries queued by other programs.
    pub check_interval: Duration,
    /// Time that a diaspora* pod gets to process an accepted move if none of the friends there is back: Contacts and
    /// profiles that overtake the move would end friendships. At least [`Options::SHORTEST_GRACE`].
    pub grace: Duration,
    /// Time between the return of a pod's first friends and the remaining deliveries to it, in which others come back.
    pub settle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: false,
            concurrency: 100,
            slow_concurrency: 400,
            per_pod: 2,
            timeout: Duration::from_secs(30),
            slow_after: Duration::from_secs(2),
            lease: Duration::from_mins(1),
            check_interval: Duration::from_secs(15),
            grace: Duration::from_hours(12),
            settle: Duration::from_mins(1),
        }
    }
}

impl Options {
    /// The minimum time in which pods without an echo process a move; their queues may be hours behind.
    pub const SHORTEST_GRACE: Duration = Duration::from_hours(1);

    pub(super) fn grace(&self) -> TimeDelta {
        TimeDelta::from_std(self.grace.max(Self::SHORTEST_GRACE)).unwrap_or(TimeDelta::days(1))
    }

    fn settle(&self) -> TimeDelta {
        TimeDelta::from_std(self.settle).unwrap_or_default()
    }

    pub(super) fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.lease).unwrap_or(TimeDelta::minutes(1))
    }
}

/// Summary of one call of [`deliver`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Number of attempts that a pod accepted.
    pub delivered: u64,
    /// Number of attempts that a pod refused permanently.
    pub rejected: u64,
    /// Number of attempts to be retried.
    pub postponed: u64,
    /// Number of deliveries given up after four weeks.
    pub dead: u64,
    /// True if the call ended because it was stopped.
    #[serde(rename = "stopped")]
    pub is_stopped: bool,
}

impl Summary {
    pub(super) fn count(&mut self, state: DeliveryState) {
        match state {
            DeliveryState::Delivered => self.delivered += 1,
            DeliveryState::Rejected => self.rejected += 1,
            DeliveryState::Dead => self.dead += 1,
            DeliveryState::Queued => self.postponed += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.rejected += other.rejected;
        self.postponed += other.postponed;
        self.dead += other.dead;
    }

    fn attempts(&self) -> u64 {
        self.delivered + self.rejected + self.postponed + self.dead
    }
}

/// Sends due deliveries; with [`Options::wait`], continues until nothing is left. `target` is read for friends who
/// are back and for edited profiles; without it, each pod gets the whole grace and the profiles that were queued.
/// Once `stop` is cancelled, it starts no further deliveries, and returns when those in progress are finished.
/// Several programs may run it at the same time on the same database; they divide the pods among them.
///
/// Memory use does not depend on the number of deliveries.
///
/// # Errors
/// [`DeliveryError::Store`] if the ledger cannot be read or written, even after half a minute of retries.
pub async fn deliver<T: Transport, C: Clock>(
    store: &Store,
    transport: &T,
    target: Option<&TargetPod>,
    clock: &C,
    options: &Options,
    stop: CancellationToken,
) -> Result<Summary, DeliveryError> {
    let owner = random_id()?;
    let (writer, jobs) = Writer::new();
    let work = Work {
        store,
        transport,
        target,
        clock,
        options,
        stop,
        writer,
        permits: Semaphore::new(options.concurrency.max(1)),
        slow_permits: Semaphore::new(options.slow_concurrency),
    };
    tokio::select! {
        // Ends only on failure: `work` outlives it.
        written = write(store, &owner, jobs).boxed() => written.map(|()| Summary::default()),
        summary = run(&work).boxed() => summary,
    }
}

async fn run<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<Summary, DeliveryError> {
    let mut summary = Summary::default();
    let ledger = Ledger::new(work.store);
    loop {
        refresh(work).await?;
        summary.add(send_due(work).await?);
        if work.is_stopped() {
            return Ok(Summary { is_stopped: true, ..summary });
        }
        let next = if work.options.wait { with_retries(|| ledger.next_due()).await? } else { None };
        let Some(next) = next else {
            // Pods that have just accepted a move also answer lookups of their people.
            return tolerate(complete_contacts(work).await).map(|()| summary);
        };
        let pause = (next - work.clock.now()).to_std().unwrap_or_default();
        // At least a second: a clock that is set back must not cause a busy loop.
        let pause = pause.max(Duration::from_secs(1)).min(work.options.check_interval);
        tokio::select! {
            () = work.clock.sleep(pause) => {}
            () = work.stop.cancelled() => {}
        }
    }
}

/// Checks the reachability of new accounts, and the target pod for friends who are back and for edited profiles. Then
/// queues moves that pods may have lost, and completes contacts.
async fn refresh<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<(), DeliveryError> {
    tolerate(refresh_once(work).await)
}

/// Ignores an unavailable database until the next check: only sending retries failed statements of the store.
fn tolerate(result: Result<(), DeliveryError>) -> Result<(), DeliveryError> {
    match result {
        Err(DeliveryError::Target(_) | DeliveryError::Store(StoreError::Statement { .. })) => Ok(()),
        other => other,
    }
}

async fn refresh_once<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<(), DeliveryError> {
    let (ledger, now) = (Ledger::new(work.store), work.clock.now());
    ledger.check_reachability(work.transport, now).await?;
    if let Some(target) = work.target {
        target.record_friends(work.store, now, work.options.settle()).await?;
        target.renew_profiles(work.store, now).await?;
    }
    ledger.repeat_moves(now).await?;
    complete_contacts(work).await
}

async fn complete_contacts<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<(), DeliveryError> {
    match work.target {
        Some(target) => target.complete_contacts(work.store, work.clock.now()).await,
        None => Ok(()),
    }
}

async fn refresh_after_pause<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<(), DeliveryError> {
    tokio::time::sleep(POLL_INTERVAL).await;
    refresh(work).await
}

enum Event {
    /// More pods with due deliveries.
    Leased(Leased),
    /// A pod is finished.
    Finished(Summary),
    /// Time to check for newly due deliveries.
    Refresh,
}

/// Largest number of pods leased in one statement.
const BATCH_PODS: usize = 64;
/// Time between checks for newly due deliveries while slow pods are still in progress.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Sends the deliveries that are due now, pod by pod in the order of their names, until none is left.
async fn send_due<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<Summary, DeliveryError> {
    let max_pods = work.options.concurrency.max(1) + work.options.slow_concurrency;
    let (mut total, mut round) = (Summary::default(), Round::default());
    let mut tasks: FuturesUnordered<BoxFuture<'_, Result<Event, DeliveryError>>> = FuturesUnordered::new();
    let (mut running_pods, mut is_leasing, mut is_refreshing) = (0, false, false);
    loop {
        if work.is_stopped() {
            if running_pods == 0 && !is_leasing {
                return Ok(total);
            }
        } else if round.is_complete && running_pods == 0 {
            if !round.has_attempts() {
                return Ok(total);
            }
            round = Round::default();
        }
        if !round.is_complete && !is_leasing && running_pods < max_pods && !work.is_stopped() {
            let (cursor, limit) = (round.cursor.clone(), BATCH_PODS.min(max_pods - running_pods));
            let limit = i64::try_from(limit).unwrap_or(1);
            tasks.push(work.lease(cursor, limit).map(|leased| Ok(Event::Leased(leased))).boxed());
            is_leasing = true;
        }
        match tasks.next().await.transpose()? {
            Some(Event::Leased(leased)) => {
                is_leasing = false;
                running_pods += leased.pods.len();
                round.is_complete = leased.cursor.is_none();
                round.cursor = leased.cursor.unwrap_or_default();
                for pod in leased.pods {
                    tasks.push(work.work_on(pod).map(|summary| summary.map(Event::Finished)).boxed());
                }
                if round.is_complete && !is_refreshing {
                    let refresh = refresh_after_pause(work);
                    tasks.push(refresh.map(|result| result.map(|()| Event::Refresh)).boxed());
                    is_refreshing = true;
                }
            }
            Some(Event::Finished(summary)) => {
                running_pods -= 1;
                round.attempts += summary.attempts();
                total.add(summary);
            }
            Some(Event::Refresh) => {
                is_refreshing = false;
                if round.is_complete {
                    round = Round { attempts: round.attempts, ..Round::default() };
                }
            }
            None => return Ok(total),
        }
    }
}

/// One pass through all pods.
#[derive(Debug, Default)]
struct Round {
    /// Name of the last pod that was leased; initially empty.
    cursor: String,
    is_complete: bool,
    /// Number of deliveries attempted.
    attempts: u64,
}

impl Round {
    /// Returns whether a delivery was attempted; otherwise another round would find nothing either.
    fn has_attempts(&self) -> bool {
        self.attempts > 0
    }
}
