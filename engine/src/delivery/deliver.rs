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
use super::writer::{Leased, Writer, patiently, write};
use crate::clock::Clock;
use crate::store::{Store, StoreError, random_id};

/// Options of delivery.
#[derive(Debug, Clone)]
pub struct Options {
    /// Continues, for weeks if necessary, until nothing is left to be sent.
    pub wait: bool,
    /// Number of concurrent deliveries.
    pub at_once: usize,
    /// Number of further concurrent deliveries once they take longer than `slow_after`.
    pub slow_at_once: usize,
    /// Number of concurrent deliveries to one pod.
    pub per_pod: usize,
    /// Time limit for an answer.
    pub timeout: Duration,
    /// Time after which a delivery counts as slow.
    pub slow_after: Duration,
    /// Time after which other programs take over a killed program's pods.
    pub lease: Duration,
    /// Time between looks for friends who are back, for edited profiles, and for deliveries queued by others.
    pub look_again: Duration,
    /// Time that a diaspora* pod which took the move gets to process it when no friend there is back: Contacts and
    /// profiles that overtake it would end friendships. At least [`Options::SHORTEST_GRACE`].
    pub grace: Duration,
    /// Time between the first friend's return on a pod and sending the rest there: others come back meanwhile.
    pub settle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: false,
            at_once: 100,
            slow_at_once: 400,
            per_pod: 2,
            timeout: Duration::from_secs(30),
            slow_after: Duration::from_secs(2),
            lease: Duration::from_mins(1),
            look_again: Duration::from_secs(15),
            grace: Duration::from_hours(12),
            settle: Duration::from_mins(1),
        }
    }
}

impl Options {
    /// Minimum time for pods that give no sign to process a move; their queues may be hours behind.
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
    /// Set if it ended because it was stopped.
    pub stopped: bool,
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

    fn tried(&self) -> u64 {
        self.delivered + self.rejected + self.postponed + self.dead
    }
}

/// Sends due deliveries; with [`Options::wait`], continues until nothing is left. `target` shows who is back and what
/// profiles say by now; without it, pods get all the time they may need, and the profiles that were queued. Once `stop` is cancelled, nothing new is sent, and it ends after the
/// deliveries in progress. Several programs may run this at once on the same database; they share the pods among
/// them.
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
        quick: Semaphore::new(options.at_once.max(1)),
        slow: Semaphore::new(options.slow_at_once),
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
        if work.stopped() {
            return Ok(Summary { stopped: true, ..summary });
        }
        let next = if work.options.wait { patiently(|| ledger.next_due()).await? } else { None };
        let Some(next) = next else {
            // Pods that have just taken a move answer for their people.
            return tolerate(complete_contacts(work).await).map(|()| summary);
        };
        let pause = (next - work.clock.now()).to_std().unwrap_or_default();
        // At least a second: a clock that is set back must not cause a busy loop.
        let pause = pause.max(Duration::from_secs(1)).min(work.options.look_again);
        tokio::select! {
            () = work.clock.sleep(pause) => {}
            () = work.stop.cancelled() => {}
        }
    }
}

/// Checks that new accounts are reachable from outside, who is back, whether profiles have been edited, which pods may have
/// lost a move, and which contacts can be completed.
async fn refresh<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<(), DeliveryError> {
    tolerate(refresh_once(work).await)
}

/// Lets an unavailable database be retried at the next look: waiting for the store is the sender's task.
fn tolerate(looked: Result<(), DeliveryError>) -> Result<(), DeliveryError> {
    match looked {
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

async fn refresh_later<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<(), DeliveryError> {
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
const LEASES: usize = 64;
/// Time between checks for newly due deliveries while slow pods are still in progress.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Sends what is due now, pod by pod in the order of their names, until nothing is found.
async fn send_due<T: Transport, C: Clock>(work: &Work<'_, T, C>) -> Result<Summary, DeliveryError> {
    let most = work.options.at_once.max(1) + work.options.slow_at_once;
    let (mut total, mut round) = (Summary::default(), Round::default());
    let mut tasks: FuturesUnordered<BoxFuture<'_, Result<Event, DeliveryError>>> = FuturesUnordered::new();
    let (mut running, mut leasing, mut looking) = (0, false, false);
    loop {
        if work.stopped() {
            if running == 0 && !leasing {
                return Ok(total);
            }
        } else if round.ended && running == 0 {
            if !round.useful() {
                return Ok(total);
            }
            round = Round::default();
        }
        if !round.ended && !leasing && running < most && !work.stopped() {
            let (after, limit) = (round.after.clone(), LEASES.min(most - running));
            let limit = i64::try_from(limit).unwrap_or(1);
            tasks.push(work.lease(after, limit).map(|leased| Ok(Event::Leased(leased))).boxed());
            leasing = true;
        }
        match tasks.next().await.transpose()? {
            Some(Event::Leased(leased)) => {
                leasing = false;
                running += leased.pods.len();
                round.ended = leased.after.is_none();
                round.after = leased.after.unwrap_or_default();
                for pod in leased.pods {
                    tasks.push(work.work_on(pod).map(|done| done.map(Event::Finished)).boxed());
                }
                if round.ended && !looking {
                    tasks.push(refresh_later(work).map(|looked| looked.map(|()| Event::Refresh)).boxed());
                    looking = true;
                }
            }
            Some(Event::Finished(done)) => {
                running -= 1;
                round.tried += done.tried();
                total.add(done);
            }
            Some(Event::Refresh) => {
                looking = false;
                if round.ended {
                    round = Round { tried: round.tried, ..Round::default() };
                }
            }
            None => return Ok(total),
        }
    }
}

/// One pass through all pods.
#[derive(Debug, Default)]
struct Round {
    after: String,
    ended: bool,
    /// Number of deliveries attempted.
    tried: u64,
}

impl Round {
    /// Returns whether another round may find something. After one that attempted nothing it would not.
    fn useful(&self) -> bool {
        self.tried > 0
    }
}
