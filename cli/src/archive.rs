//! Opens the archives specified in the arguments.

use std::io::IsTerminal as _;
use std::path::Path;

use pappus_engine::archive::encryption::{DecryptWith, is_encrypted};
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::open::{Archive, Verified};
use pappus_engine::domain::DiasporaId;

use crate::arguments::{PassphraseSource, ReadArchive};
use crate::error::Failure;
use crate::output::Output;
use crate::passphrase;
use crate::progress::Steps;

/// Largest accepted key file, in bytes.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

/// Opens and verifies an archive.
///
/// # Errors
/// [`Failure`] if it cannot be opened or is not valid.
pub(crate) fn open(arguments: &ReadArchive, output: &Output) -> Result<Archive<Verified>, Failure> {
    open_with_photos(arguments, None, output)
}

/// Opens and verifies an archive with the ZIP of photos that a stock pod provides beside it.
pub(crate) fn open_with_photos(
    arguments: &ReadArchive,
    photos: Option<&Path>,
    output: &Output,
) -> Result<Archive<Verified>, Failure> {
    let unlock = unlock(arguments.passphrase.source().as_ref(), arguments.identity.as_deref())?;
    open_with(&arguments.archive, unlock.as_ref(), photos, output)
}

/// Opens and verifies an archive with a secret that was read before.
pub(crate) fn open_with(
    path: &Path,
    unlock: Option<&DecryptWith>,
    photos: Option<&Path>,
    output: &Output,
) -> Result<Archive<Verified>, Failure> {
    let refused =
        |error: &dyn std::fmt::Display| Failure::new(format!("{} is refused", path.display()), error);
    let archive = Archive::open(path, Limits::default(), unlock)
        .map_err(|error| refused(&error).with_code(error.code()))?;
    let archive = match photos {
        None => archive,
        Some(photos) => archive.with_photos(photos).map_err(|error| {
            Failure::new(format!("{} is refused", photos.display()), &error).with_code(error.code())
        })?,
    };
    archive.verify(&Steps::new(output.is_json())).map_err(|error| {
        let failure = match (error.in_photos(), photos) {
            (Some(cause), Some(photos)) => Failure::new(format!("{} is refused", photos.display()), cause),
            _ => refused(&error),
        };
        failure.with_code(error.code())
    })
}

/// Reads the secret that opens archives: a passphrase, or the age keys in a file.
pub(crate) fn unlock(
    passphrase: Option<&PassphraseSource>,
    identity: Option<&Path>,
) -> Result<Option<DecryptWith>, Failure> {
    if let Some(source) = passphrase {
        let text = passphrase::read(source, "the archive")?;
        return Ok(Some(DecryptWith::passphrase(&text)));
    }
    let Some(file) = identity else { return Ok(None) };
    identities(file).map(Some)
}

/// Reads the age keys in a file.
pub(crate) fn identities(file: &Path) -> Result<DecryptWith, Failure> {
    let keys = DecryptWith::identities(&read_key_file(file)?);
    keys.map_err(|error| Failure::new(file.display().to_string(), error))
}

/// Reads a file of age identities, such as a copy made by `pappus keys backup`. Prompts at the terminal for
/// the passphrase of an encrypted file.
pub(crate) fn read_key_file(path: &Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    let sentence = || format!("the key file {} cannot be read", path.display());
    let failed = |error| Failure::new(sentence(), error);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    if !is_encrypted(&mut file).map_err(failed)? {
        return pappus_engine::text::read(file, MAX_KEY_FILE_BYTES).map_err(failed);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::message(format!(
            "the key file {} has a passphrase, and there is no terminal to ask for it: restore the keys with \
             `pappus keys restore`, which reads it from a file, or decrypt the copy with `age --decrypt`",
            path.display()
        )));
    }
    let text = passphrase::read(&PassphraseSource::Prompt, "the key file")?;
    let opened =
        DecryptWith::passphrase(&text).open(file).map_err(|error| Failure::new(sentence(), error))?;
    pappus_engine::text::read(opened, MAX_KEY_FILE_BYTES).map_err(failed)
}

/// Describes the archive's owner.
pub(crate) fn owner(account: Option<&DiasporaId>) -> String {
    account.map_or_else(|| "an unknown account".to_owned(), ToString::to_string)
}
