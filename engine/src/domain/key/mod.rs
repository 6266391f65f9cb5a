//! RSA keys as diaspora* stores them: PEM texts, parsed once where they are used.
//!
//! Private keys are PKCS#1 (`BEGIN RSA PRIVATE KEY`) in a pod's database, public keys SPKI (`BEGIN PUBLIC KEY`).
//! Today's pods generate 4096 bits; old accounts have 2048 and 1024. aws-lc-rs is ten times as fast as the `rsa`
//! crate, which serves only the key sizes that aws-lc-rs rejects.

mod decryption;
mod encrypted;
mod private;
mod public;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use decryption::DecryptingKey;
pub use private::{NEW_KEY_BITS, PrivateKey, SigningKey};
pub use public::{KeyFingerprint, PublicKey, VerifyingKey};

/// The largest PEM text that is parsed; an 8192-bit private key takes 6.5 kB.
const MAX_PEM_BYTES: usize = 32 * 1024;

/// The reason a key could not be used. Never contains any part of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text contains no PEM block.
    #[error("the key is not a PEM text")]
    NotPem,
    /// The PEM block is of another kind.
    #[error("the PEM text contains a {0:?}, not a key of the expected kind")]
    WrongKind(String),
    /// The PEM block contains no RSA key.
    #[error("the key is damaged or not an RSA key")]
    Damaged,
    /// The key size is not supported.
    #[error("the key has {0} bits; Pappus supports 1024 to 8192")]
    Size(usize),
    /// The key is encrypted and needs a passphrase.
    #[error("the private key is encrypted with a passphrase")]
    Encrypted,
    /// The passphrase is wrong.
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,
    /// Decrypting the key takes more work than any legitimate file requires.
    #[error("decrypting the private key would take an unreasonable amount of work")]
    TooExpensive,
    /// The crypto library failed.
    #[error("the signature could not be created")]
    Signing,
    /// The text is longer than the key, or the crypto library failed.
    #[error("the text could not be encrypted for this key; it may be longer than the key allows")]
    Encrypting,
    /// The text was encrypted for another key, or was changed afterwards.
    #[error("the text was not encrypted for this key, or is damaged")]
    Decrypting,
}

/// Returns the label and bytes of the first PEM block in a text.
fn parse_pem(text: &str) -> Result<(String, zeroize::Zeroizing<Vec<u8>>), KeyError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(KeyError::NotPem);
    }
    let block = pem::parse(text).map_err(|_| KeyError::NotPem)?;
    let label = block.tag().to_owned();
    Ok((label, zeroize::Zeroizing::new(block.into_contents())))
}

/// Decodes base64 with or without line breaks; the network sends both.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let compact: Cow<'_, str> = if text.bytes().any(|b| b.is_ascii_whitespace()) {
        text.split_ascii_whitespace().collect::<String>().into()
    } else {
        text.into()
    };
    STANDARD.decode(compact.as_bytes()).ok()
}

#[cfg(test)]
pub(crate) mod fixtures {
    use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};

    /// Generates a private key, PKCS#1 PEM.
    pub(crate) fn private_pem(bits: usize) -> String {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits).unwrap();
        key.to_pkcs1_pem(LineEnding::LF).unwrap().to_string()
    }
}
