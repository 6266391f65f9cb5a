//! The invented key pairs of the sample people, and signing with them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding as _, Signer as _};

use super::SampleError;

/// How large the keys of the sample people are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySize {
    /// 2048 bits, two old accounts 1024: what most tests want.
    #[default]
    Small,
    /// As on a grown pod: some people have 4096 bits, most 2048, two 1024.
    Mixed,
}

/// A key pair as diaspora* stores it.
#[derive(Clone, Copy)]
pub struct KeyPair {
    /// PKCS#1, `-----BEGIN RSA PRIVATE KEY-----`.
    pub private: &'static str,
    /// SPKI, `-----BEGIN PUBLIC KEY-----`.
    pub public: &'static str,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyPair")
    }
}

macro_rules! pairs {
    ($($name:literal),* $(,)?) => {
        [$(KeyPair {
            private: include_str!(concat!("../../fixtures/keys/", $name, ".private.pem")),
            public: include_str!(concat!("../../fixtures/keys/", $name, ".public.pem")),
        }),*]
    };
}

/// Key pairs of 2048 bits.
pub static PAIRS_2048: [KeyPair; 26] = pairs![
    "2048-00", "2048-01", "2048-02", "2048-03", "2048-04", "2048-05", "2048-06", "2048-07", "2048-08",
    "2048-09", "2048-10", "2048-11", "2048-12", "2048-13", "2048-14", "2048-15", "2048-16", "2048-17",
    "2048-18", "2048-19", "2048-20", "2048-21", "2048-22", "2048-23", "2048-24", "2048-25",
];

/// Key pairs of 4096 bits.
pub static PAIRS_4096: [KeyPair; 3] = pairs!["4096-0", "4096-1", "4096-2"];

/// Key pairs of 1024 bits, as accounts of 2010 have them.
pub static PAIRS_1024: [KeyPair; 2] = pairs!["1024-0", "1024-1"];

/// Which key pair somebody has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    /// 2048 bits whatever is asked for.
    Usual(usize),
    /// 4096 bits of that number in [`KeySize::Mixed`], else 2048.
    Large(usize, usize),
    /// 1024 bits.
    Old(usize),
}

impl Key {
    pub(super) fn pair(self, size: KeySize) -> Result<KeyPair, SampleError> {
        let found = match self {
            Self::Large(large, _) if size == KeySize::Mixed => PAIRS_4096.get(large),
            Self::Usual(number) | Self::Large(_, number) => PAIRS_2048.get(number),
            Self::Old(number) => PAIRS_1024.get(number),
        };
        found.copied().ok_or_else(|| SampleError::Unknown { kind: "key pair", name: format!("{self:?}") })
    }
}

/// A private key ready to sign many texts.
pub struct Signer(Backend);

enum Backend {
    Fast(RsaKeyPair),
    /// For keys aws-lc-rs refuses to sign with, below 2048 bits; five times slower.
    Slow(Box<SigningKey<Sha256>>),
}

impl Signer {
    /// Reads a PKCS#1 private key.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(private_key: &str) -> Result<Self, SampleError> {
        let block = pem::parse(private_key).map_err(|source| SampleError::Key(source.to_string()))?;
        if let Ok(pair) = RsaKeyPair::from_der(block.contents()) {
            return Ok(Self(Backend::Fast(pair)));
        }
        let key = rsa::RsaPrivateKey::from_pkcs1_der(block.contents())
            .map_err(|source| SampleError::Key(source.to_string()))?;
        Ok(Self(Backend::Slow(Box::new(SigningKey::new(key)))))
    }

    /// Base64 of RSASSA-PKCS1-v1_5 with SHA-256, as the diaspora* federation signs.
    ///
    /// # Errors
    /// When the library refuses the key after all.
    pub fn sign(&self, text: &str) -> Result<String, SampleError> {
        let signature = match &self.0 {
            Backend::Fast(pair) => {
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut bytes)
                    .map_err(|_| SampleError::Key("signing failed".to_owned()))?;
                bytes
            }
            Backend::Slow(key) => key.sign(text.as_bytes()).to_vec(),
        };
        Ok(STANDARD.encode(signature))
    }
}

/// Signs one text; see [`Signer`] for many.
///
/// # Errors
/// When the key is not a PKCS#1 private key.
pub fn sign(private_key: &str, text: &str) -> Result<String, SampleError> {
    Signer::new(private_key)?.sign(text)
}
