//! How far a campaign is.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::{AccountState, Campaign, time};
use crate::pod::config::Dialect;
use crate::store::{Store, StoreError, StoreRow, Value};

/// Accounts listed of each sort.
const SHOWN: i64 = 10;
/// Milliseconds over which the rate is measured.
const WINDOW: i64 = 60_000;
/// What an account costs besides its records, counted in records (`campaign/feeder.rs` reckons the same).
const OVERHEAD: i64 = 40;

/// Accounts by state, and what they came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Accounts whose turn has not come.
    pub pending: u64,
    /// Accounts somebody is at.
    pub running: u64,
    /// Accounts whose archive is stored.
    pub done: u64,
    /// Accounts that could not be exported.
    pub failed: u64,
    /// Accounts that are not exported on purpose.
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
    /// The work that all accounts are, skipped ones excepted: their records, as the pod counted them when the campaign
    /// began, and the records that each account costs besides.
    pub size: u64,
    /// The part of `size` that is still to be exported.
    pub open_size: u64,
    /// The part of `size` that was exported in the last minute. Of an account that took longer, the part of its time
    /// that fell into that minute counts.
    pub last_minute_size: u64,
    /// Milliseconds of that minute in which accounts were exported: fewer when the campaign has just begun.
    pub busy_millis: u64,
}

impl Totals {
    /// All accounts.
    pub fn accounts(&self) -> u64 {
        self.pending + self.running + self.done + self.failed + self.skipped
    }

    /// Records exported in a second, lately; zero while nothing happens.
    fn records_per_second(&self) -> f64 {
        if self.last_minute == 0 {
            0.0
        } else {
            ratio(self.last_minute_size * 1000, self.busy_millis.max(1000))
        }
    }

    /// Seconds that the remaining accounts take at the rate of the last minute, weighted by their records; unknown while
    /// nothing happens.
    pub fn seconds_left(&self) -> Option<f64> {
        let rate = self.records_per_second();
        (rate > 0.0 && self.open() > 0).then(|| ratio(self.open_size, 1) / rate)
    }

    /// Accounts that still wait for something.
    pub fn open(&self) -> u64 {
        self.pending + self.running
    }
}

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountLine {
    /// Its row number on the pod; for those the pod does not have, below zero.
    #[serde(skip)]
    pub user_id: i64,
    /// Its diaspora* ID.
    pub account: String,
    /// How far it is.
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
    /// How long it took.
    pub seconds: Option<f64>,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
}

/// A program that works on the campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerLine {
    /// Its machine.
    pub host: String,
    /// Its process there.
    pub pid: i64,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// Accounts in its hand.
    pub accounts: i64,
    /// What it waits for.
    pub waits_for: Option<String>,
}

/// Everything a podmin wants to see.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The campaign.
    pub campaign: Campaign,
    /// How many accounts are in which state.
    pub totals: Totals,
    /// Accounts finished in a second, lately.
    pub rate: f64,
    /// Records exported in a second, lately.
    pub records_per_second: f64,
    /// Seconds that the records of the remaining accounts take at that rate; unknown while nothing happens.
    pub seconds_left: Option<f64>,
    /// Who works on it.
    pub workers: Vec<WorkerLine>,
    /// Accounts that took longest.
    pub slowest: Vec<AccountLine>,
    /// The first accounts that failed.
    pub failed: Vec<AccountLine>,
}

const LINE: &str = "user_id, account, state, file, bytes, sha256, records, omissions, millis, reason";

impl Status {
    /// Looks at a campaign, which was read from the same store.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn of(store: &Store, campaign: Campaign) -> Result<Self, CampaignError> {
        let totals = Self::totals(store, &campaign).await?;
        let rate = ratio(totals.last_minute, 60);
        let (records_per_second, seconds_left) = (totals.records_per_second(), totals.seconds_left());
        let sql = format!(
            "SELECT {LINE} FROM pappus_campaign_accounts WHERE campaign_id = ? AND state = 'done' \
             ORDER BY millis DESC LIMIT {SHOWN}"
        );
        let slowest = lines(store, &sql, &[campaign.id.into()]).await?;
        let sql = format!(
            "SELECT {LINE} FROM pappus_campaign_accounts WHERE campaign_id = ? AND state = 'failed' \
             ORDER BY user_id LIMIT {SHOWN}"
        );
        let failed = lines(store, &sql, &[campaign.id.into()]).await?;
        let workers = workers(store, campaign.id).await?;
        Ok(Self { campaign, totals, rate, records_per_second, seconds_left, workers, slowest, failed })
    }

    /// Only the numbers.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn totals(store: &Store, campaign: &Campaign) -> Result<Totals, CampaignError> {
        let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)");
        let now = now(store);
        let recent = |value: &str| {
            sum(&format!("CASE WHEN finished_at BETWEEN {now} - {WINDOW} AND {now} THEN {value} ELSE 0 END"))
        };
        // Every account takes its time, also one without a record.
        let share = format!(
            "CASE WHEN COALESCE(millis, 0) > {WINDOW} THEN (size + {OVERHEAD}) * {WINDOW} / millis \
             ELSE size + {OVERHEAD} END"
        );
        let begun = format!("CAST(COALESCE({now} - MIN(finished_at - COALESCE(millis, 0)), 0) AS BIGINT)");
        let sql = format!(
            "SELECT state, COUNT(*), {}, {}, {}, {}, {}, {}, {}, {begun} \
             FROM pappus_campaign_accounts WHERE campaign_id = ? GROUP BY state",
            sum("bytes"),
            sum("records"),
            sum("omissions"),
            sum("CASE WHEN omissions > 0 THEN 1 ELSE 0 END"),
            recent("1"),
            sum(&format!("size + {OVERHEAD}")),
            recent(&share)
        );
        let rows = store.rows("counting accounts", &sql, &[campaign.id.into()]).await?;
        let mut totals = Totals::default();
        for row in &rows {
            let number = |column| Ok::<u64, StoreError>(u64::try_from(row.get::<i64>(column)?).unwrap_or(0));
            let count = number(1)?;
            let state = AccountState::from_row(row, 0)?;
            if state != AccountState::Skipped {
                let size = number(7)?;
                totals.size += size;
                totals.open_size +=
                    if matches!(state, AccountState::Pending | AccountState::Running) { size } else { 0 };
            }
            totals.last_minute_size += number(8)?;
            totals.busy_millis = totals.busy_millis.max(number(9)?.min(WINDOW.unsigned_abs()));
            match state {
                AccountState::Pending => totals.pending = count,
                AccountState::Running => totals.running = count,
                AccountState::Done => {
                    totals.done = count;
                    (totals.bytes, totals.records, totals.omissions) = (number(2)?, number(3)?, number(4)?);
                    totals.incomplete = number(5)?;
                }
                AccountState::Failed => totals.failed = count,
                AccountState::Skipped => totals.skipped = count,
            }
            totals.last_minute += number(6)?;
        }
        Ok(totals)
    }

    /// A page of a campaign's accounts, in the order of the pod's user rows: at most `limit` of those behind `after`
    /// (at first [`i64::MIN`]).
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
            "SELECT {LINE} FROM pappus_campaign_accounts WHERE campaign_id = ? AND user_id > ? \
             ORDER BY user_id LIMIT {limit}"
        );
        Ok(lines(store, &sql, &[campaign.id.into(), after.into()]).await?)
    }
}

async fn workers(store: &Store, campaign: i64) -> Result<Vec<WorkerLine>, StoreError> {
    let sql = format!(
        "SELECT w.host, w.pid, w.started_at, w.waits_for, (SELECT COUNT(*) FROM pappus_campaign_accounts a \
         WHERE a.campaign_id = w.campaign_id AND a.state = 'running' AND a.worker = w.id) \
         FROM pappus_campaign_workers w WHERE w.campaign_id = ? AND NOT {} ORDER BY w.started_at",
        lapsed("w.lease_until", LEASE_MILLIS, now(store))
    );
    let rows = store.rows("listing workers", &sql, &[campaign.into()]).await?;
    let worker = |row: &StoreRow| {
        Ok(WorkerLine {
            host: row.get(0)?,
            pid: row.get(1)?,
            started_at: time(row.get(2)?),
            waits_for: row.get(3)?,
            accounts: row.get(4)?,
        })
    };
    rows.iter().map(worker).collect()
}

async fn lines(store: &Store, sql: &str, values: &[Value<'_>]) -> Result<Vec<AccountLine>, StoreError> {
    let rows = store.rows("listing accounts", sql, values).await?;
    let line = |row: &StoreRow| {
        let millis: Option<i64> = row.get(8)?;
        Ok(AccountLine {
            user_id: row.get(0)?,
            account: row.get(1)?,
            state: AccountState::from_row(row, 2)?,
            file: row.get(3)?,
            bytes: row.get(4)?,
            sha256: row.get(5)?,
            records: row.get(6)?,
            omissions: row.get(7)?,
            seconds: millis.map(|millis| ratio(u64::try_from(millis).unwrap_or(0), 1000)),
            reason: row.get(9)?,
        })
    };
    rows.iter().map(line).collect()
}

/// Milliseconds of a worker's lease; those of earlier versions may have the longest that can be asked for.
pub(in crate::campaign) const LEASE_MILLIS: &str = "COALESCE(lease_millis, 3600000)";

/// Whether a lease of so many milliseconds has run out. One that ends later than it can was given before the clock was
/// set back.
pub(crate) fn lapsed(lease_until: &str, millis: &str, now: &str) -> String {
    format!("({lease_until} < {now} OR {lease_until} > {now} + {millis} + 1000)")
}

/// The database's own time in milliseconds.
pub(crate) fn now(store: &Store) -> &'static str {
    match store.dialect() {
        Dialect::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        _ => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    }
}

/// Good enough for people: counts beyond 2^52 lose their last digits.
#[expect(clippy::cast_precision_loss, reason = "shown to people")]
fn ratio(count: u64, parts: u64) -> f64 {
    count as f64 / parts as f64
}
