//! A passphrase under the key of the store, until it has been used.

use std::io::{Cursor, Read as _, Write as _};

use zeroize::Zeroizing;

use crate::archive::encryption::{EncryptionError, Lock, Unlock};

/// Bytes of a passphrase at most.
const MAX_BYTES: u64 = 64 << 10;

/// Encrypts a text to a key (`age1…`).
///
/// # Errors
/// [`EncryptionError`].
pub fn seal(recipient: &str, text: &str) -> Result<Vec<u8>, EncryptionError> {
    let lock = Lock::recipients(&[recipient.to_owned()])?;
    let mut sealed = Vec::with_capacity(text.len() + 256);
    let mut locked = lock.wrap(&mut sealed)?;
    locked.write_all(text.as_bytes()).and_then(|()| locked.finish()).map_err(EncryptionError::Io)?;
    Ok(sealed)
}

/// The text again.
///
/// # Errors
/// [`EncryptionError`].
pub fn open(unlock: &Unlock, sealed: Vec<u8>) -> Result<Zeroizing<String>, EncryptionError> {
    let mut text = Zeroizing::new(String::new());
    let opened = unlock.open_reader(Cursor::new(sealed))?;
    opened.take(MAX_BYTES).read_to_string(&mut text).map_err(EncryptionError::Io)?;
    Ok(text)
}
