//! The requester's side: creating, reading and cancelling requests.

use std::time::Duration;

use super::RequestError;
use super::lease::TABLE;
use super::records::{Queued, REQUEST, Request};
use crate::depot::CampaignKeys;
use crate::depot::sealed;
use crate::domain::Timestamp;
use crate::pod::config::PodUrl;
use crate::store::lease::Queue;
use crate::store::{Store, StoreError, StoreRow, millis};

/// The maximum number of attempts when two changes conflict.
const MAX_ATTEMPTS: usize = 5;

/// The requests of one pod. Clones share the store.
#[derive(Debug, Clone)]
pub struct Requests {
    pub(super) store: Store,
    pub(super) pod: String,
    pub(super) queue: Queue,
}

/// A request to create.
#[derive(Debug, Clone, Copy)]
pub struct NewRequest<'a> {
    /// The row ID of the account on the pod.
    pub user_id: i64,
    /// Its username.
    pub username: &'a str,
    /// Its diaspora* ID.
    pub account: &'a str,
    /// The passphrase that the account's private key is encrypted with; `None` to leave the key unencrypted.
    pub key_passphrase: Option<&'a str>,
    /// True to send an e-mail to the account's address when the archive is ready.
    pub mail: bool,
    /// The language of the e-mail.
    pub language: &'a str,
    /// The maximum number of requests that are open or have an archive, including the new one; `None` for no limit.
    pub most: Option<u32>,
}

/// The condition of requests that have an archive in the depot, or will have one.
const KEPT: &str = "pod = ? AND user_id = ? AND account = ? AND state IN ('queued', 'running', 'done')";

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A new request.
    New(Request),
    /// An open request, which exists already.
    UnderWay(Request),
}

impl Asked {
    /// Returns the request, new or not.
    pub fn request(&self) -> &Request {
        match self {
            Self::New(request) | Self::UnderWay(request) => request,
        }
    }
}

impl Requests {
    /// Returns the requests of a pod.
    pub fn new(store: &Store, pod: &PodUrl) -> Self {
        let queue = Queue::new(store, &TABLE, Some(pod.as_str()));
        Self { store: store.clone(), pod: pod.as_str().to_owned(), queue }
    }

    /// Returns the open requests as a queue for workers.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    pub(super) fn now(&self) -> &'static str {
        self.store.now()
    }

    /// Records a request, or returns the person's open one. A passphrase is encrypted with the key of the store, which
    /// is created with the time `now` if it does not exist.
    ///
    /// # Errors
    /// [`RequestError::TooMany`] if the person has the maximum number of archives, and the errors of the store and the
    /// keys.
    pub async fn ask(
        &self,
        new: &NewRequest<'_>,
        keys: &CampaignKeys,
        now: Timestamp,
    ) -> Result<Asked, RequestError> {
        let sealed = match new.key_passphrase {
            Some(passphrase) => Some(sealed::seal(&keys.current(now).await?.recipient, passphrase)?),
            None => None,
        };
        for _ in 0..MAX_ATTEMPTS {
            match self.insert(new, sealed.as_deref()).await {
                Ok(Some(row)) => {
                    self.queue.wake();
                    return Ok(Asked::New(Request::from_row(&row)?));
                }
                // An open request also counts towards the limit.
                Ok(None) => {
                    let open = self.open(new.user_id).await?;
                    return open.map(Asked::UnderWay).ok_or(RequestError::TooMany);
                }
                Err(StoreError::Duplicate { .. }) => {
                    if let Some(open) = self.open(new.user_id).await? {
                        return Ok(Asked::UnderWay(open));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(RequestError::Changing)
    }

    async fn insert(
        &self,
        new: &NewRequest<'_>,
        sealed: Option<&[u8]>,
    ) -> Result<Option<StoreRow>, StoreError> {
        let sql = format!(
            "INSERT INTO pappus_requests (pod, user_id, username, account, state, requested_at, due_at, key_locked, \
             key_passphrase, mail_to, language) SELECT ?, ?, ?, ?, 'queued', {0}, {0}, ?, ?, ?, ? \
             WHERE (SELECT COUNT(*) FROM pappus_requests WHERE {KEPT}) < ? RETURNING {REQUEST}",
            self.now()
        );
        let values = [
            (&self.pod).into(),
            new.user_id.into(),
            new.username.into(),
            new.account.into(),
            i64::from(sealed.is_some()).into(),
            sealed.map_or(crate::sql::Value::Bytes(None), Into::into),
            // The address itself comes from the pod when the account is read.
            new.mail.then_some("").into(),
            new.language.into(),
            (&self.pod).into(),
            new.user_id.into(),
            new.account.into(),
            new.most.map_or(i64::MAX, i64::from).into(),
        ];
        self.store.first("recording a request", &sql, &values).await
    }

    /// Returns the number of an account's requests that have an archive, or are open.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kept(&self, user_id: i64, account: &str) -> Result<i64, StoreError> {
        let sql = format!("SELECT COUNT(*) AS kept FROM pappus_requests WHERE {KEPT}");
        let values = [(&self.pod).into(), user_id.into(), account.into()];
        let row = self.store.first("counting archives", &sql, &values).await?;
        row.map_or(Ok(0), |row| row.get("kept"))
    }

    /// Returns a person's request by its number; `None` if it is another person's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(&self, user_id: i64, id: i64) -> Result<Option<Request>, StoreError> {
        let sql = format!("SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND user_id = ? AND id = ?");
        let values = [(&self.pod).into(), user_id.into(), id.into()];
        let row = self.store.first("reading a request", &sql, &values).await?;
        row.as_ref().map(Request::from_row).transpose()
    }

    /// Returns a request by its number, of any person; pages use [`of`](Self::of).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_id(&self, id: i64) -> Result<Option<Request>, StoreError> {
        let sql = format!("SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND id = ?");
        let row = self.store.first("reading a request", &sql, &[(&self.pod).into(), id.into()]).await?;
        row.as_ref().map(Request::from_row).transpose()
    }

    /// Returns a person's open request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(&self, user_id: i64) -> Result<Option<Request>, StoreError> {
        let sql = format!(
            "SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND user_id = ? AND state IN ('queued', 'running')"
        );
        let row = self.store.first("reading a request", &sql, &[(&self.pod).into(), user_id.into()]).await?;
        row.as_ref().map(Request::from_row).transpose()
    }

    /// Returns a person's requests, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn history(&self, user_id: i64, limit: u32) -> Result<Vec<Request>, StoreError> {
        let sql = format!(
            "SELECT {REQUEST} FROM pappus_requests WHERE pod = ? AND user_id = ? ORDER BY id DESC LIMIT {limit}"
        );
        let rows = self.store.rows("reading requests", &sql, &[(&self.pod).into(), user_id.into()]).await?;
        rows.iter().map(Request::from_row).collect()
    }

    /// Returns the number of a person's requests within a period.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recent(&self, user_id: i64, within: Duration) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) AS requests FROM pappus_requests WHERE pod = ? AND user_id = ? \
             AND requested_at > {} - ?",
            self.now()
        );
        let values = [(&self.pod).into(), user_id.into(), millis(within).into()];
        let row = self.store.first("counting requests", &sql, &values).await?;
        row.map_or(Ok(0), |row| row.get("requests"))
    }

    /// Returns a request's position in the queue; `None` if it is not waiting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn position(&self, request: &Request) -> Result<Option<Queued>, StoreError> {
        if request.state != super::RequestState::Queued {
            return Ok(None);
        }
        let sql = "SELECT (SELECT COUNT(*) FROM pappus_requests WHERE pod = ? AND state = 'queued' AND id < ?) + \
                   (SELECT COUNT(*) FROM pappus_requests WHERE pod = ? AND state = 'running') AS ahead";
        let values = [(&self.pod).into(), request.id.into(), (&self.pod).into()];
        let row = self.store.first("reading the queue", sql, &values).await?;
        Ok(Some(Queued { ahead: row.map_or(Ok(0), |row| row.get("ahead"))? }))
    }

    /// Cancels a person's request if it is still open. Returns whether it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, user_id: i64, id: i64) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE pappus_requests SET state = 'cancelled', fence = NULL, key_passphrase = NULL, mail_to = NULL, \
             finished_at = {} WHERE pod = ? AND user_id = ? AND id = ? AND state IN ('queued', 'running')",
            self.now()
        );
        let values = [(&self.pod).into(), user_id.into(), id.into()];
        Ok(self.store.execute("cancelling a request", &sql, &values).await? > 0)
    }
}
