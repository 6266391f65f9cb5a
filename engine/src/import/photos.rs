//! Photo files: the originals, and the four sizes diaspora* shows.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::ImportError;
use super::report::FindingCode;
use crate::archive::open::{Archive, OpenError, Verified};
use crate::pod::uploads::{PhotoFile, UploadsFolder, is_plain_file_name};

/// Bytes of a file that is taken for a picture.
const MAX_FILE: u64 = 64 << 20;
/// Bytes a picture may take unpacked: 24 million pixels.
const MAX_UNPACKED: u64 = 96 << 20;
/// Pixels of one side.
const MAX_SIDE: u32 = 20_000;

/// What became of one photo file.
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) problem: Option<FindingCode>,
}

/// The sizes diaspora* makes of a photo (`UnprocessedImage`, `ProcessedImage`).
const SIZES: &[(&str, Size)] = &[
    ("thumb_small_", Size::Fill(50, 50)),
    ("thumb_medium_", Size::Fit(100, 100)),
    ("thumb_large_", Size::Fit(300, 1500)),
    ("scaled_full_", Size::Fit(700, u32::MAX)),
];

#[derive(Clone, Copy)]
enum Size {
    /// Exactly so large; what is too much is cut off.
    Fill(u32, u32),
    /// At most so large, and never enlarged.
    Fit(u32, u32),
}

/// Puts every photo of the archive into the uploads folder. What is there already stays as it is, so doing it
/// again changes nothing; a file is never half there.
///
/// `announce` hears a name before anything of it is written.
pub(super) fn store_photos(
    archive: &mut Archive<Verified>,
    uploads: &UploadsFolder,
    mut announce: impl FnMut(&str) -> Result<(), ImportError>,
) -> Result<Vec<Stored>, ImportError> {
    let mut stored = Vec::new();
    archive.photos::<ImportError>(|name, size, bytes| {
        let problem = if !is_plain_file_name(name) || size > MAX_FILE {
            Some(FindingCode::NotAPicture)
        } else {
            store_photo(uploads, name, bytes, &mut announce)?
        };
        stored.push(Stored { name: name.to_owned(), problem });
        Ok(())
    })?;
    Ok(stored)
}

fn store_photo(
    uploads: &UploadsFolder,
    name: &str,
    bytes: &mut dyn Read,
    announce: &mut impl FnMut(&str) -> Result<(), ImportError>,
) -> Result<Option<FindingCode>, ImportError> {
    let folder = uploads.images();
    let failed = |source| ImportError::Uploads { path: folder.to_owned(), source };
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    io::copy(bytes, &mut file).map_err(|error| ImportError::Archive(OpenError::Io(error)))?;
    let there = match uploads.photo(name) {
        PhotoFile::Found(there, _) => {
            if digest(there).map_err(failed)? != digest(file.reopen().map_err(failed)?).map_err(failed)? {
                return Ok(Some(FindingCode::FileTaken));
            }
            true
        }
        _ => false,
    };
    let missing: Vec<(&str, Size)> = SIZES
        .iter()
        .filter(|(prefix, _)| !folder.join(format!("{prefix}{name}")).exists())
        .copied()
        .collect();
    if there && missing.is_empty() {
        return Ok(None);
    }
    let Some((picture, format)) = decode(file.reopen().map_err(failed)?).map_err(failed)? else {
        return Ok(Some(FindingCode::NotAPicture));
    };
    announce(name)?;
    // The sizes first: whoever sees the original sees them too.
    for (prefix, size) in missing {
        let target = folder.join(format!("{prefix}{name}"));
        let moving = format == ImageFormat::Gif && prefix == "scaled_full_";
        let mut scaled = NamedTempFile::new_in(folder).map_err(failed)?;
        if moving {
            // A GIF may move; scaled down it would stand still.
            io::copy(&mut file.reopen().map_err(failed)?, &mut scaled).map_err(failed)?;
        } else {
            let small = resize(&picture, size);
            if write(&small, format, &mut scaled).is_err() {
                return Ok(Some(FindingCode::NotAPicture));
            }
        }
        publish(scaled, &target).map_err(failed)?;
    }
    if !there {
        publish(file, &folder.join(name)).map_err(failed)?;
    }
    Ok(None)
}

fn digest(mut file: File) -> io::Result<Vec<u8>> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finalize().to_vec()),
            read => digest.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// None for what is no picture, or too large a one.
fn decode(mut file: File) -> io::Result<Option<(DynamicImage, ImageFormat)>> {
    file.rewind()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_UNPACKED);
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format()?;
    reader.limits(limits);
    let Some(format) = reader.format() else { return Ok(None) };
    // What the decoder does not count against its limit is bounded by the number of pixels.
    Ok(reader.decode().ok().map(|picture| (picture, format)))
}

fn resize(picture: &DynamicImage, size: Size) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    match size {
        Size::Fill(to_width, to_height) => picture.resize_to_fill(to_width, to_height, FilterType::Triangle),
        Size::Fit(most_width, most_height) if width <= most_width && height <= most_height => picture.clone(),
        Size::Fit(most_width, most_height) => {
            picture.resize(most_width, most_height.min(MAX_SIDE), FilterType::Triangle)
        }
    }
}

fn write(
    picture: &DynamicImage,
    format: ImageFormat,
    file: &mut NamedTempFile,
) -> Result<(), image::ImageError> {
    let flat;
    let picture = match format {
        // JPEG knows no transparency.
        ImageFormat::Jpeg => {
            flat = DynamicImage::ImageRgb8(picture.to_rgb8());
            &flat
        }
        ImageFormat::WebP | ImageFormat::Gif => {
            flat = DynamicImage::ImageRgba8(picture.to_rgba8());
            &flat
        }
        _ => picture,
    };
    let mut bytes = io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    file.write_all(&bytes.into_inner()).map_err(image::ImageError::IoError)
}

/// Gives a finished file its name, readable for the web server.
fn publish(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.as_file().sync_data()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Removes a photo with its sizes.
pub(super) fn remove_photo(uploads: &UploadsFolder, name: &str) -> io::Result<u64> {
    let mut removed = 0;
    if !is_plain_file_name(name) {
        return Ok(removed);
    }
    for prefix in SIZES.iter().map(|(prefix, _)| *prefix).chain([""]) {
        match std::fs::remove_file(uploads.images().join(format!("{prefix}{name}"))) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

/// The names of photos that lie in the uploads folder now, and what is to be said about the others.
pub(super) fn outcome(stored: Vec<Stored>) -> (HashSet<String>, Vec<(String, FindingCode)>) {
    let mut names = HashSet::new();
    let mut problems = Vec::new();
    for Stored { name, problem } in stored {
        match problem {
            None => _ = names.insert(name),
            Some(code) => problems.push((name, code)),
        }
    }
    (names, problems)
}
