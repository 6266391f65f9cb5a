//! Records of the table of requests.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::store::{StoreError, StoreRow, time};

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum RequestState {
    /// The request waits for a worker.
    Queued,
    /// A worker processes the request.
    Running,
    /// The archive is stored.
    Done,
    /// The archive could not be built; `reason` says why.
    Failed,
    /// The person has cancelled the request.
    Cancelled,
    /// The archive was stored, and has been removed.
    Expired,
}

impl RequestState {
    /// Returns the value in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether the request is waiting or being processed.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// A person's request for their archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Its number.
    pub id: i64,
    /// The row ID of the account on the pod.
    pub user_id: i64,
    /// Its username.
    pub username: String,
    /// Its diaspora* ID.
    pub account: String,
    /// Its state.
    pub state: RequestState,
    /// The time of the request.
    pub requested_at: DateTime<Utc>,
    /// The number of times it was started.
    pub attempts: i64,
    /// Approximate number of records to export; 0 before they are counted.
    pub total: i64,
    /// Records exported so far.
    pub advanced: i64,
    /// True if the private key is encrypted with a passphrase of the person.
    pub key_locked: bool,
    /// The archive's name in the depot.
    #[serde(skip)]
    pub file: Option<String>,
    /// Size of that file in bytes.
    pub bytes: Option<i64>,
    /// Its SHA-256, in hexadecimal digits.
    #[serde(skip)]
    pub sha256: Option<String>,
    /// The time in the archive and in its name.
    pub created_at: Option<DateTime<Utc>>,
    /// Records in it.
    pub records: Option<i64>,
    /// Records left out or incomplete.
    pub omissions: Option<i64>,
    /// The reason why it failed, or why another attempt is needed.
    pub reason: Option<String>,
    /// The time it ended, successfully or not.
    pub finished_at: Option<DateTime<Utc>>,
    /// The time the archive will be removed, or was.
    pub expires_at: Option<DateTime<Utc>>,
    /// The language of e-mails to the person.
    #[serde(skip)]
    pub language: String,
    /// The encrypted e-mail address; empty until the account is read, `None` if no e-mail is wanted or after it was
    /// sent.
    #[serde(skip)]
    pub mail_to: Option<String>,
}

/// The columns of [`Request`].
pub(super) const REQUEST: &str = "id, user_id, username, account, state, requested_at, attempts, total, advanced, \
     key_locked, file, bytes, sha256, created_at, records, omissions, reason, finished_at, expires_at, language, mail_to";

impl Request {
    pub(super) fn from_row(row: &StoreRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            user_id: row.get("user_id")?,
            username: row.get("username")?,
            account: row.get("account")?,
            state: row.named("state")?,
            requested_at: time(row.get("requested_at")?),
            attempts: row.get("attempts")?,
            total: row.get("total")?,
            advanced: row.get("advanced")?,
            key_locked: row.get::<i64>("key_locked")? != 0,
            file: row.get("file")?,
            bytes: row.get("bytes")?,
            sha256: row.get("sha256")?,
            created_at: row.get::<Option<i64>>("created_at")?.map(time),
            records: row.get("records")?,
            omissions: row.get("omissions")?,
            reason: row.get("reason")?,
            finished_at: row.get::<Option<i64>>("finished_at")?.map(time),
            expires_at: row.get::<Option<i64>>("expires_at")?.map(time),
            language: row.get("language")?,
            mail_to: row.get("mail_to")?,
        })
    }
}

/// The position of a request in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Queued {
    /// Requests before it, including those being processed.
    pub ahead: i64,
}
