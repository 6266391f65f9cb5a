//! A newcomer in the hand of a program: each change asks for the fence, so a program that was given up for dead changes
//! nothing any more.

use std::time::Duration;

use pappus_engine::jobs::ORPHANED;
use pappus_engine::store::{StoreError, Value, random_id};

use super::records::{NEWCOMER, Newcomer, State};
use super::table::{Newcomers, millis};

/// How long after the last word others may take over. As long as it takes until a killed program's job comes back.
const LEASE: Duration = ORPHANED;

/// See the module.
pub(super) struct Hand {
    newcomers: Newcomers,
    /// As it was when it was taken up.
    pub(super) newcomer: Newcomer,
    fence: String,
}

/// What a look at an archive has found.
pub(super) struct Found<'a> {
    pub(super) sha256: &'a str,
    pub(super) old_account: &'a str,
    pub(super) proof: &'a str,
    pub(super) plan: &'a str,
    pub(super) key_locked: bool,
}

impl Newcomers {
    /// Takes somebody up, if there is work and nobody is at it.
    pub(super) async fn take(&self, id: i64, now: i64) -> Result<Option<Hand>, StoreError> {
        let fence = random_id()?;
        let sql = format!(
            "UPDATE pappus_newcomers SET fence = ?, lease_until = ?, attempts = attempts + 1, advanced = 0, total = 0 \
             WHERE pod = ? AND id = ? AND state IN ('checking', 'importing', 'announcing', 'undoing') \
             AND due_at <= ? AND (lease_until IS NULL OR lease_until < ?) RETURNING {NEWCOMER}"
        );
        let values = [
            (&fence).into(),
            (now + millis(LEASE)).into(),
            (&self.pod).into(),
            id.into(),
            now.into(),
            now.into(),
        ];
        let row = self.store.first("taking a newcomer up", &sql, &values).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Hand { newcomers: self.clone(), newcomer: Newcomer::from_row(&row)?, fence }))
    }
}

impl Hand {
    async fn change(&self, what: &'static str, set: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        let sql = format!("UPDATE pappus_newcomers SET {set} WHERE id = ? AND fence = ?");
        let mut all = values.to_vec();
        all.extend([self.newcomer.id.into(), (&self.fence).into()]);
        Ok(self.newcomers.store.execute(what, &sql, &all).await? > 0)
    }

    /// Out of the hand, in a new state. `set` begins with what else changes.
    async fn end(&self, state: State, set: &str, values: &[Value<'_>], now: i64) -> Result<bool, StoreError> {
        let set = format!("{set} state = ?, fence = NULL, lease_until = NULL, stage = NULL, changed_at = ?");
        let mut all = values.to_vec();
        all.extend([state.as_str().into(), now.into()]);
        self.change("ending work on a newcomer", &set, &all).await
    }

    /// Says that somebody is still at it, and how far.
    pub(super) async fn beat(
        &self,
        stage: Option<&str>,
        advanced: u64,
        total: u64,
        now: i64,
    ) -> Result<bool, StoreError> {
        let number = |count: u64| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
        let values = [stage.into(), number(advanced), number(total), (now + millis(LEASE)).into()];
        let set = "stage = ?, advanced = ?, total = ?, lease_until = ?";
        self.change("writing down how far a newcomer is", set, &values).await
    }

    /// The archive will do.
    pub(super) async fn checked(&self, found: &Found<'_>, now: i64) -> Result<bool, StoreError> {
        let set = "archive_sha256 = ?, old_account = ?, proof = ?, plan = ?, key_locked = ?, problem = NULL, \
                   reason = NULL,";
        let values = [
            found.sha256.into(),
            found.old_account.into(),
            found.proof.into(),
            found.plan.into(),
            i64::from(found.key_locked).into(),
        ];
        self.end(State::Checked, set, &values, now).await
    }

    /// The account is here.
    pub(super) async fn imported(&self, import: &str, report: &str, now: i64) -> Result<bool, StoreError> {
        let set = "import_id = ?, report = ?, encrypted_password = NULL, email = NULL, problem = NULL, reason = NULL,";
        self.end(State::Imported, set, &[import.into(), report.into()], now).await
    }

    /// The others are being told.
    pub(super) async fn announced(&self, announced: &str, now: i64) -> Result<bool, StoreError> {
        let set =
            "announced = ?, archive_passphrase = NULL, key_passphrase = NULL, problem = NULL, reason = NULL,";
        self.end(State::Announced, set, &[announced.into()], now).await
    }

    /// As if they had never been here.
    pub(super) async fn undone(&self, now: i64) -> Result<bool, StoreError> {
        let set = "archive_passphrase = NULL, key_passphrase = NULL, encrypted_password = NULL, email = NULL, \
                   username = NULL, problem = NULL, reason = NULL,";
        self.end(State::Undone, set, &[], now).await
    }

    /// It does not go on like this: back to where somebody can do something about it.
    pub(super) async fn stop(
        &self,
        to: State,
        problem: &str,
        reason: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        // A passphrase that did not open the key is of no use.
        let set = "problem = ?, reason = ?, key_passphrase = NULL,";
        // No text of PostgreSQL holds NUL.
        let reason = reason.replace('\0', "");
        self.end(to, set, &[problem.into(), reason.into()], now).await
    }

    /// The account is not proven to be theirs any more: the podmin decides.
    pub(super) async fn unproven(&self, now: i64) -> Result<bool, StoreError> {
        self.end(State::Waiting, "proof = 'unproven',", &[], now).await
    }

    /// Another try, after a while.
    pub(super) async fn later(&self, reason: &str, pause: Duration, now: i64) -> Result<bool, StoreError> {
        let set = "fence = NULL, lease_until = NULL, pushed_at = NULL, reason = ?, due_at = ?";
        let reason = reason.replace('\0', "");
        self.change("putting a newcomer off", set, &[reason.into(), (now + millis(pause)).into()]).await
    }

    /// Somebody else may go on at once.
    pub(super) async fn give_back(&self) -> Result<bool, StoreError> {
        let set = "fence = NULL, lease_until = NULL, pushed_at = NULL, attempts = attempts - 1";
        self.change("giving a newcomer back", set, &[]).await
    }
}
