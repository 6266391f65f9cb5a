//! Photo files: the originals, and the sizes diaspora* shows.
//!
//! A photo's name in an archive determines neither its location here nor its media type.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use crate::archive::open::{Archive, OpenError, Verified};
use crate::domain::{Photo, web_address};
use crate::import::ImportError;
use crate::import::report::FindingCode;
use crate::picture::{Picture, PictureKind, SIZES, Size};
use crate::pod::uploads::{Comparison, NewPhotoFile, PhotoStore, is_plain_file_name};
use crate::progress::Progress;

/// The largest file that is treated as a picture, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Characters of the random part of a name on a pod (`Photo#random_string`).
const RANDOM_CHARS: usize = 20;

/// Photo files that exist here: their names in the archive, with their names here.
pub(in crate::import) type PhotoFiles = HashMap<String, String>;

/// The result for one photo file.
pub(in crate::import) struct StoredPhoto {
    /// Its name in the archive.
    pub(in crate::import) name: String,
    /// Its name here, or the reason why it is missing here.
    pub(in crate::import) outcome: Result<String, FindingCode>,
}

/// An event that the journal must record before the next step.
pub(in crate::import) enum PhotoFileEvent {
    /// A file of this name, with its sizes, is about to be written.
    Writing(String),
    /// It was not written: another file has taken its name in the meantime, or its sizes cannot be made.
    NotWritten(String),
    /// A photo is renamed, since another file or photo has the name that other pods know.
    NameTaken(String),
}

/// The inputs to the names of an account's files.
pub(in crate::import) struct Naming {
    /// GUID of the new person, which cannot be predicted before the import.
    pub(in crate::import) person_guid: String,
    /// Names under which this import has written files.
    pub(in crate::import) own_names: HashSet<String>,
    /// Names in the archive whose photos were deleted since: they are not stored again.
    pub(in crate::import) deleted_files: HashSet<String>,
    /// Names of photos of other people of the old pod: they stay reserved for these, even if no file here has them.
    pub(in crate::import) neighbour_names: HashSet<String>,
}

impl Naming {
    /// Returns a name that no other account's file has, the same on every call.
    fn own_name(&self, name: &str, kind: PictureKind) -> String {
        let digest = Sha256::digest(format!("{}/{name}", self.person_guid));
        let mut random = hex::encode(digest);
        random.truncate(RANDOM_CHARS);
        format!("{random}.{}", kind.extension())
    }
}

/// Returns whether a pod would give such a file this name. Other pods know photos by their names: if one stays the
/// same, their people still see the photo after the move.
fn can_stay(name: &str, kind: PictureKind) -> bool {
    let random = name.strip_suffix(kind.extension()).and_then(|name| name.strip_suffix('.'));
    random.is_some_and(|random| {
        random.len() == RANDOM_CHARS && random.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Returns whether a pod could give some picture this name.
pub(in crate::import) fn is_pod_name(name: &str) -> bool {
    let kinds = [PictureKind::Gif, PictureKind::Jpeg, PictureKind::Png, PictureKind::WebP];
    kinds.into_iter().any(|kind| can_stay(name, kind))
}

/// Stores every photo of the archive among the pod's photo files. Existing files stay unchanged, so a repetition
/// changes nothing; a file is never partly written.
///
/// `record` must record an event in the journal before it returns. Must be called on a thread that may block;
/// `runtime` waits for the network.
pub(in crate::import) fn store_photos(
    archive: &mut Archive<Verified>,
    uploads: &PhotoStore,
    runtime: &Handle,
    progress: &dyn Progress,
    naming: &Naming,
    mut record: impl FnMut(PhotoFileEvent) -> Result<(), ImportError>,
) -> Result<Vec<StoredPhoto>, ImportError> {
    let mut stored = Vec::new();
    archive.photos::<ImportError>(|name, size, bytes| {
        let outcome = if naming.deleted_files.contains(name) {
            Err(FindingCode::DeletedSince)
        } else if let Some(file) = read_file(size, bytes)? {
            store_photo(uploads, runtime, naming, name, &file, &mut record)?
        } else {
            Err(FindingCode::NotAPicture)
        };
        stored.push(StoredPhoto { name: name.to_owned(), outcome });
        progress.advance(1);
        Ok(())
    })?;
    Ok(stored)
}

/// Reads a photo file; none if it is larger than [`MAX_FILE_BYTES`].
fn read_file(size: u64, bytes: &mut dyn Read) -> Result<Option<Vec<u8>>, OpenError> {
    if size > MAX_FILE_BYTES {
        return Ok(None);
    }
    let mut file = Vec::new();
    bytes.take(MAX_FILE_BYTES).read_to_end(&mut file)?;
    Ok(Some(file))
}

/// Depth of the check whether a photo file can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum PhotoCheck {
    /// Format, size and structure: enough for an import, which decodes the file when it stores it.
    Structure,
    /// The pixels as well, as when the file is stored: a dry run must count the same files as an import.
    Pixels,
}

impl PhotoCheck {
    /// Returns whether a photo file can be stored.
    pub(in crate::import) fn accepts(self, size: u64, bytes: &mut dyn Read) -> Result<bool, OpenError> {
        Ok(read_file(size, bytes)?.is_some_and(|file| match self {
            Self::Structure => Picture::looks_readable(&file),
            Self::Pixels => Picture::read(&file).is_some(),
        }))
    }
}

/// Stores a photo file; returns its name here, or the reason why it is left out.
fn store_photo(
    uploads: &PhotoStore,
    runtime: &Handle,
    naming: &Naming,
    name: &str,
    file: &[u8],
    record: &mut impl FnMut(PhotoFileEvent) -> Result<(), ImportError>,
) -> Result<Result<String, FindingCode>, ImportError> {
    let Some(kind) = PictureKind::of(file) else { return Ok(Err(FindingCode::NotAPicture)) };
    let files = Files { uploads, runtime };
    let own_name = naming.own_name(name, kind);
    let is_noted = |name: &str| naming.own_names.contains(name);
    let noted = if is_noted(&own_name) {
        Some(own_name.as_str())
    } else {
        // Earlier versions also wrote files under names that no pod gives: those are not completed.
        Some(name).filter(|name| can_stay(name, kind) && is_noted(name))
    };
    if let Some(noted) = noted {
        match files.complete(noted, name, file)? {
            Some(outcome) => return Ok(outcome),
            None => record(PhotoFileEvent::NotWritten(noted.to_owned()))?,
        }
    }
    let Some(mut picture) = Picture::read(file) else { return Ok(Err(FindingCode::NotAPicture)) };
    if naming.neighbour_names.contains(name) {
        record(PhotoFileEvent::NameTaken(name.to_owned()))?;
    } else if can_stay(name, kind) {
        let exists = files.exist(name)?;
        let mut is_same = false;
        if exists.contains(&true) {
            is_same = files.has_content(name, [picture.bytes.as_slice(), file])?;
            if is_same && exists.iter().all(|exists| *exists) {
                return Ok(Ok(name.to_owned()));
            }
        } else {
            match files.write_new(picture, name, record)? {
                // Another import has taken the name in the meantime.
                Err(FindingCode::FileTaken) => {}
                written => return Ok(written.map(|()| name.to_owned())),
            }
            let Some(reread) = Picture::read(file) else { return Ok(Err(FindingCode::NotAPicture)) };
            picture = reread;
        }
        if !is_same {
            record(PhotoFileEvent::NameTaken(name.to_owned()))?;
        }
    }
    if files.exist(&own_name)?.contains(&true) {
        return Ok(Err(FindingCode::FileTaken));
    }
    Ok(files.write_new(picture, &own_name, record)?.map(|()| own_name))
}

/// The pod's photo files, for a thread that may block.
struct Files<'a> {
    uploads: &'a PhotoStore,
    runtime: &'a Handle,
}

impl Files<'_> {
    /// Returns for each file of a photo whether it exists, in the order of [`stored_names`].
    fn exist(&self, name: &str) -> Result<Vec<bool>, ImportError> {
        Ok(self.runtime.block_on(self.uploads.have(&stored_names(name)))?)
    }

    /// Returns whether the original of this name has one of these contents.
    fn has_content(&self, name: &str, contents: [&[u8]; 2]) -> Result<bool, ImportError> {
        for bytes in contents {
            if self.runtime.block_on(self.uploads.compare(name, bytes))? == Comparison::Same {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the missing files of a photo with a noted name; none if another import has taken the name since.
    fn complete(
        &self,
        noted: &str,
        name: &str,
        file: &[u8],
    ) -> Result<Option<Result<String, FindingCode>>, ImportError> {
        let exists = self.exist(noted)?;
        if exists.iter().all(|exists| *exists) {
            return Ok(Some(Ok(noted.to_owned())));
        }
        let Some(picture) = Picture::read(file) else { return Ok(Some(Err(FindingCode::NotAPicture))) };
        // Only a name from the archive can be another import's: the earlier run was killed before it wrote a file.
        let is_foreign = noted == name
            && exists.last() == Some(&true)
            && !self.has_content(noted, [picture.bytes.as_slice(), file])?;
        let outcome =
            if is_foreign { Err(FindingCode::FileTaken) } else { self.write(picture, noted, &exists)? };
        Ok(match outcome {
            Err(FindingCode::FileTaken) if noted == name => None,
            outcome => Some(outcome.map(|()| noted.to_owned())),
        })
    }

    /// Writes the files of a photo under a name that was free at the last check.
    fn write_new(
        &self,
        picture: Picture,
        stored: &str,
        record: &mut impl FnMut(PhotoFileEvent) -> Result<(), ImportError>,
    ) -> Result<Result<(), FindingCode>, ImportError> {
        record(PhotoFileEvent::Writing(stored.to_owned()))?;
        let written = self.write(picture, stored, &[])?;
        if written.is_err() {
            record(PhotoFileEvent::NotWritten(stored.to_owned()))?;
        }
        Ok(written)
    }

    /// Writes the files of a photo that do not exist yet; none of them if another file has one of their names.
    fn write(
        &self,
        picture: Picture,
        stored: &str,
        exists: &[bool],
    ) -> Result<Result<(), FindingCode>, ImportError> {
        let Some(files) = files_of(picture, stored, exists) else {
            return Ok(Err(FindingCode::NotAPicture));
        };
        let put = |files| self.runtime.block_on(self.uploads.put(files));
        // The original first: when two imports write at once, the one that writes it keeps the name.
        let (original, sizes): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.name == stored);
        let mut names: Vec<String> = sizes.iter().map(|file| file.name.clone()).collect();
        if !put(original)?.is_empty() {
            return Ok(Err(FindingCode::FileTaken));
        }
        let taken = put(sizes)?;
        if taken.is_empty() {
            return Ok(Ok(()));
        }
        names.retain(|name| !taken.contains(name));
        names.push(stored.to_owned());
        self.runtime.block_on(self.uploads.remove(names))?;
        Ok(Err(FindingCode::FileTaken))
    }
}

/// Returns the files of a photo, except those that exist; none if a size cannot be made.
fn files_of(picture: Picture, stored: &str, exists: &[bool]) -> Option<Vec<NewPhotoFile>> {
    let kind = picture.kind.media_type();
    let file_exists = |position: usize| exists.get(position).copied().unwrap_or_default();
    let missing = SIZES.iter().enumerate().filter(|(position, _)| !file_exists(*position));
    let scaled = missing.map(|(_, (prefix, size)): (_, &(&str, Size))| {
        let bytes = picture.scaled(prefix, *size)?;
        Some(NewPhotoFile { name: format!("{prefix}{stored}"), bytes, kind })
    });
    let mut files = scaled.collect::<Option<Vec<_>>>()?;
    if !file_exists(SIZES.len()) {
        files.push(NewPhotoFile { name: stored.to_owned(), bytes: picture.bytes, kind });
    }
    Some(files)
}

/// Returns the names of a photo's files: its sizes, and the original last.
pub(in crate::import) fn stored_names(name: &str) -> Vec<String> {
    let sizes = SIZES.iter().map(|(prefix, _)| format!("{prefix}{name}"));
    sizes.chain([name.to_owned()]).filter(|name| is_plain_file_name(name)).collect()
}

/// Returns the photo files that exist here now, and the others with the reasons why they are missing.
pub(in crate::import) fn outcome(stored: Vec<StoredPhoto>) -> (PhotoFiles, Vec<(String, FindingCode)>) {
    let mut files = PhotoFiles::new();
    let mut problems = Vec::new();
    for StoredPhoto { name, outcome } in stored {
        match outcome {
            Ok(stored_name) => _ = files.insert(name, stored_name),
            Err(code) => problems.push((name, code)),
        }
    }
    (files, problems)
}

/// Normalizes a photo's address on another pod to the form that browsers send; false if they cannot load the photo from
/// it. Addresses and names come from archives and from other pods, and diaspora* appends the name to the address.
pub(in crate::import) fn normalize_address(photo: &mut Photo) -> bool {
    photo.remote_photo_path = web_address(&photo.remote_photo_path).unwrap_or_default();
    let name = &photo.remote_photo_name;
    let is_unsafe = |c: char| c.is_control() || matches!(c, '/' | '\\' | '"' | '\'' | '<' | '>' | '`');
    !photo.remote_photo_path.is_empty() && !name.is_empty() && !name.contains(is_unsafe)
}

#[cfg(test)]
mod tests;
