//! Spares a pod that people use: it pauses, also within large accounts, does not work while the pod's database is busy,
//! and has the lowest scheduling priority.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, setpriority_process};

use crate::campaign::BusyCheck;
use crate::campaign::worker::session::{RunState, WorkerSession};
use crate::progress::Progress;

/// The time worked between two pauses; people do not notice such a short delay.
const WORK_SPAN: Duration = Duration::from_millis(30);
/// The length of a pause as a multiple of the time worked.
const PAUSE_FACTOR: u32 = 4;
/// The lowest scheduling priority (nice 19).
const LOWEST_PRIORITY: i32 = 19;
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// The interval at which the throttle checks whether the database is still busy.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The maximum wait while the database is busy. Some are always busy, and the export has to end at some time.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(30);

/// The throttle of a worker task.
pub(in crate::campaign) struct Throttle<'a> {
    session: &'a WorkerSession,
    busy: Option<BusyCheck>,
}

impl<'a> Throttle<'a> {
    pub(in crate::campaign) fn new(session: &'a WorkerSession) -> Self {
        Self { session, busy: None }
    }

    /// Pauses after an account if the worker is gentle.
    pub(in crate::campaign) async fn rest(&mut self) {
        if !self.session.setup.options.gentle {
            return;
        }
        tokio::time::sleep(self.session.duty_cycle.due()).await;
        self.session.duty_cycle.begin();
        let started = Instant::now();
        while started.elapsed() < MAX_BUSY_WAIT
            && self.session.run_state() == RunState::Running
            && self.is_busy().await
        {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn is_busy(&mut self) -> bool {
        if self.busy.is_none() {
            self.busy = BusyCheck::open(&self.session.setup.database).await.ok();
        }
        let Some(busy) = &mut self.busy else { return false };
        let Ok(is_busy) = busy.is_busy().await else {
            // If the database is unavailable, reading the next account reports it.
            self.busy = None;
            return false;
        };
        is_busy
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
        self.worked().saturating_mul(PAUSE_FACTOR).min(MAX_PAUSE)
    }

    /// Starts to measure the time worked.
    pub(in crate::campaign) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Progress for DutyCycle {
    /// Blocks the thread between records; it exports only this account.
    fn advance(&self, _: u64) {
        if self.worked() >= WORK_SPAN {
            std::thread::sleep(self.due());
            self.begin();
        }
    }
}

/// Lowers the scheduling priority of all threads; threads that they start inherit it.
pub(in crate::campaign) fn lower_priority() {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return };
    let thread_ids = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for thread in thread_ids.filter_map(Pid::from_raw) {
        // Without permission the priority remains.
        _ = setpriority_process(Some(thread), LOWEST_PRIORITY);
    }
}
