//! Claims accounts and passes them to the tasks that export.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::campaign::CampaignError;
use crate::campaign::ledger::queue::Cursor;
use crate::campaign::ledger::records::Claimed;
use crate::campaign::worker::session::{POLL_INTERVAL, RunState, WorkerSession};

/// Accounts read together, at most.
const BATCH: usize = 50;
/// Approximate records of accounts that are read together.
const RECORDS: i64 = 5000;
/// The same when the pod is spared, so that no statement occupies its database for long.
const GENTLE: (usize, i64) = (10, 500);
/// One claim should keep the tasks busy for a time between these.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(5);

/// Claims accounts, not many more than the tasks can process, so that other workers get theirs.
pub(in crate::campaign) struct Feeder<'a> {
    session: &'a WorkerSession,
    sender: mpsc::Sender<Vec<Claimed>>,
    run_state: watch::Receiver<RunState>,
    waiting: VecDeque<Vec<Claimed>>,
    place: Option<Cursor>,
    limit: usize,
    last: Instant,
}

impl<'a> Feeder<'a> {
    pub(in crate::campaign) fn new(session: &'a WorkerSession, sender: mpsc::Sender<Vec<Claimed>>) -> Self {
        let limit = session.tasks() * 2;
        let run_state = session.watch_run_state();
        Self {
            session,
            sender,
            run_state,
            waiting: VecDeque::new(),
            place: None,
            limit,
            last: Instant::now(),
        }
    }

    /// Feeds the tasks until nothing is left to do, or the worker is stopped.
    pub(in crate::campaign) async fn feed(mut self) -> Result<(), CampaignError> {
        loop {
            match self.session.run_state() {
                RunState::Running => {}
                run_state => {
                    self.release().await?;
                    if run_state == RunState::Stopping {
                        return Ok(());
                    }
                    // Only the session can close the channel, and it lives longer.
                    _ = self.run_state.wait_for(|now| *now != RunState::Paused).await;
                    continue;
                }
            }
            let sender = self.sender.clone();
            let permit = tokio::select! {
                permit = sender.reserve() => permit.map_err(|_| CampaignError::Broken)?,
                _ = self.run_state.wait_for(|now| *now != RunState::Running) => continue,
            };
            if self.waiting.is_empty() {
                self.claim().await?;
            }
            if let Some(batch) = self.waiting.pop_front() {
                permit.send(batch);
                continue;
            }
            drop(permit);
            if !self.session.in_store(|| self.session.queue.is_open()).await? {
                return Ok(());
            }
            // Other workers, or this one's tasks, are processing the last accounts.
            tokio::select! {
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                _ = self.run_state.wait_for(|now| *now != RunState::Running) => {}
            }
        }
    }

    async fn claim(&mut self) -> Result<(), CampaignError> {
        let most = self.session.tasks() * BATCH * 2;
        self.limit = match self.last.elapsed() {
            time if time < SHORT => (self.limit * 2).min(most),
            time if time > LONG => (self.limit / 2).max(self.session.tasks()),
            _ => self.limit,
        };
        let mut waiting = self.session.retry.begin(self.session.observer());
        loop {
            let claimed = self.session.queue.claim(self.limit, self.place).await;
            let (claimed, place) = match claimed {
                Ok(claimed) => claimed,
                Err(error) if !error.passes() => return Err(error.into()),
                Err(error) => {
                    waiting.pause(&error.to_string()).await?;
                    let known: Vec<i64> = self.session.leased_accounts().iter().copied().collect();
                    self.session.in_store(|| self.session.queue.release_unknown(&known)).await?;
                    continue;
                }
            };
            self.last = Instant::now();
            // Nothing is left after the position; accounts that others released may be before it.
            let again = claimed.is_empty() && self.place.is_some();
            self.place = place;
            if again {
                continue;
            }
            self.session.leased_accounts().extend(claimed.iter().map(|claimed| claimed.user_id));
            let limits = if self.session.setup.options.gentle { GENTLE } else { (BATCH, RECORDS) };
            self.waiting = batches(claimed, limits, self.session.tasks());
            return Ok(());
        }
    }

    async fn release(&mut self) -> Result<(), CampaignError> {
        let all: Vec<Claimed> = self.waiting.drain(..).flatten().collect();
        // Released accounts are before the position.
        self.place = None;
        if all.is_empty() { Ok(()) } else { self.session.release(&all).await }
    }
}

/// Groups accounts in their order, small ones together, so that every task gets some.
fn batches(claimed: Vec<Claimed>, (most, records): (usize, i64), tasks: usize) -> VecDeque<Vec<Claimed>> {
    let most = most.min(claimed.len().div_ceil(tasks.max(1))).max(1);
    let mut batches = VecDeque::new();
    let (mut batch, mut size) = (Vec::new(), 0);
    for account in claimed {
        // An account without records has some forty rows of its own.
        let own = account.size.saturating_add(40);
        if !batch.is_empty() && (batch.len() >= most || size + own > records) {
            batches.push_back(std::mem::take(&mut batch));
            size = 0;
        }
        size += own;
        batch.push(account);
    }
    if !batch.is_empty() {
        batches.push_back(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user_id: i64, size: i64) -> Claimed {
        let (username, account) = (format!("u{user_id}"), format!("u{user_id}@a.example"));
        Claimed { user_id, username, account, size, attempts: 1, written: None }
    }

    #[test]
    fn large_accounts_go_alone_and_small_ones_together() {
        let claimed =
            vec![account(1, 90_000), account(2, 3000), account(3, 10), account(4, 0), account(5, 0)];
        let found: Vec<Vec<i64>> = batches(claimed.clone(), (50, 2000), 1)
            .into_iter()
            .map(|batch| batch.iter().map(|account| account.user_id).collect())
            .collect();
        assert_eq!(found, [vec![1], vec![2], vec![3, 4, 5]]);
        assert_eq!(batches(claimed, (50, 2000), 3).len(), 4);
        assert!(batches(Vec::new(), (50, 2000), 3).is_empty());
    }
}
