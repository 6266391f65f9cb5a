//! Claims accounts and passes them to the tasks that export.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::campaign::CampaignError;
use crate::campaign::ledger::queue::Cursor;
use crate::campaign::ledger::records::ClaimedAccount;
use crate::campaign::worker::session::{POLL_INTERVAL, RunState, WorkerSession};

/// The maximum number of accounts that are read together.
const MAX_BATCH_ACCOUNTS: usize = 50;
/// The approximate maximum number of records of accounts that are read together.
const MAX_BATCH_RECORDS: i64 = 5000;
/// Both limits when the pod is to be spared, so that no statement occupies its database for long.
const GENTLE_LIMITS: (usize, i64) = (10, 500);
/// The minimum time between two claims; after a shorter time the next claim is for more accounts.
const MIN_CLAIM_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum time between two claims; after a longer time the next claim is for fewer accounts.
const MAX_CLAIM_INTERVAL: Duration = Duration::from_secs(5);

/// Claims accounts, not many more than the tasks can process, so that other workers get theirs.
pub(in crate::campaign) struct Feeder<'a> {
    session: &'a WorkerSession,
    sender: mpsc::Sender<Vec<ClaimedAccount>>,
    run_state: watch::Receiver<RunState>,
    batches: VecDeque<Vec<ClaimedAccount>>,
    cursor: Option<Cursor>,
    /// The number of accounts for the next claim.
    limit: usize,
    last_claim: Instant,
}

impl<'a> Feeder<'a> {
    pub(in crate::campaign) fn new(
        session: &'a WorkerSession,
        sender: mpsc::Sender<Vec<ClaimedAccount>>,
    ) -> Self {
        let limit = session.tasks() * 2;
        let run_state = session.watch_run_state();
        Self {
            session,
            sender,
            run_state,
            batches: VecDeque::new(),
            cursor: None,
            limit,
            last_claim: Instant::now(),
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
            if self.batches.is_empty() {
                self.claim().await?;
            }
            if let Some(batch) = self.batches.pop_front() {
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
        let max_limit = self.session.tasks() * MAX_BATCH_ACCOUNTS * 2;
        self.limit = match self.last_claim.elapsed() {
            time if time < MIN_CLAIM_INTERVAL => (self.limit * 2).min(max_limit),
            time if time > MAX_CLAIM_INTERVAL => (self.limit / 2).max(self.session.tasks()),
            _ => self.limit,
        };
        let mut waiting = self.session.retry.begin(self.session.observer());
        loop {
            let claimed = self.session.queue.claim(self.limit, self.cursor).await;
            let (claimed, cursor) = match claimed {
                Ok(claimed) => claimed,
                Err(error) if !error.passes() => return Err(error.into()),
                Err(error) => {
                    waiting.pause(&error.to_string()).await?;
                    let leased: Vec<i64> = self.session.leased_accounts().iter().copied().collect();
                    self.session.in_store(|| self.session.queue.release_unknown(&leased)).await?;
                    continue;
                }
            };
            self.last_claim = Instant::now();
            // No accounts are left after the cursor, but released ones may be before it.
            let is_at_end = claimed.is_empty() && self.cursor.is_some();
            self.cursor = cursor;
            if is_at_end {
                continue;
            }
            self.session.leased_accounts().extend(claimed.iter().map(|claimed| claimed.user_id));
            let limits = if self.session.setup.options.gentle {
                GENTLE_LIMITS
            } else {
                (MAX_BATCH_ACCOUNTS, MAX_BATCH_RECORDS)
            };
            self.batches = batches(claimed, limits, self.session.tasks());
            return Ok(());
        }
    }

    async fn release(&mut self) -> Result<(), CampaignError> {
        let accounts: Vec<ClaimedAccount> = self.batches.drain(..).flatten().collect();
        // Released accounts are before the cursor.
        self.cursor = None;
        if accounts.is_empty() { Ok(()) } else { self.session.release(&accounts).await }
    }
}

/// Groups accounts in their order, small ones together, so that every task gets a batch.
fn batches(
    claimed: Vec<ClaimedAccount>,
    (max_accounts, max_records): (usize, i64),
    tasks: usize,
) -> VecDeque<Vec<ClaimedAccount>> {
    let max_accounts = max_accounts.min(claimed.len().div_ceil(tasks.max(1))).max(1);
    let mut batches = VecDeque::new();
    let (mut batch, mut size) = (Vec::new(), 0);
    for account in claimed {
        // Even an account without records has about 40 rows.
        let account_size = account.size.saturating_add(40);
        if !batch.is_empty() && (batch.len() >= max_accounts || size + account_size > max_records) {
            batches.push_back(std::mem::take(&mut batch));
            size = 0;
        }
        size += account_size;
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

    fn account(user_id: i64, size: i64) -> ClaimedAccount {
        let (username, account) = (format!("u{user_id}"), format!("u{user_id}@a.example"));
        ClaimedAccount { user_id, username, account, size, attempts: 1, written: None }
    }

    #[test]
    fn large_accounts_are_read_alone_and_small_ones_together() {
        let claimed =
            vec![account(1, 90_000), account(2, 3000), account(3, 10), account(4, 0), account(5, 0)];
        let user_ids: Vec<Vec<i64>> = batches(claimed.clone(), (50, 2000), 1)
            .into_iter()
            .map(|batch| batch.iter().map(|account| account.user_id).collect())
            .collect();
        assert_eq!(user_ids, [vec![1], vec![2], vec![3, 4, 5]]);
        assert_eq!(batches(claimed, (50, 2000), 3).len(), 4);
        assert!(batches(Vec::new(), (50, 2000), 3).is_empty());
    }
}
