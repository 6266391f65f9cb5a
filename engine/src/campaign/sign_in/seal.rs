//! Encryption of small texts with age, many at a time.

use std::io::{Cursor, Read as _, Write as _};
use std::num::NonZeroUsize;

use zeroize::Zeroizing;

use crate::archive::encryption::{DecryptWith, EncryptTo, EncryptionError};
use crate::campaign::sign_in::copy::SignInError;

/// The maximum size of one person's data, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Encrypts each text, on at most `threads` threads.
pub(in crate::campaign) fn seal(
    encrypt_to: &EncryptTo,
    texts: &[Zeroizing<Vec<u8>>],
    threads: NonZeroUsize,
) -> Result<Vec<Vec<u8>>, SignInError> {
    let chunk_len = texts.len().div_ceil(threads.get()).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = texts
            .chunks(chunk_len)
            .map(|part| scope.spawn(move || part.iter().map(|text| seal_one(encrypt_to, text)).collect()))
            .collect();
        let mut sealed = Vec::with_capacity(texts.len());
        for part in parts {
            let part: Result<Vec<_>, SignInError> = part.join().map_err(|_| SignInError::Broken)?;
            sealed.extend(part?);
        }
        Ok(sealed)
    })
}

fn seal_one(encrypt_to: &EncryptTo, text: &[u8]) -> Result<Vec<u8>, SignInError> {
    let mut sealed = Vec::with_capacity(text.len() + 256);
    let mut encryptor = encrypt_to.wrap(&mut sealed)?;
    encryptor.write_all(text).and_then(|()| encryptor.finish()).map_err(EncryptionError::Io)?;
    Ok(sealed)
}

/// Decrypts a text of at most 1 MiB; a longer one is cut off.
pub(in crate::campaign) fn open(
    unlock: &DecryptWith,
    sealed: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, SignInError> {
    let mut text = Zeroizing::new(Vec::with_capacity(sealed.len()));
    let decrypted = unlock.open_reader(Cursor::new(sealed))?;
    decrypted.take(MAX_BYTES).read_to_end(&mut text).map_err(EncryptionError::Io)?;
    Ok(text)
}
