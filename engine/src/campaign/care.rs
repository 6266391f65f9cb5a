//! Sparing a pod that people use: a rest after each account, and none at all while its database is busy.

use std::time::{Duration, Instant};

use super::Busy;
use super::worker::{Hold, Shift};

/// The longest rest. Otherwise it rests as long as it has worked, so half of the time nothing happens.
const LONGEST: Duration = Duration::from_secs(2);
/// How often it looks again whether the database is still busy.
const LOOK: Duration = Duration::from_millis(500);
/// The longest time it waits for a busy database: some are always busy, and the export must end some day.
const MOST: Duration = Duration::from_secs(30);

/// What gentle work keeps in mind.
pub(super) struct Care<'a> {
    shift: &'a Shift,
    busy: Option<Busy>,
}

impl<'a> Care<'a> {
    pub(super) fn new(shift: &'a Shift) -> Self {
        Self { shift, busy: None }
    }

    /// Rests after so much work, unless nobody needs to be spared.
    pub(super) async fn rest(&mut self, worked: Duration) {
        if !self.shift.setup.options.gentle {
            return;
        }
        tokio::time::sleep(worked.min(LONGEST)).await;
        let since = Instant::now();
        while since.elapsed() < MOST && self.shift.hold() == Hold::Go && self.is_busy().await {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn is_busy(&mut self) -> bool {
        if self.busy.is_none() {
            self.busy = Busy::open(&self.shift.setup.database).await.ok();
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
