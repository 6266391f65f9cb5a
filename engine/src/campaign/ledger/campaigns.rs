//! Creates, finds, pauses, resumes and cancels campaigns.

use crate::campaign::CampaignError;
use crate::campaign::ledger::records::{
    CAMPAIGN_COLUMNS, Campaign, CampaignOptions, CampaignState, LEFT_POD,
};
use crate::domain::Timestamp;
use crate::pod::config::PodUrl;
use crate::sql::{Value, placeholders};
use crate::store::{Store, StoreError, random_id};

/// The maximum number of accounts per statement.
const BATCH_ACCOUNTS: usize = 500;

/// All campaigns of a pod, in Pappus's own database.
#[derive(Debug, Clone)]
pub struct Campaigns {
    pub(in crate::campaign) store: Store,
    pod: String,
    pub(in crate::campaign) host: String,
}

/// A campaign to create.
#[derive(Debug, Clone)]
pub struct NewCampaign<'a> {
    /// Its name.
    pub name: &'a str,
    /// The address of its depot.
    pub out: &'a str,
    /// Its options.
    pub options: &'a CampaignOptions,
    /// Fingerprint of the key that archives are signed with.
    pub archive_key: &'a str,
    /// The current time, which is recorded in all archives.
    pub created_at: Timestamp,
}

impl Campaigns {
    /// Returns the campaigns of a pod, without reading them.
    pub fn new(store: &Store, pod: &PodUrl) -> Self {
        Self { store: store.clone(), pod: pod.to_string(), host: pod.diaspora_host() }
    }

    /// Returns all campaigns, oldest first.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn all(&self) -> Result<Vec<Campaign>, CampaignError> {
        let sql = format!("SELECT {CAMPAIGN_COLUMNS} FROM pappus_campaigns WHERE pod_url = ? ORDER BY id");
        let rows = self.store.rows("listing campaigns", &sql, &[(&self.pod).into()]).await?;
        rows.iter().map(Campaign::from_row).collect()
    }

    /// Returns the campaign of this name.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`].
    pub async fn named(&self, name: &str) -> Result<Campaign, CampaignError> {
        self.look_for(name).await?.ok_or_else(|| CampaignError::Unknown { name: name.to_owned() })
    }

    /// Returns the campaign of this name, if it exists.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn look_for(&self, name: &str) -> Result<Option<Campaign>, CampaignError> {
        let sql = format!("SELECT {CAMPAIGN_COLUMNS} FROM pappus_campaigns WHERE pod_url = ? AND name = ?");
        let values = [(&self.pod).into(), name.into()];
        let row = self.store.first("looking for a campaign", &sql, &values).await?;
        row.as_ref().map(Campaign::from_row).transpose()
    }

    /// Returns the campaign of this name: a new one, or an existing one with the same options.
    ///
    /// # Errors
    /// [`CampaignError::Different`] when its options differ.
    pub async fn begin(&self, new: &NewCampaign<'_>) -> Result<Campaign, CampaignError> {
        let options = serde_json::to_string(new.options).unwrap_or_default();
        let sql = format!(
            "INSERT INTO pappus_campaigns (pod_url, name, out, state, options, archive_key, created_at, tag, begun_at) \
             VALUES (?, ?, ?, 'preparing', ?, ?, ?, ?, {}) ON CONFLICT (pod_url, name) DO NOTHING",
            self.store.now()
        );
        let values = [
            (&self.pod).into(),
            new.name.into(),
            new.out.into(),
            options.into(),
            new.archive_key.into(),
            new.created_at.to_utc().and_utc().timestamp_millis().into(),
            new_tag()?.into(),
        ];
        self.store.execute("starting a campaign", &sql, &values).await?;
        let campaign = self.named(new.name).await?;
        let different = |option, recorded| {
            Err(CampaignError::Different { name: campaign.name.clone(), option, recorded })
        };
        if campaign.out != new.out {
            return different("destination of its archives", campaign.out.clone());
        }
        if campaign.options.recipients != new.options.recipients {
            let recorded = match campaign.options.recipients.as_slice() {
                [] => "unencrypted archives".to_owned(),
                recipients => recipients.join(", "),
            };
            return different("encryption", recorded);
        }
        if campaign.options != *new.options {
            let recorded = serde_json::to_string(&campaign.options).unwrap_or_default();
            return different("choice of accounts", recorded);
        }
        Ok(campaign)
    }

    /// Sets a campaign's tag and the identity of its archive folder unless they are set; they distinguish its files
    /// from others'.
    pub(in crate::campaign) async fn mark(
        &self,
        campaign: &Campaign,
        place: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE pappus_campaigns SET tag = COALESCE(tag, ?), place = COALESCE(place, ?) WHERE id = ?";
        let values = [new_tag()?.into(), place.into(), campaign.id.into()];
        self.store.execute("marking a campaign", sql, &values).await.map(drop)
    }

    /// Records that a campaign's archive folder was moved, and returns the campaign.
    ///
    /// # Errors
    /// [`CampaignError`].
    pub async fn relocate(&self, name: &str, out: &str) -> Result<Campaign, CampaignError> {
        let sql = "UPDATE pappus_campaigns SET out = ? WHERE pod_url = ? AND name = ?";
        let values = [out.into(), (&self.pod).into(), name.into()];
        self.store.execute("moving a campaign", sql, &values).await?;
        self.named(name).await
    }

    /// Records the file name of the list that a campaign has written.
    pub(in crate::campaign) async fn record_list(
        &self,
        campaign: &Campaign,
        file: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE pappus_campaigns SET list_name = ? WHERE id = ?";
        let name = file.strip_suffix(".json").unwrap_or(file);
        self.store.execute("recording a list", sql, &[name.into(), campaign.id.into()]).await.map(drop)
    }

    /// Pauses a campaign: no new accounts are started until it is resumed.
    ///
    /// # Errors
    /// [`CampaignError::State`] unless it is running.
    pub async fn pause(&self, name: &str) -> Result<(), CampaignError> {
        self.change(name, &[CampaignState::Running], CampaignState::Paused, "paused").await
    }

    /// Resumes a campaign.
    ///
    /// # Errors
    /// [`CampaignError::State`] unless it is paused.
    pub async fn resume(&self, name: &str) -> Result<(), CampaignError> {
        self.change(name, &[CampaignState::Paused], CampaignState::Running, "resumed").await
    }

    /// Cancels a campaign; stored archives remain.
    ///
    /// # Errors
    /// [`CampaignError::State`] when it is finished.
    pub async fn cancel(&self, name: &str) -> Result<(), CampaignError> {
        let allowed = [CampaignState::Preparing, CampaignState::Running, CampaignState::Paused];
        self.change(name, &allowed, CampaignState::Cancelled, "cancelled").await
    }

    /// Queues failed accounts again, and those that had left the pod, and reopens a finished campaign for them.
    /// Returns their number.
    ///
    /// # Errors
    /// [`CampaignError::State`] when it is cancelled.
    pub async fn retry(&self, name: &str) -> Result<u64, CampaignError> {
        let campaign = self.named(name).await?;
        if campaign.state == CampaignState::Cancelled {
            let (state, operation) = (campaign.state.as_str(), "retried");
            return Err(CampaignError::State { name: campaign.name, state, operation });
        }
        let mut transaction = self.store.begin().await?;
        let sql = format!(
            "UPDATE pappus_campaign_accounts SET state = 'pending', reason = NULL, finished_at = NULL \
             WHERE campaign_id = ? AND (state = 'failed' OR state = 'skipped' AND reason LIKE '{LEFT_POD}%')"
        );
        let retried = transaction.execute("retrying accounts", &sql, &[campaign.id.into()]).await?;
        if retried > 0 {
            let sql = "UPDATE pappus_campaigns SET state = 'running', finished_at = NULL \
                       WHERE id = ? AND state = 'finished'";
            transaction.execute("retrying accounts", sql, &[campaign.id.into()]).await?;
        }
        transaction.commit().await?;
        Ok(retried)
    }

    /// Queues accounts whose archives are lost again, by their diaspora* IDs, and reopens the campaign for them.
    /// Returns their number.
    ///
    /// # Errors
    /// [`CampaignError::State`] when it is cancelled.
    pub async fn retry_lost(&self, name: &str, accounts: &[String]) -> Result<u64, CampaignError> {
        let campaign = self.named(name).await?;
        if campaign.state == CampaignState::Cancelled {
            let (state, operation) = (campaign.state.as_str(), "retried");
            return Err(CampaignError::State { name: campaign.name, state, operation });
        }
        let mut transaction = self.store.begin().await?;
        let mut retried = 0;
        for part in accounts.chunks(BATCH_ACCOUNTS) {
            // The earlier archive is not reused, and neither is its name.
            let sql = format!(
                "UPDATE pappus_campaign_accounts SET state = 'pending', reason = NULL, finished_at = NULL, file = NULL, \
                 bytes = NULL, sha256 = NULL, records = NULL, omissions = NULL \
                 WHERE campaign_id = ? AND state = 'done' AND account IN ({})",
                placeholders(part.len())
            );
            let values: Vec<Value<'_>> =
                std::iter::once(campaign.id.into()).chain(part.iter().map(Value::from)).collect();
            retried += transaction.execute("retrying accounts", &sql, &values).await?;
        }
        if retried > 0 {
            let sql = "UPDATE pappus_campaigns SET state = 'running', finished_at = NULL \
                       WHERE id = ? AND state = 'finished'";
            transaction.execute("retrying accounts", sql, &[campaign.id.into()]).await?;
        }
        transaction.commit().await?;
        Ok(retried)
    }

    /// Changes the state of a campaign that is in one of the allowed states, or in the new one already.
    async fn change(
        &self,
        name: &str,
        allowed: &[CampaignState],
        new: CampaignState,
        operation: &'static str,
    ) -> Result<(), CampaignError> {
        let allowed: Vec<String> = allowed.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let sql = format!(
            "UPDATE pappus_campaigns SET state = ? WHERE pod_url = ? AND name = ? AND state IN ({})",
            allowed.join(", ")
        );
        let values = [new.as_str().into(), (&self.pod).into(), name.into()];
        if self.store.execute("changing a campaign", &sql, &values).await? > 0 {
            return Ok(());
        }
        let campaign = self.named(name).await?;
        if campaign.state == new {
            return Ok(());
        }
        Err(CampaignError::State { name: campaign.name, state: campaign.state.as_str(), operation })
    }
}

/// Returns random digits for the names of a campaign's archives. Two campaigns get the same with a probability of 1 in
/// 4 billion; then one of them gets names with more digits.
fn new_tag() -> Result<String, StoreError> {
    Ok(random_id()?.chars().take(8).collect())
}
