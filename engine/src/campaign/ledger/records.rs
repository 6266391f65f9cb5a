//! What the tables of campaigns hold.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::campaign::CampaignError;
use crate::store::{StoreError, StoreRow};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The word in the database.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            pub(in crate::campaign) fn from_row(row: &StoreRow, column: usize) -> Result<Self, StoreError> {
                match row.get::<String>(column)?.as_str() {
                    $($word => Ok(Self::$variant),)*
                    other => Err(StoreError::Column { column, reason: format!("{other:?} is no state") }),
                }
            }
        }
    };
}

words! {
    /// How far a campaign is.
    CampaignState {
        /// The list of accounts is being written down.
        Preparing = "preparing",
        /// Accounts are exported.
        Running = "running",
        /// Nothing new is begun until it goes on.
        Paused = "paused",
        /// Given up; what is exported stays.
        Cancelled = "cancelled",
        /// Nothing is left to do.
        Finished = "finished",
    }
}

words! {
    /// How far an account is.
    AccountState {
        /// Its turn has not come.
        Pending = "pending",
        /// Somebody is at it.
        Running = "running",
        /// Its archive is stored.
        Done = "done",
        /// It could not be exported; the reason says why.
        Failed = "failed",
        /// It is not exported, on purpose; the reason says why.
        Skipped = "skipped",
    }
}

/// Which comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Accounts with the most records: nothing large is left for the end, where others would wait for it.
    #[default]
    BiggestFirst,
    /// Accounts with the fewest records: most people have theirs early.
    SmallestFirst,
}

/// Which accounts, by what the pod knows of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// All of them.
    #[default]
    All,
    /// Seen within a month, as the pod counts its active users.
    ActiveMonth,
    /// Seen within six months.
    ActiveHalfYear,
    /// Seen within a year.
    ActiveYear,
    /// All that are not closed.
    NotClosed,
    /// Those on a list.
    Listed,
}

/// What was asked for when a campaign began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignOptions {
    /// Which accounts.
    pub only: Only,
    /// Which of them first.
    pub order: Order,
    /// Whom the archives are encrypted to (`age1…`); nobody when they are plain.
    pub recipients: Vec<String>,
    /// The campaign before, whose archives of unchanged accounts are good enough.
    pub since: Option<String>,
    /// Whether what people need to sign in with is copied too.
    #[serde(default)]
    pub keep_sign_in: bool,
}

/// An export of a whole pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Campaign {
    /// Its row.
    #[serde(skip)]
    pub id: i64,
    /// The pod's address.
    pub pod: String,
    /// Its name; each is there once for a pod.
    pub name: String,
    /// Where the archives go.
    pub out: String,
    /// How far it is.
    pub state: CampaignState,
    /// What was asked for.
    pub options: CampaignOptions,
    /// Fingerprint of the key that archives are signed with.
    pub archive_key: String,
    /// The time in all archives and in their names.
    pub created_at: DateTime<Utc>,
    /// When nothing was left to do.
    pub finished_at: Option<DateTime<Utc>>,
    /// In the names of its archives and in its list, so that no other campaign's are taken for them; none in campaigns
    /// of earlier versions.
    #[serde(skip)]
    pub tag: Option<String>,
    /// What the folder of its archives says of itself, once it has been written to.
    #[serde(skip)]
    pub place: Option<String>,
    /// The list it has written, without its ending.
    #[serde(skip)]
    pub list_name: Option<String>,
    /// When it was begun, by the clock of Pappus's database: the time in the archives may be any.
    #[serde(skip)]
    pub begun_at: Option<DateTime<Utc>>,
    /// SHA-256 of the names it was begun with, for [`Only::Listed`].
    #[serde(skip)]
    pub names_sha256: Option<String>,
}

/// The columns of [`Campaign`].
pub(in crate::campaign) const CAMPAIGN: &str = "id, pod_url, name, out, state, options, archive_key, created_at, finished_at, tag, \
                                   place, list_name, begun_at, names_sha256";

impl Campaign {
    pub(in crate::campaign) fn from_row(row: &StoreRow) -> Result<Self, CampaignError> {
        let options: String = row.get(5)?;
        let options = serde_json::from_str(&options)
            .map_err(|error| StoreError::Column { column: 5, reason: error.to_string() })?;
        Ok(Self {
            id: row.get(0)?,
            pod: row.get(1)?,
            name: row.get(2)?,
            out: row.get(3)?,
            state: CampaignState::from_row(row, 4)?,
            options,
            archive_key: row.get(6)?,
            created_at: time(row.get(7)?),
            finished_at: row.get::<Option<i64>>(8)?.map(time),
            tag: row.get(9)?,
            place: row.get(10)?,
            list_name: row.get(11)?,
            begun_at: row.get::<Option<i64>>(12)?.map(time),
            names_sha256: row.get(13)?,
        })
    }
}

/// A time as the store keeps it.
pub(in crate::campaign) fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// An account that a worker has in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::campaign) struct Claimed {
    pub(in crate::campaign) user_id: i64,
    pub(in crate::campaign) username: String,
    pub(in crate::campaign) account: String,
    pub(in crate::campaign) size: i64,
    pub(in crate::campaign) attempts: i64,
    /// What an earlier attempt was about to store.
    pub(in crate::campaign) written: Option<Written>,
}

/// An archive, whole, under its final name or about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::campaign) struct Written {
    pub(in crate::campaign) file: String,
    pub(in crate::campaign) bytes: i64,
    pub(in crate::campaign) sha256: String,
    pub(in crate::campaign) records: i64,
    pub(in crate::campaign) omissions: i64,
}

impl Outcome {
    /// The same before it has become anything.
    pub(in crate::campaign) fn running(&self) -> Self {
        Self { state: AccountState::Running, ..self.clone() }
    }
}

/// What became of an account in a worker's hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::campaign) struct Outcome {
    pub(in crate::campaign) claimed: Claimed,
    pub(in crate::campaign) state: AccountState,
    pub(in crate::campaign) written: Option<Written>,
    pub(in crate::campaign) millis: i64,
    pub(in crate::campaign) reason: Option<String>,
}
