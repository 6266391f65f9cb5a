//! The table of mails. Recipient, subject and body are encrypted to the key of the store: they contain links that
//! grant access.

use std::time::Duration;

use chrono::DateTime;
use pappus_engine::archive::encryption::EncryptionError;
use pappus_engine::depot::sealed::{open_text, seal_text};
use pappus_engine::depot::{CampaignKeys, KeysError};
use pappus_engine::store::{Store, StoreError, random_id};

use super::Mail;

/// Time after which another process may claim a mail.
const LEASE: Duration = Duration::from_mins(2);
/// Longest delay between two attempts, in milliseconds.
const LONGEST: i64 = 2 * 3600 * 1000;
/// Maximum number of attempts; with increasing delays they span more than two days.
const TRIES: i64 = 40;

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
    #[error("a mail in the outbox: {0}")]
    Sealed(#[from] EncryptionError),
    /// The key that decrypts mails is on another machine.
    #[error("what opens the mails in the outbox is on another machine: pappus keys restore")]
    KeyElsewhere,
}

/// The queue of mails.
#[derive(Debug, Clone)]
pub struct Outbox {
    store: Store,
    keys: CampaignKeys,
}

/// A claimed mail.
pub(super) struct ClaimedMail {
    pub(super) id: i64,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) body: String,
    attempts: i64,
    fence: String,
}

impl Outbox {
    /// Returns the outbox of a store.
    pub fn new(store: &Store, keys: &CampaignKeys) -> Self {
        Self { store: store.clone(), keys: keys.clone() }
    }

    /// Queues a mail, unless one with its key exists. Returns whether it did.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub async fn put(&self, letter: &Mail, now: i64) -> Result<bool, OutboxError> {
        let time = DateTime::from_timestamp_millis(now).unwrap_or_default();
        let key = self.keys.current(time.into()).await?.recipient;
        let sql = "INSERT INTO pappus_outbox (key, recipient, subject, body, state, queued_at, due_at) \
                   VALUES (?, ?, ?, ?, 'queued', ?, ?) ON CONFLICT (key) DO NOTHING";
        let values = [
            (&letter.key).into(),
            seal_text(&key, &letter.to)?.into(),
            seal_text(&key, &letter.subject)?.into(),
            seal_text(&key, &letter.body)?.into(),
            now.into(),
            now.into(),
        ];
        Ok(self.store.execute("queueing a mail", sql, &values).await? > 0)
    }

    /// Claims the next mail that is due.
    pub(super) async fn take(&self, now: i64) -> Result<Option<ClaimedMail>, OutboxError> {
        let unlock = self.keys.unlock()?.ok_or(OutboxError::KeyElsewhere)?;
        let fence = random_id()?;
        let lease = now + i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        // A delay longer than any possible one was computed before the clock was set back.
        let is_due = format!(
            "((state = 'queued' AND (due_at <= {now} OR due_at > {now} + {})) \
             OR (state = 'sending' AND (lease_until < {now} OR lease_until > {lease} + 1000)))",
            2 * LONGEST
        );
        let sql = format!(
            "UPDATE pappus_outbox SET state = 'sending', fence = ?, lease_until = ?, attempts = attempts + 1 \
             WHERE id = (SELECT id FROM pappus_outbox WHERE {is_due} ORDER BY due_at, id LIMIT 1) AND {is_due} \
             RETURNING id, recipient, subject, body, attempts"
        );
        let values = [(&fence).into(), lease.into()];
        let Some(row) = self.store.first("taking a mail up", &sql, &values).await? else { return Ok(None) };
        let text = |column| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
        Ok(Some(ClaimedMail {
            id: row.get(0)?,
            to: open_text(&unlock, text(1)?)?.to_string(),
            subject: open_text(&unlock, text(2)?)?.to_string(),
            body: open_text(&unlock, text(3)?)?.to_string(),
            attempts: row.get(4)?,
            fence,
        }))
    }

    /// Marks a mail as sent and erases its recipient, subject and body.
    pub(super) async fn sent(&self, mail: &ClaimedMail, now: i64) -> Result<(), StoreError> {
        let sql = "UPDATE pappus_outbox SET state = 'sent', recipient = NULL, subject = NULL, body = NULL, fence = NULL, \
                   lease_until = NULL, last_error = NULL, finished_at = ? WHERE id = ? AND fence = ?";
        let values = [now.into(), mail.id.into(), (&mail.fence).into()];
        self.store.execute("recording a mail", sql, &values).await.map(drop)
    }

    /// Reschedules a mail that could not be sent, or gives it up after a permanent error or too many attempts.
    pub(super) async fn refused(
        &self,
        mail: &ClaimedMail,
        reason: &str,
        for_good: bool,
        now: i64,
    ) -> Result<(), StoreError> {
        let over = for_good || mail.attempts >= TRIES;
        let (state, due) = if over { ("failed", now) } else { ("queued", now + pause(mail.attempts)) };
        let wiped = if over { ", recipient = NULL, subject = NULL, body = NULL" } else { "" };
        let sql = format!(
            "UPDATE pappus_outbox SET state = ?, due_at = ?, last_error = ?, fence = NULL, lease_until = NULL{wiped}, \
             finished_at = ? WHERE id = ? AND fence = ?"
        );
        let values = [
            state.into(),
            due.into(),
            reason.into(),
            over.then_some(now).into(),
            mail.id.into(),
            (&mail.fence).into(),
        ];
        self.store.execute("putting a mail off", &sql, &values).await.map(drop)
    }
}

/// Delay before the next attempt in milliseconds: a few seconds at first, up to two hours.
fn pause(attempts: i64) -> i64 {
    let doubled = u32::try_from(attempts.clamp(1, 12)).unwrap_or(12);
    (2_500 * 2_i64.pow(doubled)).min(LONGEST)
}
