//! Short texts encrypted to the key of the store until they are used: passphrases, hashes, e-mails.

use std::io::{self, Cursor, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::archive::encryption::{DecryptWith, EncryptTo, EncryptionError};

/// Longest text, in bytes.
const MAX_BYTES: u64 = 256 << 10;

/// Encrypts a text to a key (`age1…`).
///
/// # Errors
/// [`EncryptionError`].
pub fn seal(recipient: &str, text: &str) -> Result<Vec<u8>, EncryptionError> {
    let encrypt_to = EncryptTo::recipients(&[recipient.to_owned()])?;
    let mut sealed = Vec::with_capacity(text.len() + 256);
    let mut locked = encrypt_to.wrap(&mut sealed)?;
    locked.write_all(text.as_bytes()).and_then(|()| locked.finish()).map_err(EncryptionError::Io)?;
    Ok(sealed)
}

/// Decrypts the text.
///
/// # Errors
/// [`EncryptionError`].
pub fn open(unlock: &DecryptWith, sealed: Vec<u8>) -> Result<Zeroizing<String>, EncryptionError> {
    let mut text = Zeroizing::new(String::new());
    let opened = unlock.open_reader(Cursor::new(sealed))?;
    opened.take(MAX_BYTES).read_to_string(&mut text).map_err(EncryptionError::Io)?;
    Ok(text)
}

/// Prefix of sealed texts in columns that held clear ones before.
const SEALED: &str = "sealed:";

/// Encrypts a text to a key (`age1…`), for a text column: `sealed:` and base64.
///
/// # Errors
/// [`EncryptionError`].
pub fn seal_text(recipient: &str, text: &str) -> Result<String, EncryptionError> {
    seal(recipient, text).map(|sealed| format!("{SEALED}{}", STANDARD.encode(sealed)))
}

/// Decrypts the text. Clear texts of earlier versions are returned as they are.
///
/// # Errors
/// [`EncryptionError`].
pub fn open_text(unlock: &DecryptWith, text: String) -> Result<Zeroizing<String>, EncryptionError> {
    let Some(sealed) = text.strip_prefix(SEALED) else { return Ok(Zeroizing::new(text)) };
    let sealed = STANDARD.decode(sealed).map_err(|error| EncryptionError::Io(io::Error::other(error)))?;
    open(unlock, sealed)
}
