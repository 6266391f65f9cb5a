//! An archive, and how far it has been checked.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::content::{Container, may_be_photo};
use super::source::Source;
use super::zip::{Entry, Role, Zip};
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
        let read_again = |zip: &Zip| {
            let again =
                zip.entries().iter().filter(|entry| [names::DOCUMENT, names::EXTRAS].contains(&&*entry.name));
            again.map(|entry| entry.unpacked).sum::<u64>()
        };
        let total_bytes = match &container {
            Container::Pappus(zip) => unpacked(zip) + read_again(zip),
            Container::StockZip(zip, document) => {
                unpacked(zip) + zip.entries().get(*document).map_or(0, |entry| entry.unpacked)
            }
            // How large it is unpacked shows at the end only; JSON shrinks to about a third.
            Container::Gzip(_, size) => size.saturating_mul(3),
            Container::Json(_, size) => *size,
        };
        Ok(Self { container, photos: None, limits, state: Unverified { total_bytes } })
    }

    /// Adds the ZIP of photos that a stock pod gives beside the document. The photos may be in any folder of it.
    ///
    /// # Errors
    /// [`OpenError::PhotosInside`] for a Pappus archive, or what is wrong with the ZIP.
    pub fn with_photos(mut self, path: &Path) -> Result<Self, OpenError> {
        if matches!(self.container, Container::Pappus(_)) {
            return Err(OpenError::PhotosInside);
        }
        let zip = open_photos(path, &self.limits).map_err(|error| match error {
            OpenError::Io(error) => OpenError::Io(error),
            other => OpenError::Photos(Box::new(other)),
        })?;
        self.state.total_bytes += unpacked(&zip);
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

fn open_photos(path: &Path, limits: &Limits) -> Result<Zip, OpenError> {
    let mut source = open_source(path, None)?;
    let size = source.size()?;
    Ok(Zip::open(source, size, limits, &[])?)
}

/// What is read when every file is.
fn unpacked(zip: &Zip) -> u64 {
    zip.entries().iter().map(|entry| entry.unpacked).sum()
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
        self.container.document(&self.limits).map_err(OpenError::from_io)
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

    /// Hands over the photos' originals, one after another: file name, size in bytes, and the bytes. Each name comes
    /// once: beside a stock archive, the first file of that name counts, whatever folder it is in; the photos' own ZIP
    /// goes before the document's.
    ///
    /// # Errors
    /// [`OpenError`] when the file has changed or cannot be read any more, and what `visit` returns.
    pub fn photos<E: From<OpenError>>(
        &mut self,
        mut visit: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let listed: Option<HashSet<&str>> = self
            .state
            .manifest
            .as_ref()
            .map(|manifest| manifest.entries.iter().map(|entry| entry.path.as_str()).collect());
        let document = match &mut self.container {
            Container::Pappus(zip) | Container::StockZip(zip, _) => Some(zip),
            Container::Gzip(..) | Container::Json(..) => None,
        };
        let mut seen = HashSet::new();
        for zip in self.photos.iter_mut().chain(document) {
            for position in 0..zip.entries().len() {
                let name = match zip.entries().get(position) {
                    Some(entry) => match &listed {
                        Some(listed) => own_photo(entry).filter(|_| listed.contains(&*entry.name)),
                        None => stock_photo(entry),
                    },
                    None => None,
                };
                let Some(name) = name.filter(|name| !seen.contains(*name)).map(str::to_owned) else {
                    continue;
                };
                let size = zip.entries().get(position).map_or(0, |entry| entry.unpacked);
                let mut reader = zip.read(position).map_err(OpenError::from)?;
                visit(&name, size, &mut reader)?;
                seen.insert(name);
            }
        }
        Ok(())
    }
}

/// The name of a photo in an archive of ours. One that the manifest lists may look like a system's leftover.
fn own_photo(entry: &Entry) -> Option<&str> {
    let name = entry.name.strip_prefix(names::PHOTOS)?;
    (matches!(entry.role, Role::File | Role::Junk) && !name.contains('/')).then_some(name)
}

/// The name of a photo beside a stock archive, in whatever folder it is.
pub(super) fn stock_photo(entry: &Entry) -> Option<&str> {
    (entry.role == Role::File && may_be_photo(entry)).then(|| entry.name.rsplit('/').next()).flatten()
}

impl<State: std::fmt::Debug> std::fmt::Debug for Archive<State> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("state", &self.state).finish_non_exhaustive()
    }
}
