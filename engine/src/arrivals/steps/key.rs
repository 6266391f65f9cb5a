//! The key in an archive, which the announcement needs: its state, and the problem if it cannot sign.

use serde::{Deserialize, Serialize};

use super::Outcome;
use super::step::{Step, reschedule};
use crate::announce::{self, KeyState};
use crate::archive::open::{Archive, Verified};
use crate::arrivals::records::{Newcomer, State};

/// The problem if the key's passphrase was not given.
pub(super) const KEY_LOCKED: &str = "key_locked";
/// The problem if a wrong passphrase was given.
pub(in crate::arrivals) const KEY_PASSPHRASE: &str = "key_passphrase";
/// The problem if the archive has no usable signing key.
pub const NO_KEY: &str = "no_key";

/// Maximum length in bytes of an encrypted key that is stored: one of 8192 bits has less than 8,000.
const MAX_KEY_BYTES: usize = 64 << 10;

/// Returns whether to ask for the passphrase of the key.
pub fn needs_passphrase(newcomer: &Newcomer) -> bool {
    newcomer.key_locked || matches!(newcomer.problem.as_deref(), Some(KEY_LOCKED | KEY_PASSPHRASE))
}

/// The reason why a move is not announced automatically.
#[derive(Debug, Serialize, Deserialize)]
pub struct Obstacle {
    /// Stable name of the problem.
    pub problem: String,
    /// Description of the problem.
    pub reason: String,
}

/// Returns the state of the key in the archive.
pub(super) fn key_state(
    archive: &mut Archive<Verified>,
    passphrase: Option<&str>,
) -> Result<KeyState, Outcome> {
    announce::key_state(archive, passphrase).map_err(|error| reschedule(&error))
}

impl Step {
    /// Returns the key if it is under a passphrase, additionally encrypted with the key of the store. The passphrase is
    /// checked with it as soon as it is entered, which may be days before the import.
    pub(super) async fn locked_key(&self, key: &KeyState) -> Result<Option<String>, Outcome> {
        match key {
            KeyState::Locked(key) if key.expose_pem().len() <= MAX_KEY_BYTES => {
                self.sealed_text(key.expose_pem()).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Returns the reason why the move will not be announced automatically.
    ///
    /// # Errors
    /// [`Outcome::Stopped`] for a wrong passphrase, before the import starts, so that it can be entered again.
    pub(super) fn obstacle(&self, archive: &mut Archive<Verified>) -> Result<Option<Obstacle>, Outcome> {
        let passphrase = self.newcomer.key_passphrase.as_deref();
        let passphrase = passphrase.map(|sealed| self.unsealed(sealed)).transpose()?;
        let obstacle = |problem: &str, reason| Ok(Some(Obstacle { problem: problem.to_owned(), reason }));
        match key_state(archive, passphrase.as_deref().map(String::as_str))? {
            KeyState::Usable => Ok(None),
            KeyState::Locked(_) => {
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
