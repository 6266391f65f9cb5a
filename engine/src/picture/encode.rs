//! Encodes the sizes of a picture.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageError, ImageFormat, ImageResult};

use super::{PictureKind, is_profile};

/// The maximum bytes of a colour profile in a size. Those of cameras and screens (Display P3, Adobe RGB, sRGB) have 0.5
/// to 60 kB; larger ones are of printers, and larger than the picture itself.
const MAX_PROFILE_BYTES: usize = 64 << 10;

/// Returns whether sizes of a picture keep its colour profile.
pub(super) fn is_kept(profile: &[u8]) -> bool {
    profile.len() <= MAX_PROFILE_BYTES && is_profile(profile)
}

/// Encodes a picture whose pixels are in a colour profile, or in sRGB.
pub(super) fn encode(
    picture: &DynamicImage,
    kind: PictureKind,
    profile: Option<&[u8]>,
) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    match kind {
        // JPEG has no transparency.
        PictureKind::Jpeg => {
            write(&DynamicImage::ImageRgb8(picture.to_rgb8()), JpegEncoder::new(&mut bytes), profile)?;
        }
        PictureKind::Png => write(picture, PngEncoder::new(&mut bytes), profile)?,
        PictureKind::WebP => {
            let picture = DynamicImage::ImageRgba8(picture.to_rgba8());
            write(&picture, WebPEncoder::new_lossless(&mut bytes), profile)?;
        }
        PictureKind::Gif => {
            let picture = DynamicImage::ImageRgba8(picture.to_rgba8());
            picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Gif)?;
        }
    }
    Ok(bytes)
}

/// Writes a picture with its colour profile, if the profile is for the kind of colours that are written. The decoder
/// has converted the colours of printers (CMYK).
fn write(picture: &DynamicImage, mut encoder: impl ImageEncoder, profile: Option<&[u8]>) -> ImageResult<()> {
    // The colour space in the profile's header (ICC.1:2022, 7.2.8).
    let space: &[u8] = if picture.color().has_color() { b"RGB " } else { b"GRAY" };
    if let Some(profile) = profile.filter(|profile| profile.get(16..20) == Some(space)) {
        encoder.set_icc_profile(profile.to_vec()).map_err(ImageError::Unsupported)?;
    }
    picture.write_with_encoder(encoder)
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageDecoder as _, ImageReader};

    use super::super::tests::{jpeg_with, packed_profile, png_with, profile, webp_with};
    use super::super::{Picture, SIZES};
    use super::*;

    /// Returns a profile for this kind of colours.
    fn profile_of(space: [u8; 4]) -> Vec<u8> {
        let mut profile = profile();
        profile[16..20].copy_from_slice(&space);
        profile
    }

    /// Returns the profiles in the sizes of a picture.
    fn profiles(file: &[u8]) -> Vec<Option<Vec<u8>>> {
        let picture = Picture::read(file).unwrap();
        let sizes = SIZES.iter().map(|(prefix, size)| picture.scaled(prefix, *size).unwrap());
        sizes
            .map(|size| {
                let reader = ImageReader::with_format(Cursor::new(size), picture.kind.format());
                reader.into_decoder().unwrap().icc_profile().unwrap()
            })
            .collect()
    }

    #[test]
    fn sizes_have_the_colours_of_their_original() {
        let png: fn(&[u8]) -> Vec<u8> = |bytes| png_with(*b"iCCP", &packed_profile(bytes));
        for create in [png, jpeg_with, webp_with] {
            let rgb = profile_of(*b"RGB ");
            assert_eq!(profiles(&create(&rgb)), vec![Some(rgb.clone()); SIZES.len()]);
            // Profiles of other kinds of colours, one with trailing bytes, and other bytes.
            let longer = [rgb.as_slice(), b"<script>"].concat();
            for other in [profile_of(*b"GRAY"), profile_of(*b"CMYK"), longer, b"<script>".to_vec()] {
                assert_eq!(profiles(&create(&other)), vec![None; SIZES.len()]);
            }
        }
    }

    #[test]
    fn grey_pictures_keep_a_grey_profile() {
        let grey = profile_of(*b"GRAY");
        let mut file = Vec::new();
        let mut encoder = PngEncoder::new(&mut file);
        encoder.set_icc_profile(grey.clone()).unwrap();
        encoder.write_image(&[100; 64 * 32], 64, 32, ExtendedColorType::L8).unwrap();
        assert_eq!(profiles(&file), vec![Some(grey); SIZES.len()]);
    }

    #[test]
    fn sizes_have_no_large_profiles() {
        for (size, is_kept) in [(MAX_PROFILE_BYTES, true), (MAX_PROFILE_BYTES + 2, false)] {
            let mut large = profile_of(*b"RGB ");
            large.resize(size, 0);
            large[..4].copy_from_slice(&u32::try_from(size).unwrap().to_be_bytes());
            let file = webp_with(&large);
            assert!(Picture::read(&file).unwrap().bytes.len() > size);
            assert_eq!(profiles(&file), vec![is_kept.then_some(large); SIZES.len()]);
        }
    }
}
