//! The progress of a campaign.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::{AccountState, Campaign, CampaignState};
use crate::sql::Value;
use crate::store::lease::expired;
use crate::store::{Store, StoreError, StoreRow, time};

/// The maximum number of accounts that are listed of each kind.
const MAX_SHOWN: i64 = 10;
/// Milliseconds over which the rate is measured.
const WINDOW_MILLIS: i64 = 60_000;
/// The fixed cost of an account, in records (`campaign/worker/feeder.rs` uses the same).
const OVERHEAD_RECORDS: i64 = 40;

/// Accounts by state, and their sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Accounts waiting for a worker.
    pub pending: u64,
    /// Accounts claimed by workers.
    pub running: u64,
    /// Accounts whose archive is stored.
    pub done: u64,
    /// Accounts that could not be exported.
    pub failed: u64,
    /// Accounts not exported on purpose.
    pub skipped: u64,
    /// Archives with records left out or incomplete.
    pub incomplete: u64,
    /// Bytes of all archives.
    pub bytes: u64,
    /// Records in them.
    pub records: u64,
    /// Records left out or incomplete.
    pub omissions: u64,
    /// Accounts stored in the last minute.
    pub last_minute: u64,
    /// The work of all accounts except skipped ones: their records, as the pod counted them when the campaign
    /// started, and the fixed cost of each account in records.
    pub size: u64,
    /// The part of `size` that is still to be exported.
    pub open_size: u64,
    /// The part of `size` that was exported in the last minute. An account that took longer counts with the share of
    /// its time within that minute.
    pub last_minute_size: u64,
    /// Milliseconds of that minute in which accounts were exported: fewer when the campaign has just started.
    pub busy_millis: u64,
}

impl Totals {
    /// Returns the number of all accounts.
    pub fn accounts(&self) -> u64 {
        self.pending + self.running + self.done + self.failed + self.skipped
    }

    /// Returns the recent rate in records per second; zero while nothing is exported.
    fn records_per_second(&self) -> f64 {
        if self.last_minute == 0 {
            0.0
        } else {
            ratio(self.last_minute_size * 1000, self.busy_millis.max(1000))
        }
    }

    /// Returns the seconds that the remaining accounts take at the rate of the last minute, weighted by their
    /// records; unknown while nothing is exported.
    pub fn seconds_left(&self) -> Option<f64> {
        let rate = self.records_per_second();
        (rate > 0.0 && self.open() > 0).then(|| ratio(self.open_size, 1) / rate)
    }

    /// Returns the number of accounts that are not finished.
    pub fn open(&self) -> u64 {
        self.pending + self.running
    }
}

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountLine {
    /// Its row number on the pod; negative for accounts the pod does not have.
    #[serde(skip)]
    pub user_id: i64,
    /// Its diaspora* ID.
    pub account: String,
    /// Its state.
    pub state: AccountState,
    /// Its archive.
    pub file: Option<String>,
    /// The archive's size.
    pub bytes: Option<i64>,
    /// SHA-256 of the archive, in hexadecimal digits.
    pub sha256: Option<String>,
    /// Records in it.
    pub records: Option<i64>,
    /// Records left out or incomplete.
    pub omissions: Option<i64>,
    /// Seconds it took.
    pub seconds: Option<f64>,
    /// The reason it failed or was skipped.
    pub reason: Option<String>,
}

/// A worker of the campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerLine {
    /// Its host name.
    pub host: String,
    /// Its process ID.
    pub pid: i64,
    /// The time it started.
    pub started_at: DateTime<Utc>,
    /// Accounts it has claimed.
    pub accounts: i64,
    /// The reason it waits.
    pub waits_for: Option<String>,
}

/// The status of a campaign, for podmins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The campaign.
    pub campaign: Campaign,
    /// Accounts by state, and their sums.
    pub totals: Totals,
    /// Accounts finished per second, recently.
    pub rate: f64,
    /// Records exported per second, recently.
    pub records_per_second: f64,
    /// Seconds that the records of the remaining accounts take at that rate; unknown while nothing is exported, as
    /// when the campaign is paused or all its workers wait.
    pub seconds_left: Option<f64>,
    /// The workers of an unfinished campaign.
    pub workers: Vec<WorkerLine>,
    /// The accounts that took longest.
    pub slowest: Vec<AccountLine>,
    /// The first accounts that failed.
    pub failed: Vec<AccountLine>,
}

/// The columns of [`AccountLine`].
const LINE_COLUMNS: &str = "user_id, account, state, file, bytes, sha256, records, omissions, millis, reason";

impl Status {
    /// Reads the status of a campaign that was read from the same store.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn of(store: &Store, campaign: Campaign) -> Result<Self, CampaignError> {
        let totals = Self::totals(store, &campaign).await?;
        let rate = ratio(totals.last_minute, 60);
        let records_per_second = totals.records_per_second();
        let sql = format!(
            "SELECT {LINE_COLUMNS} FROM pappus_campaign_accounts WHERE campaign_id = ? AND state = 'done' \
             ORDER BY millis DESC LIMIT {MAX_SHOWN}"
        );
        let slowest = lines(store, &sql, &[campaign.id.into()]).await?;
        let sql = format!(
            "SELECT {LINE_COLUMNS} FROM pappus_campaign_accounts WHERE campaign_id = ? AND state = 'failed' \
             ORDER BY user_id LIMIT {MAX_SHOWN}"
        );
        let failed = lines(store, &sql, &[campaign.id.into()]).await?;
        let workers = if matches!(campaign.state, CampaignState::Finished | CampaignState::Cancelled) {
            Vec::new()
        } else {
            workers(store, campaign.id).await?
        };
        let is_progressing = campaign.state == CampaignState::Running
            && workers.iter().any(|worker| worker.waits_for.is_none());
        let seconds_left = totals.seconds_left().filter(|_| is_progressing);
        Ok(Self { campaign, totals, rate, records_per_second, seconds_left, workers, slowest, failed })
    }

    /// Reads the totals of a campaign.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn totals(store: &Store, campaign: &Campaign) -> Result<Totals, CampaignError> {
        let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)");
        let now = store.now();
        let recent = |value: &str| {
            sum(&format!(
                "CASE WHEN finished_at BETWEEN {now} - {WINDOW_MILLIS} AND {now} THEN {value} ELSE 0 END"
            ))
        };
        // Every account has a fixed cost, even without records.
        let share = format!(
            "CASE WHEN COALESCE(millis, 0) > {WINDOW_MILLIS} THEN (size + {OVERHEAD_RECORDS}) * {WINDOW_MILLIS} / millis \
             ELSE size + {OVERHEAD_RECORDS} END"
        );
        let begun = format!("CAST(COALESCE({now} - MIN(finished_at - COALESCE(millis, 0)), 0) AS BIGINT)");
        let sql = format!(
            "SELECT state, COUNT(*) AS found, {} AS all_bytes, {} AS all_records, {} AS all_omissions, \
             {} AS incomplete, {} AS last_minute, {} AS all_size, {} AS last_minute_size, \
             {begun} AS busy_millis FROM pappus_campaign_accounts WHERE campaign_id = ? GROUP BY state",
            sum("bytes"),
            sum("records"),
            sum("omissions"),
            sum("CASE WHEN omissions > 0 THEN 1 ELSE 0 END"),
            recent("1"),
            sum(&format!("size + {OVERHEAD_RECORDS}")),
            recent(&share)
        );
        let rows = store.rows("counting accounts", &sql, &[campaign.id.into()]).await?;
        let mut totals = Totals::default();
        for row in &rows {
            let number = |column: &'static str| {
                Ok::<u64, StoreError>(u64::try_from(row.get::<i64>(column)?).unwrap_or(0))
            };
            let count = number("found")?;
            let state: AccountState = row.named("state")?;
            if state != AccountState::Skipped {
                let size = number("all_size")?;
                totals.size += size;
                totals.open_size +=
                    if matches!(state, AccountState::Pending | AccountState::Running) { size } else { 0 };
            }
            totals.last_minute_size += number("last_minute_size")?;
            totals.busy_millis =
                totals.busy_millis.max(number("busy_millis")?.min(WINDOW_MILLIS.unsigned_abs()));
            match state {
                AccountState::Pending => totals.pending = count,
                AccountState::Running => totals.running = count,
                AccountState::Done => {
                    totals.done = count;
                    (totals.bytes, totals.records) = (number("all_bytes")?, number("all_records")?);
                    totals.omissions = number("all_omissions")?;
                    totals.incomplete = number("incomplete")?;
                }
                AccountState::Failed => totals.failed = count,
                AccountState::Skipped => totals.skipped = count,
            }
            totals.last_minute += number("last_minute")?;
        }
        Ok(totals)
    }

    /// Returns a page of a campaign's accounts, in the order of the pod's user rows: at most `limit` after `after`
    /// (initially [`i64::MIN`]).
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn accounts(
        store: &Store,
        campaign: &Campaign,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AccountLine>, CampaignError> {
        let sql = format!(
            "SELECT {LINE_COLUMNS} FROM pappus_campaign_accounts WHERE campaign_id = ? AND user_id > ? \
             ORDER BY user_id LIMIT {limit}"
        );
        Ok(lines(store, &sql, &[campaign.id.into(), after.into()]).await?)
    }
}

async fn workers(store: &Store, campaign: i64) -> Result<Vec<WorkerLine>, StoreError> {
    let sql = format!(
        "SELECT w.host, w.pid, w.started_at, w.waits_for, (SELECT COUNT(*) FROM pappus_campaign_accounts a \
         WHERE a.campaign_id = w.campaign_id AND a.state = 'running' AND a.worker = w.id) AS accounts \
         FROM pappus_campaign_workers w WHERE w.campaign_id = ? AND NOT {} ORDER BY w.started_at",
        expired("w.lease_until", LEASE_MILLIS_SQL, store.now())
    );
    let rows = store.rows("listing workers", &sql, &[campaign.into()]).await?;
    let worker = |row: &StoreRow| {
        Ok(WorkerLine {
            host: row.get("host")?,
            pid: row.get("pid")?,
            started_at: time(row.get("started_at")?),
            waits_for: row.get("waits_for")?,
            accounts: row.get("accounts")?,
        })
    };
    rows.iter().map(worker).collect()
}

async fn lines(store: &Store, sql: &str, values: &[Value<'_>]) -> Result<Vec<AccountLine>, StoreError> {
    let rows = store.rows("listing accounts", sql, values).await?;
    let line = |row: &StoreRow| {
        let millis: Option<i64> = row.get("millis")?;
        Ok(AccountLine {
            user_id: row.get("user_id")?,
            account: row.get("account")?,
            state: row.named("state")?,
            file: row.get("file")?,
            bytes: row.get("bytes")?,
            sha256: row.get("sha256")?,
            records: row.get("records")?,
            omissions: row.get("omissions")?,
            seconds: millis.map(|millis| ratio(u64::try_from(millis).unwrap_or(0), 1000)),
            reason: row.get("reason")?,
        })
    };
    rows.iter().map(line).collect()
}

/// An SQL expression for the milliseconds of a worker's lease. Workers of earlier versions did not record theirs, which
/// is at most an hour.
pub(in crate::campaign) const LEASE_MILLIS_SQL: &str = "COALESCE(lease_millis, 3600000)";

/// Divides for display; counts above 2^53 lose their last digits.
#[expect(clippy::cast_precision_loss, reason = "shown to people")]
fn ratio(count: u64, parts: u64) -> f64 {
    count as f64 / parts as f64
}
