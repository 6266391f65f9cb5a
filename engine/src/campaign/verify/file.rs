//! One archive of a campaign, as stored in the depot.

use std::path::Path;

use crate::archive::encryption::{DecryptWith, EncryptionError};
use crate::archive::limits::Limits;
use crate::archive::open::{Archive, OpenError, Origin};
use crate::campaign::report::list::AccountResult;
use crate::campaign::verify::lists::CampaignCheck;
use crate::campaign::verify::result::{Problem, ProblemKind};
use crate::depot::{DepotError, digest_of_file};

/// The file extension of encrypted archives.
const ENCRYPTED_EXTENSION: &str = ".age";

/// The result of checking an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::campaign) enum FileState {
    /// A valid archive.
    Verified,
    /// An archive with the right bytes that cannot be decrypted here.
    Sealed,
    /// No archive, and none is needed.
    NotNeeded,
}

/// Reads an existing archive, and verifies its contents if it can be decrypted here.
pub(in crate::campaign) async fn check_file(
    check: &CampaignCheck<'_>,
    key: Option<&str>,
    account: &AccountResult,
) -> Result<FileState, Problem> {
    let file = account.file.as_deref().unwrap_or_default();
    let can_open = !file.ends_with(ENCRYPTED_EXTENSION) || check.unlock.is_some();
    let problem = |kind, reason: String| Problem {
        kind,
        account: Some(account.account.clone()),
        file: account.file.clone(),
        reason,
    };
    let unreadable = |error: DepotError| match error {
        DepotError::Missing { .. } => problem(ProblemKind::Missing, "the file is missing".to_owned()),
        error => problem(ProblemKind::Unreadable, error.to_string()),
    };
    let expected = Expected {
        sha256: account.sha256.clone(),
        account: account.account.clone(),
        key: key.map(str::to_owned),
        unlock: check.unlock.clone(),
    };
    if !can_open && check.depot.folder().is_none() {
        // A digest needs no local copy.
        let digest = digest_of_object(check, file).await.map_err(unreadable)?;
        return expected
            .check_digest(&digest)
            .map(|()| FileState::Sealed)
            .map_err(|(kind, reason)| problem(kind, reason));
    }
    let copy = check.depot.local_copy(file, check.folder).await.map_err(unreadable)?;
    let path = copy.path().to_owned();
    let result = tokio::task::spawn_blocking(move || expected.check(&path, can_open)).await;
    drop(copy);
    let result = result.unwrap_or_else(|error| Err((ProblemKind::Unreadable, error.to_string())));
    result.map_err(|(kind, reason)| problem(kind, reason))
}

async fn digest_of_object(check: &CampaignCheck<'_>, file: &str) -> Result<String, DepotError> {
    let mut reader = check.depot.open_read(file).await?;
    let mut digest = crate::depot::StreamDigest::default();
    while let Some(bytes) = reader.next().await? {
        digest.update(&bytes);
    }
    Ok(digest.finish().1)
}

/// The expected properties of an archive.
struct Expected {
    sha256: Option<String>,
    account: String,
    key: Option<String>,
    unlock: Option<DecryptWith>,
}

/// A difference from the expected archive, as a sentence.
type Mismatch = (ProblemKind, String);

impl Expected {
    fn check_digest(&self, actual: &str) -> Result<(), Mismatch> {
        match &self.sha256 {
            Some(sha256) if sha256 == actual => Ok(()),
            Some(_) => Err((ProblemKind::Damaged, "its bytes are not those that were stored".to_owned())),
            None => Err((ProblemKind::Damaged, "the list has no digest for it".to_owned())),
        }
    }

    fn check(&self, path: &Path, can_open: bool) -> Result<FileState, Mismatch> {
        let (_, digest) =
            digest_of_file(path).map_err(|error| (ProblemKind::Unreadable, error.to_string()))?;
        self.check_digest(&digest)?;
        if !can_open {
            return Ok(FileState::Sealed);
        }
        let damaged = |error: &dyn std::fmt::Display| (ProblemKind::Damaged, error.to_string());
        let archive = match Archive::open(path, Limits::default(), self.unlock.as_ref()) {
            Ok(archive) => archive,
            // It is encrypted to other keys.
            Err(OpenError::Encryption(EncryptionError::WrongKey)) => return Ok(FileState::Sealed),
            Err(error) => return Err(damaged(&error)),
        };
        let archive = archive.verify(&()).map_err(|error| damaged(&error))?;
        let owner = archive.report().account.as_ref().map(ToString::to_string).unwrap_or_default();
        if owner != self.account {
            return Err(damaged(&format_args!("it is the archive of {owner}")));
        }
        match (&archive.report().origin, &self.key) {
            (Origin::Pappus { pod, .. }, Some(key)) if pod.to_string() == *key => Ok(FileState::Verified),
            (Origin::Pappus { pod, .. }, _) => {
                Err(damaged(&format_args!("it is signed by {pod}, but the list by another key")))
            }
            (Origin::Stock, _) => Err(damaged(&"it is not an archive of Pappus")),
        }
    }
}
