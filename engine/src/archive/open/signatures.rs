//! The two signatures over the manifest's bytes.

use serde_json::value::RawValue;

use super::zip::Zip;
use super::{AccountSignature, KeyOrigin, VerifyError};
use crate::archive::document::{DocumentError, DocumentVisitor, Next, Place, Section};
use crate::archive::manifest::{Manifest, PrivateKeyState};
use crate::archive::names;
use crate::domain::{KeyFingerprint, PrivateKey, PublicKey};

/// The maximum size of a signature file, in bytes; a signature by an 8192-bit key has 1368 characters.
const MAX_SIGNATURE_BYTES: u64 = 4096;

/// Checks both signatures over `bytes`. `private` is the key in the document.
pub(super) fn check(
    zip: &mut Zip,
    manifest: &Manifest,
    bytes: &[u8],
    private: &PrivateKey,
) -> Result<(AccountSignature, KeyFingerprint), VerifyError> {
    let found = state(private);
    let listed = manifest.account.private_key;
    if found != listed {
        return Err(VerifyError::PrivateKeyState { listed, found });
    }
    let pod = PublicKey::archive_key_from_pem(&manifest.pod.archive_key).map_err(VerifyError::PodKey)?;
    let account_signature = signature(zip, names::ACCOUNT_SIGNATURE)?;
    let pod_signature = signature(zip, names::POD_SIGNATURE)?;
    let account = match account_key(manifest, private)? {
        None if account_signature.is_some() => return Err(VerifyError::AccountSignatureUnexpected),
        None => AccountSignature::Absent,
        Some((key, origin)) => {
            let account_signature = account_signature.ok_or(VerifyError::AccountSignatureMissing)?;
            if !verifies(&key, bytes, &account_signature)? {
                let is_swapped = verifies(&pod, bytes, &account_signature)?;
                return Err(if is_swapped {
                    VerifyError::SignaturesSwapped
                } else {
                    VerifyError::AccountSignatureWrong
                });
            }
            AccountSignature::Good { fingerprint: key.fingerprint(), key: origin }
        }
    };
    let pod_signature = pod_signature.ok_or(VerifyError::PodSignatureMissing)?;
    if !verifies(&pod, bytes, &pod_signature)? {
        return Err(VerifyError::PodSignatureWrong);
    }
    Ok((account, pod.fingerprint()))
}

/// Returns the key that the account must have signed with, or `None` if it had none.
fn account_key(
    manifest: &Manifest,
    private: &PrivateKey,
) -> Result<Option<(PublicKey, KeyOrigin)>, VerifyError> {
    let manifest_key = manifest.account.public_key.as_deref().map(PublicKey::from_pem).transpose();
    let manifest_key = manifest_key.map_err(VerifyError::AccountKey)?;
    let fingerprint = manifest_key.as_ref().map(PublicKey::fingerprint);
    if manifest.account.key_fingerprint != fingerprint {
        return Err(VerifyError::FingerprintMismatch);
    }
    match state(private) {
        PrivateKeyState::Absent => Ok(None),
        PrivateKeyState::Encrypted => {
            manifest_key.map(|key| Some((key, KeyOrigin::Manifest))).ok_or(VerifyError::AccountKeyMissing)
        }
        PrivateKeyState::Plain => {
            let key =
                private.signing_key().and_then(|key| key.public_key()).map_err(VerifyError::AccountKey)?;
            match fingerprint {
                None => Err(VerifyError::AccountKeyMissing),
                Some(fingerprint) if fingerprint != key.fingerprint() => Err(VerifyError::AccountKeyMismatch),
                Some(_) => Ok(Some((key, KeyOrigin::PrivateKey))),
            }
        }
    }
}

pub(super) fn state(private: &PrivateKey) -> PrivateKeyState {
    if private.is_absent() {
        PrivateKeyState::Absent
    } else if private.is_encrypted() {
        PrivateKeyState::Encrypted
    } else {
        PrivateKeyState::Plain
    }
}

fn verifies(key: &PublicKey, bytes: &[u8], signature: &str) -> Result<bool, VerifyError> {
    Ok(key.verifying_key().map_err(VerifyError::AccountKey)?.verifies_base64(bytes, signature))
}

/// Reads a signature file; returns `None` if it is missing.
fn signature(zip: &mut Zip, path: &'static str) -> Result<Option<String>, VerifyError> {
    let Some(position) = zip.position(path) else { return Ok(None) };
    let bytes =
        zip.read_whole(position, MAX_SIGNATURE_BYTES)?.ok_or(VerifyError::SignatureUnreadable { path })?;
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r');
    match String::from_utf8(bytes) {
        Ok(text) if text.bytes().all(|byte| is_base64(&byte)) => Ok(Some(text)),
        _ => Err(VerifyError::SignatureUnreadable { path }),
    }
}

/// Finds the private key in the document and stops. A duplicate key is detected only when the whole document is read.
#[derive(Default)]
pub(super) struct KeyFinder(pub(super) Option<PrivateKey>);

impl DocumentVisitor for KeyFinder {
    fn wants(&self, section: Section, name: &str) -> bool {
        section == Section::User && name == "private_key"
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let key = serde_json::from_str(value.get()).map_err(|error| DocumentError::record(place, &error))?;
        self.0 = Some(key);
        Ok(Next::Stop)
    }

    fn element(&mut self, place: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Err(DocumentError::record(place, &"an array was found instead of a key"))
    }
}
