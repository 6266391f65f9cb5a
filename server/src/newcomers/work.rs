//! Background work: archives are checked, accounts imported, other pods notified, and unneeded data removed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pappus_engine::delivery::{Clock as _, DeliveryError, Ledger, Options, SystemClock, TargetPod, deliver};
use pappus_engine::store::StoreError;
use pappus_engine::store::lease::{Kept, Worker, keep};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ledger::lease::{AfterImport, Found, Lease};
use super::steps::{self, Obstacle, Outcome, after_failure};
use crate::app::App;
use crate::portal::until;

/// Interval between checks for what is due by time.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Interval between checks for friends who share again.
const FRIENDS: Duration = Duration::from_secs(15);
/// Interval between clean-ups.
const SWEEP: Duration = Duration::from_mins(1);
/// Maximum number of processes that may die of one archive.
const MAX_CRASHES: i64 = 3;

/// Starts the background tasks, which run until `stop` is cancelled.
pub fn start(app: &App, stop: &CancellationToken, working: &mut JoinSet<()>) {
    if !app.config.newcomers.enabled {
        return;
    }
    working.spawn(run(app.clone(), stop.clone()));
    working.spawn(until(stop.clone(), announce_due(app.clone())));
    working.spawn(until(stop.clone(), sweep(app.clone())));
    working.spawn(until(stop.clone(), super::mails::write(app.clone())));
    working.spawn(tell(app.clone(), stop.clone()));
}

async fn run(app: App, stop: CancellationToken) {
    let tasks = app.config.newcomers.workers.max(1);
    let worker = Arc::new(StepWorker { app: app.clone(), stop: stop.clone() });
    app.newcomers.table.queue.work(tasks, worker, stop).await;
}

/// Ends pauses for undo.
async fn announce_due(app: App) {
    loop {
        if let Err(error) = app.newcomers.table.follow_the_clock(app.now_millis()).await {
            tracing::warn!("times of before the clock was set back stay: {error}");
        }
        if let Err(error) = app.newcomers.table.announce_due(app.now_millis()).await {
            tracing::warn!("announcements wait: {error}");
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn sweep(app: App) {
    loop {
        if let Err(error) = sweep_once(&app).await {
            tracing::warn!("old uploads stay for now: {error}");
        }
        tokio::time::sleep(SWEEP).await;
    }
}

async fn sweep_once(app: &App) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let room = &app.newcomers;
    room.table.expire(app.now_millis()).await?;
    super::tus::sweep(app).await?;
    for id in room.table.with_needless_files().await? {
        let files = room.files.clone();
        tokio::task::spawn_blocking(move || files.remove_all(id)).await??;
        room.space.release_all(id).await?;
        room.table.files_gone(id).await?;
    }
    let (files, now) = (room.files.clone(), app.now().into());
    tokio::task::spawn_blocking(move || files.sweep(now)).await??;
    Ok(())
}

/// Sends the ledger's deliveries, including announcements from the command line, and checks for returned friends.
async fn tell(app: App, stop: CancellationToken) {
    let mut looked: Option<Instant> = None;
    while !stop.is_cancelled() {
        let look = looked.is_none_or(|at| at.elapsed() >= FRIENDS);
        match tell_once(&app, look, &stop).await {
            Ok(()) if look => looked = Some(Instant::now()),
            Ok(()) => {}
            Err(error) => tracing::warn!("deliveries wait: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Sends due deliveries; with `look`, even if none is due: those waiting for friends' return may be due then.
async fn tell_once(app: &App, look: bool, stop: &CancellationToken) -> Result<(), DeliveryError> {
    let (Some(client), Some(pod)) = (app.newcomers.announcer.clone(), &app.config.pod) else { return Ok(()) };
    let (ledger, section) = (Ledger::new(&app.store), &app.config.newcomers);
    if section.assume_reachable {
        ledger.assume_reachable(SystemClock.now()).await?;
    }
    if ledger.due(SystemClock.now()).await? == 0 && !look {
        return Ok(());
    }
    let (store, stop, runtime) = (app.store.clone(), stop.clone(), tokio::runtime::Handle::current());
    let target = TargetPod::new(&pod.database, &pod.url);
    let options = Options {
        grace: Duration::from_hours(section.grace_hours.clamp(1, 168)),
        settle: Duration::from_secs(section.settle_seconds.min(86_400)),
        ..Options::default()
    };
    // In a blocking task, like all other work here.
    let sent = tokio::task::spawn_blocking(move || {
        runtime.block_on(deliver(&store, &client, Some(&target), &SystemClock, &options, stop))
    });
    if let Ok(sent) = sent.await {
        sent?;
    }
    Ok(())
}

struct StepWorker {
    app: App,
    stop: CancellationToken,
}

#[async_trait]
impl Worker for StepWorker {
    async fn next(&self) -> bool {
        match self.app.newcomers.table.acquire().await {
            Ok(Some(lease)) => {
                if let Err(error) = self.work_on(&lease).await {
                    // It is available again when the lease expires.
                    tracing::error!(newcomer = lease.newcomer.id, "{error}");
                }
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!("newcomers wait: {error}");
                false
            }
        }
    }
}

impl StepWorker {
    async fn work_on(&self, lease: &Lease) -> Result<(), StoreError> {
        let progress = Mutex::default();
        let step = steps::run(&self.app, lease.newcomer.id, lease.fence(), &progress);
        let heartbeat = || lease.heartbeat(*progress.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome = match keep(step, heartbeat, &self.stop).await {
            Kept::Done(outcome) => outcome,
            Kept::Lost | Kept::Stopped => Outcome::Released,
        };
        self.note(lease, outcome).await
    }

    /// Records the outcome.
    async fn note(&self, lease: &Lease, outcome: Outcome) -> Result<(), StoreError> {
        let now = self.app.now_millis();
        let noted = match outcome {
            Outcome::Checked { digests, old_account, proof, evidence, plan, key_locked } => {
                let found = Found {
                    digests: &digests,
                    old_account: &old_account,
                    proof: &proof,
                    evidence: &evidence,
                    plan: &plan,
                    key_locked,
                };
                lease.checked(&found, now).await?
            }
            Outcome::Imported { import, report, obstacle } => {
                let next = match &obstacle {
                    None => AfterImport::Announce { pause: self.app.config.newcomers.undo_pause() },
                    Some(Obstacle { problem, reason }) => AfterImport::Wait { problem, reason },
                };
                lease.imported(&import, &report, &next, now).await?
            }
            Outcome::Announced(announced) => lease.announced(&announced, now).await?,
            Outcome::Undone => lease.undone(now).await?,
            Outcome::TooLateToUndo => lease.too_late_to_undo(now).await?,
            Outcome::Stopped { to, problem, reason, evidence } => {
                tracing::info!(newcomer = lease.newcomer.id, problem, "{reason}");
                lease.stop(to, &problem, &reason, evidence.as_deref(), now).await?
            }
            Outcome::Unproven(evidence) => lease.unproven(&evidence, now).await?,
            Outcome::Later(reason) => self.retry(lease, &reason).await?,
            Outcome::Died(how) => self.died(lease, &how).await?,
            Outcome::Released => lease.release().await?,
        };
        if !noted {
            tracing::info!(newcomer = lease.newcomer.id, "somebody else has taken over");
        }
        Ok(())
    }

    /// Retries after a process died, which may have other causes; after repeated deaths the archive is the cause.
    async fn died(&self, lease: &Lease, how: &str) -> Result<bool, StoreError> {
        let (now, deaths, state) = (self.app.now_millis(), lease.newcomer.deaths + 1, lease.newcomer.state);
        tracing::warn!(
            newcomer = lease.newcomer.id,
            deaths,
            "a process that worked on an archive died: {how}"
        );
        if deaths >= MAX_CRASHES {
            let reason = format!("the work on the archive was started {deaths} times, and each time {how}");
            return lease.stop(after_failure(state), "too_heavy", &reason, None, now).await;
        }
        lease.died(&format!("the work on the archive was broken off: {how}")).await
    }

    async fn retry(&self, lease: &Lease, reason: &str) -> Result<bool, StoreError> {
        tracing::warn!(newcomer = lease.newcomer.id, "tried again later: {reason}");
        if lease.is_last() {
            let to = after_failure(lease.newcomer.state);
            return lease.stop(to, "away", reason, None, self.app.now_millis()).await;
        }
        lease.retry(reason).await
    }
}
