//! The key in an archive, as far as the announcement needs it: whether it signs, and what to do when it does not.

use pappus_engine::announce::{self, KeyState};
use pappus_engine::archive::open::{Archive, Verified};
use serde::{Deserialize, Serialize};

use super::super::ledger::records::{Newcomer, State};
use super::Outcome;
use super::step::{Step, reschedule};

/// The problem of a key under a passphrase that was not given.
pub(in super::super) const KEY_LOCKED: &str = "key_locked";
/// The problem of a key under another passphrase than the one that was given.
pub(in super::super) const KEY_PASSPHRASE: &str = "key_passphrase";
/// The problem of an archive without a key that signs.
pub(in super::super) const NO_KEY: &str = "no_key";

/// Whether somebody is to be asked for the passphrase of their key.
pub(in super::super) fn needs_passphrase(newcomer: &Newcomer) -> bool {
    newcomer.key_locked || matches!(newcomer.problem.as_deref(), Some(KEY_LOCKED | KEY_PASSPHRASE))
}

/// What keeps a move from being announced by itself.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Obstacle {
    /// A stable name.
    pub(in super::super) problem: String,
    /// The same in a sentence.
    pub(in super::super) reason: String,
}

/// How the key in the archive can be used.
pub(super) fn key_state(
    archive: &mut Archive<Verified>,
    passphrase: Option<&str>,
) -> Result<KeyState, Outcome> {
    announce::key_state(archive, passphrase).map_err(|error| reschedule(&error))
}

impl Step {
    /// What will keep the move from being announced by itself. A passphrase that does not open the key stops the import
    /// before it begins: it can be typed again.
    pub(super) fn obstacle(&self, archive: &mut Archive<Verified>) -> Result<Option<Obstacle>, Outcome> {
        let passphrase = self.newcomer.key_passphrase.as_deref();
        let passphrase = passphrase.map(|sealed| self.unsealed(sealed)).transpose()?;
        let obstacle = |problem: &str, reason| Ok(Some(Obstacle { problem: problem.to_owned(), reason }));
        match key_state(archive, passphrase.as_deref().map(String::as_str))? {
            KeyState::Usable => Ok(None),
            KeyState::Locked => {
                obstacle(KEY_LOCKED, "the key in the archive is under a passphrase".to_owned())
            }
            KeyState::Unusable(reason) => obstacle(NO_KEY, reason.to_string()),
            KeyState::WrongPassphrase => Err(Outcome::Stopped {
                to: State::Checked,
                problem: KEY_PASSPHRASE.to_owned(),
                reason: "the passphrase does not open the key in the archive".to_owned(),
                evidence: None,
            }),
        }
    }
}
