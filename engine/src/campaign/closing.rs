//! The end of a campaign: the list of what became of everybody, beside the archives.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};

use super::records::{AccountState, Campaign};
use super::status::{AccountLine, Status};
use super::worker::Shift;
use super::{AccountResult, CampaignError, ListError, ListOf, ResultState, write_list};
use crate::domain::Timestamp;
use crate::store::{Store, StoreError};

/// Accounts read with one statement.
const PAGE: u32 = 2000;

impl Shift {
    /// Writes the list, signed. Whoever does it again, here or elsewhere, writes the same.
    pub(super) async fn write_list(&self, campaign: &Campaign) -> Result<(), CampaignError> {
        let finished_at = self.in_store(|| last_result(&self.setup.store, campaign)).await?;
        let list = ListOf {
            name: &campaign.name,
            pod: &campaign.pod,
            created_at: Timestamp::from(campaign.created_at),
            finished_at: finished_at.map(Timestamp::from),
            created_by: &self.setup.created_by,
            encrypted_to: &campaign.options.recipients,
            since: campaign.options.since.as_deref(),
        };
        let (depot, key) = (&self.setup.depot, &self.setup.archive_key);
        let write = || async {
            let results = results(&self.setup.store, campaign);
            write_list(depot, &list, results, key, self.spool.path()).await.map_err(CampaignError::from)
        };
        let passes = |error: &CampaignError| match error {
            CampaignError::Store(StoreError::Statement { .. }) => true,
            CampaignError::Depot(error) => error.is_of_the_depot(),
            _ => false,
        };
        self.outage.until_it_works(self.observer(), write, passes).await.map(drop)
    }
}

impl From<ListError<CampaignError>> for CampaignError {
    fn from(error: ListError<CampaignError>) -> Self {
        match error {
            ListError::Results(error) => error,
            ListError::Depot(error) => Self::Depot(error),
            other => Self::List(other.to_string()),
        }
    }
}

/// When the last account was finished.
async fn last_result(store: &Store, campaign: &Campaign) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT MAX(finished_at) FROM pappus_campaign_accounts WHERE campaign_id = ?";
    let row = store.first("looking at a campaign", sql, &[campaign.id.into()]).await?;
    Ok(row.map(|row| row.get::<Option<i64>>(0)).transpose()?.flatten().map(super::records::time))
}

/// All accounts, in the order of the pod's user rows.
fn results<'a>(
    store: &'a Store,
    campaign: &'a Campaign,
) -> impl Stream<Item = Result<AccountResult, CampaignError>> + 'a {
    stream::try_unfold(Some(i64::MIN), move |after| async move {
        let Some(after) = after else { return Ok::<_, CampaignError>(None) };
        let page = Status::accounts(store, campaign, after, PAGE).await?;
        let next = page.last().map(|line| line.user_id);
        Ok(next.map(|next| (stream::iter(page.into_iter().map(|line| Ok(result(line)))), Some(next))))
    })
    .try_flatten()
    .boxed()
}

fn result(line: AccountLine) -> AccountResult {
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let state = match line.state {
        AccountState::Pending => ResultState::Pending,
        AccountState::Running => ResultState::Running,
        AccountState::Done => ResultState::Done,
        AccountState::Failed => ResultState::Failed,
        AccountState::Skipped => ResultState::Skipped,
    };
    // What an earlier campaign has stored is in that one's list.
    let stored = state == ResultState::Done;
    AccountResult {
        account: line.account,
        state,
        file: line.file.filter(|_| stored),
        bytes: number(line.bytes).filter(|_| stored),
        sha256: line.sha256.filter(|_| stored),
        records: number(line.records),
        omissions: number(line.omissions),
        seconds: line.seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)).as_secs_f64()),
        reason: line.reason,
    }
}
