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
use crate::pod::uploads::{Held, NewPhotoFile, PhotoStore, is_plain_file_name};
use crate::progress::Progress;

/// The largest file that is treated as a picture, in bytes.
const MAX_FILE: u64 = 64 << 20;
/// Characters of the random part of a name on a pod (`Photo#random_string`).
const RANDOM_LETTERS: usize = 20;

/// Photo files that exist here: their names in the archive, with their names here.
pub(in crate::import) type PhotoFiles = HashMap<String, String>;

/// The result for one photo file.
pub(in crate::import) struct Stored {
    /// Its name in the archive.
    pub(in crate::import) name: String,
    /// Its name here, or the reason why it is missing here.
    pub(in crate::import) outcome: Result<String, FindingCode>,
}

/// A fact that the journal must record before a file exists.
pub(in crate::import) enum Announced {
    /// A file of this name, with its sizes, is about to be written.
    Writing(String),
    /// A photo is renamed, since another file has the name that other pods know.
    NameTaken(String),
}

/// The inputs to the names of an account's files.
pub(in crate::import) struct Naming {
    /// GUID of the new person, which cannot be predicted before the import.
    pub(in crate::import) person_guid: String,
    /// Names under which this import has written files.
    pub(in crate::import) ours: HashSet<String>,
    /// Names in the archive whose photos were deleted since: they are not stored again.
    pub(in crate::import) deleted: HashSet<String>,
}

impl Naming {
    /// Returns a name that no other account's file has, the same on every call.
    fn own_name(&self, name: &str, kind: PictureKind) -> String {
        let digest = Sha256::digest(format!("{}/{name}", self.person_guid));
        let mut random = hex::encode(digest);
        random.truncate(RANDOM_LETTERS);
        format!("{random}.{}", kind.extension())
    }
}

/// Returns whether a pod would give such a file this name. Other pods know photos by their names: where one can stay,
/// their people still see the photo after the move.
fn can_stay(name: &str, kind: PictureKind) -> bool {
    let random = name.strip_suffix(kind.extension()).and_then(|name| name.strip_suffix('.'));
    random.is_some_and(|random| {
        random.len() == RANDOM_LETTERS && random.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Stores every photo of the archive among the pod's photo files. Existing files stay unchanged, so a repetition
/// changes nothing; a file is never partly written.
///
/// `announce` receives what the journal must record before anything is written. Must be called on a thread that may
/// block; `runtime` waits for the network.
pub(in crate::import) fn store_photos(
    archive: &mut Archive<Verified>,
    uploads: &PhotoStore,
    runtime: &Handle,
    progress: &dyn Progress,
    naming: &Naming,
    mut announce: impl FnMut(Announced) -> Result<(), ImportError>,
) -> Result<Vec<Stored>, ImportError> {
    let mut stored = Vec::new();
    archive.photos::<ImportError>(|name, size, bytes| {
        let outcome = if naming.deleted.contains(name) {
            Err(FindingCode::DeletedSince)
        } else if let Some(whole) = read_file(size, bytes)? {
            store_photo(uploads, runtime, naming, name, &whole, &mut announce)?
        } else {
            Err(FindingCode::NotAPicture)
        };
        stored.push(Stored { name: name.to_owned(), outcome });
        progress.advance(1);
        Ok(())
    })?;
    Ok(stored)
}

/// Reads a whole photo file; `None` if it is too large.
fn read_file(size: u64, bytes: &mut dyn Read) -> Result<Option<Vec<u8>>, OpenError> {
    if size > MAX_FILE {
        return Ok(None);
    }
    let mut whole = Vec::new();
    bytes.take(MAX_FILE).read_to_end(&mut whole)?;
    Ok(Some(whole))
}

/// Depth of the check whether a photo file can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum PhotoCheck {
    /// Format, size and structure: enough where the file is stored next, which decodes it anyway.
    Structure,
    /// The pixels as well, as storing it does: what a plan counts must come in.
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

fn store_photo(
    uploads: &PhotoStore,
    runtime: &Handle,
    naming: &Naming,
    name: &str,
    file: &[u8],
    announce: &mut impl FnMut(Announced) -> Result<(), ImportError>,
) -> Result<Result<String, FindingCode>, ImportError> {
    let Some(kind) = PictureKind::of(file) else { return Ok(Err(FindingCode::NotAPicture)) };
    let have = |name: &str| runtime.block_on(uploads.have(&stored_names(name)));
    let own = naming.own_name(name, kind);
    let is_ours = |name: &str| naming.ours.contains(name);
    let written = if is_ours(&own) {
        Some(own.as_str())
    } else {
        // Earlier versions wrote files under any name: no more are written under such names.
        Some(name).filter(|name| can_stay(name, kind) && is_ours(name))
    };
    let missing = match written {
        Some(written) => have(written)?,
        None => Vec::new(),
    };
    if let Some(written) = written
        && missing.iter().all(|there| *there)
    {
        return Ok(Ok(written.to_owned()));
    }
    let Some(picture) = Picture::read(file) else { return Ok(Err(FindingCode::NotAPicture)) };
    let (stored, there) = if let Some(written) = written {
        (written.to_owned(), missing)
    } else {
        let mut stored = own;
        if can_stay(name, kind) {
            let there = have(name)?;
            if there.contains(&true) {
                let mut is_this = false;
                for bytes in [picture.bytes.as_slice(), file] {
                    is_this |= runtime.block_on(uploads.compare(name, bytes))? == Held::TheSame;
                }
                if is_this && there.iter().all(|there| *there) {
                    return Ok(Ok(name.to_owned()));
                }
                if !is_this {
                    announce(Announced::NameTaken(name.to_owned()))?;
                }
            } else {
                name.clone_into(&mut stored);
            }
        }
        let there = have(&stored)?;
        if there.contains(&true) {
            return Ok(Err(FindingCode::FileTaken));
        }
        announce(Announced::Writing(stored.clone()))?;
        (stored, there)
    };
    let Some(files) = files_of(picture, &stored, &there) else { return Ok(Err(FindingCode::NotAPicture)) };
    // The sizes first: anyone who sees the original sees them too.
    let (sizes, original) = files.into_iter().partition(|file| file.name != stored);
    runtime.block_on(uploads.put(sizes))?;
    runtime.block_on(uploads.put(original))?;
    Ok(Ok(stored))
}

/// Returns the files of a photo, except those that are `there`.
fn files_of(picture: Picture, stored: &str, there: &[bool]) -> Option<Vec<NewPhotoFile>> {
    let kind = picture.kind.media_type();
    let is_there = |position: usize| there.get(position).copied().unwrap_or_default();
    let missing = SIZES.iter().enumerate().filter(|(position, _)| !is_there(*position));
    let scaled = missing.map(|(_, (prefix, size)): (_, &(&str, Size))| {
        let bytes = picture.scaled(prefix, *size)?;
        Some(NewPhotoFile { name: format!("{prefix}{stored}"), bytes, kind })
    });
    let mut files = scaled.collect::<Option<Vec<_>>>()?;
    if !is_there(SIZES.len()) {
        files.push(NewPhotoFile { name: stored.to_owned(), bytes: picture.bytes, kind });
    }
    Some(files)
}

/// Returns the names of a photo's files: its sizes, and the original last.
pub(in crate::import) fn stored_names(name: &str) -> Vec<String> {
    let sizes = SIZES.iter().map(|(prefix, _)| format!("{prefix}{name}"));
    sizes.chain([name.to_owned()]).filter(|name| is_plain_file_name(name)).collect()
}

/// Returns the photo files that exist here now, and the findings on the others.
pub(in crate::import) fn outcome(stored: Vec<Stored>) -> (PhotoFiles, Vec<(String, FindingCode)>) {
    let mut files = PhotoFiles::new();
    let mut problems = Vec::new();
    for Stored { name, outcome } in stored {
        match outcome {
            Ok(here) => _ = files.insert(name, here),
            Err(code) => problems.push((name, code)),
        }
    }
    (files, problems)
}

/// Writes a photo's address elsewhere as browsers send it; false if they cannot load the photo from there.
/// Addresses and names come from archives and from other pods, and diaspora* puts one behind the other.
pub(in crate::import) fn hold_address(photo: &mut Photo) -> bool {
    photo.remote_photo_path = web_address(&photo.remote_photo_path).unwrap_or_default();
    let name = &photo.remote_photo_name;
    let is_unsafe = |c: char| c.is_control() || matches!(c, '/' | '\\' | '"' | '\'' | '<' | '>' | '`');
    !photo.remote_photo_path.is_empty() && !name.is_empty() && !name.contains(is_unsafe)
}
