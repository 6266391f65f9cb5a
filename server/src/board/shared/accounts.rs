//! Lists of accounts: by state, by name prefix, in pages.

use std::collections::{HashMap, HashSet};

use pappus_engine::pod::database::Snapshot;
use pappus_engine::pod::people::{AccountRow, accounts};
use pappus_engine::sql::Value;
use pappus_engine::store::{StoreError, StoreRow};

use super::letter::last_downloads;
use crate::app::App;
use crate::error::WebError;

/// Accounts read at a time.
const PAGE_ROWS: u32 = 1_000;

/// A state by which accounts are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum AccountState {
    All,
    /// Neither an archive nor a move.
    Untouched,
    /// An archive that was not downloaded.
    NotDownloaded,
    Downloaded,
    Moved,
    Failed,
    Locked,
    Closed,
}

impl AccountState {
    /// All states.
    pub(crate) const ALL: [Self; 8] = [
        Self::All,
        Self::Untouched,
        Self::NotDownloaded,
        Self::Downloaded,
        Self::Moved,
        Self::Failed,
        Self::Locked,
        Self::Closed,
    ];

    /// Returns the name in URLs and in the keys of texts.
    pub(crate) fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the state with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// An account in a list. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct ListedAccount {
    pub(crate) row: AccountRow,
    /// The time its first archive was created.
    pub(crate) made_at: Option<i64>,
    /// The time of its last download.
    pub(crate) downloaded_at: Option<i64>,
    pub(crate) has_moved: bool,
    /// True if its latest request failed.
    pub(crate) has_failed: bool,
}

impl ListedAccount {
    /// Returns whether the account belongs to a list.
    pub(crate) fn is_in(&self, state: AccountState) -> bool {
        match state {
            AccountState::All => true,
            AccountState::Untouched => self.made_at.is_none() && !self.has_moved,
            AccountState::NotDownloaded => self.made_at.is_some() && self.downloaded_at.is_none(),
            AccountState::Downloaded => self.downloaded_at.is_some(),
            AccountState::Moved => self.has_moved,
            AccountState::Failed => self.has_failed,
            AccountState::Locked => self.row.locked && !self.row.closed,
            AccountState::Closed => self.row.closed,
        }
    }
}

/// A selection of accounts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountFilter<'a> {
    pub(crate) state: AccountState,
    /// A prefix of the username or the e-mail address.
    pub(crate) prefix: Option<&'a str>,
}

/// Returns at most `limit` accounts of a list, by row number, after the cursor `after`; and the next cursor, if there
/// may be more.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn list(
    app: &App,
    filter: AccountFilter<'_>,
    after: i64,
    limit: usize,
) -> Result<(Vec<ListedAccount>, Option<i64>), WebError> {
    let (mut accounts, mut after) = (Vec::new(), after);
    loop {
        let rows = rows(app, filter.prefix, after).await?;
        let is_full = rows.len() == PAGE_ROWS as usize;
        for account in with_requests(app, rows).await? {
            after = account.row.user_id;
            if account.is_in(filter.state) {
                accounts.push(account);
            }
            if accounts.len() == limit {
                return Ok((accounts, Some(after)));
            }
        }
        if !is_full {
            return Ok((accounts, None));
        }
    }
}

/// Returns accounts of the pod; if it is gone, those known from archives.
async fn rows(app: &App, prefix: Option<&str>, after: i64) -> Result<Vec<AccountRow>, WebError> {
    // Database text cannot contain NUL.
    let prefix = prefix.map(str::trim).filter(|text| !text.is_empty());
    if prefix.is_some_and(|text| text.contains('\0')) {
        return Ok(Vec::new());
    }
    if let Some(pod) = &app.config.pod {
        let unavailable =
            |error: pappus_engine::pod::database::DatabaseError| WebError::Unavailable(error.to_string());
        let mut snapshot = Snapshot::open(&pod.database).await.map_err(unavailable)?;
        return accounts(&mut snapshot, prefix, after, PAGE_ROWS).await.map_err(unavailable);
    }
    let sql = format!(
        "SELECT user_id, MIN(username) AS any_username FROM \
         (SELECT user_id, username FROM pappus_requests WHERE pod = ? UNION ALL \
         SELECT a.user_id, a.username FROM pappus_campaign_accounts a JOIN pappus_campaigns c ON c.id = a.campaign_id \
         WHERE c.pod_url = ?) known WHERE user_id > ? AND username LIKE ? ESCAPE '!' GROUP BY user_id ORDER BY user_id \
         LIMIT {PAGE_ROWS}"
    );
    let pattern =
        prefix.unwrap_or_default().to_lowercase().replace('!', "!!").replace('_', "!_").replace('%', "!%");
    let pod = app.config.pod_url.as_str();
    let values: [Value<'_>; 4] = [pod.into(), pod.into(), after.into(), format!("{pattern}%").into()];
    let rows = app.store.rows("listing accounts", &sql, &values).await?;
    let read = |row: &StoreRow| {
        Ok(AccountRow {
            user_id: row.get("user_id")?,
            username: row.get("any_username")?,
            email: String::new(),
            closed: false,
            locked: false,
            last_seen: None,
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, StoreError>>()?)
}

async fn with_requests(app: &App, rows: Vec<AccountRow>) -> Result<Vec<ListedAccount>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.user_id).collect();
    let id_list: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let (id_list, pod) = (id_list.join(", "), app.config.pod_url.as_str());
    let sql = format!(
        "SELECT user_id, MIN(made_at) AS first_made_at FROM ({}) made WHERE user_id IN ({id_list}) \
         GROUP BY user_id",
        crate::board::numbers::ARCHIVES_SQL
    );
    let archive_rows =
        app.store.rows("reading archives of accounts", &sql, &[pod.into(), pod.into()]).await?;
    let made_at: HashMap<i64, Option<i64>> = archive_rows
        .iter()
        .map(|row| Ok((row.get("user_id")?, row.get("first_made_at")?)))
        .collect::<Result<_, StoreError>>()?;
    let sql = format!("SELECT user_id FROM pappus_moved_away WHERE pod = ? AND user_id IN ({id_list})");
    let moved = account_ids(app, &sql, pod).await?;
    let sql = format!(
        "SELECT user_id FROM pappus_requests r WHERE pod = ? AND user_id IN ({id_list}) AND state = 'failed' \
         AND NOT EXISTS (SELECT 1 FROM pappus_requests n WHERE n.pod = r.pod AND n.user_id = r.user_id AND n.id > r.id)"
    );
    let failed = account_ids(app, &sql, pod).await?;
    let downloads = last_downloads(app, &ids).await?;
    let listed = |row: AccountRow| ListedAccount {
        made_at: made_at.get(&row.user_id).map(|at| at.unwrap_or(0)),
        downloaded_at: downloads.get(&row.user_id).copied(),
        has_moved: moved.contains(&row.user_id),
        has_failed: failed.contains(&row.user_id),
        row,
    };
    Ok(rows.into_iter().map(listed).collect())
}

async fn account_ids(app: &App, sql: &str, pod: &str) -> Result<HashSet<i64>, StoreError> {
    let rows = app.store.rows("reading accounts", sql, &[pod.into()]).await?;
    rows.iter().map(|row| row.get("user_id")).collect()
}
