//! The list of accounts that a campaign is to export, recorded before the first export.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use crate::campaign::CampaignError;
use crate::campaign::ledger::accounts::{PodAccount, accounts, chunks};
use crate::campaign::ledger::campaigns::Campaigns;
use crate::campaign::ledger::incremental::changed_since;
use crate::campaign::ledger::records::{Campaign, CampaignState, Only};
use crate::campaign::ledger::traits::Traits;
use crate::depot::Depot;
use crate::pod::database::Snapshot;
use crate::sql::Value;
use crate::store::{StoreError, StoreRow};

/// The maximum number of rows per statement, which contain less than half of the values that SQLite accepts.
const BATCH_ROWS: usize = 2000;
/// The maximum number of rows of an earlier campaign that one statement reads.
const PAGE_ROWS: usize = 10_000;

/// Depots, by their addresses in campaigns ([`Campaign::out`]).
pub type Places = HashMap<String, Depot>;

/// The result of recording the accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Unchanged accounts whose earlier archive is missing or damaged: they are exported again.
    pub lost: u64,
    /// Accounts for which the earlier campaign has nothing to compare: they are exported again.
    pub unknown: u64,
}

/// Returns the SHA-256 of the names on a podmin's list, in hexadecimal digits, ignoring order, case and duplicates.
pub fn names_digest(names: &[String]) -> String {
    let mut names: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    names.sort();
    names.dedup();
    hex::encode(Sha256::digest(names.join("\n")))
}

impl Campaigns {
    /// Records the accounts of the pod, unless that is done already; `names` are the usernames or diaspora* IDs on a
    /// list, for [`Only::Listed`]. Safe to repeat after being killed.
    ///
    /// # Errors
    /// [`CampaignError`].
    pub async fn prepare(
        &self,
        campaign: &Campaign,
        snapshot: &mut Snapshot,
        names: &[String],
    ) -> Result<(), CampaignError> {
        self.prepare_with(campaign, snapshot, names, &Places::new()).await.map(drop)
    }

    /// Records the accounts as [`prepare`](Self::prepare) does, and checks whether the archives of unchanged accounts
    /// are still intact. Archives in depots that are not among `places` are not checked.
    ///
    /// # Errors
    /// [`CampaignError`].
    pub async fn prepare_with(
        &self,
        campaign: &Campaign,
        snapshot: &mut Snapshot,
        names: &[String],
        places: &Places,
    ) -> Result<Prepared, CampaignError> {
        if campaign.state != CampaignState::Preparing {
            return Ok(Prepared::default());
        }
        if campaign.options.only == Only::Listed {
            self.record_names(campaign, names).await?;
        }
        let base = match &campaign.options.since {
            Some(name) => Some(self.named(name).await?),
            None => None,
        };
        let traits = Traits::read(snapshot).await?;
        let (unchanged, prepared) = match &base {
            Some(base) => self.unchanged(base, snapshot, &traits, places).await?,
            None => Default::default(),
        };
        let mut names = ListedNames::new(campaign.options.only, names, &self.host);
        let rows = accounts(snapshot, campaign.options.only, campaign.created_at, &self.host);
        let mut pages = chunks(rows);
        while let Some(page) = pages.try_next().await? {
            let page: Vec<PodAccount> = page.into_iter().filter(|account| names.includes(account)).collect();
            self.record_accounts(campaign.id, &page, &unchanged, &traits).await?;
        }
        drop(pages);
        self.record_accounts(campaign.id, &names.missing(), &unchanged, &traits).await?;
        let sql = "UPDATE pappus_campaigns SET state = 'running' WHERE id = ? AND state = 'preparing'";
        self.store.execute("starting a campaign", sql, &[campaign.id.into()]).await?;
        Ok(prepared)
    }

    /// Records the names of a list; fails when the campaign was started with other names.
    async fn record_names(&self, campaign: &Campaign, names: &[String]) -> Result<(), CampaignError> {
        let digest = names_digest(names);
        let sql = "UPDATE pappus_campaigns SET names_sha256 = ? \
                   WHERE id = ? AND (names_sha256 IS NULL OR names_sha256 = ?)";
        let values = [(&digest).into(), campaign.id.into(), (&digest).into()];
        if self.store.execute("recording the names on a list", sql, &values).await? > 0 {
            return Ok(());
        }
        let (name, recorded) = (campaign.name.clone(), "other names on its list".to_owned());
        Err(CampaignError::Different { name, option: "choice of accounts", recorded })
    }

    /// Returns the addresses of the depots with the archives that an earlier campaign has or refers to, and the
    /// identities of their folders.
    ///
    /// # Errors
    /// [`CampaignError`].
    pub async fn places_of(&self, base: &Campaign) -> Result<Vec<(String, Option<String>)>, CampaignError> {
        let sql = "SELECT DISTINCT kept_by FROM pappus_campaign_accounts WHERE campaign_id = ?";
        let rows = self.store.rows("reading an earlier campaign", sql, &[base.id.into()]).await?;
        let mut ids = HashSet::from([base.id]);
        for row in &rows {
            ids.extend(row.get::<Option<i64>>("kept_by")?);
        }
        let mut places: Vec<(String, Option<String>)> = Vec::new();
        for campaign in self.all().await?.into_iter().filter(|campaign| ids.contains(&campaign.id)) {
            if !places.iter().any(|(out, _)| *out == campaign.out) {
                places.push((campaign.out, campaign.place));
            }
        }
        Ok(places)
    }

    /// Returns the accounts that need no new archive since an earlier campaign.
    async fn unchanged(
        &self,
        base: &Campaign,
        snapshot: &mut Snapshot,
        traits: &Traits,
        places: &Places,
    ) -> Result<(Unchanged, Prepared), CampaignError> {
        if !matches!(base.state, CampaignState::Finished) {
            return Err(CampaignError::State {
                name: base.name.clone(),
                state: base.state.as_str(),
                operation: "built upon before it is finished",
            });
        }
        // `created_at` is the time in the archives, which podmins can set freely.
        let begun = base.begun_at.map_or(base.created_at, |begun| begun.min(base.created_at));
        let changed = changed_since(snapshot, begun).await?;
        let addresses: HashMap<i64, String> =
            self.all().await?.into_iter().map(|campaign| (campaign.id, campaign.out)).collect();
        let (mut users, mut prepared) = (HashSet::new(), Prepared::default());
        let mut after = i64::MIN;
        loop {
            let page = self.base_archives(base, after).await?;
            let Some(last) = page.last() else { break };
            after = last.user_id;
            let candidates = page.into_iter().filter(|archive| {
                let recorded = archive.traits.as_deref();
                let is_same = recorded.is_some_and(|recorded| *recorded == traits.of(archive.user_id));
                prepared.unknown += u64::from(recorded.is_none());
                is_same && !changed.contains(&archive.user_id)
            });
            let candidates: Vec<BaseArchive> = candidates.collect();
            let count = candidates.len();
            let present = present(candidates, &addresses, places).await?;
            prepared.lost += u64::try_from(count - present.len()).unwrap_or(u64::MAX);
            users.extend(present);
        }
        Ok((Unchanged { campaign: Some((base.id, base.name.clone())), users }, prepared))
    }

    /// Reads a page of the accounts that have an archive in an earlier campaign, or one that it refers to.
    async fn base_archives(&self, base: &Campaign, after: i64) -> Result<Vec<BaseArchive>, StoreError> {
        let sql = format!(
            "SELECT user_id, traits, file, sha256, COALESCE(kept_by, campaign_id) AS archived_by \
             FROM pappus_campaign_accounts WHERE campaign_id = ? AND user_id > ? AND file IS NOT NULL \
             AND state IN ('done', 'skipped') ORDER BY user_id LIMIT {PAGE_ROWS}"
        );
        let values = [base.id.into(), after.into()];
        let rows = self.store.rows("reading an earlier campaign", &sql, &values).await?;
        rows.iter().map(BaseArchive::from_row).collect()
    }

    /// Records accounts, skipped ones with the reason.
    async fn record_accounts(
        &self,
        campaign: i64,
        accounts: &[PodAccount],
        unchanged: &Unchanged,
        traits: &Traits,
    ) -> Result<(), StoreError> {
        for part in accounts.chunks(BATCH_ROWS) {
            let row = format!("({campaign}, ?, ?, ?, ?, ?, ?, ?)");
            let sql = format!(
                "INSERT INTO pappus_campaign_accounts \
                 (campaign_id, user_id, username, account, size, state, reason, traits) \
                 VALUES {} ON CONFLICT DO NOTHING",
                vec![row.as_str(); part.len()].join(", ")
            );
            let values: Vec<Value<'_>> = part
                .iter()
                .flat_map(|account| {
                    let reason = account.skipped.clone().or_else(|| unchanged.reason(account.user_id));
                    let state = if reason.is_some() { "skipped" } else { "pending" };
                    [
                        account.user_id.into(),
                        (&account.username).into(),
                        (&account.account).into(),
                        account.size.into(),
                        state.into(),
                        reason.into(),
                        traits.of(account.user_id).into(),
                    ]
                })
                .collect();
            self.store.execute("recording accounts", &sql, &values).await?;
            self.link_base_archives(campaign, part, unchanged).await?;
        }
        Ok(())
    }

    /// Records the files of accounts that are skipped because nothing has changed.
    async fn link_base_archives(
        &self,
        campaign: i64,
        part: &[PodAccount],
        unchanged: &Unchanged,
    ) -> Result<(), StoreError> {
        let Some((base, _)) = unchanged.campaign else { return Ok(()) };
        let users: Vec<String> = part
            .iter()
            .filter(|account| unchanged.users.contains(&account.user_id))
            .map(|account| account.user_id.to_string())
            .collect();
        if users.is_empty() {
            return Ok(());
        }
        let columns = ["file", "bytes", "sha256", "records", "omissions"].map(|column| (column, column));
        let set = columns.into_iter().chain([("kept_by", "COALESCE(b.kept_by, b.campaign_id)")]);
        let set: Vec<String> = set
            .map(|(column, from)| {
                let from = if from == column { format!("b.{column}") } else { from.to_owned() };
                format!(
                    "{column} = (SELECT {from} FROM pappus_campaign_accounts b WHERE b.campaign_id = {base} \
                     AND b.user_id = pappus_campaign_accounts.user_id)"
                )
            })
            .collect();
        let sql = format!(
            "UPDATE pappus_campaign_accounts SET {} WHERE campaign_id = ? AND state = 'skipped' AND user_id IN ({})",
            set.join(", "),
            users.join(", ")
        );
        self.store.execute("linking earlier archives", &sql, &[campaign.into()]).await.map(drop)
    }
}

/// An archive of an earlier campaign.
struct BaseArchive {
    user_id: i64,
    traits: Option<String>,
    file: String,
    sha256: Option<String>,
    campaign: i64,
}

impl BaseArchive {
    fn from_row(row: &StoreRow) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: row.get("user_id")?,
            traits: row.get("traits")?,
            file: row.get("file")?,
            sha256: row.get("sha256")?,
            campaign: row.get("archived_by")?,
        })
    }
}

/// Returns the accounts (`users.id`) whose archive exists unaltered. Reading an archive takes a small part of the time
/// needed to build one.
async fn present(
    archives: Vec<BaseArchive>,
    addresses: &HashMap<i64, String>,
    places: &Places,
) -> Result<Vec<i64>, CampaignError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let checks = stream::iter(archives.into_iter().map(|archive| async move {
        let Some(depot) = addresses.get(&archive.campaign).and_then(|out| places.get(out)) else {
            return Ok::<_, CampaignError>(Some(archive.user_id));
        };
        let stored = depot.stored(&archive.file).await?;
        let is_unaltered = stored.is_some_and(|stored| archive.sha256.as_ref() == Some(&stored.sha256));
        Ok(is_unaltered.then_some(archive.user_id))
    }));
    checks.buffer_unordered(threads).try_filter_map(|user| std::future::ready(Ok(user))).try_collect().await
}

/// Accounts whose earlier archive is still valid.
#[derive(Default)]
struct Unchanged {
    /// The earlier campaign: its row number and name.
    campaign: Option<(i64, String)>,
    /// The accounts (`users.id`).
    users: HashSet<i64>,
}

impl Unchanged {
    fn reason(&self, user: i64) -> Option<String> {
        let (_, name) = self.campaign.as_ref()?;
        self.users
            .contains(&user)
            .then(|| format!("unchanged since the campaign {name:?}, which has its archive"))
    }
}

/// The names on the podmin's list.
struct ListedNames {
    /// True when no list is given, so that all accounts are selected.
    is_unrestricted: bool,
    /// Usernames, and whether each was found.
    usernames: BTreeMap<String, bool>,
    /// diaspora* IDs of other hosts, and whether each was found: people keep their IDs when a pod changes its
    /// address.
    ids: BTreeMap<String, bool>,
}

impl ListedNames {
    fn new(only: Only, names: &[String], host: &str) -> Self {
        let (mut usernames, mut ids) = (BTreeMap::new(), BTreeMap::new());
        for name in names.iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()) {
            match name.split_once('@') {
                None => drop(usernames.insert(name, false)),
                Some((user, domain)) if domain == host => drop(usernames.insert(user.to_owned(), false)),
                Some(_) => drop(ids.insert(name, false)),
            }
        }
        Self { is_unrestricted: only != Only::Listed, usernames, ids }
    }

    /// Returns whether an account is selected, and marks its name as found.
    fn includes(&mut self, account: &PodAccount) -> bool {
        // The names on the list are lowercase; a database may contain uppercase letters.
        let (name, id) = (account.username.trim().to_lowercase(), account.account.trim().to_lowercase());
        let listed = [self.usernames.get_mut(&name), self.ids.get_mut(&id)];
        let mut is_selected = self.is_unrestricted;
        for found in listed.into_iter().flatten() {
            (*found, is_selected) = (true, true);
        }
        is_selected
    }

    /// Returns the names that the pod does not have. They are recorded too, so that none is lost, with negative row
    /// numbers, which no user has.
    fn missing(&self) -> Vec<PodAccount> {
        let listed = self.usernames.iter().chain(&self.ids);
        listed
            .filter(|(_, found)| !**found)
            .map(|(name, _)| name.clone())
            .zip(1..)
            .map(|(name, number)| PodAccount {
                user_id: -number,
                username: name.clone(),
                account: name,
                size: 0,
                skipped: Some("there is no such account on this pod".to_owned()),
            })
            .filter(|_| !self.is_unrestricted)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_a_list_ignore_case() {
        let account = |username: &str, account: &str| PodAccount {
            user_id: 1,
            username: username.to_owned(),
            account: account.to_owned(),
            size: 0,
            skipped: None,
        };
        let names = ["JONAS".to_owned(), "Ida@Old.example".to_owned(), "nora".to_owned()];
        let mut listed = ListedNames::new(Only::Listed, &names, "closing.example");
        assert!(listed.includes(&account("Jonas", "Jonas@closing.example")));
        assert!(listed.includes(&account("ida", "Ida@old.example")));
        assert!(!listed.includes(&account("Otto", "otto@closing.example")));
        let missing: Vec<String> = listed.missing().into_iter().map(|account| account.username).collect();
        assert_eq!(missing, ["nora"]);
    }
}
