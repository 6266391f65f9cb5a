//! Records of the campaign tables.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::campaign::CampaignError;
use crate::production::Written;
use crate::store::{StoreError, StoreRow, time};

/// The state of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum CampaignState {
    /// The list of accounts is being recorded.
    Preparing,
    /// Accounts are being exported.
    Running,
    /// No new accounts are started until it is resumed.
    Paused,
    /// Cancelled; stored archives remain.
    Cancelled,
    /// Nothing is left to do.
    Finished,
}

impl CampaignState {
    /// Returns the value in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum AccountState {
    /// Waiting for a worker.
    Pending,
    /// Claimed by a worker.
    Running,
    /// Its archive is stored.
    Done,
    /// It could not be exported; the reason says why.
    Failed,
    /// Not exported on purpose; the reason says why.
    Skipped,
}

impl AccountState {
    /// Returns the value in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The order in which accounts are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Accounts with the most records: no large one is left for the end, when others would wait for it.
    #[default]
    BiggestFirst,
    /// Accounts with the fewest records: most people get their archives early.
    SmallestFirst,
}

/// A selection of accounts, by the pod's own data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// All accounts.
    #[default]
    All,
    /// Seen within a month, as the pod counts its active users.
    ActiveMonth,
    /// Seen within six months.
    ActiveHalfYear,
    /// Seen within a year.
    ActiveYear,
    /// All accounts that are not closed.
    NotClosed,
    /// Accounts on a list.
    Listed,
}

/// The options a campaign was started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignOptions {
    /// The selection of accounts.
    pub only: Only,
    /// Their order.
    pub order: Order,
    /// Recipients of the archives (`age1…`); empty when they are plain.
    pub recipients: Vec<String>,
    /// The earlier campaign whose archives of unchanged accounts remain valid.
    pub since: Option<String>,
    /// True to also copy the data people need to sign in.
    #[serde(default)]
    pub keep_sign_in: bool,
}

/// An export of a whole pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Campaign {
    /// Its row number.
    #[serde(skip)]
    pub id: i64,
    /// The pod's address.
    pub pod: String,
    /// Its name, unique on a pod.
    pub name: String,
    /// The address of its depot.
    pub out: String,
    /// Its state.
    pub state: CampaignState,
    /// Its options.
    pub options: CampaignOptions,
    /// Fingerprint of the key that archives are signed with.
    pub archive_key: String,
    /// The time in all archives and in their names.
    pub created_at: DateTime<Utc>,
    /// The time it finished.
    pub finished_at: Option<DateTime<Utc>>,
    /// Digits in the names of its archives and in its list, which distinguish its archives from other campaigns';
    /// `None` in campaigns of earlier versions.
    #[serde(skip)]
    pub tag: Option<String>,
    /// The identity of its archive folder, once it has been written to.
    #[serde(skip)]
    pub place: Option<String>,
    /// The name of the list it has written, without the file extension.
    #[serde(skip)]
    pub list_name: Option<String>,
    /// The time it was started, by the clock of Pappus's database: the archives' time can be set freely.
    #[serde(skip)]
    pub begun_at: Option<DateTime<Utc>>,
    /// SHA-256 of the names it was started with, for [`Only::Listed`].
    #[serde(skip)]
    pub names_sha256: Option<String>,
}

/// The columns of [`Campaign`].
pub(in crate::campaign) const CAMPAIGN_COLUMNS: &str = "id, pod_url, name, out, state, options, archive_key, created_at, finished_at, tag, \
                                   place, list_name, begun_at, names_sha256";

impl Campaign {
    pub(in crate::campaign) fn from_row(row: &StoreRow) -> Result<Self, CampaignError> {
        let options: String = row.get("options")?;
        let options = serde_json::from_str(&options).map_err(|error| StoreError::Column {
            column: "options".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            id: row.get("id")?,
            pod: row.get("pod_url")?,
            name: row.get("name")?,
            out: row.get("out")?,
            state: row.named("state")?,
            options,
            archive_key: row.get("archive_key")?,
            created_at: time(row.get("created_at")?),
            finished_at: row.get::<Option<i64>>("finished_at")?.map(time),
            tag: row.get("tag")?,
            place: row.get("place")?,
            list_name: row.get("list_name")?,
            begun_at: row.get::<Option<i64>>("begun_at")?.map(time),
            names_sha256: row.get("names_sha256")?,
        })
    }
}

/// The beginning of the reason for accounts that are no longer on the pod.
pub(in crate::campaign) const LEFT_POD: &str = "the account has left the pod";

/// An account claimed by a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::campaign) struct ClaimedAccount {
    pub(in crate::campaign) user_id: i64,
    pub(in crate::campaign) username: String,
    pub(in crate::campaign) account: String,
    pub(in crate::campaign) size: i64,
    pub(in crate::campaign) attempts: i64,
    /// The archive an earlier attempt was about to store.
    pub(in crate::campaign) written: Option<Written>,
}

impl Outcome {
    /// Returns the same outcome for an account that is still running.
    pub(in crate::campaign) fn as_running(&self) -> Self {
        Self { state: AccountState::Running, ..self.clone() }
    }
}

/// The result of a claimed account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::campaign) struct Outcome {
    pub(in crate::campaign) claimed: ClaimedAccount,
    pub(in crate::campaign) state: AccountState,
    pub(in crate::campaign) written: Option<Written>,
    pub(in crate::campaign) millis: i64,
    pub(in crate::campaign) reason: Option<String>,
}
