//! The table of mails. Recipient, subject and body are encrypted to the key of the store: they contain links that
//! grant access.

use std::time::Duration;

use chrono::DateTime;
use pappus_engine::archive::encryption::EncryptionError;
use pappus_engine::backoff::Backoff;
use pappus_engine::depot::sealed::{open_text, seal_text};
use pappus_engine::depot::{CampaignKeys, KeysError};
use pappus_engine::store::lease::{Lease, Queue, WorkTable};
use pappus_engine::store::{Store, StoreError};

use super::Mail;

/// The queue of mails. A mail whose sender was killed may have been sent, so its lease is long.
static TABLE: WorkTable = WorkTable {
    name: "pappus_outbox",
    open: "state IN ('queued', 'sending')",
    order: "due_at, id",
    released: "state = 'queued'",
    expires: Duration::from_mins(2),
    backoff: Backoff::new(Duration::from_secs(5), Duration::from_hours(2)),
    // More than two days.
    tries: 40,
};

/// The reason why a mail could not be queued or claimed.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key that mails are encrypted to cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A mail could not be encrypted or decrypted.
    #[error("a mail in the outbox cannot be encrypted or decrypted: {0}")]
    Sealed(#[from] EncryptionError),
    /// The key that decrypts mails is on another machine.
    #[error("the key that decrypts the mails in the outbox is on another machine: run pappus keys restore")]
    KeyElsewhere,
}

/// The outbox.
#[derive(Debug, Clone)]
pub struct Outbox {
    store: Store,
    keys: CampaignKeys,
    queue: Queue,
}

/// A claimed mail.
pub(super) struct ClaimedMail {
    pub(super) lease: Lease,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) body: String,
}

impl Outbox {
    /// Returns the outbox of a store.
    pub fn new(store: &Store, keys: &CampaignKeys) -> Self {
        Self { store: store.clone(), keys: keys.clone(), queue: Queue::new(store, &TABLE, None) }
    }

    /// Queues a mail, unless one with its key exists. Returns whether it did.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub async fn put(&self, mail: &Mail, now: i64) -> Result<bool, OutboxError> {
        let time = DateTime::from_timestamp_millis(now).unwrap_or_default();
        let key = self.keys.current(time.into()).await?.recipient;
        let sql = format!(
            "INSERT INTO pappus_outbox (key, recipient, subject, body, state, queued_at, due_at) \
             VALUES (?, ?, ?, ?, 'queued', ?, {}) ON CONFLICT (key) DO NOTHING",
            self.store.now()
        );
        let values = [
            (&mail.key).into(),
            seal_text(&key, &mail.to)?.into(),
            seal_text(&key, &mail.subject)?.into(),
            seal_text(&key, &mail.body)?.into(),
            now.into(),
        ];
        let is_queued = self.store.execute("queueing a mail", &sql, &values).await? > 0;
        self.queue.wake();
        Ok(is_queued)
    }

    /// Waits until a mail may be due.
    pub(super) async fn enqueued(&self) {
        self.queue.enqueued().await;
    }

    /// Claims the next mail that is due.
    pub(super) async fn acquire(&self) -> Result<Option<ClaimedMail>, OutboxError> {
        let unlock = self.keys.unlock()?.ok_or(OutboxError::KeyElsewhere)?;
        let acquired = self.queue.acquire("state = 'sending'", "recipient, subject, body").await?;
        let Some((lease, row)) = acquired else { return Ok(None) };
        let text = |column| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
        Ok(Some(ClaimedMail {
            lease,
            to: open_text(&unlock, text("recipient")?)?.to_string(),
            subject: open_text(&unlock, text("subject")?)?.to_string(),
            body: open_text(&unlock, text("body")?)?.to_string(),
        }))
    }
}

impl ClaimedMail {
    /// Marks the mail as sent and erases its recipient, subject and body.
    pub(super) async fn mark_sent(&self, now: i64) -> Result<(), StoreError> {
        let set = format!("state = 'sent', last_error = NULL, {ERASE}");
        self.lease.finish("recording a sent mail", &set, &[now.into()]).await.map(drop)
    }

    /// Reschedules a mail that could not be sent, or gives it up after a permanent error or too many attempts.
    pub(super) async fn failed(&self, reason: &str, is_permanent: bool, now: i64) -> Result<(), StoreError> {
        if is_permanent || self.lease.is_last() {
            let set = format!("state = 'failed', last_error = ?, {ERASE}");
            return self
                .lease
                .finish("recording a failed mail", &set, &[reason.into(), now.into()])
                .await
                .map(drop);
        }
        self.lease.retry("last_error = ?", &[reason.into()]).await.map(drop)
    }
}

/// Assignments that erase a mail for which nothing more is done.
const ERASE: &str = "recipient = NULL, subject = NULL, body = NULL, finished_at = ?";
