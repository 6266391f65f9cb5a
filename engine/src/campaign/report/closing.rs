//! The end of a campaign: the list of all results, beside the archives.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::campaign::ledger::campaigns::Campaigns;
use crate::campaign::ledger::records::{AccountState, Campaign};
use crate::campaign::ledger::status::{AccountLine, Status};
use crate::campaign::worker::keeping::is_of_campaign;
use crate::campaign::worker::session::WorkerSession;
use crate::campaign::{AccountResult, CampaignError, ListError, ListOf, ResultState, write_list};
use crate::domain::Timestamp;
use crate::store::{Store, StoreError};

/// The maximum number of accounts per statement.
const PAGE_ACCOUNTS: u32 = 2000;

/// The maximum number of attempts to write the list while accounts change.
const MAX_ATTEMPTS: u32 = 10;

impl WorkerSession {
    /// Ends the campaign when nothing is left to do: removes orphaned archives and writes the list.
    pub(in crate::campaign) async fn end_campaign(&self) -> Result<(), CampaignError> {
        let sweep = || async { self.spool.sweep().map_err(CampaignError::from) };
        self.retry.until_ok(self.observer(), sweep, CampaignError::passes).await?;
        let orphans = || self.remove_orphans();
        self.retry.until_ok(self.observer(), orphans, CampaignError::passes).await?;
        self.write_list().await?;
        self.in_store(|| self.queue.close()).await.map(drop)
    }

    /// Writes the signed list. Repeating this, on any machine, writes the same list. A worker that was suspended in the
    /// meantime may have recorded results after they were read, so the accounts are checked again.
    async fn write_list(&self) -> Result<(), CampaignError> {
        let campaigns = Campaigns::new(&self.setup.store, &self.setup.pod);
        let write = || async {
            for _ in 0..MAX_ATTEMPTS {
                self.wait_for_depot().await?;
                let campaign = campaigns.named(&self.campaign.name).await?;
                let old_revision = revision(&self.setup.store, &campaign).await?;
                let setup = &self.setup;
                let written = list_of(&setup.store, &campaign, &setup.created_by, async |list, results| {
                    let folder = self.spool.path();
                    Ok(write_list(&self.depot, &list, results, &setup.archive_key, folder).await?)
                })
                .await?;
                if let Some(reason) = &written.repaired {
                    let file = &written.json.name;
                    self.observer().notes(&format!("{file} was damaged and has been rewritten: {reason}"));
                }
                campaigns.record_list(&campaign, &written.json.name).await?;
                if revision(&self.setup.store, &campaign).await? == old_revision {
                    break;
                }
            }
            Ok(())
        };
        self.retry.until_ok(self.observer(), write, CampaignError::passes).await
    }

    /// Removes archives of this campaign that belong to no account: they were stored by workers whose leases had
    /// expired.
    async fn remove_orphans(&self) -> Result<(), CampaignError> {
        let Some(tag) = &self.campaign.tag else { return Ok(()) };
        let mut orphans = HashSet::new();
        let mut files = self.depot.list();
        while let Some(file) = files.try_next().await? {
            if is_of_campaign(&file.name, tag) {
                orphans.insert(file.name);
            }
        }
        drop(files);
        // Accounts are read last, so that archives stored in the meantime are not among the listed files.
        let mut after = Some(i64::MIN);
        while let Some(user_id) = after {
            let page = Status::accounts(&self.setup.store, &self.campaign, user_id, PAGE_ACCOUNTS).await?;
            after = page.last().map(|line| line.user_id);
            for file in page.into_iter().filter_map(|line| line.file) {
                orphans.remove(&file);
            }
        }
        for file in orphans {
            self.depot.remove(&file).await?;
        }
        Ok(())
    }
}

/// Passes the store's data on a campaign to `action`, which writes its list.
pub(in crate::campaign) async fn list_of<T>(
    store: &Store,
    campaign: &Campaign,
    created_by: &str,
    action: impl AsyncFnOnce(ListOf<'_>, Results<'_>) -> Result<T, CampaignError>,
) -> Result<T, CampaignError> {
    let finished_at = last_finished_at(store, campaign).await?;
    let list = ListOf {
        name: &campaign.name,
        pod: &campaign.pod,
        created_at: Timestamp::from(campaign.created_at),
        finished_at: finished_at.map(Timestamp::from),
        created_by,
        encrypted_to: &campaign.options.recipients,
        since: campaign.options.since.as_deref(),
        tag: campaign.tag.as_deref(),
        list_name: campaign.list_name.as_deref(),
    };
    action(list, results(store, campaign)).await
}

/// The results of all accounts of a campaign.
pub(in crate::campaign) type Results<'a> = BoxStream<'a, Result<AccountResult, CampaignError>>;

/// Returns numbers that change whenever a result of an account is recorded.
async fn revision(store: &Store, campaign: &Campaign) -> Result<(i64, i64, i64), StoreError> {
    let sql = "SELECT COUNT(*) AS found, CAST(COALESCE(SUM(attempts), 0) AS BIGINT) AS all_attempts, \
               CAST(COALESCE(SUM(CASE WHEN state = 'done' THEN finished_at ELSE 0 END), 0) AS BIGINT) \
               AS times_sum FROM pappus_campaign_accounts WHERE campaign_id = ?";
    let row = store.first("reading a campaign", sql, &[campaign.id.into()]).await?;
    row.map_or(Ok((0, 0, 0)), |row| Ok((row.get("found")?, row.get("all_attempts")?, row.get("times_sum")?)))
}

impl From<ListError<CampaignError>> for CampaignError {
    fn from(error: ListError<CampaignError>) -> Self {
        match error {
            ListError::Results(error) => error,
            ListError::Depot(error) => Self::Depot(error),
            ListError::Io(source) if crate::depot::is_of_the_disk(&source) => {
                Self::Spool { path: "the list of the campaign".into(), source }
            }
            other => Self::List(other.to_string()),
        }
    }
}

/// Returns the time at which the last account was finished.
async fn last_finished_at(store: &Store, campaign: &Campaign) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT MAX(finished_at) AS last_at FROM pappus_campaign_accounts WHERE campaign_id = ?";
    let row = store.first("reading a campaign", sql, &[campaign.id.into()]).await?;
    Ok(row.map(|row| row.get::<Option<i64>>("last_at")).transpose()?.flatten().map(crate::store::time))
}

/// Streams all accounts, in the order of the pod's user rows.
pub(in crate::campaign) fn results<'a>(store: &'a Store, campaign: &'a Campaign) -> Results<'a> {
    stream::try_unfold(Some(i64::MIN), move |after| async move {
        let Some(after) = after else { return Ok::<_, CampaignError>(None) };
        let page = Status::accounts(store, campaign, after, PAGE_ACCOUNTS).await?;
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
    // Archives that an earlier campaign stored are in its own list.
    let is_stored = state == ResultState::Done;
    AccountResult {
        account: line.account,
        state,
        file: line.file.filter(|_| is_stored),
        bytes: number(line.bytes).filter(|_| is_stored),
        sha256: line.sha256.filter(|_| is_stored),
        records: number(line.records),
        omissions: number(line.omissions),
        seconds: line.seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)).as_secs_f64()),
        reason: line.reason,
    }
}
