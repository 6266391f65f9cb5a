//! Short texts encrypted to the key of the store until they are used: passphrases, hashes, e-mails.

use std::io::{self, Cursor, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::archive::encryption::{DecryptWith, EncryptTo, EncryptionError};

/// The maximum size of a text, in bytes; a longer one is cut off when it is decrypted.
const MAX_BYTES: u64 = 256 << 10;

/// Encrypts a text to a key (`age1…`).
///
/// # Errors
/// [`EncryptionError`].
pub fn seal(recipient: &str, text: &str) -> Result<Vec<u8>, EncryptionError> {
    let encrypt_to = EncryptTo::recipients(&[recipient.to_owned()])?;
    let mut sealed = Vec::with_capacity(text.len() + 256);
    let mut encryptor = encrypt_to.wrap(&mut sealed)?;
    encryptor.write_all(text.as_bytes()).and_then(|()| encryptor.finish()).map_err(EncryptionError::Io)?;
    Ok(sealed)
}

/// Decrypts a text.
///
/// # Errors
/// [`EncryptionError`].
pub fn open(unlock: &DecryptWith, sealed: Vec<u8>) -> Result<Zeroizing<String>, EncryptionError> {
    let mut text = Zeroizing::new(String::new());
    let decrypted = unlock.open_reader(Cursor::new(sealed))?;
    decrypted.take(MAX_BYTES).read_to_string(&mut text).map_err(EncryptionError::Io)?;
    Ok(text)
}

/// The prefix of encrypted texts in columns that contained plain texts in earlier versions.
const SEALED: &str = "sealed:";

/// Encrypts a text to a key (`age1…`), for a text column: `sealed:` and base64.
///
/// # Errors
/// [`EncryptionError`].
pub fn seal_text(recipient: &str, text: &str) -> Result<String, EncryptionError> {
    seal(recipient, text).map(|sealed| format!("{SEALED}{}", STANDARD.encode(sealed)))
}

/// Decrypts a text from a text column. Plain texts of earlier versions are returned unchanged.
///
/// # Errors
/// [`EncryptionError`].
pub fn open_text(unlock: &DecryptWith, text: String) -> Result<Zeroizing<String>, EncryptionError> {
    let Some(sealed) = text.strip_prefix(SEALED) else { return Ok(Zeroizing::new(text)) };
    let sealed = STANDARD.decode(sealed).map_err(|error| EncryptionError::Io(io::Error::other(error)))?;
    open(unlock, sealed)
}
