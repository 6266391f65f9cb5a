//! A clock that jumps wherever somebody sleeps to, while the pods go on working.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use pappus_engine::delivery::{Clock, SystemClock};
use pappus_engine::domain::Timestamp;

use super::home::Home;
use super::world::World;

/// See the module.
#[derive(Debug)]
pub struct TwinClock {
    now: AtomicI64,
    world: World,
    home: Home,
}

/// No pod is left without work for longer while somebody sleeps.
const STEP: i64 = 5_000;

impl TwinClock {
    /// Begins an hour from now. Programs of a scene run by the real clock: what they announced is due by then,
    /// on whatever day the tests run.
    pub fn new(world: &World, home: &Home) -> Self {
        let start = (SystemClock.now() + TimeDelta::hours(1)).timestamp_millis();
        Self { now: AtomicI64::new(start), world: world.clone(), home: home.clone() }
    }

    /// Milliseconds since 1970.
    pub fn millis(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    /// Lets this much time pass.
    ///
    /// # Panics
    /// When the target pod's database fails.
    #[expect(clippy::panic, reason = "a test is over when its database is gone")]
    pub async fn pass(&self, time: TimeDelta) {
        let end = self.millis() + time.num_milliseconds();
        while self.millis() < end {
            let now = (self.millis() + STEP).min(end);
            self.now.store(now, Ordering::SeqCst);
            let echoes = self.world.work(now);
            if let Err(error) = self.home.take(&echoes, Timestamp::from(self.now())).await {
                panic!("the target pod: {error}");
            }
        }
    }
}

impl Clock for TwinClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis()).unwrap_or_default()
    }

    async fn sleep(&self, time: Duration) {
        self.pass(TimeDelta::from_std(time).unwrap_or_default()).await;
        tokio::task::yield_now().await;
    }
}
