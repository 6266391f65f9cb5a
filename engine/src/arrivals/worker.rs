//! Takes the steps of moves that are due.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::lease::{AfterImport, CheckResult, NewcomerLease};
use super::records::State;
use super::steps::{Now, Obstacle, Outcome, TOO_HEAVY, after_failure};
use super::table::Newcomers;
use crate::progress::ProgressCounter;
use crate::store::StoreError;
use crate::store::lease::{Kept, Worker, keep};

/// Number of deaths of processes after which a step is given up. Deaths are counted over all archives of a newcomer:
/// after this number, each further archive has one attempt.
const MAX_DEATHS: i64 = 3;
/// Number of deaths after which no further archive of a newcomer is checked.
const MAX_TOTAL_DEATHS: i64 = 5;

/// Everything needed to take steps.
pub struct ArrivalWorkerSetup {
    /// The newcomers.
    pub newcomers: Newcomers,
    /// Runs a step.
    pub run: StepRunner,
    /// Time after an import in which it can be undone, before the move is announced.
    pub undo_pause: Duration,
    /// The current time.
    pub now: Now,
    /// Receives reports that need attention.
    pub observer: Observer,
}

/// Runs the step of the newcomer with this ID, under this fence, and counts its progress.
pub type StepRunner =
    Box<dyn Fn(i64, String, Arc<ProgressCounter>) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Receives reports that need attention, with the newcomer's ID; `None` if the store failed before it returned one.
pub type Observer = Box<dyn Fn(Option<i64>, &StepReport<'_>) + Send + Sync>;

/// A report that needs attention, after a step.
#[derive(Debug)]
pub enum StepReport<'a> {
    /// A person has to act.
    Stopped {
        /// Stable name of the problem.
        problem: &'a str,
        /// Description of the problem.
        reason: &'a str,
    },
    /// The step will be retried, for this reason.
    Rescheduled(&'a str),
    /// A process died.
    Died {
        /// Number of processes that died of the newcomer's archives.
        deaths: i64,
        /// The cause, as a clause.
        cause: &'a str,
    },
    /// Another worker has taken over the lease, or the step was cancelled.
    Lost,
    /// The store failed: the newcomer is available again when the lease expires.
    Store(&'a StoreError),
}

/// Takes steps, one for each newcomer at a time.
pub struct ArrivalWorker {
    setup: ArrivalWorkerSetup,
    stop: CancellationToken,
}

impl ArrivalWorker {
    /// Creates a worker that drops its work soon after `stop` is cancelled.
    pub fn new(setup: ArrivalWorkerSetup, stop: CancellationToken) -> Self {
        Self { setup, stop }
    }

    fn report(&self, lease: &NewcomerLease, report: &StepReport<'_>) {
        (self.setup.observer)(Some(lease.newcomer.id), report);
    }

    async fn work_on(&self, lease: &NewcomerLease) -> Result<(), StoreError> {
        let newcomer = &lease.newcomer;
        if newcomer.state == State::Checking && newcomer.deaths >= MAX_TOTAL_DEATHS {
            let outcome = Outcome::Stopped {
                to: State::Refused,
                problem: TOO_HEAVY.to_owned(),
                reason: format!("{} processes died of earlier archives: none is checked", newcomer.deaths),
                evidence: None,
            };
            return self.record(lease, outcome).await.map(drop);
        }
        let progress = Arc::new(ProgressCounter::default());
        let step = (self.setup.run)(lease.newcomer.id, lease.fence().to_owned(), Arc::clone(&progress));
        let outcome = match keep(step, || lease.heartbeat(progress.position()), &self.stop).await {
            Kept::Done(outcome) => outcome,
            Kept::Lost | Kept::Stopped => Outcome::Released,
        };
        if !self.record(lease, outcome).await? {
            self.report(lease, &StepReport::Lost);
        }
        Ok(())
    }

    /// Records the outcome; returns whether the lease was still held.
    async fn record(&self, lease: &NewcomerLease, outcome: Outcome) -> Result<bool, StoreError> {
        let now = (self.setup.now)().timestamp_millis();
        match outcome {
            Outcome::Checked { digests, old_account, proof, evidence, plan, key_locked } => {
                let result = CheckResult {
                    digests: &digests,
                    old_account: &old_account,
                    proof: &proof,
                    evidence: &evidence,
                    plan: &plan,
                    key_locked,
                };
                lease.checked(&result, now).await
            }
            Outcome::Imported { import, report, obstacle } => {
                let next = match &obstacle {
                    None => AfterImport::Announce { pause: self.setup.undo_pause },
                    Some(Obstacle { problem, reason }) => AfterImport::Wait { problem, reason },
                };
                lease.imported(&import, &report, &next, now).await
            }
            Outcome::Announced(announced) => lease.announced(&announced, now).await,
            Outcome::Undone => lease.undone(now).await,
            Outcome::TooLateToUndo => lease.too_late_to_undo(now).await,
            Outcome::Stopped { to, problem, reason, evidence } => {
                self.report(lease, &StepReport::Stopped { problem: &problem, reason: &reason });
                lease.stop(to, &problem, &reason, evidence.as_deref(), now).await
            }
            Outcome::Unproven(evidence) => lease.unproven(&evidence, now).await,
            Outcome::Unavailable(reason) => self.retry(lease, &reason, now).await,
            Outcome::Died(cause) => self.died(lease, &cause, now).await,
            Outcome::Released => lease.release().await,
        }
    }

    /// Retries after a process died, which may have other causes. After repeated deaths, the archive is considered the
    /// cause.
    async fn died(&self, lease: &NewcomerLease, cause: &str, now: i64) -> Result<bool, StoreError> {
        let (deaths, state) = (lease.newcomer.deaths + 1, lease.newcomer.state);
        self.report(lease, &StepReport::Died { deaths, cause });
        if deaths >= MAX_DEATHS {
            let reason = if deaths == MAX_DEATHS {
                format!("the work on the archive was started {deaths} times, and each time {cause}")
            } else {
                format!("processes died {deaths} times of the newcomer's archives; this time {cause}")
            };
            return lease.too_heavy(after_failure(state), &reason, now).await;
        }
        lease.died(&format!("the work on the archive was broken off: {cause}")).await
    }

    async fn retry(&self, lease: &NewcomerLease, reason: &str, now: i64) -> Result<bool, StoreError> {
        self.report(lease, &StepReport::Rescheduled(reason));
        if lease.is_last() {
            return lease.stop(after_failure(lease.newcomer.state), "away", reason, None, now).await;
        }
        lease.retry(reason).await
    }
}

#[async_trait]
impl Worker for ArrivalWorker {
    async fn next(&self) -> bool {
        match self.setup.newcomers.acquire().await {
            Ok(Some(lease)) => {
                if let Err(error) = self.work_on(&lease).await {
                    self.report(&lease, &StepReport::Store(&error));
                }
                true
            }
            Ok(None) => false,
            Err(error) => {
                (self.setup.observer)(None, &StepReport::Store(&error));
                false
            }
        }
    }
}
