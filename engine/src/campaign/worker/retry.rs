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
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    reason: Option<String>,
    waiting: usize,
}

impl Retry {
    /// Once `stop` is cancelled, all waiting ends.
    pub(in crate::campaign) fn new(patience: Duration, stop: CancellationToken) -> Self {
        Self { patience, stop, now: Mutex::default() }
    }

    /// Returns the reason for waiting, if any.
    pub(in crate::campaign) fn reason(&self) -> Option<String> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).reason.clone()
    }

    /// Starts an operation that may have to wait.
    pub(in crate::campaign) fn begin<'a>(&'a self, observer: &'a dyn Observer) -> Waiting<'a> {
        Waiting { retry: self, observer, pauses: BACKOFF.pauses(), since: None }
    }

    /// Pauses without reporting an outage.
    ///
    /// # Errors
    /// [`CampaignError::Stopped`] when told to stop.
    pub(in crate::campaign) async fn rest(&self, pause: Duration) -> Result<(), CampaignError> {
        let rest = tokio::time::sleep(pause);
        self.stop.run_until_cancelled(rest).await.ok_or(CampaignError::Stopped)
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
                Ok(done) => return Ok(done),
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
    since: Option<Instant>,
}

impl Waiting<'_> {
    /// Reports the reason and pauses.
    ///
    /// # Errors
    /// [`CampaignError::GivenUp`] when it has waited long enough, [`CampaignError::Stopped`] when told to stop.
    pub(in crate::campaign) async fn pause(&mut self, reason: &str) -> Result<(), CampaignError> {
        let begun = self.since.is_none();
        let since = *self.since.get_or_insert_with(Instant::now);
        let new = {
            let mut now = self.retry.now.lock().unwrap_or_else(PoisonError::into_inner);
            now.waiting += usize::from(begun);
            let new = now.reason.as_deref() != Some(reason);
            now.reason = Some(reason.to_owned());
            new
        };
        if new {
            self.observer.waits(reason);
        }
        let left = self.retry.patience.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Err(CampaignError::GivenUp { reason: reason.to_owned(), waited: since.elapsed() });
        }
        let pause = self.pauses.next_pause().min(left);
        self.retry.rest(pause).await
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.since.is_none() {
            return;
        }
        let mut now = self.retry.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.waiting -= 1;
        if now.waiting == 0 {
            now.reason = None;
            drop(now);
            self.observer.resumes();
        }
    }
}
