//! Public keys: signature verification and encryption.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{ED25519, ParsedPublicKey, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY};
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs8::{DecodePublicKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{KeyError, decode_base64, parse_pem};

/// The largest supported key size in bits, for the `rsa` crate.
const MAX_BITS: usize = 8192;

/// The beginning of an Ed25519 key's SPKI (RFC 8410, section 4); the key's 32 bytes follow.
pub(super) const ED25519_SPKI: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key: the original PEM text and its SPKI bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    pem: String,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Parses the PEM text of a person's key, RSA: SPKI (`PUBLIC KEY`) or PKCS#1 (`RSA PUBLIC KEY`).
    ///
    /// # Errors
    /// [`KeyError`] when the text is not such a key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::archive_key_from_pem(text)
            .and_then(|key| if key.is_ed25519() { Err(KeyError::Damaged) } else { Ok(key) })
    }

    /// Parses the PEM text of a pod's archive key: as [`PublicKey::from_pem`], or Ed25519.
    ///
    /// # Errors
    /// As [`PublicKey::from_pem`].
    pub fn archive_key_from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = parse_pem(text)?;
        let spki = match label.as_str() {
            "PUBLIC KEY" => der.to_vec(),
            "RSA PUBLIC KEY" => rsa::RsaPublicKey::from_pkcs1_der(&der)
                .ok()
                .and_then(|key| key.to_public_key_der().ok())
                .ok_or(KeyError::Damaged)?
                .into_vec(),
            _ => return Err(KeyError::WrongKind(label)),
        };
        let key = Self { pem: text.to_owned(), spki };
        key.verifying_key()?;
        Ok(key)
    }

    fn is_ed25519(&self) -> bool {
        self.spki.strip_prefix(&ED25519_SPKI).is_some_and(|key| key.len() == 32)
    }

    pub(super) fn from_spki(spki: Vec<u8>) -> Self {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        let pem = pem::encode_config(&pem::Pem::new("PUBLIC KEY", spki.clone()), config);
        Self { pem, spki }
    }

    /// Returns the PEM text.
    pub fn as_pem(&self) -> &str {
        &self.pem
    }

    /// Returns the SHA-256 of the SPKI bytes: the same for all PEM texts of one key.
    pub fn fingerprint(&self) -> KeyFingerprint {
        let digest = Sha256::digest(&self.spki);
        KeyFingerprint(digest.iter().fold("SHA256:".to_owned(), |text, byte| text + &format!("{byte:02x}")))
    }

    /// Prepares the key for verifying many signatures.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] or [`KeyError::Size`].
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        if self.is_ed25519() {
            let key = ParsedPublicKey::new(&ED25519, &self.spki).map_err(|_| KeyError::Damaged)?;
            return Ok(VerifyingKey(Verifier::Ed25519(key)));
        }
        if let Ok(key) = ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, &self.spki) {
            return Ok(VerifyingKey(Verifier::AwsLc(key)));
        }
        self.rsa_key().map(|key| VerifyingKey(Verifier::Rsa(rsa::pkcs1v15::VerifyingKey::new(key))))
    }

    /// Parses a key that aws-lc-rs rejects for its unusual exponent; the network has a few.
    fn rsa_key(&self) -> Result<rsa::RsaPublicKey, KeyError> {
        let key = rsa::RsaPublicKey::from_public_key_der(&self.spki)
            .and_then(|key| {
                rsa::RsaPublicKey::new_with_max_size(key.n().clone(), key.e().clone(), MAX_BITS)
                    .map_err(|_| rsa::pkcs8::spki::Error::KeyMalformed)
            })
            .map_err(|_| KeyError::Damaged)?;
        let bits = key.size() * 8;
        if !(1024..=MAX_BITS).contains(&bits) {
            return Err(KeyError::Size(bits));
        }
        Ok(key)
    }

    /// Encrypts a short text for the key's owner, RSAES-PKCS1-v1_5; the text must be at least 11 bytes shorter than
    /// the key.
    ///
    /// # Errors
    /// [`KeyError::Encrypting`], or the key's defect.
    pub fn encrypt(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        let aws_lc = PublicEncryptingKey::from_der(&self.spki).map(Pkcs1PublicEncryptingKey::new);
        if let Ok(Ok(key)) = aws_lc {
            let mut buffer = vec![0; key.ciphertext_size()];
            let encrypted = key.encrypt(text, &mut buffer).map_err(|_| KeyError::Encrypting)?;
            return Ok(encrypted.to_vec());
        }
        self.rsa_key()?
            .encrypt(&mut rsa::rand_core::OsRng, rsa::Pkcs1v15Encrypt, text)
            .map_err(|_| KeyError::Encrypting)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// A key fingerprint: `SHA256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyFingerprint(String);

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for KeyFingerprint {
    fn schema_name() -> Cow<'static, str> {
        "KeyFingerprint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "SHA-256 of the key's SPKI bytes.",
            "type": "string",
            "pattern": "^SHA256:[0-9a-f]{64}$"
        })
    }
}

/// A public key ready for verifying signatures: RSASSA-PKCS1-v1_5 with SHA-256, or Ed25519.
pub struct VerifyingKey(Verifier);

enum Verifier {
    Ed25519(ParsedPublicKey),
    AwsLc(ParsedPublicKey),
    Rsa(rsa::pkcs1v15::VerifyingKey<rsa::sha2::Sha256>),
}

impl VerifyingKey {
    /// Returns whether `signature` (raw bytes) over `message` was made with this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Verifier::Ed25519(key) | Verifier::AwsLc(key) => key.verify_sig(message, signature).is_ok(),
            Verifier::Rsa(key) => {
                use rsa::signature::Verifier as _;
                rsa::pkcs1v15::Signature::try_from(signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }

    /// Returns whether a base64 signature over a message with this SHA-256 was made with this key, for messages too
    /// large for memory.
    pub fn verifies_sha256_base64(&self, sha256: &[u8; 32], signature: &str) -> bool {
        let Some(signature) = decode_base64(signature) else { return false };
        match &self.0 {
            // As in `SigningKey::sign_sha256_base64`.
            Verifier::Ed25519(key) => key.verify_sig(sha256, &signature).is_ok(),
            Verifier::AwsLc(key) => digest::Digest::import_less_safe(sha256, &SHA256)
                .is_ok_and(|digest| key.verify_digest_sig(&digest, &signature).is_ok()),
            Verifier::Rsa(key) => {
                use rsa::signature::hazmat::PrehashVerifier as _;
                rsa::pkcs1v15::Signature::try_from(signature.as_slice())
                    .is_ok_and(|signature| key.verify_prehash(sha256, &signature).is_ok())
            }
        }
    }

    /// Like [`Self::verifies`], for a base64 signature, line breaks allowed, as the network sends it.
    pub fn verifies_base64(&self, message: &[u8], signature: &str) -> bool {
        decode_base64(signature).is_some_and(|signature| self.verifies(message, &signature))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey")
    }
}
