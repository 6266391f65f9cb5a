//! An archive, with its state of verification as a type parameter.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::content::{Container, may_be_photo, refuse_other_photos};
use super::source::Source;
use super::zip::{Entry, Role, Zip};
use super::{OpenError, Verification, VerifyError, verify};
use crate::archive::document::{Additions, DocumentError};
use crate::archive::encryption::DecryptWith;
use crate::archive::limits::Limits;
use crate::archive::manifest::Manifest;
use crate::archive::names;
use crate::picture::SIZES;
use crate::progress::Progress;

/// State of an opened archive: its container is valid, its content is untrusted.
#[derive(Debug)]
pub struct Unverified {
    pub(super) total_bytes: u64,
}

/// State of an archive whose content has been verified.
#[derive(Debug)]
pub struct Verified {
    pub(super) report: Verification,
    pub(super) manifest: Option<Manifest>,
    /// The names of photo files in a stock archive's ZIP that differ from those in the document, with the latter.
    pub(super) photo_names: HashMap<String, String>,
}

/// An archive. Its content can be read only in the state [`Verified`].
///
/// ```no_run
/// use pappus_engine::archive::{limits::Limits, open::Archive};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let archive = Archive::open("alice@pod.example-20261122T100000Z.zip".as_ref(), Limits::default(), None)?;
/// let mut archive = archive.verify(&())?;
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
    /// The ZIP of photos of a stock archive.
    pub(super) photos: Option<Zip>,
    pub(super) limits: Limits,
    pub(super) state: State,
}

impl Archive<Unverified> {
    /// Opens an archive: a Pappus ZIP, or a stock pod's document as `.json`, `.json.gz` or in a `.zip`; each may be
    /// age-encrypted, then `unlock` is required. Checks only the container, within the limits.
    ///
    /// # Errors
    /// [`OpenError`] with what the file is instead, or the problem of its container.
    pub fn open(path: &Path, limits: Limits, unlock: Option<&DecryptWith>) -> Result<Self, OpenError> {
        let container = Container::open(open_source(path, unlock)?, &limits)?;
        let bytes_read_twice = |zip: &Zip| {
            let entries =
                zip.entries().iter().filter(|entry| [names::DOCUMENT, names::EXTRAS].contains(&&*entry.name));
            entries.map(|entry| entry.unpacked).sum::<u64>()
        };
        let total_bytes = match &container {
            Container::Pappus(zip) => unpacked(zip) + bytes_read_twice(zip),
            Container::StockZip(zip, document) => {
                unpacked(zip) + zip.entries().get(*document).map_or(0, |entry| entry.unpacked)
            }
            // The unpacked size is unknown until the end; JSON compresses to about a third.
            Container::Gzip(_, size) => size.saturating_mul(3),
            Container::Json(_, size) => *size,
        };
        Ok(Self { container, photos: None, limits, state: Unverified { total_bytes } })
    }

    /// Adds the separate ZIP of photos of a stock pod. The photos may be in any folder of it.
    ///
    /// # Errors
    /// [`OpenError::PhotosInside`] for a Pappus archive, or the problem of the ZIP.
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

    /// Verifies the whole archive.
    ///
    /// # Errors
    /// [`VerifyError`] with the problem, its location and its meaning.
    pub fn verify(self, progress: &dyn Progress) -> Result<Archive<Verified>, VerifyError> {
        verify::verify(self, progress)
    }
}

fn open_photos(path: &Path, limits: &Limits) -> Result<Zip, OpenError> {
    let mut source = open_source(path, None)?;
    refuse_other_photos(&mut source, limits)?;
    let size = source.size()?;
    Ok(Zip::open(source, size, limits, &[])?)
}

/// Returns the total unpacked size of all entries, in bytes.
fn unpacked(zip: &Zip) -> u64 {
    zip.entries().iter().map(|entry| entry.unpacked).sum()
}

fn open_source(path: &Path, unlock: Option<&DecryptWith>) -> Result<Source, OpenError> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(OpenError::NotAFile);
    }
    Source::new(file, unlock)
}

impl Archive<Verified> {
    /// Returns the result of the verification.
    pub fn report(&self) -> &Verification {
        &self.state.report
    }

    /// Returns the manifest; stock archives have none.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.state.manifest.as_ref()
    }

    /// Returns the limits that the archive was opened with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Opens the archive document, unpacked.
    ///
    /// # Errors
    /// [`OpenError`] if the file has changed or can no longer be read; reading the result returns the same errors.
    pub fn document(&mut self) -> Result<Box<dyn Read + '_>, OpenError> {
        self.container.document(&self.limits).map_err(OpenError::from_io)
    }

    /// Opens `extras.json`, unpacked; stock archives have none.
    ///
    /// # Errors
    /// [`OpenError`] if the file has changed or can no longer be read; reading the result returns the same errors.
    pub fn extras(&mut self) -> Result<Option<Box<dyn Read + '_>>, OpenError> {
        let Container::Pappus(zip) = &mut self.container else { return Ok(None) };
        match zip.position(names::EXTRAS) {
            Some(position) => Ok(Some(Box::new(zip.read(position)?))),
            None => Ok(None),
        }
    }

    /// Reads the additions in `extras.json` to records of the document; stock archives have none.
    ///
    /// # Errors
    /// [`OpenError`] and [`DocumentError`] if `extras.json` has changed or can no longer be read.
    pub fn additions<E: From<OpenError> + From<DocumentError>>(&mut self) -> Result<Additions, E> {
        let limits = self.limits;
        match self.extras()? {
            Some(extras) => Ok(Additions::read(extras, &limits)?),
            None => Ok(Additions::default()),
        }
    }

    /// Visits the original photos one after another: file name, size in bytes, and the bytes. Each name is visited
    /// once: with a stock archive, the first file of a name in any folder is used; the photos' own ZIP takes
    /// precedence over the document's. A file whose name differs from the document's only in its form (composed or
    /// not, upper or lower case) or in replaced characters gets the document's name. Scaled sizes of a photo, which
    /// pods create, are skipped if the photo itself is in the archive.
    ///
    /// # Errors
    /// [`OpenError`] if the file has changed or can no longer be read, and errors of `visit`.
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
        let originals = match &listed {
            Some(_) => Originals::default(),
            None => Originals::of(self.photos.iter().chain(document.as_deref())),
        };
        let mut seen = HashSet::new();
        for zip in self.photos.iter_mut().chain(document) {
            for position in 0..zip.entries().len() {
                let name = match zip.entries().get(position) {
                    Some(entry) => match &listed {
                        Some(listed) => pappus_photo(entry).filter(|_| listed.contains(&*entry.name)),
                        None => originals.photo(entry),
                    },
                    None => None,
                };
                let name = name.map(|name| self.state.photo_names.get(name).map_or(name, String::as_str));
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

/// Returns the name of a photo in a Pappus archive. A listed photo may look like a system file.
fn pappus_photo(entry: &Entry) -> Option<&str> {
    let name = entry.name.strip_prefix(names::PHOTOS)?;
    (matches!(entry.role, Role::File | Role::Junk) && !name.contains('/')).then_some(name)
}

/// The names of a stock archive's photos.
#[derive(Default)]
pub(super) struct Originals(HashSet<String>);

impl Originals {
    /// Collects the names.
    pub(super) fn of<'a>(zips: impl Iterator<Item = &'a Zip>) -> Self {
        Self(zips.flat_map(Zip::entries).filter_map(stock_photo).map(str::to_owned).collect())
    }

    /// Returns the name of a photo, unless it is a scaled size of another one.
    pub(super) fn photo<'e>(&self, entry: &'e Entry) -> Option<&'e str> {
        let is_size_of =
            |name: &str, prefix| name.strip_prefix(prefix).is_some_and(|name| self.0.contains(name));
        stock_photo(entry).filter(|name| !SIZES.iter().any(|(prefix, _)| is_size_of(name, prefix)))
    }
}

/// Returns the name of a photo of a stock archive, without its folder.
fn stock_photo(entry: &Entry) -> Option<&str> {
    (entry.role == Role::File && may_be_photo(entry)).then(|| entry.name.rsplit('/').next()).flatten()
}

impl<State: std::fmt::Debug> std::fmt::Debug for Archive<State> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("state", &self.state).finish_non_exhaustive()
    }
}
