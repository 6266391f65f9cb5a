//! What newcomers do: they start a move, upload, choose, announce, undo, and leave.

use std::time::Duration;

use super::records::State;
use super::table::Newcomers;
use crate::store::{StoreError, Transaction, Value, millis, random_token, token_digest};

/// Period in which new newcomers are counted for the limits.
const DAY: Duration = Duration::from_hours(24);

/// A new newcomer, with the limits on new ones.
pub struct NewNewcomer<'a> {
    /// Language for messages to them.
    pub language: &'a str,
    /// Their IP address.
    pub address: &'a str,
    /// Number of the invitation that they used.
    pub invitation: Option<i64>,
    /// Maximum number of people who may start per day.
    pub per_day: u32,
    /// Maximum number of them from one IP address.
    pub per_address: u32,
}

/// The choices of a newcomer.
pub struct Choice<'a> {
    /// The username on this pod.
    pub username: &'a str,
    /// The hash of the password, encrypted.
    pub sealed_password: &'a str,
    /// The e-mail address for messages, encrypted.
    pub mail_to: &'a str,
    /// Passphrase of the key in the archive, encrypted.
    pub key_passphrase: Option<&'a [u8]>,
    /// [`State::Waiting`] or [`State::Importing`].
    pub to: State,
}

impl Newcomers {
    /// Adds a newcomer, unless too many have started within a day. Returns their secret, which is valid once the
    /// transaction is committed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(
        &self,
        transaction: &mut Transaction,
        who: &NewNewcomer<'_>,
        now: i64,
        good_for: Duration,
    ) -> Result<Option<String>, StoreError> {
        // No other transaction counts or adds until this one ends.
        lock_counts(transaction, &self.pod, now).await?;
        let secret = random_token()?;
        let sql = "INSERT INTO pappus_newcomers (pod, secret_sha256, state, language, address, invitation_id, \
                   begun_at, expires_at, due_at, changed_at) \
                   SELECT ?, ?, 'uploading', ?, ?, ?, ?, ?, ?, ? FROM \
                   (SELECT COUNT(*) AS together, COUNT(CASE WHEN address = ? THEN 1 END) AS alike \
                    FROM pappus_newcomers WHERE pod = ? AND begun_at > ?) AS begun \
                   WHERE together < ? AND alike < ?";
        let values = [
            (&self.pod).into(),
            token_digest(&secret).into(),
            who.language.into(),
            who.address.into(),
            who.invitation.into(),
            now.into(),
            (now + millis(good_for)).into(),
            now.into(),
            now.into(),
            who.address.into(),
            (&self.pod).into(),
            (now - millis(DAY)).into(),
            i64::from(who.per_day).into(),
            i64::from(who.per_address).into(),
        ];
        let added = transaction.execute("adding a newcomer", sql, &values).await?;
        Ok((added > 0).then_some(secret))
    }

    /// Records that there may be files, so that they are removed later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_files(&self, id: i64, now: i64) -> Result<bool, StoreError> {
        self.change(id, &TAKES_FILES, "has_files = 1", &[], now).await
    }

    /// Locks a newcomer's row until the transaction ends, if their files may be replaced, so that nothing else starts
    /// to use the files.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock_files(&self, id: i64, now: i64) -> Result<Option<Transaction>, StoreError> {
        let mut transaction = self.store.begin().await?;
        let (sql, values) = self.changing(id, &TAKES_FILES, "has_files = 1", &[], now);
        let locked = transaction.execute("locking files of a newcomer", &sql, &values).await? > 0;
        Ok(locked.then_some(transaction))
    }

    /// Clears the findings about the previous archive after a file was replaced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn file_replaced(
        &self,
        transaction: &mut Transaction,
        id: i64,
        now: i64,
    ) -> Result<(), StoreError> {
        let set = format!("state = 'uploading', {NOTHING_FOUND}");
        let (sql, values) = self.changing(id, &TAKES_FILES, &set, &[], now);
        transaction.execute("recording a new file", &sql, &values).await.map(drop)
    }

    /// Starts the check of an uploaded archive, which may replace another.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn start_check(
        &self,
        transaction: &mut Transaction,
        id: i64,
        bytes: (u64, u64),
        passphrase: Option<&[u8]>,
        now: i64,
        good_for: Duration,
    ) -> Result<bool, StoreError> {
        let set = format!(
            "state = 'checking', {NOTHING_FOUND}, archive_bytes = ?, photos_bytes = ?, archive_passphrase = ?, \
             approved = NULL, has_files = 1, expires_at = ?, {}",
            self.to_do()
        );
        let size = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let values = [
            size(bytes.0).into(),
            size(bytes.1).into(),
            passphrase.map_or(Value::Bytes(None), Value::from),
            (now + millis(good_for)).into(),
        ];
        let (sql, values) = self.changing(id, &TAKES_FILES, &set, &values, now);
        Ok(transaction.execute("changing a newcomer", &sql, &values).await? > 0)
    }

    /// Records the chosen name and password, and that the terms are accepted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn choose(&self, id: i64, choice: &Choice<'_>, now: i64) -> Result<bool, StoreError> {
        let set = format!(
            "state = ?, username = ?, encrypted_password = ?, mail_to = ?, key_passphrase = ?, \
             terms_at = ?, podmins_told = 0, decision_told = 0, state_told = NULL, announce_at = NULL, \
             problem = NULL, reason = NULL, {}",
            self.to_do()
        );
        let values = [
            choice.to.as_str().into(),
            choice.username.into(),
            choice.sealed_password.into(),
            choice.mail_to.into(),
            choice.key_passphrase.map_or(Value::Bytes(None), Value::from),
            now.into(),
        ];
        self.change(id, &[State::Checked], &set, &values, now).await
    }

    /// Returns whether another newcomer, who waits or is being imported, has chosen this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_name_chosen(&self, id: i64, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM pappus_newcomers WHERE pod = ? AND id <> ? AND username = ? \
                   AND state IN ('waiting', 'importing') LIMIT 1";
        let values = [(&self.pod).into(), id.into(), name.into()];
        Ok(self.store.first("looking for a chosen name", sql, &values).await?.is_some())
    }

    /// Starts work: changes one of these states to one that workers handle.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn work(&self, id: i64, from: &[State], to: State, now: i64) -> Result<bool, StoreError> {
        let set = format!("state = ?, announce_at = NULL, problem = NULL, reason = NULL, {}", self.to_do());
        self.change(id, from, &set, &[to.as_str().into()], now).await
    }

    /// Starts the announcement, with the key's passphrase given now or at the start of the move.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn announce(
        &self,
        id: i64,
        key_passphrase: Option<&[u8]>,
        now: i64,
    ) -> Result<bool, StoreError> {
        let set = format!("{}, key_passphrase = COALESCE(?, key_passphrase)", self.announcing());
        let values = [key_passphrase.map_or(Value::Bytes(None), Value::from)];
        self.change(id, &[State::Imported], &set, &values, now).await
    }

    /// Resets a move that was undone to its initial state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restart(&self, id: i64, now: i64, good_for: Duration) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE pappus_newcomers SET state = 'uploading', {NOTHING_FOUND}, approved = NULL, decided_at = NULL, \
             decided_by = NULL, import_id = NULL, report = NULL, announced = NULL, announce_at = NULL, archive_bytes = 0, \
             photos_bytes = 0, has_files = 0, state_told = NULL, begun_at = ?, expires_at = ?, changed_at = ? \
             WHERE pod = ? AND id = ? AND state = 'undone'"
        );
        let values = [now.into(), (now + millis(good_for)).into(), now.into(), (&self.pod).into(), id.into()];
        Ok(self.store.execute("beginning a move anew", &sql, &values).await? > 0)
    }

    /// Ends a move that was cancelled or has expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave(&self, id: i64, now: i64) -> Result<bool, StoreError> {
        let set = "state = 'expired', username = NULL, encrypted_password = NULL, mail_to = NULL, \
                   archive_passphrase = NULL, key_passphrase = NULL, plan = NULL";
        let from = [State::Uploading, State::Refused, State::Checked, State::Waiting, State::Declined];
        self.change(id, &from, set, &[], now).await
    }
}

/// States in which files may be uploaded or replaced: those of [`State::takes_files`].
const TAKES_FILES: [State; 3] = [State::Uploading, State::Refused, State::Checked];

/// Clears the findings about an archive, and the choices based on them.
const NOTHING_FOUND: &str = "archive_sha256 = NULL, photos_sha256 = NULL, old_account = NULL, proof = NULL, evidence = NULL, \
                             plan = NULL, key_locked = 0, username = NULL, \
                             encrypted_password = NULL, mail_to = NULL, problem = NULL, reason = NULL";

/// Locks the counts of a pod's newcomers and files until the transaction ends. Without it, PostgreSQL would let two
/// transactions count at the same time, and both would add where only one may.
pub(super) async fn lock_counts(
    transaction: &mut Transaction,
    pod: &str,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO pappus_newcomer_turns (pod, counted_at) VALUES (?, ?) \
               ON CONFLICT (pod) DO UPDATE SET counted_at = excluded.counted_at";
    transaction.execute("waiting to count newcomers", sql, &[pod.into(), now.into()]).await.map(drop)
}
