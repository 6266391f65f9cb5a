//! Stores archives under their final names: owned, never replaced, never lost.

use std::path::Path;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::{AccountState, Claimed, Outcome};
use crate::campaign::worker::account::Ready;
use crate::campaign::worker::session::WorkerSession;
use crate::depot::{DepotError, is_of_the_disk};
use crate::production::depot_name;
use crate::store::random_id;

/// Archives stored at the same time by one task.
const AT_ONCE: usize = 8;

impl WorkerSession {
    /// Returns the name an archive gets. An earlier worker may be about to use the first name, or be suspended and
    /// use it in an hour: later attempts have names of their own.
    pub(in crate::campaign) fn name_for(
        &self,
        claimed: &Claimed,
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
        let planned: Vec<Outcome> =
            ready.iter().filter(|ready| ready.path.is_some()).map(|ready| ready.outcome.running()).collect();
        let ours = self.in_store(|| self.queue.intend(&planned)).await?;
        let mine = |ready: &Ready| ready.path.is_none() || ours.contains(&ready.outcome.claimed.user_id);
        let (mine, lost): (Vec<Ready>, Vec<Ready>) = ready.into_iter().partition(mine);
        for path in lost.into_iter().filter_map(|ready| ready.path) {
            // Another worker has the account now; a remaining file is removed with the folder.
            _ = std::fs::remove_file(path);
        }
        let stored = stream::iter(mine.into_iter().map(|ready| self.keep(ready))).buffered(AT_ONCE);
        let kept: Vec<Kept> = stored.try_collect().await?;
        let (mut outcomes, mut again) = (Vec::new(), Vec::new());
        for kept in kept {
            match kept {
                Kept::Finished(outcome) => outcomes.push(*outcome),
                Kept::Again(claimed) => again.push(*claimed),
                Kept::Lost => {}
            }
        }
        self.in_store(|| self.queue.finish(&outcomes)).await?;
        if !again.is_empty() {
            self.release(&again).await?;
        }
        for outcome in &outcomes {
            self.count(outcome);
        }
        Ok(())
    }

    /// Gives an archive its final name without replacing anything. While the depot is unavailable it waits, and
    /// afterwards checks whether the account is still this worker's.
    async fn keep(&self, ready: Ready) -> Result<Kept, CampaignError> {
        let Ready { mut outcome, path } = ready;
        let Some(path) = path.filter(|_| outcome.written.is_some()) else {
            return Ok(Kept::Finished(Box::new(outcome)));
        };
        let mut waiting = self.retry.begin(self.observer());
        loop {
            let Some(written) = outcome.written.as_mut() else { return Ok(Kept::Lost) };
            match self.depot.adopt(&written.file, &path).await {
                Ok(_) => return Ok(Kept::Finished(Box::new(outcome))),
                // An existing file remains. A file of an earlier attempt of this campaign is removed when the
                // campaign ends.
                Err(DepotError::Taken { .. }) => written.file = self.new_name(&path)?,
                Err(DepotError::Local { path, source }) => {
                    if !is_of_the_disk(&source) {
                        return Err(CampaignError::Spool { path, source });
                    }
                    waiting.pause(&DepotError::Local { path: path.clone(), source }.to_string()).await?;
                    self.wait_for_place().await?;
                    if !path.try_exists().unwrap_or(false) {
                        // It was lost with its disk, or another worker removed the folder as a dead worker's: export
                        // again.
                        return Ok(Kept::Again(Box::new(outcome.claimed)));
                    }
                }
                Err(error) if error.is_of_the_depot() => waiting.pause(&error.to_string()).await?,
                Err(error) => {
                    _ = std::fs::remove_file(&path);
                    outcome.state = AccountState::Failed;
                    outcome.reason = Some(error.to_string());
                    outcome.written = None;
                    return Ok(Kept::Finished(Box::new(outcome)));
                }
            }
            let again = [outcome.running()];
            if self.in_store(|| self.queue.intend(&again)).await?.is_empty() {
                _ = std::fs::remove_file(&path);
                return Ok(Kept::Lost);
            }
        }
    }

    /// Waits until the depot and the folder for unfinished archives are available.
    pub(in crate::campaign) async fn wait_for_place(&self) -> Result<(), CampaignError> {
        let look = || async {
            self.depot.check().await?;
            self.spool.recreate().map_err(CampaignError::from)
        };
        self.retry.until_ok(self.observer(), look, CampaignError::passes).await
    }
}

/// The result of storing an archive.
enum Kept {
    /// It has its name, or cannot get one.
    Finished(Box<Outcome>),
    /// It is lost, and has to be exported again.
    Again(Box<Claimed>),
    /// Its account belongs to another worker now.
    Lost,
}

/// Returns whether a name in a depot is that of an archive of a campaign, by its tag.
pub(in crate::campaign) fn is_of_campaign(name: &str, tag: &str) -> bool {
    let stem = name.strip_suffix(".zip.age").or_else(|| name.strip_suffix(".zip"));
    let is_tag = |text: &str| text.strip_suffix(tag).is_some_and(|rest| rest.ends_with('-'));
    stem.is_some_and(|stem| is_tag(stem) || stem.rsplit_once('-').is_some_and(|(before, _)| is_tag(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_username_gives_a_name_a_depot_takes() {
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
