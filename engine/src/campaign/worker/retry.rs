//! Waits for what all accounts need: the pod's database, the store, the depot.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, Pauses};
use crate::campaign::CampaignError;
use crate::campaign::worker::setup::Observer;

/// The pauses before retries.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));

/// Retries for a worker, within the time it may wait.
pub(in crate::campaign) struct Retry {
    patience: Duration,
    stop: CancellationToken,
    wait: Mutex<WaitState>,
}

/// The reason for waiting, shared by all tasks.
#[derive(Default)]
struct WaitState {
    reason: Option<String>,
    waiting_tasks: usize,
}

impl Retry {
    /// Creates retries that give up after `patience`, and end once `stop` is cancelled.
    pub(in crate::campaign) fn new(patience: Duration, stop: CancellationToken) -> Self {
        Self { patience, stop, wait: Mutex::default() }
    }

    /// Returns the reason for waiting, if any.
    pub(in crate::campaign) fn reason(&self) -> Option<String> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner).reason.clone()
    }

    /// Starts an operation that may have to wait.
    pub(in crate::campaign) fn begin<'a>(&'a self, observer: &'a dyn Observer) -> Waiting<'a> {
        Waiting { retry: self, observer, pauses: BACKOFF.pauses(), started_at: None }
    }

    /// Pauses without reporting an outage.
    ///
    /// # Errors
    /// [`CampaignError::Stopped`] when told to stop.
    pub(in crate::campaign) async fn sleep(&self, pause: Duration) -> Result<(), CampaignError> {
        let sleep = tokio::time::sleep(pause);
        self.stop.run_until_cancelled(sleep).await.ok_or(CampaignError::Stopped)
    }

    /// Repeats an operation until it succeeds, or fails with an error that is not temporary.
    pub(in crate::campaign) async fn until_ok<T, E, F>(
        &self,
        observer: &dyn Observer,
        mut attempt: impl FnMut() -> F,
        passes: impl Fn(&E) -> bool,
    ) -> Result<T, CampaignError>
    where
        F: Future<Output = Result<T, E>>,
        E: Into<CampaignError> + std::fmt::Display,
    {
        let mut waiting = self.begin(observer);
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) if !passes(&error) => return Err(error.into()),
                Err(error) => waiting.pause(&error.to_string()).await?,
            }
        }
    }
}

/// One task that may be waiting. The longer it waits, the longer its pauses.
pub(in crate::campaign) struct Waiting<'a> {
    retry: &'a Retry,
    observer: &'a dyn Observer,
    pauses: Pauses,
    started_at: Option<Instant>,
}

impl Waiting<'_> {
    /// Reports the reason and pauses.
    ///
    /// # Errors
    /// [`CampaignError::GivenUp`] when it has waited for the maximum time, [`CampaignError::Stopped`] when told to
    /// stop.
    pub(in crate::campaign) async fn pause(&mut self, reason: &str) -> Result<(), CampaignError> {
        let is_first = self.started_at.is_none();
        let since = *self.started_at.get_or_insert_with(Instant::now);
        let is_new = {
            let mut wait = self.retry.wait.lock().unwrap_or_else(PoisonError::into_inner);
            wait.waiting_tasks += usize::from(is_first);
            let is_new = wait.reason.as_deref() != Some(reason);
            wait.reason = Some(reason.to_owned());
            is_new
        };
        if is_new {
            self.observer.waits(reason);
        }
        let remaining = self.retry.patience.saturating_sub(since.elapsed());
        if remaining.is_zero() {
            return Err(CampaignError::GivenUp { reason: reason.to_owned(), waited: since.elapsed() });
        }
        let pause = self.pauses.next_pause().min(remaining);
        self.retry.sleep(pause).await
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.started_at.is_none() {
            return;
        }
        let mut wait = self.retry.wait.lock().unwrap_or_else(PoisonError::into_inner);
        wait.waiting_tasks -= 1;
        if wait.waiting_tasks == 0 {
            wait.reason = None;
            drop(wait);
            self.observer.resumes();
        }
    }
}
