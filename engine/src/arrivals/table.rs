//! The table of newcomers. Each change checks the previous state, so simultaneous clicks have one effect.

use std::collections::HashMap;

use super::lease::TABLE;
use super::records::{MoveProgress, NEWCOMER, Newcomer, State};
use crate::pod::config::PodUrl;
use crate::sql::Value;
use crate::store::lease::{EXPIRES, Queue};
use crate::store::{Store, StoreError, millis, token_digest};

/// Maximum length in bytes of a secret that is looked up.
const MAX_SECRET_BYTES: usize = 100;
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

    /// Returns the newcomers with a step to take as a queue for workers.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Returns the SQL assignments that make a row due now. Deaths still count: otherwise a newcomer who uploads a
    /// heavy archive repeatedly would occupy the workers.
    pub(super) fn due(&self) -> String {
        format!("due_at = {}, attempts = 0", self.store.now())
    }

    /// Returns the SQL assignments that revoke the lease on a row. The worker drops the step when the next heartbeat
    /// fails. The step may still be running until then, so no other worker acquires the row before a lease would have
    /// expired.
    pub(super) fn revoked_lease(&self) -> String {
        let until = format!("{} + {}", self.store.now(), millis(EXPIRES));
        format!("fence = NULL, lease_until = CASE WHEN fence IS NULL THEN NULL ELSE {until} END")
    }

    /// Returns the SQL assignments that make a row due now and clear its progress.
    pub(super) fn new_step(&self) -> String {
        format!("{}, stage = NULL, total = 0, advanced = 0", self.due())
    }

    /// Returns the SQL assignments that start the announcement.
    pub(super) fn announcing(&self) -> String {
        format!(
            "state = 'announcing', announce_at = NULL, problem = NULL, reason = NULL, {}",
            self.new_step()
        )
    }

    /// Finds the newcomer with a secret.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn with_secret(&self, secret: &str) -> Result<Option<Newcomer>, StoreError> {
        if secret.len() > MAX_SECRET_BYTES {
            return Ok(None);
        }
        let condition = "secret_sha256 = ? AND state <> 'expired'";
        self.find(condition, &[token_digest(secret).into()]).await
    }

    /// Finds a newcomer by number. For workers and podmins only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_id(&self, id: i64) -> Result<Option<Newcomer>, StoreError> {
        self.find("id = ?", &[id.into()]).await
    }

    /// Finds a newcomer if the worker's fence is still valid.
    pub(super) async fn with_fence(&self, id: i64, fence: &str) -> Result<Option<Newcomer>, StoreError> {
        self.find("id = ? AND fence = ?", &[id.into(), fence.into()]).await
    }

    async fn find(&self, condition: &str, values: &[Value<'_>]) -> Result<Option<Newcomer>, StoreError> {
        let sql = format!("SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND {condition}");
        let mut all_values = vec![Value::from(&self.pod)];
        all_values.extend_from_slice(values);
        let row = self.store.first("looking for a newcomer", &sql, &all_values).await?;
        row.as_ref().map(Newcomer::from_row).transpose()
    }

    /// Lists newcomers in these states, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn oldest(&self, states: &[State]) -> Result<Vec<Newcomer>, StoreError> {
        let sql = format!(
            "SELECT {NEWCOMER} FROM pappus_newcomers WHERE pod = ? AND state IN ({}) ORDER BY id LIMIT {PAGE}",
            state_list(states)
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
            state_list(states)
        );
        let values = [(&self.pod).into(), before.unwrap_or(i64::MAX).into()];
        let rows = self.store.rows("listing newcomers", &sql, &values).await?;
        rows.iter().map(Newcomer::from_row).collect()
    }

    /// Changes a row if it is in one of the states `from`. Returns whether it was.
    pub(super) async fn change(
        &self,
        id: i64,
        from: &[State],
        set: &str,
        values: &[Value<'_>],
        now: i64,
    ) -> Result<bool, StoreError> {
        let (sql, all_values) = self.change_statement(id, from, set, values, now);
        let changed = self.store.execute("changing a newcomer", &sql, &all_values).await? > 0;
        // There may be a step to take now.
        self.queue.wake();
        Ok(changed)
    }

    /// Returns the statement of [`change`](Self::change), and its values.
    pub(super) fn change_statement<'a>(
        &'a self,
        id: i64,
        from: &[State],
        set: &str,
        values: &[Value<'a>],
        now: i64,
    ) -> (String, Vec<Value<'a>>) {
        let sql = format!(
            "UPDATE pappus_newcomers SET {set}, changed_at = ? WHERE pod = ? AND id = ? AND state IN ({})",
            state_list(from)
        );
        let mut all_values = values.to_vec();
        all_values.extend([now.into(), (&self.pod).into(), id.into()]);
        (sql, all_values)
    }

    /// Returns the progress of all newcomers whose state changes without their action, by number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn progress(&self) -> Result<HashMap<i64, MoveProgress>, StoreError> {
        let rows =
            self.store.rows("reading the progress of newcomers", PROGRESS, &[(&self.pod).into()]).await?;
        rows.iter().map(|row| Ok((row.get("id")?, MoveProgress::from_row(row)?))).collect()
    }

    /// Returns the progress of one newcomer; `None` unless the state changes without their action.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn progress_of(&self, id: i64) -> Result<Option<MoveProgress>, StoreError> {
        let sql = format!("SELECT * FROM ({PROGRESS}) AS progress WHERE id = ?");
        let values = [(&self.pod).into(), id.into()];
        let row = self.store.first("reading the progress of a newcomer", &sql, &values).await?;
        row.as_ref().map(MoveProgress::from_row).transpose()
    }
}

/// The statement that reads the columns of [`MoveProgress`]. Workers take steps in the order of [`TABLE`], so all
/// running and all earlier steps are ahead of one; podmins see the oldest request first.
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
fn state_list(states: &[State]) -> String {
    let names: Vec<String> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
    names.join(", ")
}
