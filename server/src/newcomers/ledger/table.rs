//! The table of newcomers, for newcomers and podmins. Each change checks the state it starts from, so simultaneous
//! clicks have one effect.

use std::time::Duration;

use pappus_engine::pod::config::PodUrl;
use pappus_engine::requests::{random_token, token_digest};
use pappus_engine::store::lease::Queue;
use pappus_engine::store::{Store, StoreError, StoreRow, Transaction, Value};

use crate::newcomers::ledger::lease::TABLE;
use crate::newcomers::ledger::records::{NEWCOMER, Newcomer, State, time};
use crate::newcomers::pages::progress::{AllProgress, Progress};
use crate::newcomers::steps::MANY_PODS;

/// Period in which new newcomers are counted for the limits.
const DAY: Duration = Duration::from_hours(24);
/// Maximum length of a secret that is looked up.
const MAX_SECRET: usize = 100;
/// Newcomers per page.
pub(in crate::newcomers) const PAGE: usize = 200;

/// The newcomers of one pod. Clones share the store.
#[derive(Debug, Clone)]
pub struct Newcomers {
    pub(in crate::newcomers) store: Store,
    pub(in crate::newcomers) pod: String,
    /// Those with a step to take.
    pub(in crate::newcomers) queue: Queue,
}

/// A new newcomer, with the limits on new ones.
pub(in crate::newcomers) struct NewNewcomer<'a> {
    pub(in crate::newcomers) language: &'a str,
    pub(in crate::newcomers) address: &'a str,
    pub(in crate::newcomers) invitation: Option<i64>,
    /// Maximum number of people who may start per day.
    pub(in crate::newcomers) per_day: u32,
    /// Maximum number of them from one IP address.
    pub(in crate::newcomers) per_address: u32,
}

/// The choices of a newcomer.
pub(in crate::newcomers) struct Choice<'a> {
    pub(in crate::newcomers) username: &'a str,
    /// The hash of the password, encrypted.
    pub(in crate::newcomers) sealed_password: &'a str,
    /// The e-mail address for messages, encrypted.
    pub(in crate::newcomers) mail_to: &'a str,
    /// Passphrase of the key in the archive, encrypted.
    pub(in crate::newcomers) key_passphrase: Option<&'a [u8]>,
    /// [`State::Waiting`] or [`State::Importing`].
    pub(in crate::newcomers) to: State,
}

impl Newcomers {
    /// Opens the table of a pod's newcomers.
    pub fn new(store: &Store, pod: &PodUrl) -> Self {
        let queue = Queue::new(store, &TABLE, Some(pod.as_str()));
        Self { store: store.clone(), pod: pod.as_str().to_owned(), queue }
    }

    /// Returns the assignments that make a row due now, in an SQL statement.
    pub(in crate::newcomers) fn due(&self) -> String {
        format!("due_at = {}, attempts = 0, deaths = 0", self.store.now())
    }

    /// Returns the assignments that make a row due now and show no progress yet.
    fn to_do(&self) -> String {
        format!("{}, stage = NULL, total = 0, advanced = 0", self.due())
    }

    /// Returns the assignments that start the announcement.
    fn announcing(&self) -> String {
        format!("state = 'announcing', announce_at = NULL, problem = NULL, reason = NULL, {}", self.to_do())
    }

    /// Adds a newcomer, unless too many have started within a day. Returns their secret, which is valid once the
    /// transaction is committed.
    pub(in crate::newcomers) async fn begin(
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

    /// Finds the newcomer with a secret.
    pub(in crate::newcomers) async fn with_secret(
        &self,
        secret: &str,
    ) -> Result<Option<Newcomer>, StoreError> {
        if secret.len() > MAX_SECRET {
            return Ok(None);
        }
        let condition = "secret_sha256 = ? AND state <> 'expired'";
        self.one(condition, &[token_digest(secret).into()]).await
    }

    /// Finds a newcomer by number. For workers and podmins only.
    pub(in crate::newcomers) async fn by_id(&self, id: i64) -> Result<Option<Newcomer>, StoreError> {
        self.one("id = ?", &[id.into()]).await
    }

    /// Finds a newcomer while the worker's fence is valid.
    pub(in crate::newcomers) async fn with_fence(
        &self,
        id: i64,
        fence: &str,
    ) -> Result<Option<Newcomer>, StoreError> {
        self.one("id = ? AND fence = ?", &[id.into(), fence.into()]).await
    }

    async fn one(&self, condition: &str, values: &[Value<'_>]) -> Result<Option<Newcomer>, StoreError> {
        let sql = format!("SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND {condition}");
        let mut all = vec![Value::from(&self.pod)];
        all.extend_from_slice(values);
        let row = self.store.first("looking for a newcomer", &sql, &all).await?;
        row.as_ref().map(Newcomer::from_row).transpose()
    }

    /// Lists newcomers in these states, oldest first.
    pub(in crate::newcomers) async fn oldest(&self, states: &[State]) -> Result<Vec<Newcomer>, StoreError> {
        let sql = format!(
            "SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND state IN ({}) ORDER BY id LIMIT {PAGE}",
            listed(states)
        );
        let rows = self.store.rows("listing newcomers", &sql, &[(&self.pod).into()]).await?;
        rows.iter().map(Newcomer::from_row).collect()
    }

    /// Lists newcomers in these states, newest first, with numbers below `before`.
    pub(in crate::newcomers) async fn newest(
        &self,
        states: &[State],
        before: Option<i64>,
    ) -> Result<Vec<Newcomer>, StoreError> {
        let sql = format!(
            "SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND id < ? AND state IN ({}) \
             ORDER BY id DESC LIMIT {PAGE}",
            listed(states)
        );
        let values = [(&self.pod).into(), before.unwrap_or(i64::MAX).into()];
        let rows = self.store.rows("listing newcomers", &sql, &values).await?;
        rows.iter().map(Newcomer::from_row).collect()
    }

    /// Changes a row if it is in one of these states. Returns whether it was.
    pub(super) async fn change(
        &self,
        id: i64,
        from: &[State],
        set: &str,
        values: &[Value<'_>],
        now: i64,
    ) -> Result<bool, StoreError> {
        let (sql, all) = self.changing(id, from, set, values, now);
        let changed = self.store.execute("changing a newcomer", &sql, &all).await? > 0;
        // There may be a step to take now.
        self.queue.wake();
        Ok(changed)
    }

    fn changing<'a>(
        &'a self,
        id: i64,
        from: &[State],
        set: &str,
        values: &[Value<'a>],
        now: i64,
    ) -> (String, Vec<Value<'a>>) {
        let sql = format!(
            "UPDATE pappus_newcomers SET {set}, changed_at = ? WHERE pod = ? AND id = ? AND state IN ({})",
            listed(from)
        );
        let mut all = values.to_vec();
        all.extend([now.into(), (&self.pod).into(), id.into()]);
        (sql, all)
    }

    /// Records that there may be files, so that they are removed later.
    pub(in crate::newcomers) async fn has_files(&self, id: i64, now: i64) -> Result<bool, StoreError> {
        self.change(id, &TAKES_FILES, "has_files = 1", &[], now).await
    }

    /// Locks a newcomer's row until the transaction ends, if their files may be replaced, so that nothing else starts
    /// to use the files.
    pub(in crate::newcomers) async fn lock_files(
        &self,
        id: i64,
        now: i64,
    ) -> Result<Option<Transaction>, StoreError> {
        let mut transaction = self.store.begin().await?;
        let (sql, values) = self.changing(id, &TAKES_FILES, "has_files = 1", &[], now);
        let locked = transaction.execute("locking files of a newcomer", &sql, &values).await? > 0;
        Ok(locked.then_some(transaction))
    }

    /// Clears the findings about the previous archive after a file was replaced.
    pub(in crate::newcomers) async fn file_replaced(
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
    pub(in crate::newcomers) async fn start_check(
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
    pub(in crate::newcomers) async fn choose(
        &self,
        id: i64,
        choice: &Choice<'_>,
        now: i64,
    ) -> Result<bool, StoreError> {
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
    pub(in crate::newcomers) async fn is_name_chosen(&self, id: i64, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM pappus_newcomers WHERE pod = ? AND id <> ? AND username = ? \
                   AND state IN ('waiting', 'importing') LIMIT 1";
        let values = [(&self.pod).into(), id.into(), name.into()];
        Ok(self.store.first("looking for a chosen name", sql, &values).await?.is_some())
    }

    /// Records the podmin's decision.
    pub(in crate::newcomers) async fn decide(
        &self,
        id: i64,
        yes: bool,
        by: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        // Nobody needs the password of somebody who was declined.
        let password = if yes { "" } else { "encrypted_password = NULL, " };
        let set =
            format!("state = ?, approved = ?, decided_at = ?, decided_by = ?, {password}{}", self.to_do());
        let to = if yes { State::Importing } else { State::Declined };
        let values = [to.as_str().into(), i64::from(yes).into(), now.into(), by.into()];
        self.change(id, &[State::Waiting], &set, &values, now).await
    }

    /// Starts work: changes one of these states to one that workers handle.
    pub(in crate::newcomers) async fn work(
        &self,
        id: i64,
        from: &[State],
        to: State,
        now: i64,
    ) -> Result<bool, StoreError> {
        let set = format!("state = ?, announce_at = NULL, problem = NULL, reason = NULL, {}", self.to_do());
        self.change(id, from, &set, &[to.as_str().into()], now).await
    }

    /// Starts the announcement, with the key's passphrase given now or at the start of the move.
    pub(in crate::newcomers) async fn announce(
        &self,
        id: i64,
        key_passphrase: Option<&[u8]>,
        now: i64,
    ) -> Result<bool, StoreError> {
        let set = format!("{}, key_passphrase = COALESCE(?, key_passphrase)", self.announcing());
        let values = [key_passphrase.map_or(Value::Bytes(None), Value::from)];
        self.change(id, &[State::Imported], &set, &values, now).await
    }

    /// Starts an announcement that waited for a podmin's approval.
    pub(in crate::newcomers) async fn announce_seen(
        &self,
        id: i64,
        by: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let set = format!("{}, approved = 1, decided_at = ?, decided_by = ?", self.announcing());
        let (sql, values) = self.changing(id, &[State::Imported], &set, &[now.into(), by.into()], now);
        let sql = format!("{sql} AND problem = '{MANY_PODS}'");
        let begun = self.store.execute("changing a newcomer", &sql, &values).await? > 0;
        self.queue.wake();
        Ok(begun)
    }

    /// Starts the announcement of each newcomer whose pause for undo is over: once, whichever process is first.
    /// Returns their number.
    pub(in crate::newcomers) async fn announce_due(&self, now: i64) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE pappus_newcomers SET {}, changed_at = ? \
             WHERE pod = ? AND state = 'imported' AND announce_at <= ?",
            self.announcing()
        );
        let values = [now.into(), (&self.pod).into(), now.into()];
        let begun = self.store.execute("ending pauses for undo", &sql, &values).await?;
        if begun > 0 {
            self.queue.wake();
        }
        Ok(begun)
    }

    /// Returns the progress of all newcomers whose state changes automatically.
    pub(in crate::newcomers) async fn progress(&self) -> Result<AllProgress, StoreError> {
        let sql = "SELECT id, state, stage, total, advanced, CAST(CASE WHEN reason IS NULL THEN 0 ELSE 1 END AS BIGINT), announce_at \
                   FROM pappus_newcomers WHERE pod = ? AND (state IN ('checking', 'waiting', 'importing', 'announcing', \
                   'undoing') OR (state = 'imported' AND announce_at IS NOT NULL))";
        let rows = self.store.rows("looking how far newcomers are", sql, &[(&self.pod).into()]).await?;
        let progress = |row: &StoreRow| {
            let state = row.get::<String>(1)?.parse().unwrap_or(State::Checking);
            let until = row.get::<Option<i64>>(6)?.map(time).filter(|_| state == State::Imported);
            let progress = Progress {
                state,
                stage: row.get(2)?,
                total: row.get(3)?,
                advanced: row.get(4)?,
                is_late: row.get::<i64>(5)? != 0,
                undo_until: until,
            };
            Ok((row.get(0)?, progress))
        };
        rows.iter().map(progress).collect()
    }
}

/// States in which files may be uploaded or replaced: those of [`State::takes_files`].
const TAKES_FILES: [State; 3] = [State::Uploading, State::Refused, State::Checked];

/// Clears the findings about an archive, and the choices based on them.
pub(in crate::newcomers) const NOTHING_FOUND: &str = "archive_sha256 = NULL, photos_sha256 = NULL, old_account = NULL, proof = NULL, evidence = NULL, \
                             plan = NULL, key_locked = 0, username = NULL, \
                             encrypted_password = NULL, mail_to = NULL, problem = NULL, reason = NULL";

/// Locks the counts of a pod's newcomers and files until the transaction ends. Without it, PostgreSQL would let two
/// transactions count at the same time, and both would add where only one may.
pub(in crate::newcomers) async fn lock_counts(
    transaction: &mut Transaction,
    pod: &str,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO pappus_newcomer_turns (pod, counted_at) VALUES (?, ?) \
               ON CONFLICT (pod) DO UPDATE SET counted_at = excluded.counted_at";
    transaction.execute("waiting to count newcomers", sql, &[pod.into(), now.into()]).await.map(drop)
}

/// Formats states for an SQL statement.
fn listed(states: &[State]) -> String {
    let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
    words.join(", ")
}

/// Converts a duration for the store.
pub(in crate::newcomers) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
