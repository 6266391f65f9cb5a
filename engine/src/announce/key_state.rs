//! Checks that an archive's private key can announce a move, before anything is written.

use super::AnnounceError;
use super::source::Source;
use crate::archive::open::{Archive, Verified};
use crate::domain::{KeyError, PrivateKey};

/// The usability of an archive's private key.
#[derive(Debug)]
pub enum KeyState {
    /// The key can sign, with the given passphrase if it needs one.
    Usable,
    /// The key is encrypted, and no passphrase was given; contains the encrypted key.
    Locked(PrivateKey),
    /// The key is encrypted with another passphrase than the given one.
    WrongPassphrase,
    /// The key is missing or cannot sign: nobody can announce the move.
    Unusable(KeyError),
}

/// Tries the private key of an archive, with a passphrase if given. Reads the document once.
///
/// # Errors
/// [`AnnounceError`] if the archive can no longer be read.
pub fn key_state(
    archive: &mut Archive<Verified>,
    passphrase: Option<&str>,
) -> Result<KeyState, AnnounceError> {
    let key = Source::read(archive)?.private_key;
    let opened = match passphrase {
        Some(passphrase) => key.decrypt(passphrase),
        None if key.is_encrypted() => return Ok(KeyState::Locked(key)),
        None => Ok(key),
    };
    match opened.and_then(|key| key.signing_key()) {
        Ok(_) => Ok(KeyState::Usable),
        Err(KeyError::WrongPassphrase) => Ok(KeyState::WrongPassphrase),
        Err(error) => Ok(KeyState::Unusable(error)),
    }
}
