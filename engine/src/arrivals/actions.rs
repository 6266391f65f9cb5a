//! Actions of newcomers: starting a move, uploading, choosing name and password, announcing, and undoing.

use std::time::Duration;

use super::records::{Newcomer, State};
use super::table::Newcomers;
use crate::sql::Value;
use crate::store::{StoreError, Transaction, millis, random_token, token_digest};

/// Period in which starts are counted for the limits.
const START_PERIOD: Duration = Duration::from_hours(24);

/// A new newcomer.
pub struct NewNewcomer<'a> {
    /// Language for messages to them.
    pub language: &'a str,
    /// ID of the invitation that they used.
    pub invitation: Option<i64>,
    /// The start of their move.
    pub start: Start<'a>,
}

/// The start of a move, or another one after it was undone, with the limits on starts.
pub struct Start<'a> {
    /// The person's IP address.
    pub address: &'a str,
    /// Maximum number of starts per day.
    pub per_day: u32,
    /// Maximum number of starts per day from one IP address.
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
    /// Adds a newcomer whose move expires after `good_for`, unless too many have started within a day. Returns their
    /// secret, which is valid once the transaction is committed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(
        &self,
        transaction: &mut Transaction,
        newcomer: &NewNewcomer<'_>,
        now: i64,
        good_for: Duration,
    ) -> Result<Option<String>, StoreError> {
        if !self.count_start(transaction, &newcomer.start, now).await? {
            return Ok(None);
        }
        let secret = random_token()?;
        let sql = "INSERT INTO pappus_newcomers (pod, secret_sha256, state, language, invitation_id, \
                   begun_at, expires_at, due_at, changed_at) VALUES (?, ?, 'uploading', ?, ?, ?, ?, ?, ?)";
        let values = [
            (&self.pod).into(),
            token_digest(&secret).into(),
            newcomer.language.into(),
            newcomer.invitation.into(),
            now.into(),
            (now + millis(good_for)).into(),
            now.into(),
            now.into(),
        ];
        transaction.execute("adding a newcomer", sql, &values).await?;
        Ok(Some(secret))
    }

    /// Counts a start, unless too many were counted within a day. Returns whether it was counted.
    async fn count_start(
        &self,
        transaction: &mut Transaction,
        start: &Start<'_>,
        now: i64,
    ) -> Result<bool, StoreError> {
        // Until this transaction ends, no other one counts or adds.
        lock_counts(transaction, &self.pod, now).await?;
        let sql = "INSERT INTO pappus_newcomer_starts (pod, address, started_at) SELECT ?, ?, ? FROM \
                   (SELECT COUNT(*) AS total, COUNT(CASE WHEN address = ? THEN 1 END) AS from_address \
                    FROM pappus_newcomer_starts WHERE pod = ? AND started_at > ?) AS starts \
                   WHERE total < ? AND from_address < ?";
        let values = [
            (&self.pod).into(),
            start.address.into(),
            now.into(),
            start.address.into(),
            (&self.pod).into(),
            (now - millis(START_PERIOD)).into(),
            i64::from(start.per_day).into(),
            i64::from(start.per_address).into(),
        ];
        Ok(transaction.execute("counting a start", sql, &values).await? > 0)
    }

    /// Records that the newcomer may have files, so that they are removed later. Returns whether the state allows them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_files(&self, id: i64, now: i64) -> Result<bool, StoreError> {
        self.change(id, &FILE_STATES, "has_files = 1", &[], now).await
    }

    /// Locks a newcomer's row until the transaction ends, so that nothing else starts to use the files. `None` if the
    /// state does not allow replacing them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock_files(&self, id: i64, now: i64) -> Result<Option<Transaction>, StoreError> {
        let mut transaction = self.store.begin().await?;
        let (sql, values) = self.change_statement(id, &FILE_STATES, "has_files = 1", &[], now);
        let is_locked = transaction.execute("locking files of a newcomer", &sql, &values).await? > 0;
        Ok(is_locked.then_some(transaction))
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
        let set = format!("state = 'uploading', {CLEAR_FINDINGS}");
        let (sql, values) = self.change_statement(id, &FILE_STATES, &set, &[], now);
        transaction.execute("recording a new file", &sql, &values).await.map(drop)
    }

    /// Starts the check of an uploaded archive, which may replace another. `bytes` are the sizes of the archive and
    /// of the separate photos. Returns whether the state allowed it.
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
            "state = 'checking', {CLEAR_FINDINGS}, archive_bytes = ?, photos_bytes = ?, archive_passphrase = ?, \
             approved = NULL, has_files = 1, begun_sha256 = NULL, expires_at = ?, {}",
            self.new_step()
        );
        let size = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let values = [
            size(bytes.0).into(),
            size(bytes.1).into(),
            passphrase.map_or(Value::Bytes(None), Value::from),
            (now + millis(good_for)).into(),
        ];
        let (sql, values) = self.change_statement(id, &FILE_STATES, &set, &values, now);
        Ok(transaction.execute("changing a newcomer", &sql, &values).await? > 0)
    }

    /// Records the chosen name and password, and that the terms are accepted. `newcomer` is the row on which the choice
    /// is based: records nothing if its archive, proof or decision has changed meanwhile, or if another newcomer has
    /// chosen the name. Returns whether the choice was recorded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn choose(
        &self,
        newcomer: &Newcomer,
        choice: &Choice<'_>,
        now: i64,
    ) -> Result<bool, StoreError> {
        let set = format!(
            "state = ?, username = ?, encrypted_password = ?, mail_to = ?, key_passphrase = ?, \
             terms_at = ?, podmins_told = 0, decision_told = 0, state_told = NULL, announce_at = NULL, \
             problem = NULL, reason = NULL, {}",
            self.new_step()
        );
        let values = [
            choice.to.as_str().into(),
            choice.username.into(),
            choice.sealed_password.into(),
            choice.mail_to.into(),
            choice.key_passphrase.map_or(Value::Bytes(None), Value::from),
            now.into(),
        ];
        let (sql, mut values) = self.change_statement(newcomer.id, &[State::Checked], &set, &values, now);
        let sql = format!(
            "{sql} AND archive_sha256 IS NOT DISTINCT FROM ? AND photos_sha256 IS NOT DISTINCT FROM ? \
             AND proof IS NOT DISTINCT FROM ? AND approved IS NOT DISTINCT FROM ? AND key_locked = ? \
             AND NOT EXISTS (SELECT 1 FROM pappus_newcomers o WHERE o.pod = ? AND o.id <> ? AND o.username = ? \
             AND o.state IN ({NAME_STATES}))"
        );
        values.extend([
            newcomer.archive_sha256.as_deref().into(),
            newcomer.photos_sha256.as_deref().into(),
            newcomer.proof.as_deref().into(),
            newcomer.approved.map(i64::from).into(),
            i64::from(newcomer.key_locked).into(),
            (&self.pod).into(),
            newcomer.id.into(),
            choice.username.into(),
        ]);
        let mut transaction = self.store.begin().await?;
        lock_counts(&mut transaction, &self.pod, now).await?;
        let is_recorded = transaction.execute("changing a newcomer", &sql, &values).await? > 0;
        transaction.commit().await?;
        self.queue.wake();
        Ok(is_recorded)
    }

    /// Returns whether another newcomer, who waits or is being imported, has chosen this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_name_chosen(&self, id: i64, name: &str) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT id FROM pappus_newcomers WHERE pod = ? AND id <> ? AND username = ? AND state IN ({NAME_STATES}) LIMIT 1"
        );
        let values = [(&self.pod).into(), id.into(), name.into()];
        Ok(self.store.first("looking for a chosen name", &sql, &values).await?.is_some())
    }

    /// Starts a step: changes the state from one of `from` to one that workers handle. Returns whether it was one of
    /// them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn start_step(&self, id: i64, from: &[State], to: State, now: i64) -> Result<bool, StoreError> {
        let set =
            format!("state = ?, announce_at = NULL, problem = NULL, reason = NULL, {}", self.new_step());
        self.change(id, from, &set, &[to.as_str().into()], now).await
    }

    /// Starts the announcement, with this passphrase of the key, or with the one that was stored before. Returns
    /// whether the state allowed it.
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

    /// Resets a move that was undone to its initial state, unless too many have started within a day: it counts as a
    /// start. Returns whether the limits allowed it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restart(
        &self,
        id: i64,
        start: &Start<'_>,
        now: i64,
        good_for: Duration,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.store.begin().await?;
        if !self.count_start(&mut transaction, start, now).await? {
            return Ok(false);
        }
        let sql = format!(
            "UPDATE pappus_newcomers SET state = 'uploading', {CLEAR_FINDINGS}, approved = NULL, decided_at = NULL, \
             decided_by = NULL, import_id = NULL, report = NULL, announced = NULL, announce_at = NULL, archive_bytes = 0, \
             photos_bytes = 0, has_files = 0, state_told = NULL, begun_at = ?, expires_at = ?, changed_at = ? \
             WHERE pod = ? AND id = ? AND state = 'undone'"
        );
        let values = [now.into(), (now + millis(good_for)).into(), now.into(), (&self.pod).into(), id.into()];
        // After a second click, the move is started already: nothing is committed, so nothing is counted.
        if transaction.execute("restarting a move", &sql, &values).await? > 0 {
            transaction.commit().await?;
        }
        Ok(true)
    }
}

/// States in which files may be uploaded or replaced: those of [`State::takes_files`].
const FILE_STATES: [State; 3] = [State::Uploading, State::Refused, State::Checked];

/// States in which a chosen name is taken.
const NAME_STATES: &str = "'waiting', 'importing'";

/// The SQL assignments that clear the findings about an archive, and the choices based on them.
const CLEAR_FINDINGS: &str = "archive_sha256 = NULL, photos_sha256 = NULL, old_account = NULL, proof = NULL, evidence = NULL, \
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
    transaction.execute("locking the counts of newcomers", sql, &[pod.into(), now.into()]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::config::PodUrl;
    use crate::sql::DatabaseUrl;
    use crate::store::Store;

    async fn newcomer(newcomers: &Newcomers, store: &Store) -> Newcomer {
        let start = Start { address: "192.0.2.1", per_day: 10, per_address: 10 };
        let newcomer = NewNewcomer { language: "en", invitation: None, start };
        let mut transaction = store.begin().await.unwrap();
        let secret =
            newcomers.begin(&mut transaction, &newcomer, 1_000, START_PERIOD).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        newcomers.with_secret(&secret).await.unwrap().unwrap()
    }

    /// Ends the check of an archive, as a worker would.
    async fn checked(newcomers: &Newcomers, store: &Store, id: i64, assignments: &str) -> Newcomer {
        let sql = format!("UPDATE pappus_newcomers SET state = 'checked', {assignments} WHERE id = {id}");
        store.execute("a test", &sql, &[]).await.unwrap();
        newcomers.by_id(id).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_choice_is_recorded_only_for_the_archive_on_which_it_is_based() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("store.db").display());
        let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).await.unwrap();
        let newcomers = Newcomers::new(&store, &PodUrl::parse("https://pod.example/").unwrap());
        let id = newcomer(&newcomers, &store).await.id;
        let choice = |username, to| Choice {
            username,
            sealed_password: "hash",
            mail_to: "mail",
            key_passphrase: None,
            to,
        };
        let approved = "archive_sha256 = 'one', proof = 'hcard', approved = 1";
        for other in [
            "archive_sha256 = 'two'",
            "photos_sha256 = 'two'",
            "proof = 'unproven'",
            "approved = NULL",
            "key_locked = 1",
        ] {
            let shown = checked(&newcomers, &store, id, approved).await;
            checked(&newcomers, &store, id, other).await;
            let is_recorded =
                newcomers.choose(&shown, &choice("ida", State::Importing), 2_000).await.unwrap();
            assert!(!is_recorded, "{other}");
            let now = newcomers.by_id(id).await.unwrap().unwrap();
            assert_eq!((now.state, now.username), (State::Checked, None), "{other}");
            checked(&newcomers, &store, id, "photos_sha256 = NULL, key_locked = 0").await;
        }

        // Two newcomers do not get the same name.
        let shown = checked(&newcomers, &store, id, approved).await;
        let other = newcomer(&newcomers, &store).await.id;
        let other = checked(&newcomers, &store, other, approved).await;
        let wait = choice("ida", State::Waiting);
        let both =
            tokio::join!(newcomers.choose(&shown, &wait, 2_000), newcomers.choose(&other, &wait, 2_000));
        assert_ne!(both.0.unwrap(), both.1.unwrap());
    }
}
