//! What the table of newcomers holds.

use chrono::{DateTime, Utc};
use pappus_engine::import::Evidence;
use pappus_engine::store::{StoreError, StoreRow};
use serde::{Deserialize, Serialize};

macro_rules! states {
    ($($(#[$about:meta])* $state:ident = $word:literal,)*) => {
        /// How far somebody is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum State {
            $($(#[$about])* #[serde(rename = $word)] $state,)*
        }

        impl State {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$state,)*];

            /// The word in the database, and in the keys of texts.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$state => $word,)*
                }
            }

            /// The state of a word.
            pub(in crate::newcomers) fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$state),)*
                    _ => None,
                }
            }
        }
    };
}

states! {
    /// Nothing whole is here yet.
    Uploading = "uploading",
    /// Somebody looks at the archive, or will.
    Checking = "checking",
    /// The archive cannot be taken; another may be handed in.
    Refused = "refused",
    /// The archive will do; name and password are to be chosen.
    Checked = "checked",
    /// The podmin decides.
    Waiting = "waiting",
    /// The podmin said no.
    Declined = "declined",
    /// The account is brought in.
    Importing = "importing",
    /// That did not work; it can be tried again, or taken back.
    Failed = "failed",
    /// The account is here, and nobody has been told: a pause for undo, or somebody has to do something.
    Imported = "imported",
    /// What the others are to be told is written.
    Announcing = "announcing",
    /// The others are being told.
    Announced = "announced",
    /// The account is taken away again.
    Undoing = "undoing",
    /// It is as if they had never been here.
    Undone = "undone",
    /// They have not been heard of for long, or gave up.
    Expired = "expired",
}

impl State {
    /// Whether a program is to do something.
    pub fn is_work(self) -> bool {
        matches!(self, Self::Checking | Self::Importing | Self::Announcing | Self::Undoing)
    }

    /// Whether an archive may be handed in, for the first time or instead of another.
    pub fn takes_files(self) -> bool {
        matches!(self, Self::Uploading | Self::Refused | Self::Checked)
    }

    /// Whether the account can be taken away again.
    pub fn can_undo(self) -> bool {
        matches!(self, Self::Imported | Self::Failed)
    }

    /// Whether there is an account on this pod, to stay.
    pub fn has_arrived(self) -> bool {
        matches!(self, Self::Imported | Self::Announcing | Self::Announced)
    }

    /// Whether files that were uploaded may still be there, for a move that goes on.
    pub fn has_uploads(self) -> bool {
        self.can_leave() && self != Self::Declined
    }

    /// Whether one can walk away without anything to take back.
    pub fn can_leave(self) -> bool {
        matches!(self, Self::Uploading | Self::Refused | Self::Checked | Self::Waiting | Self::Declined)
    }
}

/// Somebody who brings an archive.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// Their number.
    pub id: i64,
    /// How far they are.
    pub state: State,
    /// In which language to write to them.
    pub language: String,
    /// When they began.
    pub begun_at: DateTime<Utc>,
    /// When it is over if nothing happens.
    pub expires_at: DateTime<Utc>,
    /// Size of the archive.
    pub archive_bytes: i64,
    /// Size of the photos beside it; 0 without.
    pub photos_bytes: i64,
    /// SHA-256 of the archive that was looked at.
    pub archive_sha256: Option<String>,
    /// SHA-256 of the photos beside it, if there were any.
    pub photos_sha256: Option<String>,
    /// What opens the archive, sealed.
    pub archive_passphrase: Option<Vec<u8>>,
    /// What opens the key in it, sealed.
    pub key_passphrase: Option<Vec<u8>>,
    /// Whether that is needed.
    pub key_locked: bool,
    /// Whose archive it is.
    pub old_account: Option<String>,
    /// What proves that.
    pub proof: Option<String>,
    /// The keys that speak for and against the archive.
    pub evidence: Option<Evidence>,
    /// What would become of it, JSON.
    pub plan: Option<String>,
    /// The name that was chosen.
    pub username: Option<String>,
    /// The address that was chosen.
    pub email: Option<String>,
    /// The hash of the password, sealed, until it is on the pod.
    pub sealed_password: Option<String>,
    /// What the podmin said.
    pub approved: Option<bool>,
    /// Who said it.
    pub decided_by: Option<String>,
    /// The import in Pappus's own database.
    pub import_id: Option<String>,
    /// What came in, JSON.
    pub report: Option<String>,
    /// Whom the move was announced to, JSON.
    pub announced: Option<String>,
    /// In the pause for undo: when it ends, and the move is announced by itself.
    pub announce_at: Option<DateTime<Utc>>,
    /// How often the work was begun.
    pub attempts: i64,
    /// How often a process died of it.
    pub deaths: i64,
    /// What is being done.
    pub stage: Option<String>,
    /// So much is to be done.
    pub total: i64,
    /// So much is.
    pub advanced: i64,
    /// Why it does not go on: a stable name.
    pub problem: Option<String>,
    /// The same in a sentence.
    pub reason: Option<String>,
}

/// The columns of [`Newcomer`].
pub(in crate::newcomers) const NEWCOMER: &str = "id, state, language, begun_at, expires_at, archive_bytes, photos_bytes, \
     archive_sha256, archive_passphrase, key_passphrase, key_locked, old_account, proof, plan, username, email, \
     encrypted_password, approved, decided_by, import_id, report, announced, attempts, stage, total, advanced, \
     problem, reason, announce_at, photos_sha256, deaths, evidence";

impl Newcomer {
    pub(in crate::newcomers) fn from_row(row: &StoreRow) -> Result<Self, StoreError> {
        let state: String = row.get(1)?;
        let unknown = || StoreError::Column { column: 1, reason: format!("{state:?} is no state") };
        Ok(Self {
            id: row.get(0)?,
            state: State::parse(&state).ok_or_else(unknown)?,
            language: row.get(2)?,
            begun_at: time(row.get(3)?),
            expires_at: time(row.get(4)?),
            archive_bytes: row.get(5)?,
            photos_bytes: row.get(6)?,
            archive_sha256: row.get(7)?,
            archive_passphrase: row.get(8)?,
            key_passphrase: row.get(9)?,
            key_locked: row.get::<i64>(10)? != 0,
            old_account: row.get(11)?,
            proof: row.get(12)?,
            plan: row.get(13)?,
            username: row.get(14)?,
            email: row.get(15)?,
            sealed_password: row.get(16)?,
            approved: row.get::<Option<i64>>(17)?.map(|approved| approved != 0),
            decided_by: row.get(18)?,
            import_id: row.get(19)?,
            report: row.get(20)?,
            announced: row.get(21)?,
            attempts: row.get(22)?,
            stage: row.get(23)?,
            total: row.get(24)?,
            advanced: row.get(25)?,
            problem: row.get(26)?,
            reason: row.get(27)?,
            announce_at: row.get::<Option<i64>>(28)?.map(time),
            photos_sha256: row.get(29)?,
            deaths: row.get(30)?,
            evidence: row.get::<Option<String>>(31)?.and_then(|text| serde_json::from_str(&text).ok()),
        })
    }

    /// Size of everything that was handed in.
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.archive_bytes.saturating_add(self.photos_bytes)).unwrap_or(0)
    }

    /// The diaspora* ID on a pod of this host, as it is chosen or given.
    pub fn new_account(&self, host: &str) -> Option<String> {
        self.username.as_ref().map(|name| format!("{name}@{host}"))
    }

    /// When the pause for undo ends; none outside of it.
    pub fn undo_until(&self) -> Option<DateTime<Utc>> {
        self.announce_at.filter(|_| self.state == State::Imported)
    }

    /// Whether the state changes without anybody doing anything.
    pub fn goes_on_by_itself(&self) -> bool {
        self.state.is_work() || self.undo_until().is_some()
    }

    /// How far the work is, in percent; nothing when nobody can say.
    pub fn percent(&self) -> Option<u64> {
        percent(self.advanced, self.total)
    }
}

/// So much of a total, in percent; the last one is for the end. Nothing when the total is unknown.
pub(in crate::newcomers) fn percent(advanced: i64, total: i64) -> Option<u64> {
    (total > 0).then(|| u64::try_from(advanced.saturating_mul(100) / total).unwrap_or(0).min(99))
}

/// A time as the store keeps it.
pub(in crate::newcomers) fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_states_are_read_again() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
        }
        assert_eq!(State::parse("somewhere"), None);
    }
}
