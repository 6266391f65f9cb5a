//! Pictures from untrusted sources: validation, removal of metadata, and the sizes that diaspora* shows.
//!
//! A cleaned picture looks the same, and contains no comments, no location, no data about the camera and no trailing
//! data. Only the parts that decoders need remain, such as colour profiles. The pixels are not encoded again.

mod encode;
mod jpeg;
mod large_jpeg;
mod moving;
mod webp;

use std::io::Cursor;

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// The maximum bytes of a decoded picture: 33 million pixels in three colours.
const MAX_UNPACKED_BYTES: u64 = 96 << 20;
/// The maximum bytes of a decoded JPEG: 250 million pixels. JPEGs with more than [`MAX_UNPACKED_BYTES`] are decoded at
/// a smaller size.
const MAX_LARGE_JPEG_BYTES: u64 = 750_000_000;
/// The maximum width and height of a picture in pixels.
const MAX_SIDE_PIXELS: u32 = 20_000;

/// The sizes diaspora* creates of a photo (`UnprocessedImage`, `ProcessedImage`), with the prefixes of their file
/// names.
pub(crate) const SIZES: [(&str, Size); 4] = [
    ("thumb_small_", Size::Fill(50, 50)),
    ("thumb_medium_", Size::Fit(100, 100)),
    ("thumb_large_", Size::Fit(300, 1500)),
    (LARGEST, Size::Fit(700, u32::MAX)),
];
/// The prefix of the largest size.
const LARGEST: &str = "scaled_full_";

/// The target size of a picture: width and height in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    /// Exactly this size; the excess is cropped.
    Fill(u32, u32),
    /// At most this size, and never enlarged.
    Fit(u32, u32),
}

/// The image formats that diaspora* accepts as photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureKind {
    Gif,
    Jpeg,
    Png,
    WebP,
}

impl PictureKind {
    /// Detects the kind from the first bytes of a file.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match image::guess_format(bytes).ok()? {
            ImageFormat::Gif => Some(Self::Gif),
            ImageFormat::Jpeg => Some(Self::Jpeg),
            ImageFormat::Png => Some(Self::Png),
            ImageFormat::WebP => Some(Self::WebP),
            _ => None,
        }
    }

    /// Returns the file name extension. Web servers derive the media type from it.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Gif => "gif",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// Returns the media type.
    pub(crate) fn media_type(self) -> &'static str {
        self.format().to_mime_type()
    }

    fn format(self) -> ImageFormat {
        match self {
            Self::Gif => ImageFormat::Gif,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::WebP => ImageFormat::WebP,
        }
    }
}

/// A picture, cleaned and decoded.
pub(crate) struct Picture {
    /// The file without metadata.
    pub(crate) bytes: Vec<u8>,
    /// The image format.
    pub(crate) kind: PictureKind,
    /// The decoded picture, rotated as shown: the first frame of an animation, a smaller picture of a large JPEG.
    pixels: DynamicImage,
    /// The colour profile of its pixels, if scaled sizes keep it; without one they are in sRGB.
    profile: Option<Vec<u8>>,
    is_animated: bool,
}

impl Picture {
    /// Reads a picture; returns `None` if diaspora* does not accept its format or it is too large.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        let kind = PictureKind::of(file)?;
        let Unpacked { pixels, orientation, profile } = unpack(file, kind)?;
        let exif_block = (orientation != Orientation::NoTransforms).then(|| exif(orientation));
        let (bytes, is_animated) = clean(file, kind, exif_block.as_deref())?;
        Some(Self { bytes, kind, pixels, profile, is_animated })
    }

    /// Returns whether a file looks like one that [`Picture::read`] accepts: by its format, its size in pixels and its
    /// structure. The pixels are not decoded, which would take a hundred times as long.
    pub(crate) fn looks_readable(file: &[u8]) -> bool {
        PictureKind::of(file)
            .is_some_and(|kind| decoder(file, kind).is_some() && clean(file, kind, None).is_some())
    }

    /// Scales the picture in the same format; `prefix` is from [`SIZES`]. Only the largest size is animated.
    pub(crate) fn scaled(&self, prefix: &str, size: Size) -> Option<Vec<u8>> {
        if self.is_animated && prefix == LARGEST {
            return Some(self.bytes.clone());
        }
        encode::encode(&resize(&self.pixels, size), self.kind, self.profile.as_deref()).ok()
    }
}

/// Returns the file without metadata but for the given EXIF block, and whether it is animated; `None` if its structure
/// is damaged.
fn clean(file: &[u8], kind: PictureKind, exif: Option<&[u8]>) -> Option<(Vec<u8>, bool)> {
    match kind {
        PictureKind::Jpeg => Some((jpeg::clean(file, exif)?, false)),
        PictureKind::Png => moving::clean_png(file, exif),
        PictureKind::WebP => webp::clean(file, exif),
        PictureKind::Gif => Some((moving::clean_gif(file)?, true)),
    }
}

/// Reads a picture's header; `None` if it is damaged or the picture is too large.
fn decoder(file: &[u8], kind: PictureKind) -> Option<impl ImageDecoder> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PIXELS);
    limits.max_image_height = Some(MAX_SIDE_PIXELS);
    limits.max_alloc = Some(MAX_UNPACKED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(file), kind.format());
    reader.limits(limits);
    // Memory that the decoder does not count against its limit is bounded by the number of pixels.
    let max_bytes = if kind == PictureKind::Jpeg { MAX_LARGE_JPEG_BYTES } else { MAX_UNPACKED_BYTES };
    reader.into_decoder().ok().filter(|decoder| decoder.total_bytes() <= max_bytes)
}

/// Returns whether the bytes are a colour profile: its header gives the size and a signature (ICC.1:2022, 7.2).
fn is_profile(bytes: &[u8]) -> bool {
    let size = bytes.first_chunk().map(|size| u32::from_be_bytes(*size));
    bytes.get(36..40) == Some(b"acsp") && size.is_some_and(|size| usize::try_from(size) == Ok(bytes.len()))
}

/// A decoded picture.
struct Unpacked {
    /// Rotated as shown.
    pixels: DynamicImage,
    /// The rotation that the file needs to be shown.
    orientation: Orientation,
    profile: Option<Vec<u8>>,
}

fn unpack(file: &[u8], kind: PictureKind) -> Option<Unpacked> {
    let mut decoder = decoder(file, kind)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| encode::is_kept(profile));
    let mut pixels = if decoder.total_bytes() > MAX_UNPACKED_BYTES {
        // The decoder has a copy of the file.
        drop(decoder);
        large_jpeg::decode(file)?
    } else {
        DynamicImage::from_decoder(decoder).ok()?
    };
    pixels.apply_orientation(orientation);
    Some(Unpacked { pixels, orientation, profile })
}

/// Returns an EXIF block that contains only the orientation.
fn exif(orientation: Orientation) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0".to_vec();
    // One entry: tag 0x0112, one 16-bit number; no further directory.
    block.extend([1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0]);
    block
}

fn resize(picture: &DynamicImage, size: Size) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    match size {
        Size::Fill(new_width, new_height) => {
            picture.resize_to_fill(new_width, new_height, FilterType::Triangle)
        }
        Size::Fit(max_width, max_height) if width <= max_width && height <= max_height => picture.clone(),
        Size::Fit(max_width, max_height) => {
            picture.resize(max_width, max_height.min(MAX_SIDE_PIXELS), FilterType::Triangle)
        }
    }
}

#[cfg(test)]
mod tests;
