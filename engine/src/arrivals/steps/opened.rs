//! The uploaded archive of a step: verified, and after the check identical to the archive that was checked.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::step::{Step, reschedule};
use super::{Outcome, TOO_HEAVY};
use crate::archive::encryption::DecryptWith;
use crate::archive::limits::Limits;
use crate::archive::open::{Archive, OpenError, Verified, VerifyError};
use crate::archive::sha256_of_file;
use crate::arrivals::files::Part;
use crate::arrivals::records::State;
use crate::depot::sealed;
use crate::domain::{DiasporaId, SecretText};

/// SHA-256 of the uploaded files, in hexadecimal digits.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Digest of the archive.
    pub archive: String,
    /// Digest of the separate photos, if any.
    pub photos: Option<String>,
}

impl Step {
    /// Opens and verifies the archive; returns it with its digests.
    pub(super) fn open(&self) -> Result<(Archive<Verified>, Digests), Outcome> {
        let digests = self.digests()?;
        Ok((self.open_files(&digests)?, digests))
    }

    /// Computes the digests of the uploaded files.
    pub(super) fn digests(&self) -> Result<Digests, Outcome> {
        let (files, id) = (&self.context.files, self.newcomer.id);
        let photos = files.photos(id);
        Ok(Digests {
            archive: sha256_of_file(&files.path(id, Part::Archive)).map_err(|error| reschedule(&error))?,
            photos: photos.as_deref().map(sha256_of_file).transpose().map_err(|error| reschedule(&error))?,
        })
    }

    /// Refuses files that were too heavy before; otherwise records that the check of these files has started.
    pub(super) async fn refuse_heavy(&self, digests: &Digests) -> Result<(), Outcome> {
        let file_digests = format!("{} {}", digests.archive, digests.photos.as_deref().unwrap_or("-"));
        if self.newcomer.heavy_sha256.as_ref() == Some(&file_digests) {
            return Err(self.stopped(TOO_HEAVY, &"these are the same files that were too heavy before"));
        }
        let sql = "UPDATE pappus_newcomers SET begun_sha256 = ? WHERE id = ? AND fence = ?";
        let values = [(&file_digests).into(), self.newcomer.id.into(), (&self.fence).into()];
        let recorded =
            self.context.store.execute("recording which files are being checked", sql, &values).await;
        recorded.map(drop).map_err(|error| reschedule(&error))
    }

    /// Opens and verifies the archive with these digests. After the check, it has to be the archive that was checked.
    pub(super) fn open_files(&self, digests: &Digests) -> Result<Archive<Verified>, Outcome> {
        if self.newcomer.state != State::Checking && !self.was_checked(digests) {
            return Err(self.changed());
        }
        let (files, id) = (&self.context.files, self.newcomer.id);
        let (path, photos) = (files.path(id, Part::Archive), files.photos(id));
        let unlock = match &self.newcomer.archive_passphrase {
            Some(sealed) => Some(DecryptWith::passphrase(&self.unsealed(sealed)?)),
            None => None,
        };
        let archive = Archive::open(&path, Limits::default(), unlock.as_ref());
        let archive = match (archive, photos) {
            (Ok(archive), Some(photos)) => archive.with_photos(&photos),
            (archive, _) => archive,
        };
        let archive = archive.map_err(|error| match error {
            OpenError::Io(error) => reschedule(&error),
            error => self.stopped(error.code(), &error),
        })?;
        let verified = archive.verify(&*self.progress).map_err(|error| match error {
            VerifyError::Io(error) => reschedule(&error),
            error => self.stopped(error.code(), &error),
        })?;
        let account = verified.report().account.as_ref().map(DiasporaId::as_str);
        if self.newcomer.state != State::Checking && account != self.newcomer.old_account.as_deref() {
            return Err(self.changed());
        }
        Ok(verified)
    }

    /// Returns whether these files are those on which the plan is based.
    fn was_checked(&self, digests: &Digests) -> bool {
        let newcomer = &self.newcomer;
        // Moves checked by earlier versions have photos without a digest.
        let is_from_earlier_version = newcomer.photos_sha256.is_none() && newcomer.photos_bytes > 0;
        newcomer.archive_sha256.as_ref() == Some(&digests.archive)
            && (is_from_earlier_version || newcomer.photos_sha256 == digests.photos)
    }

    fn changed(&self) -> Outcome {
        self.stopped("changed", &"the archive is not the one that was checked")
    }

    fn unlock(&self) -> Result<DecryptWith, Outcome> {
        let unlock = self.context.keys.unlock().map_err(|error| reschedule(&error))?;
        unlock.ok_or_else(|| reschedule(&"the key of the store is on another machine"))
    }

    /// Decrypts a secret of the newcomer.
    pub(super) fn unsealed(&self, sealed: &[u8]) -> Result<Zeroizing<String>, Outcome> {
        sealed::open(&self.unlock()?, sealed.to_vec()).map_err(|error| reschedule(&error))
    }

    /// Encrypts a text with the key of the store, for a text column.
    pub(super) async fn sealed_text(&self, text: &str) -> Result<String, Outcome> {
        let key = self.context.keys.current(self.context.now().into()).await;
        let key = key.map_err(|error| reschedule(&error))?;
        sealed::seal_text(&key.recipient, text).map_err(|error| reschedule(&error))
    }

    /// Decrypts the chosen e-mail address.
    pub(super) fn email(&self) -> Result<Option<String>, Outcome> {
        let Some(sealed) = self.newcomer.sealed_email.clone() else { return Ok(None) };
        let email = sealed::open_text(&self.unlock()?, sealed).map_err(|error| reschedule(&error))?;
        Ok(Some(email.to_string()))
    }

    /// Decrypts the hash of the chosen password.
    pub(super) fn password_hash(&self) -> Result<Option<SecretText>, Outcome> {
        let Some(sealed) = self.newcomer.sealed_password.clone() else { return Ok(None) };
        let unlock = self.unlock()?;
        let hash = sealed::open_text(&unlock, sealed).map_err(|error| reschedule(&error))?;
        Ok(Some(SecretText::new(hash.to_string())))
    }
}
