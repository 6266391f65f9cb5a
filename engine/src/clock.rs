//! The clock of long-running work. Tests replace it, so that four weeks pass in a moment.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Tells the time and waits.
pub trait Clock: Sync {
    /// Returns the current time.
    fn now(&self) -> DateTime<Utc>;
    /// Waits for the given time.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that programs pass in")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(time)
    }
}
