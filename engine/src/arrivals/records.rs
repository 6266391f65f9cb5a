//! The rows of the table of newcomers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::import::{Evidence, Proof};
use crate::store::{StoreError, StoreRow, time};

/// The state of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// No complete archive is uploaded yet.
    Uploading,
    /// The archive is being checked, or is queued for the check.
    Checking,
    /// The archive was refused; another may be uploaded.
    Refused,
    /// The archive is accepted; name and password are to be chosen.
    Checked,
    /// Awaiting the podmin's decision.
    Waiting,
    /// Declined by the podmin.
    Declined,
    /// The account is being imported.
    Importing,
    /// The import failed; it can be retried or undone.
    Failed,
    /// The account is imported and not announced yet, because of the pause for undo or because someone has to act.
    Imported,
    /// The announcement is being prepared.
    Announcing,
    /// Other pods are being notified.
    Announced,
    /// The import is being undone.
    Undoing,
    /// The import was undone.
    Undone,
    /// Expired after inactivity, or cancelled by the newcomer.
    Expired,
}

impl State {
    /// All states.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Returns the name in the database and in translation keys.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether a worker has to act in this state.
    pub fn is_work(self) -> bool {
        matches!(self, Self::Checking | Self::Importing | Self::Announcing | Self::Undoing)
    }

    /// Returns whether an archive may be uploaded, for the first time or as a replacement.
    pub fn takes_files(self) -> bool {
        matches!(self, Self::Uploading | Self::Refused | Self::Checked)
    }

    /// Returns whether the import can be undone, or stopped and undone.
    pub fn can_undo(self) -> bool {
        matches!(self, Self::Importing | Self::Imported | Self::Failed)
    }

    /// Returns whether the account exists on this pod permanently.
    pub fn has_arrived(self) -> bool {
        matches!(self, Self::Imported | Self::Announcing | Self::Announced)
    }

    /// Returns whether the move continues and may have uploaded files.
    pub fn has_uploads(self) -> bool {
        self.can_leave() && self != Self::Declined
    }

    /// Returns whether the move can be cancelled with nothing to undo.
    pub fn can_leave(self) -> bool {
        self.takes_files() || matches!(self, Self::Checking | Self::Waiting | Self::Declined)
    }
}

/// A person who moves to this pod with an archive.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// Number of the newcomer.
    pub id: i64,
    /// The current state.
    pub state: State,
    /// Language for messages to them.
    pub language: String,
    /// The time at which they started.
    pub begun_at: DateTime<Utc>,
    /// The time at which the move expires if nothing happens.
    pub expires_at: DateTime<Utc>,
    /// Size of the archive in bytes.
    pub archive_bytes: i64,
    /// Size of the separate photos in bytes; 0 without.
    pub photos_bytes: i64,
    /// SHA-256 of the checked archive.
    pub archive_sha256: Option<String>,
    /// SHA-256 of the separate photos, if any.
    pub photos_sha256: Option<String>,
    /// Passphrase of the archive, encrypted.
    pub archive_passphrase: Option<Vec<u8>>,
    /// Passphrase of the key in the archive, encrypted.
    pub key_passphrase: Option<Vec<u8>>,
    /// True if the passphrase of the key is needed.
    pub key_locked: bool,
    /// The account in the archive.
    pub old_account: Option<String>,
    /// The proof of ownership.
    pub proof: Option<String>,
    /// The keys that confirm or contradict the archive.
    pub evidence: Option<Evidence>,
    /// The import plan, JSON.
    pub plan: Option<String>,
    /// The chosen username.
    pub username: Option<String>,
    /// The chosen e-mail address, encrypted, until the last mail is written.
    pub sealed_email: Option<String>,
    /// The hash of the password, encrypted, until the import is done.
    pub sealed_password: Option<String>,
    /// The podmin's decision.
    pub approved: Option<bool>,
    /// The podmin who decided.
    pub decided_by: Option<String>,
    /// ID of the import in Pappus's own database.
    pub import_id: Option<String>,
    /// The result of the import, JSON.
    pub report: Option<String>,
    /// The recipients of the announcement, JSON.
    pub announced: Option<String>,
    /// End of the pause for undo, after which the move is announced automatically.
    pub announce_at: Option<DateTime<Utc>>,
    /// Number of attempts.
    pub attempts: i64,
    /// Number of processes that died while they worked on archives of the newcomer.
    pub deaths: i64,
    /// Digests of the last files that were too heavy.
    pub heavy_sha256: Option<String>,
    /// The current step.
    pub stage: Option<String>,
    /// Number of items to process.
    pub total: i64,
    /// Number of items processed.
    pub advanced: i64,
    /// Stable name of the problem that stops the move.
    pub problem: Option<String>,
    /// Description of the problem.
    pub reason: Option<String>,
}

/// The columns of [`Newcomer`].
pub(super) const NEWCOMER: &str = "id, state, language, begun_at, expires_at, archive_bytes, photos_bytes, \
     archive_sha256, archive_passphrase, key_passphrase, key_locked, old_account, proof, plan, username, mail_to, \
     encrypted_password, approved, decided_by, import_id, report, announced, attempts, stage, total, advanced, \
     problem, reason, announce_at, photos_sha256, deaths, heavy_sha256, evidence";

impl Newcomer {
    pub(super) fn from_row(row: &StoreRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            state: row.named("state")?,
            language: row.get("language")?,
            begun_at: time(row.get("begun_at")?),
            expires_at: time(row.get("expires_at")?),
            archive_bytes: row.get("archive_bytes")?,
            photos_bytes: row.get("photos_bytes")?,
            archive_sha256: row.get("archive_sha256")?,
            archive_passphrase: row.get("archive_passphrase")?,
            key_passphrase: row.get("key_passphrase")?,
            key_locked: row.get::<i64>("key_locked")? != 0,
            old_account: row.get("old_account")?,
            proof: row.get("proof")?,
            plan: row.get("plan")?,
            username: row.get("username")?,
            sealed_email: row.get("mail_to")?,
            sealed_password: row.get("encrypted_password")?,
            approved: row.get::<Option<i64>>("approved")?.map(|approved| approved != 0),
            decided_by: row.get("decided_by")?,
            import_id: row.get("import_id")?,
            report: row.get("report")?,
            announced: row.get("announced")?,
            attempts: row.get("attempts")?,
            stage: row.get("stage")?,
            total: row.get("total")?,
            advanced: row.get("advanced")?,
            problem: row.get("problem")?,
            reason: row.get("reason")?,
            announce_at: row.get::<Option<i64>>("announce_at")?.map(time),
            photos_sha256: row.get("photos_sha256")?,
            deaths: row.get("deaths")?,
            heavy_sha256: row.get("heavy_sha256")?,
            evidence: row
                .get::<Option<String>>("evidence")?
                .and_then(|text| serde_json::from_str(&text).ok()),
        })
    }

    /// Returns the size of all uploads in bytes.
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.archive_bytes.saturating_add(self.photos_bytes)).unwrap_or(0)
    }

    /// Returns whether nothing proves the ownership of the account.
    pub fn is_unproven(&self) -> bool {
        self.proof.as_deref() == Some(Proof::Unproven.as_str())
    }

    /// Returns the chosen diaspora* ID, for a pod with this host.
    pub fn new_account(&self, host: &str) -> Option<String> {
        self.username.as_ref().map(|name| format!("{name}@{host}"))
    }

    /// Returns the end of the pause for undo; `None` outside of it.
    pub fn undo_until(&self) -> Option<DateTime<Utc>> {
        self.announce_at.filter(|_| self.state == State::Imported)
    }

    /// Returns the progress of the work in percent; `None` if unknown.
    pub fn percent(&self) -> Option<u64> {
        percent(self.advanced, self.total)
    }
}

/// Converts progress to percent, at most 99, since only the next state means completion. `None` if the total is
/// unknown.
pub fn percent(advanced: i64, total: i64) -> Option<u64> {
    (total > 0).then(|| u64::try_from(advanced.saturating_mul(100) / total).unwrap_or(0).min(99))
}

/// The progress of a move whose state changes without the newcomer's action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveProgress {
    /// The current state.
    pub state: State,
    /// The current step.
    pub stage: Option<String>,
    /// Number of items to process.
    pub total: i64,
    /// Number of items processed.
    pub advanced: i64,
    /// True if the work is delayed.
    pub is_late: bool,
    /// End of the pause for undo, while it is running.
    pub undo_until: Option<DateTime<Utc>>,
    /// Number of newcomers ahead of this one, in the queue for work or for the podmin's decision; `None` in neither.
    pub ahead: Option<u64>,
}

impl MoveProgress {
    pub(super) fn from_row(row: &StoreRow) -> Result<Self, StoreError> {
        let state = row.get::<String>("state")?.parse().unwrap_or(State::Checking);
        Ok(Self {
            state,
            stage: row.get("stage")?,
            total: row.get("total")?,
            advanced: row.get("advanced")?,
            is_late: row.get::<i64>("is_late")? != 0,
            undo_until: row.get::<Option<i64>>("announce_at")?.map(time).filter(|_| state == State::Imported),
            ahead: row.get::<Option<i64>>("ahead")?.and_then(|ahead| u64::try_from(ahead).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_states_can_be_parsed() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("unknown".parse::<State>().is_err());
    }
}
