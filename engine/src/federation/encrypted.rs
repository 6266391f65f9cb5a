//! Envelopes encrypted for one recipient
//! ([Encryption](https://diaspora.github.io/diaspora_federation/federation/encryption.html)).

use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, AES_CBC_IV_LEN, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::domain::{DecryptingKey, KeyError, PublicKey, decode_base64};

use super::magic_envelope::MAX_ENVELOPE_BYTES;

/// Limit for the JSON in bytes: the largest envelope in base64, the largest encrypted key, and the JSON around them.
const MAX_BODY_BYTES: usize = MAX_ENVELOPE_BYTES / 3 * 4 + (8 << 10);

/// The reason an envelope could not be encrypted or opened. It never names the failed step, so that it cannot serve
/// as a decryption oracle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptedError {
    /// Larger than any envelope.
    #[error("the encrypted magic envelope has {size} bytes; at most {limit} are read", limit = MAX_BODY_BYTES)]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// Another document.
    #[error(
        "this is not an encrypted magic envelope: it should be JSON with aes_key and encrypted_magic_envelope, both base64"
    )]
    NotEncrypted,
    /// The recipient's key is unusable.
    #[error("the envelope cannot be encrypted for its recipient: {0}")]
    Key(#[from] KeyError),
    /// The crypto library failed.
    #[error("the envelope could not be encrypted")]
    Encrypting,
    /// For another recipient, or modified.
    #[error("the encrypted magic envelope is not for this recipient, or is damaged")]
    NotOpened,
}

#[derive(Serialize, Deserialize)]
struct Body {
    aes_key: String,
    encrypted_magic_envelope: String,
}

/// The secret that is encrypted with the recipient's key.
#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
struct AesKey {
    key: String,
    iv: String,
}

/// Encrypts an envelope for one recipient. The result is the body for `/receive/users/GUID`, of type
/// `application/json`.
///
/// # Errors
/// [`EncryptedError::Key`] if the recipient's key is unusable.
pub fn encrypt_envelope(envelope: &str, recipient: &PublicKey) -> Result<String, EncryptedError> {
    let failed = |_| EncryptedError::Encrypting;
    let mut key = Zeroizing::new([0_u8; AES_256_KEY_LEN]);
    let mut iv = [0_u8; AES_CBC_IV_LEN];
    rand::fill(key.as_mut_slice()).and_then(|()| rand::fill(&mut iv)).map_err(failed)?;
    let secret = AesKey { key: STANDARD.encode(key.as_slice()), iv: STANDARD.encode(iv) };
    let secret = Zeroizing::new(serde_json::to_vec(&secret).map_err(|_| EncryptedError::Encrypting)?);
    let cipher = UnboundCipherKey::new(&AES_256, key.as_slice()).map_err(failed)?;
    let mut bytes = envelope.as_bytes().to_vec();
    PaddedBlockEncryptingKey::cbc_pkcs7(cipher)
        .and_then(|cipher| {
            cipher.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(FixedLength::from(iv)))
        })
        .map_err(failed)?;
    let body = Body {
        aes_key: STANDARD.encode(recipient.encrypt(&secret)?),
        encrypted_magic_envelope: STANDARD.encode(bytes),
    };
    serde_json::to_string(&body).map_err(|_| EncryptedError::Encrypting)
}

/// Decrypts the envelope in a body received at `/receive/users/GUID`, with that user's key. Its signature must then be
/// verified: see [`MagicEnvelope::parse`](super::MagicEnvelope::parse).
///
/// # Errors
/// [`EncryptedError::NotOpened`] if it is for another recipient.
pub fn decrypt_envelope(body: &[u8], key: &DecryptingKey) -> Result<Vec<u8>, EncryptedError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(EncryptedError::TooLarge { size: body.len() });
    }
    let body: Body = serde_json::from_slice(body).map_err(|_| EncryptedError::NotEncrypted)?;
    let secret = decode_base64(&body.aes_key).ok_or(EncryptedError::NotEncrypted)?;
    let mut bytes = decode_base64(&body.encrypted_magic_envelope).ok_or(EncryptedError::NotEncrypted)?;
    let secret = key.decrypt(&secret).map_err(|_| EncryptedError::NotOpened)?;
    let length = decrypt_in_place(&secret, &mut bytes).ok_or(EncryptedError::NotOpened)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Decrypts in place; returns the length of the text.
fn decrypt_in_place(secret: &[u8], bytes: &mut [u8]) -> Option<usize> {
    let secret: AesKey = serde_json::from_slice(secret).ok()?;
    let key = Zeroizing::new(decode_base64(&secret.key)?);
    let iv: [u8; AES_CBC_IV_LEN] = decode_base64(&secret.iv)?.try_into().ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let cipher = UnboundCipherKey::new(&AES_256, &key).ok()?;
    let text = PaddedBlockDecryptingKey::cbc_pkcs7(cipher).ok()?.decrypt(bytes, context).ok()?;
    Some(text.len())
}
