//! Decodes PNGs row by row at a smaller size if they are too large to decode whole.
//!
//! A scan of 100 million pixels takes 300 MB decoded, and one row of it 30 kB.

use std::io::Cursor;

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use png::{ColorType, Decoder, Transformations};

use super::{MAX_UNPACKED_BYTES, MIN_SIDE_PIXELS};

/// The offset of the byte that says whether a PNG is interlaced: the last one of its header (PNG, 11.2.1).
const INTERLACE_AT: usize = 28;

/// Returns whether a PNG can be decoded row by row: an interlaced one has all rows only at its end.
pub(super) fn has_rows(file: &[u8]) -> bool {
    file.get(INTERLACE_AT) == Some(&0)
}

/// Decodes a PNG with eight bits for each colour: each pixel is the average of a square. The pixels at the right and at
/// the bottom that fill no square are cut off.
pub(super) fn decode(file: &[u8]) -> Option<DynamicImage> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = reader.info().size();
    let (color, _) = reader.output_color_type();
    let channels = color.samples();
    let bytes = u64::from(width) * u64::from(height) * u64::try_from(channels).ok()?;
    // A long strip has few pixels on its shorter side, and is still too large whole.
    let min_side = if bytes > MAX_UNPACKED_BYTES { 2 } else { 1 };
    let side = (width.min(height) / u32::from(MIN_SIDE_PIXELS)).max(min_side);
    let (width, height) = (width / side, height / side);
    let samples = usize::try_from(width).ok()?.checked_mul(channels)?;
    let square_row = usize::try_from(side).ok()?.checked_mul(channels)?;
    let mut pixels = Vec::with_capacity(samples.checked_mul(usize::try_from(height).ok()?)?);
    for _ in 0..height {
        let mut sums = vec![0_u32; samples];
        for _ in 0..side {
            let row = reader.next_row().ok()??;
            for (sums, square) in sums.chunks_exact_mut(channels).zip(row.data().chunks_exact(square_row)) {
                add(sums, square);
            }
        }
        let area = side * side;
        pixels.extend(sums.iter().map(|sum| u8::try_from((sum + area / 2) / area).unwrap_or(u8::MAX)));
    }
    match color {
        ColorType::Grayscale => GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8),
        ColorType::GrayscaleAlpha => {
            GrayAlphaImage::from_raw(width, height, pixels).map(DynamicImage::ImageLumaA8)
        }
        ColorType::Rgb => RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
        ColorType::Rgba => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8),
        // Palettes are expanded.
        ColorType::Indexed => None,
    }
}

/// Adds the pixels in one row of a square to the sums of their channels.
fn add(sums: &mut [u32], row: &[u8]) {
    for pixel in row.chunks_exact(sums.len()) {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += u32::from(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder as _};

    use super::super::{MAX_UNPACKED_BYTES, Picture, SIZES};
    use super::*;

    fn png(row: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
        let mut file = Vec::new();
        let rows = row.repeat(usize::try_from(height).unwrap());
        PngEncoder::new(&mut file).write_image(&rows, width, height, color).unwrap();
        file
    }

    #[test]
    fn a_large_png_is_read_row_by_row() {
        // Eight bytes for each pixel: opaque red on the left, and half transparent blue on the right.
        let pixel = |channels: [u8; 4]| channels.map(|value| [value; 2]).concat();
        let row = [pixel([200, 30, 30, 255]).repeat(2_000), pixel([30, 30, 200, 128]).repeat(2_000)].concat();
        let file = png(&row, 4_000, 3_200, ExtendedColorType::Rgba16);
        assert!(row.len() as u64 * 3_200 > MAX_UNPACKED_BYTES && Picture::looks_readable(&file));
        let picture = Picture::read(&file).unwrap();
        assert_eq!(picture.bytes, file, "the original stays as it is");
        let sizes = SIZES.map(|(prefix, size)| {
            let small = image::load_from_memory(&picture.scaled(prefix, size).unwrap()).unwrap().to_rgba8();
            let (width, height) = small.dimensions();
            for (x, expected) in [(2, [200_u8, 30, 30, 255]), (width - 3, [30, 30, 200, 128])] {
                let found = small.get_pixel(x, height / 2).0;
                assert!(
                    found.iter().zip(expected).all(|(found, value)| found.abs_diff(value) <= 2),
                    "{found:?}"
                );
            }
            (width, height)
        });
        assert_eq!(sizes, [(50, 50), (100, 80), (300, 240), (700, 560)]);
    }

    #[test]
    fn every_kind_of_colours_is_averaged() {
        // Every second column is white.
        for (color, channels) in [
            (ExtendedColorType::L8, 1),
            (ExtendedColorType::La8, 2),
            (ExtendedColorType::Rgb8, 3),
            (ExtendedColorType::Rgba8, 4),
        ] {
            let row = [vec![255; channels], vec![0; channels]].concat().repeat(1_000);
            let picture = decode(&png(&row, 2_000, 2_001, color)).unwrap();
            assert_eq!((picture.width(), picture.height()), (1_000, 1_000), "{color:?}");
            assert!(picture.as_bytes().iter().all(|value| *value == 128), "{color:?}");
        }
    }

    #[test]
    fn damaged_files_are_refused_without_a_panic() {
        let file = png(&[7; 90], 30, 20, ExtendedColorType::Rgb8);
        assert!(decode(&file).is_some());
        // The header, and the beginning of the rows.
        assert!(decode(&file[..41]).is_none());
        for end in 0..file.len() {
            _ = decode(&file[..end]);
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] = damaged[at].wrapping_add(101);
            _ = decode(&damaged);
        }
    }
}
