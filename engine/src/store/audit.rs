//! The audit log.

use super::{Store, StoreError, Transaction};
use crate::sql::Value;

/// The statement that inserts a line.
const INSERT: &str = "INSERT INTO pappus_audit (pod, done_at, actor, act, subject, details, address) \
                    VALUES (?, ?, ?, ?, ?, ?, ?)";

/// A line of the audit log.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditLine<'a> {
    /// The pod's address.
    pub pod: &'a str,
    /// Time of the action, in milliseconds since 1970.
    pub done_at: i64,
    /// The diaspora* ID of the person who acted; `None` for Pappus itself.
    pub actor: Option<&'a str>,
    /// A stable name, such as `campaign-pause`.
    pub act: &'a str,
    /// The target of the action.
    pub subject: Option<&'a str>,
    /// Details, as JSON.
    pub details: Option<&'a str>,
    /// The client's IP address.
    pub address: Option<&'a str>,
}

impl AuditLine<'_> {
    /// Records the action.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record(&self, store: &Store) -> Result<(), StoreError> {
        store.execute("recording an action", INSERT, &self.values()).await.map(drop)
    }

    /// Records the action in the caller's transaction: both are written, or neither.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_in(&self, transaction: &mut Transaction) -> Result<(), StoreError> {
        transaction.execute("recording an action", INSERT, &self.values()).await.map(drop)
    }

    fn values(&self) -> [Value<'_>; 7] {
        let Self { pod, done_at, actor, act, subject, details, address } = *self;
        // PostgreSQL text cannot contain NUL.
        let subject = subject.map(|subject| subject.replace('\0', ""));
        [pod.into(), done_at.into(), actor.into(), act.into(), subject.into(), details.into(), address.into()]
    }
}
