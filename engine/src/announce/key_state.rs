//! Whether an archive's private key can announce a move, known before anything is written.

use super::AnnounceError;
use super::source::Source;
use crate::archive::open::{Archive, Verified};
use crate::domain::KeyError;

/// How the private key of an archive can be used.
#[derive(Debug)]
pub enum KeyState {
    /// It signs, with the passphrase that was given if it needs one.
    Usable,
    /// It is under a passphrase, and none was given.
    Locked,
    /// It is under another passphrase than the one that was given.
    WrongPassphrase,
    /// There is none, or it cannot sign: nobody can announce the move.
    Unusable(KeyError),
}

/// Tries the private key of an archive, with a passphrase if there is one. Costs one reading of the document.
///
/// # Errors
/// [`AnnounceError`] when the archive cannot be read any more.
pub fn key_state(
    archive: &mut Archive<Verified>,
    passphrase: Option<&str>,
) -> Result<KeyState, AnnounceError> {
    let key = Source::read(archive)?.private_key;
    let opened = match passphrase {
        Some(passphrase) => key.decrypt(passphrase),
        None if key.is_encrypted() => return Ok(KeyState::Locked),
        None => Ok(key),
    };
    match opened.and_then(|key| key.signing_key()) {
        Ok(_) => Ok(KeyState::Usable),
        Err(KeyError::WrongPassphrase) => Ok(KeyState::WrongPassphrase),
        Err(error) => Ok(KeyState::Unusable(error)),
    }
}
