//! Spares a pod that people use: pauses, also in the middle of large accounts, no work at all while its database is
//! busy, and the lowest scheduling priority.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, setpriority_process};

use crate::campaign::Busy;
use crate::campaign::worker::session::{RunState, WorkerSession};
use crate::progress::Progress;

/// Time worked without a pause: too short for anybody to notice.
const STRETCH: Duration = Duration::from_millis(30);
/// Length of a pause, as a multiple of the time worked.
const RESTS: u32 = 4;
/// The lowest scheduling priority (nice 19).
const NICEST: i32 = 19;
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(4);
/// Interval at which it checks whether the database is still busy.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The longest wait for a busy database: some are always busy, and the export must end some day.
const MOST: Duration = Duration::from_secs(30);

/// The throttle of a worker task.
pub(in crate::campaign) struct Throttle<'a> {
    session: &'a WorkerSession,
    busy: Option<Busy>,
}

impl<'a> Throttle<'a> {
    pub(in crate::campaign) fn new(session: &'a WorkerSession) -> Self {
        Self { session, busy: None }
    }

    /// Pauses after an account, unless nobody needs to be spared.
    pub(in crate::campaign) async fn rest(&mut self) {
        if !self.session.setup.options.gentle {
            return;
        }
        tokio::time::sleep(self.session.duty_cycle.due()).await;
        self.session.duty_cycle.begin();
        let since = Instant::now();
        while since.elapsed() < MOST && self.session.run_state() == RunState::Running && self.is_busy().await
        {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn is_busy(&mut self) -> bool {
        if self.busy.is_none() {
            self.busy = Busy::open(&self.session.setup.database).await.ok();
        }
        let Some(busy) = &mut self.busy else { return false };
        let Ok(answer) = busy.is_busy().await else {
            // An unavailable database shows when the next account is read.
            self.busy = None;
            return false;
        };
        answer
    }
}

/// Pauses in the middle of accounts.
pub(in crate::campaign) struct DutyCycle(Mutex<Instant>);

impl DutyCycle {
    pub(in crate::campaign) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Returns the time worked since the last pause.
    fn worked(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Returns the length of the pause that is due.
    fn due(&self) -> Duration {
        self.worked().saturating_mul(RESTS).min(LONGEST)
    }

    /// Starts a new stretch of work.
    pub(in crate::campaign) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Progress for DutyCycle {
    /// Called between records, where only the thread can wait: it has only this one account.
    fn advance(&self, _: u64) {
        if self.worked() >= STRETCH {
            std::thread::sleep(self.due());
            self.begin();
        }
    }
}

/// Lowers the scheduling priority of all threads, and so of those that they will start.
pub(in crate::campaign) fn lower_priority() {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return };
    let numbers = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for thread in numbers.filter_map(Pid::from_raw) {
        // Without permission the priority remains.
        _ = setpriority_process(Some(thread), NICEST);
    }
}
