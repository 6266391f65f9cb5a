//! The clock the ledger goes by, so that four weeks pass in a moment when tests want it.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// What time it is, and waiting.
pub trait Clock: Sync {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
    /// Waits this long.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that programs hand in")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }
}
