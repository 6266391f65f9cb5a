//! Photo files: the originals, and the four sizes diaspora* shows.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use tokio::runtime::Handle;

use super::ImportError;
use super::progress::ImportProgress;
use super::report::FindingCode;
use crate::archive::open::{Archive, OpenError, Verified};
use crate::pod::uploads::{Held, NewPhotoFile, PhotoStore, is_plain_file_name};

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

/// Puts every photo of the archive among the pod's photo files. What is there already stays as it is, so doing it
/// again changes nothing; a file is never half there.
///
/// Files of photos that were `deleted` since stay away. `announce` hears a name before anything of it is written. Must be called where the thread may wait; `runtime`
/// does the waiting for the network.
pub(super) fn store_photos(
    archive: &mut Archive<Verified>,
    uploads: &PhotoStore,
    runtime: &Handle,
    progress: &dyn ImportProgress,
    deleted: &HashSet<String>,
    mut announce: impl FnMut(&str) -> Result<(), ImportError>,
) -> Result<Vec<Stored>, ImportError> {
    let mut stored = Vec::new();
    archive.photos::<ImportError>(|name, size, bytes| {
        let problem = if deleted.contains(name) {
            Some(FindingCode::DeletedSince)
        } else if !is_plain_file_name(name) || size > MAX_FILE {
            Some(FindingCode::NotAPicture)
        } else {
            let mut whole = Vec::new();
            bytes.take(MAX_FILE).read_to_end(&mut whole).map_err(OpenError::Io)?;
            store_photo(uploads, runtime, name, whole, &mut announce)?
        };
        stored.push(Stored { name: name.to_owned(), problem });
        progress.advance(1);
        Ok(())
    })?;
    Ok(stored)
}

fn store_photo(
    uploads: &PhotoStore,
    runtime: &Handle,
    name: &str,
    bytes: Vec<u8>,
    announce: &mut impl FnMut(&str) -> Result<(), ImportError>,
) -> Result<Option<FindingCode>, ImportError> {
    let held = runtime.block_on(uploads.compare(name, &bytes))?;
    if held == Held::Another {
        return Ok(Some(FindingCode::FileTaken));
    }
    let sizes = runtime.block_on(uploads.have(&scaled_names(name)))?;
    let missing: Vec<(&str, Size)> =
        SIZES.iter().zip(sizes).filter(|(_, there)| !there).map(|(size, _)| *size).collect();
    if held == Held::TheSame && missing.is_empty() {
        return Ok(None);
    }
    let Some((picture, format)) = decode(&bytes) else { return Ok(Some(FindingCode::NotAPicture)) };
    let kind = format.to_mime_type();
    let mut scaled = Vec::new();
    for (prefix, size) in missing {
        // A GIF may move; scaled down it would stand still.
        let bytes = if format == ImageFormat::Gif && prefix == "scaled_full_" {
            bytes.clone()
        } else {
            let Ok(bytes) = encode(&resize(&picture, size), format) else {
                return Ok(Some(FindingCode::NotAPicture));
            };
            bytes
        };
        scaled.push(NewPhotoFile { name: format!("{prefix}{name}"), bytes, kind });
    }
    announce(name)?;
    // The sizes first: whoever sees the original sees them too.
    runtime.block_on(uploads.put(scaled))?;
    if held == Held::Nothing {
        runtime.block_on(uploads.put(vec![NewPhotoFile { name: name.to_owned(), bytes, kind }]))?;
    }
    Ok(None)
}

fn scaled_names(name: &str) -> Vec<String> {
    SIZES.iter().map(|(prefix, _)| format!("{prefix}{name}")).collect()
}

/// None for what is no picture, or too large a one.
fn decode(bytes: &[u8]) -> Option<(DynamicImage, ImageFormat)> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_UNPACKED);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.limits(limits);
    let format = reader.format()?;
    // What the decoder does not count against its limit is bounded by the number of pixels.
    reader.decode().ok().map(|picture| (picture, format))
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

fn encode(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, image::ImageError> {
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
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

/// The names under which a photo lies, with its sizes.
pub(super) fn stored_names(name: &str) -> impl Iterator<Item = String> {
    scaled_names(name).into_iter().chain([name.to_owned()])
}

/// The names of photos that are among the pod's photo files now, and what is to be said about the others.
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
