//! Passphrase-encrypted private keys: PKCS#8 with PBES2, which OpenSSL reads too.

use aws_lc_rs::rand;
use pkcs8::pkcs5::pbes2::{self, Kdf};
use pkcs8::{AlgorithmIdentifierRef, EncryptedPrivateKeyInfo, ObjectIdentifier, PrivateKeyInfo};
use zeroize::Zeroizing;

use super::{KeyError, PrivateKey, parse_pem};

/// OWASP's 2023 recommendation for PBKDF2 with SHA-256; about a third of a second.
const ITERATIONS: u32 = 600_000;

/// The most PBKDF2 iterations accepted from an untrusted file; about five seconds.
const MAX_ITERATIONS: u32 = 10_000_000;

/// `rsaEncryption` (RFC 8017), as PKCS#8 names it.
pub(super) const RSA_ENCRYPTION: AlgorithmIdentifierRef<'static> = AlgorithmIdentifierRef {
    oid: ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
    parameters: Some(pkcs8::der::asn1::AnyRef::NULL),
};

/// Encrypts a key with a passphrase, as [`PrivateKey::encrypt`] describes.
pub(super) fn encrypt(key: &PrivateKey, passphrase: &str) -> Result<PrivateKey, KeyError> {
    let pkcs1 = key.pkcs1()?;
    let (mut salt, mut iv) = ([0_u8; 16], [0_u8; 16]);
    rand::fill(&mut salt).and_then(|()| rand::fill(&mut iv)).map_err(|_| KeyError::Signing)?;
    let parameters =
        pbes2::Parameters::pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, &iv).map_err(|_| KeyError::Signing)?;
    let document = PrivateKeyInfo::new(RSA_ENCRYPTION, &pkcs1)
        .encrypt_with_params(parameters, passphrase)
        .map_err(|_| KeyError::Signing)?;
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let block = pem::Pem::new("ENCRYPTED PRIVATE KEY", document.as_bytes());
    Ok(PrivateKey::from_pem(pem::encode_config(&block, config)))
}

/// Decrypts an encrypted key; the result is PKCS#1.
pub(super) fn decrypt(key: &PrivateKey, passphrase: &str) -> Result<PrivateKey, KeyError> {
    let (label, der) = parse_pem(key.expose_pem())?;
    if label != "ENCRYPTED PRIVATE KEY" {
        return Err(KeyError::WrongKind(label));
    }
    let info = EncryptedPrivateKeyInfo::try_from(der.as_slice()).map_err(|_| KeyError::Damaged)?;
    check_cost(&info)?;
    let document = info.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)?;
    let bytes = Zeroizing::new(document.as_bytes().to_vec());
    let decrypted = PrivateKeyInfo::try_from(bytes.as_slice()).map_err(|_| KeyError::WrongPassphrase)?;
    Ok(PrivateKey::from_pkcs1(decrypted.private_key))
}

/// Rejects keys whose decryption would take too long. The file specifies the amount of work, and a hostile file may
/// specify any.
fn check_cost(info: &EncryptedPrivateKeyInfo<'_>) -> Result<(), KeyError> {
    let parameters = info.encryption_algorithm.pbes2().ok_or(KeyError::Damaged)?;
    let is_affordable = match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MAX_ITERATIONS,
        // Memory is 128 × N × r bytes: at most 64 MiB here.
        Kdf::Scrypt(kdf) => {
            kdf.cost_parameter.saturating_mul(u64::from(kdf.block_size)) <= 1 << 19
                && kdf.parallelization <= 16
        }
        _ => false,
    };
    if is_affordable { Ok(()) } else { Err(KeyError::TooExpensive) }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::private_pem;
    use super::*;

    #[test]
    fn only_the_right_passphrase_decrypts() {
        let key = PrivateKey::from_pem(private_pem(1024));
        let encrypted = key.encrypt("correct horse").unwrap();
        assert!(encrypted.is_encrypted() && !key.is_encrypted());
        assert_eq!(encrypted.signing_key().unwrap_err(), KeyError::Encrypted);
        assert_eq!(encrypted.decrypt("wrong").unwrap_err(), KeyError::WrongPassphrase);
        assert_eq!(encrypted.decrypt("correct horse").unwrap().expose_pem(), key.expose_pem());
    }

    #[test]
    fn too_many_iterations_are_rejected() {
        let info = pbes2::Parameters::pbkdf2_sha256_aes256cbc(MAX_ITERATIONS + 1, b"salt", &[7; 16]).unwrap();
        let expensive =
            EncryptedPrivateKeyInfo { encryption_algorithm: info.into(), encrypted_data: &[0; 16] };
        assert_eq!(check_cost(&expensive), Err(KeyError::TooExpensive));
    }
}
