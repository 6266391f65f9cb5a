//! Sparing a pod that people use: rests, also in the middle of large accounts, no work at all while its database is
//! busy, and the lowest priority for the processor.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, setpriority_process};

use crate::campaign::Busy;
use crate::campaign::worker::session::{RunState, WorkerSession};
use crate::export::Progress;

/// How long it works without a rest: shorter than anybody notices.
const STRETCH: Duration = Duration::from_millis(30);
/// How many times as long as it has worked it rests.
const RESTS: u32 = 4;
/// As many as there are: a priority above which everybody else is.
const NICEST: i32 = 19;
/// The longest rest.
const LONGEST: Duration = Duration::from_secs(4);
/// How often it looks again whether the database is still busy.
const LOOK: Duration = Duration::from_millis(500);
/// The longest time it waits for a busy database: some are always busy, and the export must end some day.
const MOST: Duration = Duration::from_secs(30);

/// What gentle work keeps in mind.
pub(in crate::campaign) struct Throttle<'a> {
    session: &'a WorkerSession,
    busy: Option<Busy>,
}

impl<'a> Throttle<'a> {
    pub(in crate::campaign) fn new(session: &'a WorkerSession) -> Self {
        Self { session, busy: None }
    }

    /// Rests after an account, unless nobody needs to be spared.
    pub(in crate::campaign) async fn rest(&mut self) {
        if !self.session.setup.options.gentle {
            return;
        }
        tokio::time::sleep(self.session.duty_cycle.due()).await;
        self.session.duty_cycle.begin();
        let since = Instant::now();
        while since.elapsed() < MOST && self.session.run_state() == RunState::Running && self.is_busy().await
        {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn is_busy(&mut self) -> bool {
        if self.busy.is_none() {
            self.busy = Busy::open(&self.session.setup.database).await.ok();
        }
        let Some(busy) = &mut self.busy else { return false };
        let Ok(answer) = busy.is_busy().await else {
            // A database that is away shows when the next account is read.
            self.busy = None;
            return false;
        };
        answer
    }
}

/// Rests in the middle of accounts.
pub(in crate::campaign) struct DutyCycle(Mutex<Instant>);

impl DutyCycle {
    pub(in crate::campaign) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// How long it has worked since the last rest.
    fn worked(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// How long a rest is due.
    fn due(&self) -> Duration {
        self.worked().saturating_mul(RESTS).min(LONGEST)
    }

    /// The rest is over.
    pub(in crate::campaign) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Progress for DutyCycle {
    /// Heard between records, where nothing can be waited for but by the thread: it has only this one account.
    fn advance(&self, _: u64) {
        if self.worked() >= STRETCH {
            std::thread::sleep(self.due());
            self.begin();
        }
    }
}

/// Lets everybody else have the processor first: all threads there are, and those that they will begin.
pub(in crate::campaign) fn lower_priority() {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return };
    let numbers = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for thread in numbers.filter_map(Pid::from_raw) {
        // Whoever may not be nicer is as nice as before.
        _ = setpriority_process(Some(thread), NICEST);
    }
}
