//! Private keys: signing. Their text is wiped from memory and never printed.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::signature::{SignatureEncoding, Signer};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::public::ED25519_SPKI;
use super::{KeyError, PublicKey, encrypted, parse_pem};

/// The size of new keys in bits, the same as diaspora*'s. Builds with debug assertions generate smaller keys, since
/// the search for such large primes took half of all tests' processor time.
pub const NEW_KEY_BITS: usize = if cfg!(debug_assertions) { 2048 } else { 4096 };

/// A private key's PEM text. Wiped on drop; redacted in `Debug`.
#[derive(Clone)]
pub struct PrivateKey(Zeroizing<String>);

impl PrivateKey {
    /// Wraps a PEM text without parsing it; an invalid key is detected on use.
    pub fn from_pem(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the empty key that archives contain when the pod had no readable one.
    pub fn absent() -> Self {
        Self(Zeroizing::default())
    }

    /// Returns whether the key is missing.
    pub fn is_absent(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the key needs a passphrase.
    pub fn is_encrypted(&self) -> bool {
        self.0.contains("BEGIN ENCRYPTED PRIVATE KEY")
    }

    /// Returns the secret text. Its only use is to be written to its destination.
    pub fn expose_pem(&self) -> &str {
        &self.0
    }

    /// Encrypts the key: PKCS#8 with PBES2 (PBKDF2-SHA256, AES-256-CBC), as PEM.
    ///
    /// # Errors
    /// [`KeyError`] when the key cannot be read or is encrypted already.
    pub fn encrypt(&self, passphrase: &str) -> Result<Self, KeyError> {
        encrypted::encrypt(self, passphrase)
    }

    /// Decrypts the key: PKCS#1 PEM, as diaspora* writes it. An unencrypted key is returned unchanged.
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`], [`KeyError::TooExpensive`], or the text's defect.
    pub fn decrypt(&self, passphrase: &str) -> Result<Self, KeyError> {
        if self.is_encrypted() { encrypted::decrypt(self, passphrase) } else { Ok(self.clone()) }
    }

    /// Returns the key's PKCS#1 bytes.
    pub(super) fn pkcs1(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (label, der) = parse_pem(&self.0)?;
        match label.as_str() {
            "RSA PRIVATE KEY" => Ok(der),
            "PRIVATE KEY" => pkcs8::PrivateKeyInfo::try_from(der.as_slice())
                .map(|info| Zeroizing::new(info.private_key.to_vec()))
                .map_err(|_| KeyError::Damaged),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
            _ => Err(KeyError::WrongKind(label)),
        }
    }

    /// Prepares the key for signing.
    ///
    /// # Errors
    /// [`KeyError`] when the text is not an unencrypted RSA key of 1024 to 8192 bits.
    pub fn signing_key(&self) -> Result<SigningKey, KeyError> {
        let der = self.pkcs1()?;
        if let Ok(key) = RsaKeyPair::from_der(&der) {
            return Ok(SigningKey(Inner::AwsLc(Box::new(key))));
        }
        let key = rsa_key(&der)?;
        Ok(SigningKey(Inner::Rsa(Box::new(rsa::pkcs1v15::SigningKey::new(key)))))
    }

    /// Generates a key of [`NEW_KEY_BITS`].
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the crypto library fails.
    pub fn generate() -> Result<Self, KeyError> {
        use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
        let size = if NEW_KEY_BITS == 2048 { KeySize::Rsa2048 } else { KeySize::Rsa4096 };
        let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Signing)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Signing)?;
        let info = pkcs8::PrivateKeyInfo::try_from(der.as_ref()).map_err(|_| KeyError::Damaged)?;
        Ok(Self::from_pkcs1(info.private_key))
    }

    /// Generates a key for a pod to sign archives with: Ed25519, PKCS#8 PEM. It signs a hundred times as fast as an RSA
    /// key of 4096 bits, and the export of a whole pod signs an archive for each account.
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the crypto library fails.
    pub fn generate_archive_key() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Signing)?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::Signing)?;
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Ok(Self::from_pem(pem::encode_config(&pem::Pem::new("PRIVATE KEY", der.as_ref()), config)))
    }

    /// Prepares a pod's archive key for signing: Ed25519, or RSA, which earlier versions generated.
    ///
    /// # Errors
    /// As [`PrivateKey::signing_key`].
    pub fn archive_signing_key(&self) -> Result<SigningKey, KeyError> {
        let (_, der) = parse_pem(&self.0)?;
        Ed25519KeyPair::from_pkcs8(&der)
            .map_or_else(|_| self.signing_key(), |key| Ok(SigningKey(Inner::Ed25519(Box::new(key)))))
    }

    /// Encodes PKCS#1 bytes as the PEM text that diaspora* writes.
    pub(super) fn from_pkcs1(der: &[u8]) -> Self {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Self::from_pem(pem::encode_config(&pem::Pem::new("RSA PRIVATE KEY", der), config))
    }
}

/// Parses a key that aws-lc-rs rejects: it requires at least 2048 bits, and old accounts have 1024.
pub(super) fn rsa_key(pkcs1: &[u8]) -> Result<rsa::RsaPrivateKey, KeyError> {
    let key = rsa::RsaPrivateKey::from_pkcs1_der(pkcs1)
        .or_else(|_| rsa::RsaPrivateKey::from_pkcs8_der(pkcs1))
        .map_err(|_| KeyError::Damaged)?;
    let bits = rsa::traits::PublicKeyParts::size(&key) * 8;
    if (1024..=8192).contains(&bits) { Ok(key) } else { Err(KeyError::Size(bits)) }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_absent() { "PrivateKey(absent)" } else { "PrivateKey(secret)" })
    }
}

impl Serialize for PrivateKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PrivateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Zeroizing::new(String::deserialize(deserializer)?)))
    }
}

impl JsonSchema for PrivateKey {
    fn schema_name() -> Cow<'static, str> {
        "PrivateKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "PEM: PKCS#1, or encrypted PKCS#8 where a passphrase was chosen; empty when the pod had no readable key.",
            "type": "string"
        })
    }
}

/// A private key ready for signing: RSASSA-PKCS1-v1_5 with SHA-256, or Ed25519, which only a pod's archive key may be.
/// Signatures are deterministic.
pub struct SigningKey(Inner);

enum Inner {
    Ed25519(Box<Ed25519KeyPair>),
    AwsLc(Box<RsaKeyPair>),
    Rsa(Box<rsa::pkcs1v15::SigningKey<rsa::sha2::Sha256>>),
}

impl SigningKey {
    /// Signs `message`; returns raw bytes.
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the crypto library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.0 {
            Inner::Ed25519(key) => {
                Ok(key.try_sign(message).map_err(|_| KeyError::Signing)?.as_ref().to_vec())
            }
            Inner::AwsLc(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| KeyError::Signing)?;
                Ok(signature)
            }
            Inner::Rsa(key) => Ok(key.try_sign(message).map_err(|_| KeyError::Signing)?.to_vec()),
        }
    }

    /// Signs `message`; returns base64 on one line.
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the crypto library fails.
    pub fn sign_base64(&self, message: &[u8]) -> Result<String, KeyError> {
        Ok(STANDARD.encode(self.sign(message)?))
    }

    /// Signs a message, given its SHA-256, for messages too large for memory; returns base64 on one line. Ed25519 needs
    /// the whole message twice, so such a key signs the 32 bytes of the SHA-256 instead.
    ///
    /// # Errors
    /// [`KeyError::Signing`] when the crypto library fails.
    pub fn sign_sha256_base64(&self, sha256: &[u8; 32]) -> Result<String, KeyError> {
        let signature = match &self.0 {
            Inner::Ed25519(_) => self.sign(sha256)?,
            Inner::AwsLc(key) => {
                let digest = Digest::import_less_safe(sha256, &SHA256).map_err(|_| KeyError::Signing)?;
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).map_err(|_| KeyError::Signing)?;
                signature
            }
            Inner::Rsa(key) => {
                use rsa::signature::hazmat::PrehashSigner as _;
                key.sign_prehash(sha256).map_err(|_| KeyError::Signing)?.to_vec()
            }
        };
        Ok(STANDARD.encode(signature))
    }

    /// Returns the public key.
    ///
    /// # Errors
    /// [`KeyError::Damaged`] when it cannot be encoded.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        let spki = match &self.0 {
            Inner::Ed25519(key) => [&ED25519_SPKI[..], key.public_key().as_ref()].concat(),
            Inner::AwsLc(key) => {
                let der: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| KeyError::Damaged)?;
                der.as_ref().to_vec()
            }
            Inner::Rsa(key) => {
                let private: &rsa::RsaPrivateKey = key.as_ref().as_ref();
                private.to_public_key().to_public_key_der().map_err(|_| KeyError::Damaged)?.into_vec()
            }
        };
        Ok(PublicKey::from_spki(spki))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use rsa::sha2::Digest as _;

    use super::super::fixtures::private_pem;
    use super::*;

    #[test]
    fn every_size_in_use_signs_and_verifies() {
        for bits in [1024, 2048] {
            let key = PrivateKey::from_pem(private_pem(bits)).signing_key().unwrap();
            let public = key.public_key().unwrap();
            let parsed = PublicKey::from_pem(public.as_pem()).unwrap();
            assert_eq!(parsed.fingerprint(), public.fingerprint());
            let signature = key.sign_base64(b"text").unwrap();
            assert_eq!(signature, key.sign_base64(b"text").unwrap());
            let verifying = parsed.verifying_key().unwrap();
            assert!(verifying.verifies_base64(b"text", &signature));
            assert!(
                verifying.verifies_base64(b"text", &format!("{}\n{}", &signature[..60], &signature[60..]))
            );
            assert!(!verifying.verifies_base64(b"other", &signature));
            let sha256: [u8; 32] = rsa::sha2::Sha256::digest(b"text").into();
            assert_eq!(key.sign_sha256_base64(&sha256).unwrap(), signature);
            assert!(verifying.verifies_sha256_base64(&sha256, &signature));
            assert!(!verifying.verifies_sha256_base64(&[0; 32], &signature));
            assert!(!verifying.verifies_base64(b"text", "no base64"));
        }
    }

    #[test]
    fn only_a_pods_archive_key_may_be_ed25519() {
        let private = PrivateKey::generate_archive_key().unwrap();
        assert_eq!(private.signing_key().unwrap_err(), KeyError::Damaged);
        let key = private.archive_signing_key().unwrap();
        let public = key.public_key().unwrap();
        assert_eq!(PublicKey::from_pem(public.as_pem()).unwrap_err(), KeyError::Damaged);
        let parsed = PublicKey::archive_key_from_pem(public.as_pem()).unwrap();
        assert_eq!(parsed.fingerprint(), public.fingerprint());
        let verifying = parsed.verifying_key().unwrap();
        let signature = key.sign_base64(b"text").unwrap();
        assert_eq!(signature, key.sign_base64(b"text").unwrap());
        assert!(verifying.verifies_base64(b"text", &signature));
        assert!(!verifying.verifies_base64(b"other", &signature));
        let sha256: [u8; 32] = rsa::sha2::Sha256::digest(b"text").into();
        let signature = key.sign_sha256_base64(&sha256).unwrap();
        assert!(verifying.verifies_sha256_base64(&sha256, &signature));
        assert!(!verifying.verifies_sha256_base64(&[0; 32], &signature));
        assert!(!verifying.verifies_base64(b"text", &signature));
        let rsa = PrivateKey::from_pem(private_pem(2048)).archive_signing_key().unwrap();
        let public = rsa.public_key().unwrap();
        let parsed = PublicKey::archive_key_from_pem(public.as_pem()).unwrap();
        assert!(parsed.verifying_key().unwrap().verifies_base64(b"text", &rsa.sign_base64(b"text").unwrap()));
        let longer = PublicKey::from_spki([&ED25519_SPKI[..], &[7; 33]].concat());
        assert!(PublicKey::archive_key_from_pem(longer.as_pem()).is_err());
    }

    #[test]
    fn generated_keys_have_the_format_of_diaspora() {
        let key = PrivateKey::generate().unwrap();
        assert!(key.expose_pem().starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(key.signing_key().is_ok());
    }

    #[test]
    fn private_keys_are_never_printed() {
        let pem = private_pem(1024);
        let key = PrivateKey::from_pem(pem.clone());
        let printed = format!("{key:?} {:?}", key.signing_key().unwrap());
        assert_eq!(printed, "PrivateKey(secret) SigningKey(secret)");
        let broken = PrivateKey::from_pem(pem.replace("-----END", "x"));
        assert_eq!(broken.signing_key().unwrap_err(), KeyError::NotPem);
    }
}
