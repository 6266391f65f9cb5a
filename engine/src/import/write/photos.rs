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
    /// It was not written: another file has got its name in between, or its sizes cannot be made.
    NotWritten(String),
    /// A photo is renamed, since another file or photo has the name that other pods know.
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
    /// Names of photos of other people of the old pod: they are left to them, also while no file here has them.
    pub(in crate::import) neighbours: HashSet<String>,
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

/// Returns whether a pod could give some picture this name.
pub(in crate::import) fn is_pod_name(name: &str) -> bool {
    let kinds = [PictureKind::Gif, PictureKind::Jpeg, PictureKind::Png, PictureKind::WebP];
    kinds.into_iter().any(|kind| can_stay(name, kind))
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
    let files = Files { uploads, runtime };
    let own = naming.own_name(name, kind);
    let is_ours = |name: &str| naming.ours.contains(name);
    let noted = if is_ours(&own) {
        Some(own.as_str())
    } else {
        // Earlier versions wrote files under any name: no more are written under such names.
        Some(name).filter(|name| can_stay(name, kind) && is_ours(name))
    };
    if let Some(noted) = noted {
        match files.complete(noted, name, file)? {
            Some(outcome) => return Ok(outcome),
            None => announce(Announced::NotWritten(noted.to_owned()))?,
        }
    }
    let Some(mut picture) = Picture::read(file) else { return Ok(Err(FindingCode::NotAPicture)) };
    if naming.neighbours.contains(name) {
        announce(Announced::NameTaken(name.to_owned()))?;
    } else if can_stay(name, kind) {
        let there = files.have(name)?;
        let mut is_this = false;
        if there.contains(&true) {
            is_this = files.hold(name, [picture.bytes.as_slice(), file])?;
            if is_this && there.iter().all(|there| *there) {
                return Ok(Ok(name.to_owned()));
            }
        } else {
            match files.write_new(picture, name, announce)? {
                // Another import has got the name in between.
                Err(FindingCode::FileTaken) => {}
                written => return Ok(written.map(|()| name.to_owned())),
            }
            let Some(again) = Picture::read(file) else { return Ok(Err(FindingCode::NotAPicture)) };
            picture = again;
        }
        if !is_this {
            announce(Announced::NameTaken(name.to_owned()))?;
        }
    }
    if files.have(&own)?.contains(&true) {
        return Ok(Err(FindingCode::FileTaken));
    }
    Ok(files.write_new(picture, &own, announce)?.map(|()| own))
}

/// The pod's photo files, for a thread that may block.
struct Files<'a> {
    uploads: &'a PhotoStore,
    runtime: &'a Handle,
}

impl Files<'_> {
    /// Returns for each file of a photo whether it exists, in the order of [`stored_names`].
    fn have(&self, name: &str) -> Result<Vec<bool>, ImportError> {
        Ok(self.runtime.block_on(self.uploads.have(&stored_names(name)))?)
    }

    /// Returns whether the original of this name has one of these contents.
    fn hold(&self, name: &str, contents: [&[u8]; 2]) -> Result<bool, ImportError> {
        for bytes in contents {
            if self.runtime.block_on(self.uploads.compare(name, bytes))? == Comparison::Same {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes what is missing of a photo whose name this import has noted; none if another import has got the name since.
    fn complete(
        &self,
        noted: &str,
        name: &str,
        file: &[u8],
    ) -> Result<Option<Result<String, FindingCode>>, ImportError> {
        let there = self.have(noted)?;
        if there.iter().all(|there| *there) {
            return Ok(Some(Ok(noted.to_owned())));
        }
        let Some(picture) = Picture::read(file) else { return Ok(Some(Err(FindingCode::NotAPicture))) };
        // Only a name from the archive can be another's: the earlier run was killed before it wrote anything.
        let is_anothers = noted == name
            && there.last() == Some(&true)
            && !self.hold(noted, [picture.bytes.as_slice(), file])?;
        let outcome =
            if is_anothers { Err(FindingCode::FileTaken) } else { self.write(picture, noted, &there)? };
        Ok(match outcome {
            Err(FindingCode::FileTaken) if noted == name => None,
            outcome => Some(outcome.map(|()| noted.to_owned())),
        })
    }

    /// Writes the files of a photo under a name that was free when it was last looked at.
    fn write_new(
        &self,
        picture: Picture,
        stored: &str,
        announce: &mut impl FnMut(Announced) -> Result<(), ImportError>,
    ) -> Result<Result<(), FindingCode>, ImportError> {
        announce(Announced::Writing(stored.to_owned()))?;
        let written = self.write(picture, stored, &[])?;
        if written.is_err() {
            announce(Announced::NotWritten(stored.to_owned()))?;
        }
        Ok(written)
    }

    /// Writes the files of a photo, except those that are `there`; none, if another file has one of their names.
    fn write(
        &self,
        picture: Picture,
        stored: &str,
        there: &[bool],
    ) -> Result<Result<(), FindingCode>, ImportError> {
        let Some(files) = files_of(picture, stored, there) else {
            return Ok(Err(FindingCode::NotAPicture));
        };
        let put = |files| self.runtime.block_on(self.uploads.put(files));
        // The original first: whose it is decides about the name when two imports write at once.
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Barrier;

    use tempfile::TempDir;
    use tokio::runtime::Runtime;

    use super::*;
    use crate::pod::config::Uploads;

    const NAME: &str = "00112233445566778899.png";

    fn naming_of(person: &str) -> Naming {
        let [ours, deleted, neighbours] = [(); 3].map(|()| HashSet::new());
        Naming { person_guid: person.to_owned(), ours, deleted, neighbours }
    }

    fn picture(red: u8) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = image::RgbImage::from_pixel(40, 20, image::Rgb([red, 0, 0]));
        image::DynamicImage::ImageRgb8(picture).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn empty(runtime: &Runtime) -> (TempDir, PathBuf, PhotoStore) {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images");
        std::fs::create_dir(&images).unwrap();
        let uploads = runtime.block_on(PhotoStore::open(&Uploads::Folder(folder.path().to_owned()))).unwrap();
        (folder, images, uploads)
    }

    #[test]
    fn of_two_imports_at_once_one_keeps_the_name() {
        let runtime = Runtime::new().unwrap();
        let (_folder, images, uploads) = empty(&runtime);
        let both_begin = Barrier::new(2);
        let import = |person: &str, red: u8, ours: Vec<String>, wait: bool| {
            let ours = ours.into_iter().collect();
            let naming = Naming { ours, ..naming_of(person) };
            let mut noted: Vec<String> = Vec::new();
            let mut announce = |what: Announced| {
                match what {
                    Announced::Writing(name) => {
                        // Both have seen by now that the name is free.
                        if wait && name == NAME {
                            both_begin.wait();
                        }
                        noted.push(name);
                    }
                    Announced::NotWritten(name) => noted.retain(|noted| *noted != name),
                    Announced::NameTaken(name) => assert_eq!(name, NAME),
                }
                Ok(())
            };
            let file = picture(red);
            let stored = store_photo(&uploads, runtime.handle(), &naming, NAME, &file, &mut announce);
            (stored.unwrap().unwrap(), noted)
        };
        let all = std::thread::scope(|scope| {
            let one = scope.spawn(|| import("one", 1, Vec::new(), true));
            let other = scope.spawn(|| import("other", 200, Vec::new(), true));
            [("one", 1, one.join().unwrap()), ("other", 200, other.join().unwrap())]
        });
        assert_eq!(all.iter().filter(|(_, _, (stored, _))| stored == NAME).count(), 1);
        for (person, red, (stored, noted)) in all {
            assert_eq!(noted, [stored.as_str()], "the journal has what this import has written, and no more");
            let has_all = || stored_names(&stored).iter().all(|name| images.join(name).is_file());
            assert!(has_all(), "{stored}");
            let expected = Picture::read(&picture(red)).unwrap().bytes;
            assert_eq!(std::fs::read(images.join(&stored)).unwrap(), expected, "{stored}");
            // After a kill, the same import finishes what it has begun.
            std::fs::remove_file(images.join(format!("thumb_small_{stored}"))).unwrap();
            assert_eq!(import(person, red, noted, false), (stored.clone(), Vec::new()));
            assert!(has_all(), "{stored}");
        }
    }

    #[test]
    fn a_noted_name_that_another_import_has_got_is_given_up() {
        let runtime = Runtime::new().unwrap();
        let (_folder, images, uploads) = empty(&runtime);
        // The other import has another picture, and has not written all sizes yet.
        let theirs = Picture::read(&picture(200)).unwrap().bytes;
        std::fs::write(images.join(NAME), &theirs).unwrap();
        let ours = HashSet::from([NAME.to_owned()]);
        let naming = Naming { ours, ..naming_of("one") };
        let mut given_up = Vec::new();
        let mut announce = |what: Announced| {
            if let Announced::NotWritten(name) = what {
                given_up.push(name);
            }
            Ok(())
        };
        let stored = store_photo(&uploads, runtime.handle(), &naming, NAME, &picture(1), &mut announce);
        let stored = stored.unwrap().unwrap();
        assert_eq!((stored == NAME, given_up), (false, vec![NAME.to_owned()]));
        assert_eq!(std::fs::read(images.join(NAME)).unwrap(), theirs);
        assert!(!images.join(format!("thumb_small_{NAME}")).exists());
        assert!(stored_names(&stored).iter().all(|name| images.join(name).is_file()), "{stored}");
    }
}
