//! The table of newcomers. Each change checks the state it starts from, so simultaneous clicks have one effect.

use std::collections::HashMap;

use super::lease::TABLE;
use super::records::{MoveProgress, NEWCOMER, Newcomer, State};
use crate::pod::config::PodUrl;
use crate::sql::Value;
use crate::store::lease::{EXPIRES, Queue};
use crate::store::{Store, StoreError, millis, token_digest};

/// Maximum length of a secret that is looked up.
const MAX_SECRET: usize = 100;
/// Newcomers per page.
pub const PAGE: usize = 200;

/// The newcomers of one pod. Clones share the store.
#[derive(Debug, Clone)]
pub struct Newcomers {
    pub(super) store: Store,
    pub(super) pod: String,
    pub(super) queue: Queue,
}

impl Newcomers {
    /// Opens the table of a pod's newcomers.
    pub fn new(store: &Store, pod: &PodUrl) -> Self {
        let queue = Queue::new(store, &TABLE, Some(pod.as_str()));
        Self { store: store.clone(), pod: pod.as_str().to_owned(), queue }
    }

    /// Returns those with a step to take as a queue for workers.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Returns the assignments that make a row due now, in an SQL statement. Deaths still count: otherwise whoever
    /// uploads a heavy archive again and again would occupy the workers for ever.
    pub(super) fn due(&self) -> String {
        format!("due_at = {}, attempts = 0", self.store.now())
    }

    /// Returns the assignments that take a row from its worker. The worker drops the step when the next heartbeat
    /// fails; until a lease would have expired, nobody else acquires the row, because the step may still be running.
    pub(super) fn taken_back(&self) -> String {
        let until = format!("{} + {}", self.store.now(), millis(EXPIRES));
        format!("fence = NULL, lease_until = CASE WHEN fence IS NULL THEN NULL ELSE {until} END")
    }

    /// Returns the assignments that make a row due now and show no progress yet.
    pub(super) fn to_do(&self) -> String {
        format!("{}, stage = NULL, total = 0, advanced = 0", self.due())
    }

    /// Returns the assignments that start the announcement.
    pub(super) fn announcing(&self) -> String {
        format!("state = 'announcing', announce_at = NULL, problem = NULL, reason = NULL, {}", self.to_do())
    }

    /// Finds the newcomer with a secret.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn with_secret(&self, secret: &str) -> Result<Option<Newcomer>, StoreError> {
        if secret.len() > MAX_SECRET {
            return Ok(None);
        }
        let condition = "secret_sha256 = ? AND state <> 'expired'";
        self.one(condition, &[token_digest(secret).into()]).await
    }

    /// Finds a newcomer by number. For workers and podmins only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_id(&self, id: i64) -> Result<Option<Newcomer>, StoreError> {
        self.one("id = ?", &[id.into()]).await
    }

    /// Finds a newcomer while the worker's fence is valid.
    pub(super) async fn with_fence(&self, id: i64, fence: &str) -> Result<Option<Newcomer>, StoreError> {
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
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn oldest(&self, states: &[State]) -> Result<Vec<Newcomer>, StoreError> {
        let sql = format!(
            "SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND state IN ({}) ORDER BY id LIMIT {PAGE}",
            listed(states)
        );
        let rows = self.store.rows("listing newcomers", &sql, &[(&self.pod).into()]).await?;
        rows.iter().map(Newcomer::from_row).collect()
    }

    /// Lists newcomers in these states, newest first, with numbers below `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest(&self, states: &[State], before: Option<i64>) -> Result<Vec<Newcomer>, StoreError> {
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

    pub(super) fn changing<'a>(
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

    /// Returns the progress of all newcomers whose state changes without their action, by number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn progress(&self) -> Result<HashMap<i64, MoveProgress>, StoreError> {
        let rows = self.store.rows("looking how far newcomers are", PROGRESS, &[(&self.pod).into()]).await?;
        rows.iter().map(|row| Ok((row.get("id")?, MoveProgress::from_row(row)?))).collect()
    }

    /// Returns the progress of one newcomer; `None` unless the state changes without their action.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn progress_of(&self, id: i64) -> Result<Option<MoveProgress>, StoreError> {
        let sql = format!("SELECT * FROM ({PROGRESS}) AS progress WHERE id = ?");
        let values = [(&self.pod).into(), id.into()];
        let row = self.store.first("looking how far a newcomer is", &sql, &values).await?;
        row.as_ref().map(MoveProgress::from_row).transpose()
    }
}

/// Reads the columns of [`MoveProgress`]. Workers take steps in the order of [`TABLE`], so all that are being worked on
/// and all earlier ones are ahead of a step; podmins see the oldest request first.
const PROGRESS: &str = "SELECT id, state, stage, total, advanced, \
     CAST(CASE WHEN reason IS NULL THEN 0 ELSE 1 END AS BIGINT) AS is_late, announce_at, \
     CASE WHEN fence IS NULL AND state <> 'imported' THEN ROW_NUMBER() OVER (\
     PARTITION BY CASE state WHEN 'waiting' THEN 1 WHEN 'imported' THEN 2 ELSE 0 END \
     ORDER BY CASE WHEN fence IS NULL THEN 1 ELSE 0 END, CASE WHEN state = 'waiting' THEN 0 ELSE deaths END, \
     CASE WHEN state = 'waiting' THEN 0 ELSE due_at END, id) \
     - 1 END AS ahead \
     FROM pappus_newcomers WHERE pod = ? AND (state IN ('checking', 'waiting', 'importing', 'announcing', 'undoing') \
     OR (state = 'imported' AND announce_at IS NOT NULL))";

/// Formats states for an SQL statement.
fn listed(states: &[State]) -> String {
    let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
    words.join(", ")
}
