//! Claims on accounts, leases and results.
//!
//! Leases belong to workers, not to accounts, so a heartbeat changes one row. They expire by the clock of the store's
//! database, because the clocks of the machines may differ.

use std::time::Duration;

use crate::campaign::ledger::records::{CampaignState, ClaimedAccount, Order, Outcome};
use crate::campaign::ledger::status::LEASE_MILLIS_SQL;
use crate::production::Written;
use crate::sql::{Dialect, Value};
use crate::store::lease::expired;
use crate::store::{Store, StoreError, StoreRow, millis};

/// The maximum number of results per statement.
pub(in crate::campaign) const BATCH_ROWS: usize = 200;

/// A worker's view of a campaign.
#[derive(Debug, Clone)]
pub(in crate::campaign) struct Queue {
    store: Store,
    campaign: i64,
    worker: String,
    order: Order,
}

/// The result of a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::campaign) struct HeartbeatResult {
    /// The campaign's state.
    pub(in crate::campaign) state: CampaignState,
    /// True when the lease had expired and others may have claimed this worker's accounts.
    pub(in crate::campaign) is_lost: bool,
}

/// The position that claims have reached, so that the next one can skip earlier rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::campaign) struct Cursor {
    size: i64,
    user_id: i64,
}

impl Queue {
    pub(in crate::campaign) fn new(store: &Store, campaign: i64, worker: String, order: Order) -> Self {
        Self { store: store.clone(), campaign, worker, order }
    }

    fn now(&self) -> &'static str {
        self.store.now()
    }

    /// Registers the worker with a lease.
    pub(in crate::campaign) async fn register(&self, host: &str, lease: Duration) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO pappus_campaign_workers (id, campaign_id, host, pid, started_at, lease_until, lease_millis) \
             VALUES (?, ?, ?, ?, {0}, {0} + ?, ?) ON CONFLICT DO NOTHING",
            self.now()
        );
        let pid = i64::from(std::process::id());
        let lease = millis(lease);
        let values = [
            (&self.worker).into(),
            self.campaign.into(),
            host.into(),
            pid.into(),
            lease.into(),
            lease.into(),
        ];
        self.store.execute("starting to work on a campaign", &sql, &values).await.map(drop)
    }

    /// Extends the lease, frees the accounts of dead workers, and returns the campaign's state.
    pub(in crate::campaign) async fn heartbeat(
        &self,
        lease: Duration,
        waits_for: Option<&str>,
    ) -> Result<HeartbeatResult, StoreError> {
        let mut transaction = self.store.begin().await?;
        let sql = format!(
            "UPDATE pappus_campaign_workers SET lease_until = {} + ?, waits_for = ? WHERE id = ?",
            self.now()
        );
        let values = [millis(lease).into(), waits_for.into(), (&self.worker).into()];
        let renewed = transaction.execute("renewing a lease", &sql, &values).await?;
        let sql = format!(
            "DELETE FROM pappus_campaign_workers WHERE campaign_id = ? AND {}",
            expired("lease_until", LEASE_MILLIS_SQL, self.now())
        );
        transaction.execute("removing dead workers", &sql, &[self.campaign.into()]).await?;
        let sql = "UPDATE pappus_campaign_accounts SET state = 'pending', worker = NULL WHERE campaign_id = ? \
                   AND state = 'running' AND worker NOT IN (SELECT id FROM pappus_campaign_workers)";
        transaction.execute("releasing the accounts of dead workers", sql, &[self.campaign.into()]).await?;
        let sql = "SELECT state FROM pappus_campaigns WHERE id = ?";
        let rows = transaction.rows("reading a campaign", sql, &[self.campaign.into()]).await?;
        let state = rows.first().map(|row| row.named::<CampaignState>("state")).transpose()?;
        transaction.commit().await?;
        Ok(HeartbeatResult { state: state.unwrap_or(CampaignState::Cancelled), is_lost: renewed == 0 })
    }

    /// Claims at most `limit` accounts, those `after` a cursor if one is given. Returns none if no accounts are left
    /// there or the campaign is not running.
    pub(in crate::campaign) async fn claim(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<(Vec<ClaimedAccount>, Option<Cursor>), StoreError> {
        let (compare, direction) = match self.order {
            Order::BiggestFirst => ("<", "DESC"),
            Order::SmallestFirst => (">", "ASC"),
        };
        let position = after.map_or_else(String::new, |cursor| {
            format!(" AND (size, user_id) {compare} ({}, {})", cursor.size, cursor.user_id)
        });
        let pick = format!(
            "SELECT user_id FROM pappus_campaign_accounts WHERE campaign_id = {} AND state = 'pending'{position} \
             ORDER BY size {direction}, user_id {direction} LIMIT {limit}",
            self.campaign
        );
        let pick = match self.store.dialect() {
            Dialect::Sqlite => format!("IN ({pick})"),
            // An array is evaluated once; a subquery inside IN may be evaluated repeatedly.
            _ => format!("= ANY (ARRAY ({pick} FOR UPDATE SKIP LOCKED))"),
        };
        let sql = format!(
            "UPDATE pappus_campaign_accounts SET state = 'running', worker = ?, attempts = attempts + 1 \
             WHERE campaign_id = ? AND state = 'pending' AND user_id {pick} \
             AND EXISTS (SELECT 1 FROM pappus_campaigns c WHERE c.id = ? AND c.state = 'running') \
             AND EXISTS (SELECT 1 FROM pappus_campaign_workers w WHERE w.id = ?) \
             RETURNING user_id, username, account, size, attempts, file, bytes, sha256, records, omissions"
        );
        let worker = &self.worker;
        let values = [worker.into(), self.campaign.into(), self.campaign.into(), worker.into()];
        let rows = self.store.rows("leasing accounts", &sql, &values).await?;
        let mut claimed: Vec<ClaimedAccount> = rows.iter().map(claimed).collect::<Result<_, _>>()?;
        claimed.sort_by_key(|claimed| (claimed.size, claimed.user_id));
        if self.order == Order::BiggestFirst {
            claimed.reverse();
        }
        let cursor = claimed.last().map(|last| Cursor { size: last.size, user_id: last.user_id });
        Ok((claimed, cursor))
    }

    /// Records archives that are about to get their final names. Returns the accounts (`users.id`) that are still this
    /// worker's; the archives of others must not be stored.
    pub(in crate::campaign) async fn record_planned(
        &self,
        outcomes: &[Outcome],
    ) -> Result<Vec<i64>, StoreError> {
        let mut leased = Vec::with_capacity(outcomes.len());
        for part in outcomes.chunks(BATCH_ROWS) {
            let set = "file = excluded.file, bytes = excluded.bytes, sha256 = excluded.sha256, \
                       records = excluded.records, omissions = excluded.omissions";
            leased.extend(self.upsert("recording archives", part, set).await?);
        }
        Ok(leased)
    }

    /// Records results. Accounts that are no longer this worker's remain unchanged.
    pub(in crate::campaign) async fn finish(&self, outcomes: &[Outcome]) -> Result<(), StoreError> {
        for part in outcomes.chunks(BATCH_ROWS) {
            let set = format!(
                "state = excluded.state, worker = NULL, account = excluded.account, file = excluded.file, bytes = excluded.bytes, \
                 sha256 = excluded.sha256, records = excluded.records, omissions = excluded.omissions, \
                 millis = excluded.millis, reason = excluded.reason, finished_at = {}",
                self.now()
            );
            self.upsert("recording results", part, &set).await?;
        }
        Ok(())
    }

    /// Updates many existing rows with one statement. It is an INSERT, in which databases know the types of the values.
    async fn upsert(
        &self,
        operation: &'static str,
        outcomes: &[Outcome],
        set: &str,
    ) -> Result<Vec<i64>, StoreError> {
        if outcomes.is_empty() {
            return Ok(Vec::new());
        }
        let row = format!("({}{})", self.campaign, ", ?".repeat(13));
        let sql = format!(
            "INSERT INTO pappus_campaign_accounts AS a (campaign_id, user_id, username, account, size, state, \
             worker, file, bytes, sha256, records, omissions, millis, reason) VALUES {} \
             ON CONFLICT (campaign_id, user_id) DO UPDATE SET {set} \
             WHERE a.worker = excluded.worker AND a.state = 'running' RETURNING user_id",
            vec![row.as_str(); outcomes.len()].join(", ")
        );
        let values: Vec<Value<'_>> = outcomes
            .iter()
            .flat_map(|Outcome { claimed, state, written, millis, reason }| {
                let written = written.as_ref();
                [
                    claimed.user_id.into(),
                    (&claimed.username).into(),
                    (&claimed.account).into(),
                    claimed.size.into(),
                    state.as_str().into(),
                    (&self.worker).into(),
                    written.map(|written| written.file.as_str()).into(),
                    written.map(|written| written.bytes).into(),
                    written.map(|written| written.sha256.as_str()).into(),
                    written.map(|written| written.records).into(),
                    written.map(|written| written.omissions).into(),
                    (*millis).into(),
                    reason.as_deref().into(),
                ]
            })
            .collect();
        let rows = self.store.rows(operation, &sql, &values).await?;
        rows.iter().map(|row| row.get("user_id")).collect()
    }

    /// Returns some of the campaign's other accounts, finished ones first: row number, username, diaspora* ID.
    pub(in crate::campaign) async fn others(
        &self,
        except: i64,
    ) -> Result<Vec<(i64, String, String)>, StoreError> {
        let sql = format!(
            "SELECT user_id, username, account FROM pappus_campaign_accounts WHERE campaign_id = ? \
             AND user_id > 0 AND user_id <> ? ORDER BY CASE state WHEN 'done' THEN 0 ELSE 1 END, user_id \
             LIMIT {BATCH_ROWS}"
        );
        let values = [self.campaign.into(), except.into()];
        let rows = self.store.rows("reading other accounts", &sql, &values).await?;
        let other = |row: &StoreRow| Ok((row.get("user_id")?, row.get("username")?, row.get("account")?));
        rows.iter().map(other).collect()
    }

    /// Releases accounts as if they had not been claimed.
    pub(in crate::campaign) async fn release(&self, claimed: &[ClaimedAccount]) -> Result<(), StoreError> {
        for part in claimed.chunks(BATCH_ROWS) {
            let users: Vec<String> = part.iter().map(|claimed| claimed.user_id.to_string()).collect();
            let sql = format!(
                "UPDATE pappus_campaign_accounts SET state = 'pending', worker = NULL, attempts = attempts - 1 \
                 WHERE campaign_id = ? AND state = 'running' AND worker = ? AND user_id IN ({})",
                users.join(", ")
            );
            let values = [self.campaign.into(), (&self.worker).into()];
            self.store.execute("releasing accounts", &sql, &values).await?;
        }
        Ok(())
    }

    /// Releases accounts that this worker has claimed without knowing it: the response to a claim may be lost.
    pub(in crate::campaign) async fn release_unknown(&self, known: &[i64]) -> Result<(), StoreError> {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let except = if known.is_empty() { "-1".to_owned() } else { known.join(", ") };
        let sql = format!(
            "UPDATE pappus_campaign_accounts SET state = 'pending', worker = NULL, attempts = attempts - 1 \
             WHERE campaign_id = ? AND state = 'running' AND worker = ? AND user_id NOT IN ({except})"
        );
        let values = [self.campaign.into(), (&self.worker).into()];
        self.store.execute("releasing accounts", &sql, &values).await.map(drop)
    }

    /// Ends the worker's registration and frees its accounts at once.
    pub(in crate::campaign) async fn unregister(&self) -> Result<(), StoreError> {
        let mut transaction = self.store.begin().await?;
        let sql = "UPDATE pappus_campaign_accounts SET state = 'pending', worker = NULL \
                   WHERE campaign_id = ? AND state = 'running' AND worker = ?";
        let values = [self.campaign.into(), (&self.worker).into()];
        transaction.execute("releasing accounts", sql, &values).await?;
        let sql = "DELETE FROM pappus_campaign_workers WHERE id = ?";
        transaction.execute("ending the work on a campaign", sql, &[(&self.worker).into()]).await?;
        transaction.commit().await
    }

    /// Returns whether unfinished accounts are left, claimed or not.
    pub(in crate::campaign) async fn is_open(&self) -> Result<bool, StoreError> {
        let sql = "SELECT CAST(EXISTS (SELECT 1 FROM pappus_campaign_accounts WHERE campaign_id = ? \
                   AND state = 'pending') OR EXISTS (SELECT 1 FROM pappus_campaign_accounts \
                   WHERE campaign_id = ? AND state = 'running') AS INTEGER) + CAST(0 AS BIGINT) AS is_open";
        let values = [self.campaign.into(), self.campaign.into()];
        let row = self.store.first("looking for open accounts", sql, &values).await?;
        Ok(row.map(|row| row.get::<i64>("is_open")).transpose()?.unwrap_or(0) > 0)
    }

    /// Marks the campaign as finished, unless accounts are left or it is not running. Returns whether it was marked.
    pub(in crate::campaign) async fn close(&self) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE pappus_campaigns SET state = 'finished', finished_at = {} WHERE id = ? AND state = 'running' \
             AND NOT EXISTS (SELECT 1 FROM pappus_campaign_accounts WHERE campaign_id = ? \
             AND state = 'pending') AND NOT EXISTS (SELECT 1 FROM pappus_campaign_accounts \
             WHERE campaign_id = ? AND state = 'running')",
            self.now()
        );
        let values = vec![self.campaign.into(); 3];
        Ok(self.store.execute("ending a campaign", &sql, &values).await? > 0)
    }
}

fn claimed(row: &StoreRow) -> Result<ClaimedAccount, StoreError> {
    let file: Option<String> = row.get("file")?;
    let written = match (file, row.get::<Option<String>>("sha256")?) {
        (Some(file), Some(sha256)) => Some(Written {
            file,
            bytes: row.get::<Option<i64>>("bytes")?.unwrap_or(0),
            sha256,
            records: row.get::<Option<i64>>("records")?.unwrap_or(0),
            omissions: row.get::<Option<i64>>("omissions")?.unwrap_or(0),
        }),
        _ => None,
    };
    Ok(ClaimedAccount {
        user_id: row.get("user_id")?,
        username: row.get("username")?,
        account: row.get("account")?,
        size: row.get("size")?,
        attempts: row.get("attempts")?,
        written,
    })
}
