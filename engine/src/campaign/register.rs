//! Campaigns as they are begun, found, held and ended.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;

use super::CampaignError;
use super::accounts::{PodAccount, accounts, chunks};
use super::changed::changed_since;
use super::records::{CAMPAIGN, Campaign, CampaignOptions, CampaignState, Only};
use crate::domain::Timestamp;
use crate::pod::config::PodUrl;
use crate::pod::database::Snapshot;
use crate::store::{Store, StoreError, Value};

/// All campaigns of a pod, in Pappus's own database.
#[derive(Debug, Clone)]
pub struct Campaigns {
    store: Store,
    pod: String,
    host: String,
}

/// A campaign that is to be begun.
#[derive(Debug, Clone)]
pub struct NewCampaign<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where the archives go.
    pub out: &'a str,
    /// What is asked for.
    pub options: &'a CampaignOptions,
    /// Fingerprint of the key that archives are signed with.
    pub archive_key: &'a str,
    /// The time now, which all archives will bear.
    pub created_at: Timestamp,
}

impl Campaigns {
    /// Those of this pod.
    pub fn new(store: &Store, pod: &PodUrl) -> Self {
        Self { store: store.clone(), pod: pod.to_string(), host: pod.diaspora_host() }
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn all(&self) -> Result<Vec<Campaign>, CampaignError> {
        let sql = format!("SELECT {CAMPAIGN} FROM pappus_campaigns WHERE pod_url = ? ORDER BY id");
        let rows = self.store.rows("listing campaigns", &sql, &[(&self.pod).into()]).await?;
        rows.iter().map(Campaign::from_row).collect()
    }

    /// The one of this name.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`].
    pub async fn named(&self, name: &str) -> Result<Campaign, CampaignError> {
        self.look_for(name).await?.ok_or_else(|| CampaignError::Unknown { name: name.to_owned() })
    }

    /// The one of this name, if there is one.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn look_for(&self, name: &str) -> Result<Option<Campaign>, CampaignError> {
        let sql = format!("SELECT {CAMPAIGN} FROM pappus_campaigns WHERE pod_url = ? AND name = ?");
        let values = [(&self.pod).into(), name.into()];
        let row = self.store.first("looking for a campaign", &sql, &values).await?;
        row.as_ref().map(Campaign::from_row).transpose()
    }

    /// The campaign of that name: begun now, or before with the same options.
    ///
    /// # Errors
    /// [`CampaignError::Different`] when it is another one.
    pub async fn begin(&self, new: &NewCampaign<'_>) -> Result<Campaign, CampaignError> {
        let options = serde_json::to_string(new.options).unwrap_or_default();
        let sql = "INSERT INTO pappus_campaigns (pod_url, name, out, state, options, archive_key, created_at) \
                   VALUES (?, ?, ?, 'preparing', ?, ?, ?) ON CONFLICT (pod_url, name) DO NOTHING";
        let values = [
            (&self.pod).into(),
            new.name.into(),
            new.out.into(),
            options.into(),
            new.archive_key.into(),
            new.created_at.to_utc().and_utc().timestamp_millis().into(),
        ];
        self.store.execute("beginning a campaign", sql, &values).await?;
        let campaign = self.named(new.name).await?;
        let different = |what, was| Err(CampaignError::Different { name: campaign.name.clone(), what, was });
        if campaign.out != new.out {
            return different("place for its archives", campaign.out.clone());
        }
        if campaign.options.recipients != new.options.recipients {
            let was = match campaign.options.recipients.as_slice() {
                [] => "plain archives".to_owned(),
                recipients => recipients.join(", "),
            };
            return different("encryption", was);
        }
        if campaign.options != *new.options {
            let was = serde_json::to_string(&campaign.options).unwrap_or_default();
            return different("choice of accounts", was);
        }
        Ok(campaign)
    }

    /// Writes down the accounts of the pod, unless that is done already; `names` are those on a list, as usernames
    /// or diaspora* IDs, for [`Only::Listed`]. Doing it again after it was killed is safe.
    ///
    /// # Errors
    /// [`CampaignError`].
    pub async fn prepare(
        &self,
        campaign: &Campaign,
        snapshot: &mut Snapshot,
        names: &[String],
    ) -> Result<(), CampaignError> {
        if campaign.state != CampaignState::Preparing {
            return Ok(());
        }
        let before = match &campaign.options.since {
            Some(name) => Some(self.named(name).await?),
            None => None,
        };
        let unchanged = match &before {
            Some(before) => self.unchanged(before, snapshot).await?,
            None => Unchanged::default(),
        };
        let mut names = Listed::new(campaign.options.only, names, &self.host);
        let rows = accounts(snapshot, campaign.options.only, campaign.created_at, &self.host);
        let mut pages = chunks(rows);
        while let Some(page) = pages.try_next().await? {
            let page: Vec<PodAccount> = page.into_iter().filter(|account| names.takes(account)).collect();
            self.write_down(campaign.id, &page, &unchanged).await?;
        }
        drop(pages);
        self.write_down(campaign.id, &names.missing(), &unchanged).await?;
        let sql = "UPDATE pappus_campaigns SET state = 'running' WHERE id = ? AND state = 'preparing'";
        self.store.execute("beginning a campaign", sql, &[campaign.id.into()]).await?;
        Ok(())
    }

    /// Accounts that need no new archive since an earlier campaign.
    async fn unchanged(
        &self,
        before: &Campaign,
        snapshot: &mut Snapshot,
    ) -> Result<Unchanged, CampaignError> {
        if !matches!(before.state, CampaignState::Finished) {
            return Err(CampaignError::State {
                name: before.name.clone(),
                state: before.state.as_str(),
                what: "built upon before it is finished",
            });
        }
        let mut users = std::collections::HashSet::new();
        let mut after = i64::MIN;
        loop {
            let sql = "SELECT user_id FROM pappus_campaign_accounts WHERE campaign_id = ? AND user_id > ? \
                       AND (state = 'done' OR (state = 'skipped' AND file IS NOT NULL)) ORDER BY user_id LIMIT 10000";
            let values = [before.id.into(), after.into()];
            let rows = self.store.rows("reading an earlier campaign", sql, &values).await?;
            let Some(last) = rows.last() else { break };
            after = last.get(0)?;
            for row in &rows {
                users.insert(row.get::<i64>(0)?);
            }
        }
        for user in changed_since(snapshot, before.created_at).await? {
            users.remove(&user);
        }
        Ok(Unchanged { campaign: Some((before.id, before.name.clone())), users })
    }

    /// Rows of one statement: half of the values SQLite takes.
    async fn write_down(
        &self,
        campaign: i64,
        accounts: &[PodAccount],
        unchanged: &Unchanged,
    ) -> Result<(), StoreError> {
        for part in accounts.chunks(2000) {
            let row = format!("({campaign}, ?, ?, ?, ?, ?, ?)");
            let sql = format!(
                "INSERT INTO pappus_campaign_accounts (campaign_id, user_id, username, account, size, state, reason) \
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
                    ]
                })
                .collect();
            self.store.execute("writing down accounts", &sql, &values).await?;
            self.point_back(campaign, part, unchanged).await?;
        }
        Ok(())
    }

    /// Those that are skipped because nothing has changed say which file is theirs.
    async fn point_back(
        &self,
        campaign: i64,
        part: &[PodAccount],
        unchanged: &Unchanged,
    ) -> Result<(), StoreError> {
        let Some((before, _)) = unchanged.campaign else { return Ok(()) };
        let users: Vec<String> = part
            .iter()
            .filter(|account| unchanged.users.contains(&account.user_id))
            .map(|account| account.user_id.to_string())
            .collect();
        if users.is_empty() {
            return Ok(());
        }
        let columns = ["file", "bytes", "sha256", "records", "omissions"];
        let set = columns.map(|column| {
            format!(
                "{column} = (SELECT b.{column} FROM pappus_campaign_accounts b WHERE b.campaign_id = {before} \
                 AND b.user_id = pappus_campaign_accounts.user_id)"
            )
        });
        let sql = format!(
            "UPDATE pappus_campaign_accounts SET {} WHERE campaign_id = ? AND state = 'skipped' AND user_id IN ({})",
            set.join(", "),
            users.join(", ")
        );
        self.store.execute("pointing to earlier archives", &sql, &[campaign.into()]).await.map(drop)
    }

    /// Begins nothing new until it is resumed.
    ///
    /// # Errors
    /// [`CampaignError::State`] unless it is running.
    pub async fn pause(&self, name: &str) -> Result<(), CampaignError> {
        self.change(name, &[CampaignState::Running], CampaignState::Paused, "paused").await
    }

    /// Goes on.
    ///
    /// # Errors
    /// [`CampaignError::State`] unless it is paused.
    pub async fn resume(&self, name: &str) -> Result<(), CampaignError> {
        self.change(name, &[CampaignState::Paused], CampaignState::Running, "resumed").await
    }

    /// Gives it up; what is exported stays.
    ///
    /// # Errors
    /// [`CampaignError::State`] when it is finished.
    pub async fn cancel(&self, name: &str) -> Result<(), CampaignError> {
        let from = [CampaignState::Preparing, CampaignState::Running, CampaignState::Paused];
        self.change(name, &from, CampaignState::Cancelled, "cancelled").await
    }

    /// Makes accounts that failed wait for another turn, and a finished campaign go on for them. Gives their
    /// number.
    ///
    /// # Errors
    /// [`CampaignError::State`] when it is cancelled.
    pub async fn retry(&self, name: &str) -> Result<u64, CampaignError> {
        let campaign = self.named(name).await?;
        if campaign.state == CampaignState::Cancelled {
            let (state, what) = (campaign.state.as_str(), "tried again");
            return Err(CampaignError::State { name: campaign.name, state, what });
        }
        let mut transaction = self.store.begin().await?;
        let sql = "UPDATE pappus_campaign_accounts SET state = 'pending', reason = NULL, finished_at = NULL \
                   WHERE campaign_id = ? AND state = 'failed'";
        let failed = transaction.execute("retrying accounts", sql, &[campaign.id.into()]).await?;
        if failed > 0 {
            let sql = "UPDATE pappus_campaigns SET state = 'running', finished_at = NULL \
                       WHERE id = ? AND state = 'finished'";
            transaction.execute("retrying accounts", sql, &[campaign.id.into()]).await?;
        }
        transaction.commit().await?;
        Ok(failed)
    }

    async fn change(
        &self,
        name: &str,
        from: &[CampaignState],
        to: CampaignState,
        what: &'static str,
    ) -> Result<(), CampaignError> {
        let from: Vec<String> = from.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let sql = format!(
            "UPDATE pappus_campaigns SET state = ? WHERE pod_url = ? AND name = ? AND state IN ({})",
            from.join(", ")
        );
        let values = [to.as_str().into(), (&self.pod).into(), name.into()];
        if self.store.execute("changing a campaign", &sql, &values).await? > 0 {
            return Ok(());
        }
        let campaign = self.named(name).await?;
        if campaign.state == to {
            return Ok(());
        }
        Err(CampaignError::State { name: campaign.name, state: campaign.state.as_str(), what })
    }
}

/// Accounts whose earlier archive is good enough.
#[derive(Default)]
struct Unchanged {
    campaign: Option<(i64, String)>,
    users: std::collections::HashSet<i64>,
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
struct Listed {
    all: bool,
    /// Username, and whether it was found.
    names: BTreeMap<String, bool>,
    /// The same for diaspora* IDs that name another host than the pod's address gives: people keep their IDs when a pod
    /// changes its address.
    ids: BTreeMap<String, bool>,
}

impl Listed {
    fn new(only: Only, names: &[String], host: &str) -> Self {
        let (mut found, mut ids) = (BTreeMap::new(), BTreeMap::new());
        for name in names.iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()) {
            match name.split_once('@') {
                None => drop(found.insert(name, false)),
                Some((user, at)) if at == host => drop(found.insert(user.to_owned(), false)),
                Some(_) => drop(ids.insert(name, false)),
            }
        }
        Self { all: only != Only::Listed, names: found, ids }
    }

    fn takes(&mut self, account: &PodAccount) -> bool {
        let listed = [self.names.get_mut(&account.username), self.ids.get_mut(&account.account)];
        let mut takes = self.all;
        for found in listed.into_iter().flatten() {
            (*found, takes) = (true, true);
        }
        takes
    }

    /// Whom the pod does not have. Nobody is forgotten, so they are on the list too; their row numbers are none
    /// that a user can have.
    fn missing(&self) -> Vec<PodAccount> {
        let listed = self.names.iter().chain(&self.ids);
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
            .filter(|_| !self.all)
            .collect()
    }
}
