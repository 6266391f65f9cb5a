//! The numbers of people with an archive, with a download, and moved, over time.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate};
use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::people::{count_accounts, moved_away};
use pappus_engine::store::{StoreError, StoreRow};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::app::App;

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 86_400_000;
/// Lifetime of a cached count, in milliseconds.
const CACHE_MILLIS: i64 = 3000;
/// Maximum age of the pod's own numbers, in milliseconds.
const MAX_AGE_MILLIS: i64 = 60_000;
/// Timeout for the pod's database.
const POD_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of rows per statement.
const BATCH_ROWS: usize = 1000;

/// SQL for the accounts that have or had an archive, with the time of each; takes the pod as parameter twice.
pub(super) const ARCHIVES_SQL: &str = "SELECT user_id, finished_at AS made_at FROM pappus_requests WHERE pod = ? \
                    AND state IN ('done', 'expired') UNION ALL SELECT a.user_id, a.finished_at \
                    FROM pappus_campaign_accounts a JOIN pappus_campaigns c ON c.id = a.campaign_id \
                    WHERE c.pod_url = ? AND a.state = 'done'";

/// The increase on each day that has one.
pub(super) type Days = BTreeMap<NaiveDate, u64>;

/// Progress of the pod's people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Numbers {
    /// All accounts of the pod; unknown until first read from the pod.
    pub accounts: Option<u64>,
    /// Accounts that have or had an archive.
    pub with_archive: u64,
    /// Accounts that have downloaded an archive.
    pub downloaded: u64,
    /// Accounts that have moved to another pod.
    pub moved: u64,
    /// Accounts with neither an archive nor a move.
    pub untouched: Option<u64>,
    /// Archives, downloads and moves by day.
    #[serde(skip)]
    pub(super) days: [Days; 3],
}

/// The cached numbers: counting a large pod takes a while, and the page may be public.
#[derive(Debug, Default)]
pub struct NumbersCache(Mutex<Option<(i64, Numbers)>>);

impl Numbers {
    /// Returns the numbers, at most a few seconds old. While the pod is unavailable, its last known number of
    /// accounts is used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(app: &App) -> Result<Self, StoreError> {
        let mut cache = app.numbers_cache.0.lock().await;
        let now = app.now_millis();
        if let Some((_, numbers)) = cache.as_ref().filter(|(at, _)| (0..CACHE_MILLIS).contains(&(now - at))) {
            return Ok(numbers.clone());
        }
        let numbers = Self::count(app).await?;
        *cache = Some((now, numbers.clone()));
        Ok(numbers)
    }

    /// Returns the running totals of archives, downloads and moves for each day on which one of them grew, until
    /// `today`.
    pub(crate) fn sums(&self, today: NaiveDate) -> Vec<(NaiveDate, [u64; 3])> {
        let plot = super::plot::plot(&self.days, today, 0);
        let table = plot.map(|plot| plot.table).unwrap_or_default();
        let sums = table.into_iter().filter_map(|(day, sums)| Some((day, sums.try_into().ok()?)));
        sums.collect()
    }

    async fn count(app: &App) -> Result<Self, StoreError> {
        ask_pod(app).await?;
        let pod = app.config.pod_url.as_str();
        let archives = days(
            app,
            &format!(
                "SELECT day_number, COUNT(*) AS people FROM (SELECT user_id, MIN(made_at) / {DAY_MILLIS} AS day_number \
                 FROM ({ARCHIVES_SQL}) made GROUP BY user_id) first GROUP BY day_number"
            ),
            &[pod, pod],
        )
        .await?;
        let sql = format!(
            "SELECT first_at / {DAY_MILLIS} AS day_number, COUNT(*) AS people FROM pappus_downloads WHERE pod = ? \
             GROUP BY 1"
        );
        let downloaded = days(app, &sql, &[pod]).await?;
        let sql = format!(
            "SELECT COALESCE(moved_at, 0) / {DAY_MILLIS} AS day_number, COUNT(*) AS people FROM pappus_moved_away \
             WHERE pod = ? GROUP BY 1"
        );
        let moved = days(app, &sql, &[pod]).await?;
        let sum = |days: &Days| days.values().sum::<u64>();
        let sql = "SELECT accounts FROM pappus_pod_numbers WHERE pod = ?";
        let row = app.store.first("reading the number of accounts", sql, &[pod.into()]).await?;
        let accounts =
            row.map(|row| row.get::<i64>("accounts")).transpose()?.and_then(|all| u64::try_from(all).ok());
        let sql = format!(
            "SELECT CAST(0 AS BIGINT) AS day_number, COUNT(*) AS people FROM pappus_moved_away m \
             WHERE m.pod = ? AND m.user_id NOT IN (SELECT user_id FROM ({ARCHIVES_SQL}) made)"
        );
        let moved_without_archive = sum(&days(app, &sql, &[pod, pod, pod]).await?);
        Ok(Self {
            accounts,
            with_archive: sum(&archives),
            downloaded: sum(&downloaded),
            moved: sum(&moved),
            untouched: accounts
                .map(|accounts| accounts.saturating_sub(sum(&archives) + moved_without_archive)),
            days: [archives, downloaded, moved],
        })
    }
}

async fn days(app: &App, sql: &str, pods: &[&str]) -> Result<Days, StoreError> {
    let values: Vec<_> = pods.iter().map(|pod| (*pod).into()).collect();
    let rows = app.store.rows("counting people", sql, &values).await?;
    let read = |row: &StoreRow| {
        let day = DateTime::from_timestamp_millis(row.get::<i64>("day_number")?.saturating_mul(DAY_MILLIS))
            .unwrap_or_default();
        Ok((day.date_naive(), u64::try_from(row.get::<i64>("people")?).unwrap_or(0)))
    };
    rows.iter().map(read).collect()
}

/// Reads the number of accounts from the pod, at most once a minute, and stores it.
async fn ask_pod(app: &App) -> Result<(), StoreError> {
    let Some(pod) = &app.config.pod else { return Ok(()) };
    let address = app.config.pod_url.as_str();
    let now = app.now_millis();
    let sql = "SELECT seen_at FROM pappus_pod_numbers WHERE pod = ?";
    let row = app.store.first("reading the number of accounts", sql, &[address.into()]).await?;
    if row
        .map(|row| row.get::<i64>("seen_at"))
        .transpose()?
        .is_some_and(|seen_at| now - seen_at < MAX_AGE_MILLIS)
    {
        return Ok(());
    }
    let counting = tokio::time::timeout(POD_TIMEOUT, async {
        let mut snapshot = Snapshot::open(&pod.database).await?;
        Ok::<_, pappus_engine::pod::database::DatabaseError>((
            count_accounts(&mut snapshot).await?,
            moved_away(&mut snapshot).await?,
        ))
    });
    let (accounts, moved) = match counting.await {
        Ok(Ok(counts)) => counts,
        Ok(Err(error)) => {
            tracing::warn!("the pod's people cannot be counted: {error}");
            return Ok(());
        }
        Err(_) => {
            tracing::warn!("the pod's people cannot be counted: its database does not answer");
            return Ok(());
        }
    };
    for batch in moved.chunks(BATCH_ROWS) {
        let rows = vec!["(?, ?, ?)"; batch.len()].join(", ");
        let sql = format!(
            "INSERT INTO pappus_moved_away (pod, user_id, moved_at) VALUES {rows} ON CONFLICT (pod, user_id) \
             DO UPDATE SET moved_at = excluded.moved_at"
        );
        let values: Vec<_> = batch
            .iter()
            .flat_map(|moved| {
                let at = moved.at.map(|at| at.timestamp_millis());
                [address.into(), moved.user_id.into(), at.into()]
            })
            .collect();
        app.store.execute("saving who has moved", &sql, &values).await?;
    }
    let sql = "INSERT INTO pappus_pod_numbers (pod, accounts, seen_at) VALUES (?, ?, ?) ON CONFLICT (pod) \
               DO UPDATE SET accounts = excluded.accounts, seen_at = excluded.seen_at";
    let accounts = i64::try_from(accounts).unwrap_or(i64::MAX);
    app.store
        .execute("saving the number of accounts", sql, &[address.into(), accounts.into(), now.into()])
        .await?;
    Ok(())
}
