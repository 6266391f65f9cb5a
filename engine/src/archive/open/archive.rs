//! An archive, and how far it has been checked.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::content::Container;
use super::source::Source;
use super::zip::Zip;
use super::{OpenError, Verification, VerifyError, verify};
use crate::archive::document::{Additions, DocumentError};
use crate::archive::encryption::Unlock;
use crate::archive::limits::Limits;
use crate::archive::manifest::Manifest;
use crate::archive::names;

/// State of an archive that was opened: its container is sound, its content may be anything.
#[derive(Debug)]
pub struct Unverified {
    pub(super) total_bytes: u64,
}

/// State of an archive whose content has been verified.
#[derive(Debug)]
pub struct Verified {
    pub(super) report: Verification,
    pub(super) manifest: Option<Manifest>,
}

/// An archive. Its content can be read in the state [`Verified`] only.
///
/// ```no_run
/// use pappus_engine::archive::{limits::Limits, open::Archive};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let archive = Archive::open("alice@pod.example-20261122T100000Z.zip".as_ref(), Limits::default(), None)?;
/// let mut archive = archive.verify(&|done| eprintln!("{done} bytes"))?;
/// println!("{:?}", archive.report().origin);
/// let document = archive.document()?;
/// # Ok(())
/// # }
/// ```
///
/// Reading before verifying does not compile:
///
/// ```compile_fail
/// # use pappus_engine::archive::{limits::Limits, open::Archive};
/// let mut archive = Archive::open("a.zip".as_ref(), Limits::default(), None).unwrap();
/// let document = archive.document();
/// ```
pub struct Archive<State> {
    pub(super) container: Container,
    /// The photos' ZIP of a stock archive.
    pub(super) photos: Option<Zip>,
    pub(super) limits: Limits,
    pub(super) state: State,
}

impl Archive<Unverified> {
    /// Opens an archive: a Pappus ZIP, or a stock pod's document as `.json`, `.json.gz` or in a `.zip`; each
    /// also under age, then with what unlocks it. Looks at the container only, within the limits.
    ///
    /// # Errors
    /// [`OpenError`] says what the file is instead, or what is wrong with its container.
    pub fn open(path: &Path, limits: Limits, unlock: Option<&Unlock>) -> Result<Self, OpenError> {
        let container = Container::open(open_source(path, unlock)?, &limits)?;
        let unpacked = |zip: &Zip| zip.entries().iter().map(|entry| entry.unpacked).sum::<u64>();
        let read_again = |zip: &Zip| {
            let again =
                zip.entries().iter().filter(|entry| [names::DOCUMENT, names::EXTRAS].contains(&&*entry.name));
            again.map(|entry| entry.unpacked).sum::<u64>()
        };
        let total_bytes = match &container {
            Container::Pappus(zip) => unpacked(zip) + read_again(zip),
            Container::StockZip(zip, document) => {
                zip.entries().get(*document).map_or(0, |entry| entry.unpacked)
            }
            // How large it is unpacked shows at the end only; JSON shrinks to about a third.
            Container::Gzip(_, size) => size.saturating_mul(3),
            Container::Json(_, size) => *size,
        };
        Ok(Self { container, photos: None, limits, state: Unverified { total_bytes } })
    }

    /// Adds the ZIP of photos that a stock pod gives beside the document.
    ///
    /// # Errors
    /// [`OpenError::PhotosInside`] for a Pappus archive, or what is wrong with the ZIP.
    pub fn with_photos(mut self, path: &Path) -> Result<Self, OpenError> {
        if matches!(self.container, Container::Pappus(_)) {
            return Err(OpenError::PhotosInside);
        }
        let mut source = open_source(path, None)?;
        let size = source.size()?;
        let zip = Zip::open(source, size, &self.limits)?;
        self.state.total_bytes += zip.entries().iter().map(|entry| entry.unpacked).sum::<u64>();
        self.photos = Some(zip);
        Ok(self)
    }

    /// About how many bytes [`Archive::verify`] will read, for showing progress.
    pub fn total_bytes(&self) -> u64 {
        self.state.total_bytes
    }

    /// Checks everything there is to check. `progress` hears how many bytes are done.
    ///
    /// # Errors
    /// [`VerifyError`] says what is wrong, where, and what it means.
    pub fn verify(self, progress: &dyn Fn(u64)) -> Result<Archive<Verified>, VerifyError> {
        verify::verify(self, progress)
    }
}

fn open_source(path: &Path, unlock: Option<&Unlock>) -> Result<Source, OpenError> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(OpenError::NotAFile);
    }
    Source::new(file, unlock)
}

impl Archive<Verified> {
    /// What was found.
    pub fn report(&self) -> &Verification {
        &self.state.report
    }

    /// What the archive says of itself; stock archives have none.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.state.manifest.as_ref()
    }

    /// The limits it was opened with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The archive document, unpacked.
    ///
    /// # Errors
    /// [`OpenError`] when the file has changed or cannot be read any more; reading gives such errors too.
    pub fn document(&mut self) -> Result<Box<dyn Read + '_>, OpenError> {
        Ok(self.container.document(&self.limits)?)
    }

    /// `extras.json`, unpacked; stock archives have none.
    ///
    /// # Errors
    /// [`OpenError`] when the file has changed or cannot be read any more; reading gives such errors too.
    pub fn extras(&mut self) -> Result<Option<Box<dyn Read + '_>>, OpenError> {
        let Container::Pappus(zip) = &mut self.container else { return Ok(None) };
        match zip.position(names::EXTRAS) {
            Some(position) => Ok(Some(Box::new(zip.read(position)?))),
            None => Ok(None),
        }
    }

    /// What `extras.json` says about records of the document; stock archives have nothing to add.
    ///
    /// # Errors
    /// [`OpenError`] and [`DocumentError`] when `extras.json` has changed or cannot be read any more.
    pub fn additions<E: From<OpenError> + From<DocumentError>>(&mut self) -> Result<Additions, E> {
        let limits = self.limits;
        match self.extras()? {
            Some(extras) => Ok(Additions::read(extras, &limits)?),
            None => Ok(Additions::default()),
        }
    }

    /// Hands over the photos' originals, one after another: file name, size in bytes, and the bytes.
    ///
    /// # Errors
    /// [`OpenError`] when the file has changed or cannot be read any more, and what `visit` returns.
    pub fn photos<E: From<OpenError>>(
        &mut self,
        mut visit: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let (zip, folder) = match (&mut self.container, &mut self.photos) {
            (Container::Pappus(zip), _) => (zip, names::PHOTOS),
            (_, Some(zip)) => (zip, ""),
            _ => return Ok(()),
        };
        for position in 0..zip.entries().len() {
            let Some(entry) = zip.entries().get(position) else { continue };
            // diaspora* takes no notice of photos in folders.
            let Some(name) = entry.name.strip_prefix(folder).filter(|name| !name.contains('/')) else {
                continue;
            };
            let (name, size) = (name.to_owned(), entry.unpacked);
            let mut reader = zip.read(position).map_err(OpenError::from)?;
            visit(&name, size, &mut reader)?;
        }
        Ok(())
    }
}

impl<State: std::fmt::Debug> std::fmt::Debug for Archive<State> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("state", &self.state).finish_non_exhaustive()
    }
}
