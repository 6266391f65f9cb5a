//! Background work of the portal: creates archives, writes mails, and removes what has expired.

use std::sync::Arc;
use std::time::Duration;

use pappus_engine::departures::{ArchiveWorker, ArchiveWorkerSetup, JobOutcome, RequestError, Requests};
use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{App, StartError};
use crate::mail::{self, OutboxError};
use crate::place::RESERVE_BYTES;

/// Interval between checks for people to notify.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Interval between removals of what has expired.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// Number of people notified at a time.
const BATCH_PEOPLE: u32 = 100;
/// Pause after the archive worker could not be opened.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// The nice value of background threads, so that pages come first.
const NICENESS: i32 = 10;

/// The background tasks.
///
/// They run on threads of their own with a lower priority: creating archives would otherwise keep all cores busy, and
/// pages slow.
pub struct BackgroundTasks {
    tasks: JoinSet<()>,
    threads: Option<Runtime>,
}

impl BackgroundTasks {
    /// Waits until all tasks have stopped: open work is finished, or released after some seconds.
    pub async fn end(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for BackgroundTasks {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

fn lower_priority() {
    // Without the permission, the priority does not change.
    _ = setpriority_process(None, NICENESS);
}

/// Starts the work, until `stop` is cancelled.
///
/// # Errors
/// [`StartError::Threads`].
pub fn start(app: &App, stop: &CancellationToken) -> Result<BackgroundTasks, StartError> {
    let threads = Builder::new_multi_thread()
        .enable_all()
        .thread_name("work")
        .on_thread_start(lower_priority)
        .build()
        .map_err(StartError::Threads)?;
    // Tasks spawned from here on run on these threads.
    let guard = threads.enter();
    if let Err(error) = app.portal.converted.wipe_unfinished() {
        tracing::warn!("partial conversions are not deleted yet: {error}");
    }
    let mut tasks = JoinSet::new();
    if app.config.closing.enabled {
        tasks.spawn(create_archives(app.clone(), stop.clone()));
        tasks.spawn(until(stop.clone(), notify(app.clone())));
    }
    // Also after the portal was switched off: archives are not kept longer than people were told.
    tasks.spawn(until(stop.clone(), sweep(app.clone())));
    tasks.spawn(mail::send(app.clone(), stop.clone()));
    crate::board::start(app, stop, &mut tasks);
    crate::newcomers::start(app, stop, &mut tasks);
    drop(guard);
    Ok(BackgroundTasks { tasks, threads: Some(threads) })
}

/// Runs `work` until `stop` is cancelled.
pub(crate) async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    _ = stop.run_until_cancelled(work).await;
}

/// Creates archives.
async fn create_archives(app: App, stop: CancellationToken) {
    let workers = app.config.archives.workers.max(1);
    let worker = loop {
        if stop.is_cancelled() {
            return;
        }
        match open_worker(&app, stop.clone()) {
            Ok(Some(worker)) => break Arc::new(worker),
            Ok(None) => return,
            Err(error) => {
                tracing::error!("no archives can be created: {error}");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    };
    app.portal.requests.queue().work(workers, worker, stop).await;
}

/// Opens the archive worker; `None` without a pod.
fn open_worker(app: &App, stop: CancellationToken) -> Result<Option<ArchiveWorker>, RequestError> {
    let Some(pod) = &app.config.pod else { return Ok(None) };
    let setup = ArchiveWorkerSetup {
        requests: app.portal.requests.clone(),
        database: pod.database.clone(),
        pod: pod.url.clone(),
        photos: pod.uploads.clone(),
        state: app.config.state.clone(),
        depot: app.depot.clone(),
        keys: app.keys.clone(),
        created_by: format!("pappus {}", env!("CARGO_PKG_VERSION")),
        keep_for: Duration::from_hours(24) * app.config.archives.days,
        reserve: RESERVE_BYTES,
        observer: Box::new(log_outcome),
    };
    ArchiveWorker::open(setup, stop).map(Some)
}

fn log_outcome(id: Option<i64>, outcome: &Result<JobOutcome, RequestError>) {
    match outcome {
        Ok(JobOutcome::Nothing) => {}
        Ok(JobOutcome::Done) => tracing::info!(request = id, "an archive was created"),
        Ok(JobOutcome::Failed(reason)) => {
            tracing::error!(request = id, "an archive could not be created: {reason}");
        }
        Ok(JobOutcome::Rescheduled(reason)) => tracing::warn!(request = id, "will be retried: {reason}"),
        Ok(other) => tracing::info!(request = id, "{other:?}"),
        Err(error) => tracing::error!(request = id, "{error}"),
    }
}

/// Notifies people whose archive is ready.
async fn notify(app: App) {
    loop {
        if let Err(error) = notify_once(&app, &app.portal.requests).await {
            tracing::warn!("mails are not queued yet: {error}");
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn notify_once(app: &App, requests: &Requests) -> Result<(), OutboxError> {
    for request in requests.unnotified(BATCH_PEOPLE).await? {
        // Queued under a unique key: repeating it has no effect.
        mail::archive_ended(app, &request).await?;
        requests.mark_notified(request.id).await?;
    }
    Ok(())
}

/// Removes what has expired.
async fn sweep(app: App) {
    loop {
        if let Err(error) = app.portal.requests.sweep(&app.depot).await {
            tracing::warn!("expired archives are not deleted yet: {error}");
        }
        if let Err(error) = app.portal.converted.sweep(app.now().into()) {
            tracing::warn!("converted files are not deleted yet: {error}");
        }
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}
