//! Decryption with private keys (RSAES-PKCS1-v1_5).

use std::fmt;

use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use pkcs8::{PrivateKeyInfo, SecretDocument};
use zeroize::Zeroizing;

use super::encrypted::RSA_ENCRYPTION;
use super::private::rsa_key;
use super::{KeyError, PrivateKey};

/// A private key ready for decrypting.
pub struct DecryptingKey(Inner);

enum Inner {
    AwsLc(Box<Pkcs1PrivateDecryptingKey>),
    Rsa(Box<rsa::RsaPrivateKey>),
}

impl PrivateKey {
    /// Prepares the key for decrypting.
    ///
    /// # Errors
    /// [`KeyError`] when the text is not an unencrypted RSA key of 1024 to 8192 bits.
    pub fn decrypting_key(&self) -> Result<DecryptingKey, KeyError> {
        let pkcs1 = self.pkcs1()?;
        let pkcs8 = SecretDocument::try_from(PrivateKeyInfo::new(RSA_ENCRYPTION, &pkcs1))
            .map_err(|_| KeyError::Damaged)?;
        let aws_lc = PrivateDecryptingKey::from_pkcs8(pkcs8.as_bytes()).map(Pkcs1PrivateDecryptingKey::new);
        match aws_lc {
            Ok(Ok(key)) => Ok(DecryptingKey(Inner::AwsLc(Box::new(key)))),
            _ => rsa_key(&pkcs1).map(|key| DecryptingKey(Inner::Rsa(Box::new(key)))),
        }
    }
}

impl DecryptingKey {
    /// Decrypts a text that was [encrypted](super::PublicKey::encrypt) for this key's owner.
    ///
    /// An attacker who learns which of many forged ciphertexts decrypt can eventually decrypt others
    /// (Bleichenbacher's attack), so senders never learn the result.
    ///
    /// # Errors
    /// [`KeyError::Decrypting`] when the text was not encrypted for this key.
    pub fn decrypt(&self, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match &self.0 {
            Inner::AwsLc(key) => {
                let mut buffer = Zeroizing::new(vec![0; key.min_output_size()]);
                let text = key.decrypt(encrypted, &mut buffer).map_err(|_| KeyError::Decrypting)?;
                Ok(Zeroizing::new(text.to_vec()))
            }
            Inner::Rsa(key) => key
                .decrypt_blinded(&mut rsa::rand_core::OsRng, rsa::Pkcs1v15Encrypt, encrypted)
                .map(Zeroizing::new)
                .map_err(|_| KeyError::Decrypting),
        }
    }
}

impl fmt::Debug for DecryptingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptingKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::private_pem;
    use super::*;

    #[test]
    fn every_size_in_use_encrypts_and_decrypts() {
        for bits in [1024, 2048] {
            let private = PrivateKey::from_pem(private_pem(bits));
            let public = private.signing_key().unwrap().public_key().unwrap();
            let key = private.decrypting_key().unwrap();
            let text = vec![7; bits / 8 - 11];
            let mut encrypted = public.encrypt(&text).unwrap();
            assert_eq!(*key.decrypt(&encrypted).unwrap(), text);
            encrypted[9] ^= 1;
            assert_eq!(key.decrypt(&encrypted).unwrap_err(), KeyError::Decrypting);
            assert_eq!(key.decrypt(b"short").unwrap_err(), KeyError::Decrypting);
            assert_eq!(public.encrypt(&vec![7; bits / 8 - 10]).unwrap_err(), KeyError::Encrypting);
            assert_eq!(format!("{key:?}"), "DecryptingKey(secret)");
        }
    }
}
