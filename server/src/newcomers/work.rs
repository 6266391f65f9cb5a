//! Background work: archives are checked, accounts imported, other pods notified, and unneeded data removed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use pappus_engine::arrivals::{ArrivalWorker, ArrivalWorkerSetup, StepReport};
use pappus_engine::delivery::{
    Clock as _, DeliveryError, Ledger, Options, Scope, SystemClock, TargetPod, deliver,
};
use pappus_engine::import::ContactCompletion;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{steps, trusted_pods};
use crate::app::App;
use crate::portal::until;

/// Interval between checks for what is due by time.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Interval between checks for friends who share again.
const FRIENDS_INTERVAL: Duration = Duration::from_secs(15);
/// Interval between clean-ups.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// Starts the background tasks, which run until `stop` is cancelled. Deliveries are also sent if the pod accepts no
/// newcomers: the command line may have announced moves.
pub fn start(app: &App, stop: &CancellationToken, tasks: &mut JoinSet<()>) {
    tasks.spawn(notify(app.clone(), stop.clone()));
    if !app.config.newcomers.enabled {
        return;
    }
    tasks.spawn(run(app.clone(), stop.clone()));
    tasks.spawn(until(stop.clone(), announce_due(app.clone())));
    tasks.spawn(until(stop.clone(), sweep(app.clone())));
    tasks.spawn(until(stop.clone(), super::mails::write(app.clone())));
}

async fn run(app: App, stop: CancellationToken) {
    let workers = app.config.newcomers.workers.max(1);
    let runner = app.clone();
    let setup = ArrivalWorkerSetup {
        newcomers: app.newcomers.table.clone(),
        run: Box::new(move |newcomer, fence, progress| {
            let app = runner.clone();
            async move { steps::run(&app, newcomer, &fence, &progress).await }.boxed()
        }),
        undo_pause: app.config.newcomers.undo_pause(),
        now: Arc::clone(&app.clock),
        observer: Box::new(log_outcome),
    };
    let worker = Arc::new(ArrivalWorker::new(setup, stop.clone()));
    app.newcomers.table.queue().work(workers, worker, stop).await;
}

fn log_outcome(newcomer: Option<i64>, report: &StepReport<'_>) {
    match report {
        StepReport::Stopped { problem, reason } => tracing::info!(newcomer, problem, "{reason}"),
        StepReport::Rescheduled(reason) => tracing::warn!(newcomer, "will be retried: {reason}"),
        StepReport::Died { deaths, cause } => {
            tracing::warn!(newcomer, deaths, "a process that worked on an archive died: {cause}");
        }
        StepReport::Lost => {
            tracing::info!(newcomer, "another worker has taken over, or the move was cancelled");
        }
        StepReport::Store(error) => tracing::error!(newcomer, "newcomers wait: {error}"),
    }
}

/// Ends pauses for undo.
async fn announce_due(app: App) {
    loop {
        if let Err(error) = app.newcomers.table.adjust_to_clock(app.now_millis()).await {
            tracing::warn!("times from before the clock was set back are not corrected yet: {error}");
        }
        if let Err(error) = app.newcomers.table.announce_due(app.now_millis()).await {
            tracing::warn!("announcements wait: {error}");
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn sweep(app: App) {
    loop {
        // The configured keys may have changed, and a check may have ended after a key was added.
        trusted_pods::apply(&app).await;
        if let Err(error) = sweep_once(&app).await {
            tracing::warn!("old uploads are not deleted yet: {error}");
        }
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}

async fn sweep_once(app: &App) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let service = &app.newcomers;
    service.table.expire(app.now_millis()).await?;
    super::tus::sweep(app).await?;
    for id in service.table.with_needless_files().await? {
        let files = service.files.clone();
        tokio::task::spawn_blocking(move || files.remove_all(id)).await??;
        service.space.release_all(id).await?;
        service.table.record_removed_files(id).await?;
    }
    let (files, now) = (service.files.clone(), app.now().into());
    tokio::task::spawn_blocking(move || files.sweep(now)).await??;
    Ok(())
}

/// Sends the ledger's deliveries, including announcements from the command line, and checks for returned friends.
async fn notify(app: App, stop: CancellationToken) {
    let mut checked_at: Option<Instant> = None;
    while !stop.is_cancelled() {
        let checks_friends = checked_at.is_none_or(|at| at.elapsed() >= FRIENDS_INTERVAL);
        match notify_once(&app, checks_friends, &stop).await {
            Ok(()) if checks_friends => checked_at = Some(Instant::now()),
            Ok(()) => {}
            Err(error) => tracing::warn!("deliveries wait: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Sends due deliveries; with `checks_friends`, even if none is due: those waiting for friends' return may become due.
async fn notify_once(app: &App, checks_friends: bool, stop: &CancellationToken) -> Result<(), DeliveryError> {
    let (Some(client), Some(pod)) = (app.newcomers.announcer.clone(), &app.config.pod) else { return Ok(()) };
    let (ledger, section) = (Ledger::new(&app.store), &app.config.newcomers);
    if section.assume_reachable {
        ledger.assume_reachable(SystemClock.now()).await?;
    }
    if ledger.due(Scope::All, SystemClock.now()).await? == 0 && !checks_friends {
        return Ok(());
    }
    let (store, stop, runtime) = (app.store.clone(), stop.clone(), tokio::runtime::Handle::current());
    let contacts = ContactCompletion::new(&pod.database, &pod.url, Some(client.clone()));
    let target = TargetPod::new(&pod.database, &pod.url).with_missing_contacts(Arc::new(contacts));
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
