//! The archives of a person, both requested ones and those of campaigns.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Request, RequestState, Requests};
use crate::archive::names::archive_file_name;
use crate::domain::{DiasporaId, Timestamp};
use crate::store::{StoreError, StoreRow, time};

/// The origin of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The person's own request, by its number.
    Request(i64),
    /// An export of the whole pod, by its number.
    Campaign(i64),
}

/// The archive's ID in addresses and tables: `r42` for a request's, `c3` for a campaign's.
impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => write!(formatter, "r{id}"),
            Self::Campaign(id) => write!(formatter, "c{id}"),
        }
    }
}

/// An archive in a depot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadeArchive {
    /// Its origin.
    pub origin: Origin,
    /// The row ID of the account on the pod.
    #[serde(skip)]
    pub user_id: i64,
    /// The account's diaspora* ID.
    pub account: String,
    /// The depot it is in; `None` for that of requests.
    #[serde(skip)]
    pub place: Option<String>,
    /// Its name there.
    #[serde(skip)]
    pub file: String,
    /// Size of the file there in bytes. An encrypted file is a little larger than the file that a person downloads.
    pub bytes: i64,
    /// SHA-256 of the file there.
    #[serde(skip)]
    pub sha256: String,
    /// The time at which the account was read.
    pub created_at: DateTime<Utc>,
    /// Records in it.
    pub records: i64,
    /// Records left out or incomplete.
    pub omissions: i64,
    /// True if the private key is encrypted with a passphrase of the person.
    pub key_locked: bool,
    /// The time it will be removed, if set.
    pub expires_at: Option<DateTime<Utc>>,
}

impl MadeArchive {
    /// Returns the archive of a request; `None` if the request is not done.
    pub fn of_request(request: &Request) -> Option<Self> {
        if request.state != RequestState::Done {
            return None;
        }
        Some(Self {
            origin: Origin::Request(request.id),
            user_id: request.user_id,
            account: request.account.clone(),
            place: None,
            file: request.file.clone()?,
            bytes: request.bytes?,
            sha256: request.sha256.clone()?,
            created_at: request.created_at?,
            records: request.records.unwrap_or(0),
            omissions: request.omissions.unwrap_or(0),
            key_locked: request.key_locked,
            expires_at: request.expires_at,
        })
    }

    /// Returns the file name for the person's download.
    pub fn file_name(&self) -> String {
        match self.account.parse::<DiasporaId>() {
            Ok(account) => archive_file_name(&account, Timestamp::from(self.created_at)),
            Err(_) => format!("archive-{}.zip", Timestamp::from(self.created_at).compact()),
        }
    }

    /// Returns whether it is stored encrypted.
    pub fn is_sealed(&self) -> bool {
        self.file.rsplit_once('.').is_some_and(|(_, ending)| ending == "age")
    }

    fn of_campaign(row: &StoreRow) -> Result<Self, StoreError> {
        Ok(Self {
            origin: Origin::Campaign(row.get("id")?),
            user_id: row.get("user_id")?,
            account: row.get("account")?,
            place: Some(row.get("out")?),
            file: row.get("file")?,
            bytes: row.get("bytes")?,
            sha256: row.get("sha256")?,
            created_at: time(row.get("created_at")?),
            records: row.get::<Option<i64>>("records")?.unwrap_or(0),
            omissions: row.get::<Option<i64>>("omissions")?.unwrap_or(0),
            key_locked: false,
            expires_at: None,
        })
    }
}

impl Requests {
    /// Returns all archives that exist for a person, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn archives(&self, user_id: i64) -> Result<Vec<MadeArchive>, StoreError> {
        let requests = self.history(user_id, 100).await?;
        let mut archives: Vec<MadeArchive> = requests.iter().filter_map(MadeArchive::of_request).collect();
        let sql = "SELECT c.id, a.user_id, a.account, c.out, a.file, a.bytes, a.sha256, c.created_at, a.records, \
                   a.omissions FROM pappus_campaign_accounts a JOIN pappus_campaigns c ON c.id = a.campaign_id \
                   WHERE c.pod_url = ? AND a.user_id = ? AND a.state = 'done' AND a.file IS NOT NULL";
        let values = [(&self.pod).into(), user_id.into()];
        let rows = self.store.rows("looking for archives", sql, &values).await?;
        for row in &rows {
            archives.push(MadeArchive::of_campaign(row)?);
        }
        archives.sort_by_key(|archive| std::cmp::Reverse(archive.created_at));
        Ok(archives)
    }

    /// Returns an archive of a person; `None` if it does not exist or is another person's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn archive(&self, user_id: i64, origin: &Origin) -> Result<Option<MadeArchive>, StoreError> {
        let archives = self.archives(user_id).await?;
        Ok(archives.into_iter().find(|archive| archive.origin == *origin))
    }
}
