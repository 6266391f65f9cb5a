//! Stores archives under their final names. No existing file is replaced, and no archive is lost.

use std::path::Path;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::{AccountState, ClaimedAccount, Outcome};
use crate::campaign::worker::account::Ready;
use crate::campaign::worker::session::WorkerSession;
use crate::depot::{DepotError, is_of_the_disk};
use crate::production::depot_name;
use crate::store::random_id;

/// The number of archives that one task stores at the same time.
const CONCURRENT_ARCHIVES: usize = 8;

impl WorkerSession {
    /// Returns the name for an archive. An earlier worker may be about to use the first name, or be suspended and use
    /// it in an hour, so later attempts use new names.
    pub(in crate::campaign) fn name_for(
        &self,
        claimed: &ClaimedAccount,
        path: &Path,
    ) -> Result<String, CampaignError> {
        if claimed.attempts <= 1 && claimed.written.is_none() {
            let tag = self.campaign.tag.as_deref();
            return Ok(depot_name("", path, tag.as_slice()));
        }
        self.new_name(path)
    }

    fn new_name(&self, path: &Path) -> Result<String, CampaignError> {
        let attempt: String = random_id()?.chars().take(8).collect();
        let parts: Vec<&str> = self.campaign.tag.as_deref().into_iter().chain([attempt.as_str()]).collect();
        Ok(depot_name("", path, &parts))
    }

    /// Stores finished archives, and records the result of each account.
    pub(in crate::campaign) async fn store(&self, ready: Vec<Ready>) -> Result<(), CampaignError> {
        if ready.is_empty() {
            return Ok(());
        }
        let planned: Vec<Outcome> = ready
            .iter()
            .filter(|ready| ready.path.is_some())
            .map(|ready| ready.outcome.as_running())
            .collect();
        let leased = self.in_store(|| self.queue.record_planned(&planned)).await?;
        let is_leased =
            |ready: &Ready| ready.path.is_none() || leased.contains(&ready.outcome.claimed.user_id);
        let (ready, lost): (Vec<Ready>, Vec<Ready>) = ready.into_iter().partition(is_leased);
        for path in lost.into_iter().filter_map(|ready| ready.path) {
            // Another worker has the account now; a remaining file is removed with the folder.
            _ = std::fs::remove_file(path);
        }
        let results =
            stream::iter(ready.into_iter().map(|ready| self.store_one(ready))).buffered(CONCURRENT_ARCHIVES);
        let results: Vec<StoreResult> = results.try_collect().await?;
        let (mut outcomes, mut to_export) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                StoreResult::Finished(outcome) => outcomes.push(*outcome),
                StoreResult::FileLost(claimed) => to_export.push(*claimed),
                StoreResult::LeaseLost => {}
            }
        }
        self.in_store(|| self.queue.finish(&outcomes)).await?;
        if !to_export.is_empty() {
            self.release(&to_export).await?;
        }
        for outcome in &outcomes {
            self.report(outcome);
        }
        Ok(())
    }

    /// Gives an archive its final name without replacing a file. Waits while the depot is unavailable, and then checks
    /// whether the account is still this worker's.
    async fn store_one(&self, ready: Ready) -> Result<StoreResult, CampaignError> {
        let Ready { mut outcome, path } = ready;
        let Some(path) = path.filter(|_| outcome.written.is_some()) else {
            return Ok(StoreResult::Finished(Box::new(outcome)));
        };
        let mut waiting = self.retry.begin(self.observer());
        loop {
            let Some(written) = outcome.written.as_mut() else { return Ok(StoreResult::LeaseLost) };
            match self.depot.adopt(&written.file, &path).await {
                Ok(_) => return Ok(StoreResult::Finished(Box::new(outcome))),
                // An existing file remains. A file of an earlier attempt of this campaign is removed when the
                // campaign ends.
                Err(DepotError::Taken { .. }) => written.file = self.new_name(&path)?,
                Err(DepotError::Local { path, source }) => {
                    if !is_of_the_disk(&source) {
                        return Err(CampaignError::Spool { path, source });
                    }
                    waiting.pause(&DepotError::Local { path: path.clone(), source }.to_string()).await?;
                    self.wait_for_depot().await?;
                    if !path.try_exists().unwrap_or(false) {
                        // It was lost with its disk, or another worker took this one for dead and removed its folder:
                        // the account is exported again.
                        return Ok(StoreResult::FileLost(Box::new(outcome.claimed)));
                    }
                }
                Err(error) if error.is_of_the_depot() => waiting.pause(&error.to_string()).await?,
                Err(error) => {
                    _ = std::fs::remove_file(&path);
                    outcome.state = AccountState::Failed;
                    outcome.reason = Some(error.to_string());
                    outcome.written = None;
                    return Ok(StoreResult::Finished(Box::new(outcome)));
                }
            }
            let planned = [outcome.as_running()];
            if self.in_store(|| self.queue.record_planned(&planned)).await?.is_empty() {
                _ = std::fs::remove_file(&path);
                return Ok(StoreResult::LeaseLost);
            }
        }
    }

    /// Waits until the depot and the folder for unfinished archives are available.
    pub(in crate::campaign) async fn wait_for_depot(&self) -> Result<(), CampaignError> {
        let check = || async {
            self.depot.check().await?;
            self.spool.recreate().map_err(CampaignError::from)
        };
        self.retry.until_ok(self.observer(), check, CampaignError::passes).await
    }
}

/// The result of storing an archive.
enum StoreResult {
    /// The archive has its final name, or cannot get one.
    Finished(Box<Outcome>),
    /// The archive is lost, and has to be exported again.
    FileLost(Box<ClaimedAccount>),
    /// Its account belongs to another worker now.
    LeaseLost,
}

/// Returns whether a name in a depot is that of an archive of a campaign, by its tag.
pub(in crate::campaign) fn is_of_campaign(name: &str, tag: &str) -> bool {
    let stem = name.strip_suffix(".zip.age").or_else(|| name.strip_suffix(".zip"));
    let is_tag = |text: &str| text.strip_suffix(tag).is_some_and(|rest| rest.ends_with('-'));
    stem.is_some_and(|stem| is_tag(stem) || stem.rsplit_once('-').is_some_and(|(rest, _)| is_tag(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_username_gives_a_valid_depot_name() {
        for name in ["alice@a.example-1.zip", ".bob@a.example-1.zip", "-eve@a.example-1.zip.age"] {
            let path = Path::new("/srv/out").join(name);
            for parts in [&[] as &[&str], &["1a2b3c4d"], &["1a2b3c4d", "00ff00ff"]] {
                let name = depot_name("", &path, parts);
                assert!(crate::depot::is_depot_name(&name), "{name}");
                assert_eq!(is_of_campaign(&name, "1a2b3c4d"), !parts.is_empty(), "{name}");
                assert!(!is_of_campaign(&name, "1a2b3c4e") && !is_of_campaign(&name, "00ff00f"), "{name}");
            }
        }
        let path = Path::new("alice@a.example-20261122T100000Z.zip.age");
        assert_eq!(
            depot_name("requests/", path, &["1a2b", "9f"]),
            "requests/alice@a.example-20261122T100000Z-1a2b-9f.zip.age"
        );
    }
}
