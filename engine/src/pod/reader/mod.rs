//! Reading one account from a pod's database: typed records in the order of the archive document.
//!
//! Each part of the account takes one statement, or a few per [`PAGE`] posts, never one per record; records are
//! streamed to a [`Sink`], so memory use does not depend on the account's size. An unusable row becomes an omission in
//! the [`Notes`] and never stops the export.

mod account;
mod ahead;
mod contacts;
mod conversations;
mod extras;
mod identity;
mod notes;
mod others;
mod post_parts;
mod posts;
mod relayables;
mod signing;
mod source;
mod stand_ins;
mod yaml;

use std::collections::HashMap;
use std::sync::Arc;

pub use account::{AccountRow, AspectRow};
pub use ahead::ReadAhead;
pub use contacts::ContactBook;
pub use extras::PhotoName;
pub(crate) use identity::{ids_of_users, usable_id};
pub use notes::{Notes, Problem};
pub use others::OthersRelayables;
pub use posts::{PostRecord, Reply};
pub use signing::signers::{ForecastMemory, NoMemory, SignatureId, SignatureMemory};
pub(crate) use yaml::hidden_posts;

use source::Source;

use super::config::PodUrl;
use super::database::{DatabaseError, Snapshot};
use super::uploads::UploadsError;
use crate::domain::{DiasporaId, PodAddress, PostRemainder, SigningKey};

/// Number of posts that are read at once.
pub const PAGE: usize = 1000;

/// The reason an account could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The photo storage as a whole failed.
    #[error(transparent)]
    Uploads(#[from] UploadsError),
    /// No account has this name.
    #[error("there is no account {name:?} on this pod. `pappus check --accounts` lists its accounts")]
    UnknownAccount {
        /// The requested name.
        name: String,
    },
    /// The account's own rows are invalid.
    #[error("the account {name:?} has no usable person in the pod's database: {reason}")]
    BrokenAccount {
        /// Username.
        name: String,
        /// The defect.
        reason: String,
    },
    /// The receiver of the records has stopped.
    #[error("writing was stopped")]
    Stopped,
}

/// Receives records one at a time, in order.
pub trait Sink<T> {
    /// Receives the next record; waits while the receiver is busy.
    fn put(&mut self, record: T) -> impl Future<Output = Result<(), ReadError>> + Send;
}

/// Reads one account within a snapshot.
pub struct AccountReader<'a> {
    source: Source<'a>,
    pod: PodUrl,
    account: AccountRow,
    aspects: Vec<AspectRow>,
    pods: Arc<HashMap<i64, PodAddress>>,
    /// Cached, since parsing a key takes milliseconds.
    signing_key: Option<SigningKey>,
    /// Parts of posts that the document omits.
    post_remainders: Vec<PostRemainder>,
    /// Counts and omissions so far.
    pub notes: Notes,
}

impl<'a> AccountReader<'a> {
    /// Finds the account by its username, or by its diaspora* ID.
    ///
    /// # Errors
    /// [`ReadError::UnknownAccount`], [`ReadError::BrokenAccount`], or the database's failure.
    pub async fn find(snapshot: &'a mut Snapshot, pod: PodUrl, name: &str) -> Result<Self, ReadError> {
        let account = identity::find(snapshot, &pod, name).await?;
        Self::new(Source { snapshot, ahead: None }, pod, account).await
    }

    /// Finds the account by its row ID, `users.id`.
    ///
    /// # Errors
    /// As [`AccountReader::find`].
    pub async fn of_user(snapshot: &'a mut Snapshot, pod: PodUrl, user: i64) -> Result<Self, ReadError> {
        let sql = format!("{} WHERE u.id = {user} ORDER BY p.id", account::ACCOUNT);
        let row = snapshot.first("the account", sql, &[]).await?;
        let row = row.ok_or_else(|| ReadError::UnknownAccount { name: user.to_string() })?;
        let account = account::read(&row, &pod)?;
        Self::new(Source { snapshot, ahead: None }, pod, account).await
    }

    /// Looks up an account's diaspora* ID by its username or that ID, with one statement.
    ///
    /// # Errors
    /// As [`AccountReader::find`].
    pub async fn id_of(snapshot: &mut Snapshot, pod: &PodUrl, name: &str) -> Result<DiasporaId, ReadError> {
        Ok(identity::find(snapshot, pod, name).await?.id)
    }

    /// Selects an account that was read ahead, by its `users.id`; each can be read once.
    ///
    /// # Errors
    /// As [`AccountReader::find`].
    pub async fn read_ahead(
        snapshot: &'a mut Snapshot,
        ahead: &'a mut ReadAhead,
        pod: PodUrl,
        user: i64,
    ) -> Result<Self, ReadError> {
        let account = ahead.account(user, &pod)?;
        Self::new(Source { snapshot, ahead: Some(ahead) }, pod, account).await
    }

    async fn new(mut source: Source<'a>, pod: PodUrl, account: AccountRow) -> Result<Self, ReadError> {
        let mut notes = Notes::default();
        account.note_names(&mut notes);
        let aspects = account::aspects(&mut source, &account, &mut notes).await?;
        let pods = source.pods().await?;
        Ok(Self {
            source,
            pod,
            account,
            aspects,
            pods,
            signing_key: None,
            post_remainders: Vec::new(),
            notes,
        })
    }

    /// Returns the account being read.
    pub fn account(&self) -> &AccountRow {
        &self.account
    }

    /// Estimates the number of records and files that an export of the account processes.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn record_count(&mut self) -> Result<u64, ReadError> {
        let (person, user) = (self.account.person_id, self.account.user_id);
        let own_counts = ["posts", "comments", "likes", "poll_participations", "photos", "participations"]
            .map(|table| format!("(SELECT COUNT(*) FROM {table} r WHERE r.author_id = {person})"));
        let others_counts =
            [("comments", "commentable_id", "commentable_type"), ("likes", "target_id", "target_type")].map(
                |(table, id, kind)| {
                    format!(
                        "(SELECT COUNT(*) FROM {table} r JOIN posts p ON p.id = r.{id} AND r.{kind} = 'Post' \
                     WHERE p.author_id = {person} AND r.author_id <> {person})"
                    )
                },
            );
        let contact_count = format!("(SELECT COUNT(*) FROM contacts r WHERE r.user_id = {user})");
        let sql = format!(
            "SELECT {} + {} + {contact_count} AS amount",
            own_counts.join(" + "),
            others_counts.join(" + ")
        );
        let row = self.source.snapshot.first("the size of the account", sql, &[]).await?;
        Ok(row.and_then(|row| row.integer("amount")).and_then(|count| count.try_into().ok()).unwrap_or(0))
    }

    /// Returns the account's aspects, in the user's order.
    pub fn aspects(&self) -> &[AspectRow] {
        &self.aspects
    }
}
