//! A lease on a newcomer. Each change checks the fence, so a process whose lease was taken over changes nothing.

use std::time::Duration;

use super::records::{NEWCOMER, Newcomer, State};
use super::steps::{Digests, KEY_PASSPHRASE, STOPPED, TOO_HEAVY};
use super::summary::PlanSummary;
use super::table::Newcomers;
use crate::backoff::Backoff;
use crate::import::Evidence;
use crate::progress::{Position, Stage};
use crate::sql::Value;
use crate::store::lease::{EXPIRES, Lease, WorkTable};
use crate::store::{AuditLine, StoreError, millis};

/// The newcomers with a step to take, as a queue.
pub(super) static TABLE: WorkTable = WorkTable {
    name: "pappus_newcomers",
    open: "state IN ('checking', 'importing', 'announcing', 'undoing')",
    // Newcomers whose archives have killed no process come first: a heavy archive may occupy a worker for hours. Not in
    // the order of IDs: a newcomer who has archives checked repeatedly would always come first.
    order: "deaths, due_at, id",
    released: "",
    expires: EXPIRES,
    backoff: Backoff::new(Duration::from_secs(1), Duration::from_mins(1)),
    // About an hour; then a person has to act.
    tries: 60,
};

/// A lease on one newcomer.
pub(super) struct NewcomerLease {
    newcomers: Newcomers,
    row: Lease,
    /// The row when the lease was acquired.
    pub(super) newcomer: Newcomer,
}

/// The step that follows an import.
pub(super) enum AfterImport<'a> {
    /// The announcement, after a pause for undo.
    Announce { pause: Duration },
    /// No step before someone has acted on the problem.
    Wait { problem: &'a str, reason: &'a str },
}

/// The results of the check of an archive.
pub(super) struct CheckResult<'a> {
    pub(super) digests: &'a Digests,
    pub(super) old_account: &'a str,
    pub(super) proof: &'a str,
    pub(super) evidence: &'a Evidence,
    pub(super) plan: &'a str,
    pub(super) key_locked: bool,
}

impl Newcomers {
    /// Acquires the next newcomer with a step that is due and that no worker has leased.
    pub(super) async fn acquire(&self) -> Result<Option<NewcomerLease>, StoreError> {
        let Some((lease, row)) = self.queue.acquire("advanced = 0, total = 0", NEWCOMER).await? else {
            return Ok(None);
        };
        Ok(Some(NewcomerLease { newcomers: self.clone(), row: lease, newcomer: Newcomer::from_row(&row)? }))
    }
}

impl NewcomerLease {
    pub(super) fn fence(&self) -> &str {
        self.row.fence()
    }

    /// Returns whether a person has to act after this attempt.
    pub(super) fn is_last(&self) -> bool {
        self.row.is_last()
    }

    /// Ends the work and enters a new state. `set` contains the other SQL assignments, each followed by a comma.
    /// Returns whether the lease was still held.
    async fn finish(
        &self,
        state: State,
        set: &str,
        values: &[Value<'_>],
        now: i64,
    ) -> Result<bool, StoreError> {
        self.finish_as(state, act(state), set, values, now).await
    }

    /// Like [`finish`](Self::finish), with an explicit action for the audit log.
    async fn finish_as(
        &self,
        state: State,
        act: Option<&'static str>,
        set: &str,
        values: &[Value<'_>],
        now: i64,
    ) -> Result<bool, StoreError> {
        let set = format!("{set} state = ?, stage = NULL, changed_at = ?");
        let mut all_values = values.to_vec();
        all_values.extend([state.as_str().into(), now.into()]);
        let mut transaction = self.newcomers.store.begin().await?;
        let is_held =
            self.row.finish_in(&mut transaction, "ending work on a newcomer", &set, &all_values).await?;
        // In the same transaction, so that it is logged exactly once.
        if is_held && let Some(act) = act {
            let (pod, subject) = (self.newcomers.pod.as_str(), self.newcomer.old_account.as_deref());
            let line = AuditLine { pod, done_at: now, act, subject, ..AuditLine::default() };
            line.record_in(&mut transaction).await?;
        }
        transaction.commit().await?;
        if state.is_work() {
            self.newcomers.queue.wake();
        }
        Ok(is_held)
    }

    /// Extends the lease and records the progress.
    pub(super) async fn heartbeat(&self, position: Position) -> Result<bool, StoreError> {
        let number = |count: u64| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
        let values =
            [position.stage.map(Stage::as_str).into(), number(position.advanced), number(position.total)];
        self.row.heartbeat("stage = ?, advanced = ?, total = ?", &values).await
    }

    /// Records that the archive is acceptable.
    pub(super) async fn checked(&self, result: &CheckResult<'_>, now: i64) -> Result<bool, StoreError> {
        let evidence = text_of(result.evidence);
        let set = "archive_sha256 = ?, photos_sha256 = ?, old_account = ?, proof = ?, evidence = ?, plan = ?, \
                   key_locked = ?, problem = NULL, reason = NULL,";
        let values = [
            (&result.digests.archive).into(),
            result.digests.photos.as_deref().into(),
            result.old_account.into(),
            result.proof.into(),
            (&evidence).into(),
            result.plan.into(),
            i64::from(result.key_locked).into(),
        ];
        self.finish(State::Checked, set, &values, now).await
    }

    /// Records that the account was imported. The announcement follows after a pause for undo, immediately, or not
    /// before someone has acted on a problem.
    pub(super) async fn imported(
        &self,
        import: &str,
        report: &str,
        next: &AfterImport<'_>,
        now: i64,
    ) -> Result<bool, StoreError> {
        let (to, announce_at, problem, reason) = match next {
            AfterImport::Announce { pause } if pause.is_zero() => (State::Announcing, None, None, None),
            AfterImport::Announce { pause } => (State::Imported, Some(now + millis(*pause)), None, None),
            AfterImport::Wait { problem, reason } => {
                (State::Imported, None, Some(*problem), Some(without_nul(reason)))
            }
        };
        let set = format!(
            "import_id = ?, report = ?, announce_at = ?, problem = ?, reason = ?, encrypted_password = NULL, \
             {},",
            self.newcomers.due()
        );
        let values =
            [import.into(), report.into(), announce_at.into(), problem.into(), reason.as_deref().into()];
        self.finish_as(to, act(State::Imported), &set, &values, now).await
    }

    /// Announces the move because it was too late to undo it: other pods have been notified meanwhile.
    pub(super) async fn too_late_to_undo(&self, now: i64) -> Result<bool, StoreError> {
        let set = format!("{}, problem = NULL, reason = NULL,", self.newcomers.due());
        self.finish(State::Announcing, &set, &[], now).await
    }

    /// Records that deliveries have started.
    pub(super) async fn announced(&self, announced: &str, now: i64) -> Result<bool, StoreError> {
        let set = "announced = ?, plan = ?, archive_passphrase = NULL, key_passphrase = NULL, problem = NULL, \
                   reason = NULL,";
        let plan = self.plan_without_key();
        self.finish(State::Announced, set, &[announced.into(), plan.as_deref().into()], now).await
    }

    /// Records that the move was undone or, if a podmin has stopped it, that it is declined.
    pub(super) async fn undone(&self, now: i64) -> Result<bool, StoreError> {
        let is_stopped = self.newcomer.approved == Some(false);
        let (to, problem) = if is_stopped { (State::Declined, Some(STOPPED)) } else { (State::Undone, None) };
        let notification = if is_stopped { "decision_told = 0, " } else { "" };
        let set = format!(
            "{notification}plan = ?, archive_passphrase = NULL, key_passphrase = NULL, encrypted_password = NULL, \
             username = NULL, problem = ?, reason = NULL,"
        );
        let plan = self.plan_without_key();
        let values = [plan.as_deref().into(), problem.into()];
        self.finish_as(to, act(State::Undone), &set, &values, now).await
    }

    fn plan_without_key(&self) -> Option<String> {
        PlanSummary::without_key(self.newcomer.plan.as_deref())
    }

    /// Stops the work: returns to a state in which a person can act.
    pub(super) async fn stop(
        &self,
        to: State,
        problem: &str,
        reason: &str,
        evidence: Option<&Evidence>,
        now: i64,
    ) -> Result<bool, StoreError> {
        // A passphrase that did not open the key is deleted. Nothing continues automatically.
        let passphrase = if problem == KEY_PASSPHRASE { "NULL" } else { "key_passphrase" };
        let set = format!(
            "problem = ?, reason = ?, evidence = COALESCE(?, evidence), announce_at = NULL, \
             key_passphrase = {passphrase},"
        );
        let evidence = evidence.map(text_of);
        let values = [problem.into(), without_nul(reason).into(), evidence.as_deref().into()];
        self.finish(to, &set, &values, now).await
    }

    /// Stops the work after repeated deaths of processes, and records files that were too heavy to check.
    pub(super) async fn too_heavy(&self, to: State, reason: &str, now: i64) -> Result<bool, StoreError> {
        let is_check = self.newcomer.state == State::Checking;
        let heavy = if is_check { "COALESCE(begun_sha256, heavy_sha256)" } else { "heavy_sha256" };
        let set = format!(
            "problem = ?, reason = ?, announce_at = NULL, deaths = deaths + 1, heavy_sha256 = {heavy},"
        );
        self.finish(to, &set, &[TOO_HEAVY.into(), without_nul(reason).into()], now).await
    }

    /// Waits for the podmin's decision because ownership of the account is not proven any more. Clears an earlier
    /// approval, which was given while it was proven.
    pub(super) async fn unproven(&self, evidence: &Evidence, now: i64) -> Result<bool, StoreError> {
        let set = "proof = 'unproven', evidence = ?, podmins_told = 0, approved = NULL, decided_at = NULL, \
                   decided_by = NULL, decision_told = 0,";
        self.finish(State::Waiting, set, &[text_of(evidence).into()], now).await
    }

    /// Schedules another attempt after a pause.
    pub(super) async fn retry(&self, reason: &str) -> Result<bool, StoreError> {
        self.row.retry("reason = ?", &[without_nul(reason).into()]).await
    }

    /// Schedules another attempt after a process died.
    pub(super) async fn died(&self, reason: &str) -> Result<bool, StoreError> {
        self.row.retry("deaths = deaths + 1, reason = ?", &[without_nul(reason).into()]).await
    }

    /// Releases the lease: others may continue immediately.
    pub(super) async fn release(&self) -> Result<bool, StoreError> {
        self.row.release().await
    }
}

/// Serializes evidence as stored in the row.
fn text_of(evidence: &Evidence) -> String {
    serde_json::to_string(evidence).unwrap_or_default()
}

/// Removes NUL, which PostgreSQL text cannot contain.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

/// Returns the audit log's action for a state; `None` for states in which the account does not change.
fn act(state: State) -> Option<&'static str> {
    match state {
        State::Imported => Some("newcomer-imported"),
        State::Announced => Some("newcomer-announced"),
        State::Undone => Some("newcomer-undone"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::pod::config::PodUrl;
    use crate::sql::DatabaseUrl;
    use crate::store::Store;

    use super::*;
    use crate::arrivals::{NewNewcomer, Start};

    async fn empty() -> (tempfile::TempDir, Store, Newcomers) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("store.db").display());
        let store = Store::open(&DatabaseUrl::parse(&url).unwrap()).await.unwrap();
        let newcomers = Newcomers::new(&store, &PodUrl::parse("https://pod.example/").unwrap());
        (folder, store, newcomers)
    }

    #[tokio::test]
    async fn a_worker_that_has_lost_the_lease_records_nothing() {
        let (_folder, store, newcomers) = empty().await;
        let start = Start { address: "192.0.2.1", per_day: 1, per_address: 1 };
        let newcomer = NewNewcomer { language: "en", invitation: None, start };
        let mut transaction = store.begin().await.unwrap();
        let day = Duration::from_hours(24);
        let secret = newcomers.begin(&mut transaction, &newcomer, 1_000, day).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        let id = newcomers.with_secret(&secret).await.unwrap().unwrap().id;
        let mut transaction = newcomers.lock_files(id, 1_000).await.unwrap().unwrap();
        assert!(newcomers.start_check(&mut transaction, id, (1, 0), None, 1_000, day).await.unwrap());
        transaction.commit().await.unwrap();
        assert!(newcomers.lock_files(id, 1_000).await.unwrap().is_none(), "files in use cannot be replaced");
        assert!(newcomers.start_step(id, &[State::Checking], State::Importing, 1_000).await.unwrap());

        let first = newcomers.acquire().await.unwrap().unwrap();
        assert!(newcomers.acquire().await.unwrap().is_none(), "it is leased");
        store.execute("a test", "UPDATE pappus_newcomers SET lease_until = 1", &[]).await.unwrap();
        let second = newcomers.acquire().await.unwrap().unwrap();
        let now = 2_000;
        let next = AfterImport::Announce { pause: Duration::from_mins(10) };
        assert!(!first.imported("1", "{}", &next, now).await.unwrap());
        assert!(second.imported("2", "{}", &next, now).await.unwrap());
        assert!(!second.imported("2", "{}", &next, now).await.unwrap(), "the lease has ended");

        let sql = "SELECT act FROM pappus_audit";
        let lines = store.rows("reading the audit log", sql, &[]).await.unwrap();
        let acts: Vec<String> = lines.iter().map(|line| line.get("act").unwrap()).collect();
        assert_eq!(acts, ["newcomer-imported"]);
        let imported = newcomers.by_id(id).await.unwrap().unwrap();
        assert_eq!(imported.state, State::Imported);

        // The pause ends once, and not early; afterwards it is too late to undo the move.
        let end = imported.undo_until().unwrap().timestamp_millis();
        assert_eq!(end, now + millis(Duration::from_mins(10)));
        assert_eq!(newcomers.announce_due(end - 1).await.unwrap(), 0);
        assert_eq!(newcomers.announce_due(end).await.unwrap(), 1);
        assert_eq!(newcomers.announce_due(end).await.unwrap(), 0);
        assert!(!newcomers.start_step(id, &[State::Imported], State::Undoing, end).await.unwrap());
        let announcing = newcomers.acquire().await.unwrap().unwrap();
        // A failure needs a person: nothing retries the announcement automatically.
        assert!(announcing.stop(State::Imported, "away", "gone", None, end).await.unwrap());
        assert_eq!(newcomers.announce_due(i64::MAX).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn repeated_checks_and_heavy_archives_wait_behind_the_others() {
        let (_folder, store, newcomers) = empty().await;
        let mut ids = Vec::new();
        for (due_at, deaths) in [(3_000, 0), (500, 1), (1_000, 0), (2_000, 0)] {
            let start = Start { address: "192.0.2.1", per_day: 9, per_address: 9 };
            let newcomer = NewNewcomer { language: "en", invitation: None, start };
            let mut transaction = store.begin().await.unwrap();
            let secret = newcomers.begin(&mut transaction, &newcomer, 1_000, Duration::from_hours(24)).await;
            transaction.commit().await.unwrap();
            let id = newcomers.with_secret(&secret.unwrap().unwrap()).await.unwrap().unwrap().id;
            let sql = "UPDATE pappus_newcomers SET state = 'checking', due_at = ?, deaths = ? WHERE id = ?";
            let values = [i64::from(due_at).into(), i64::from(deaths).into(), id.into()];
            store.execute("a test", sql, &values).await.unwrap();
            ids.push(id);
        }
        let progress = newcomers.progress().await.unwrap();
        let ahead: Vec<_> = ids.iter().map(|id| progress[id].ahead).collect();
        assert_eq!(ahead, [Some(2), Some(3), Some(0), Some(1)]);
        for next in [ids[2], ids[3], ids[0], ids[1]] {
            assert_eq!(newcomers.acquire().await.unwrap().unwrap().newcomer.id, next);
        }
    }
}
