//! Decodes JPEGs at a smaller size if they are too large to decode whole.
//!
//! A photo of 108 million pixels takes 324 MB decoded, and 5 MB at an eighth of its width and height.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{CodingProcess, Decoder, PixelFormat};

use super::MAX_UNPACKED_BYTES;

/// The minimum width or height of a decoded picture in pixels, if the original is not smaller; the scaled sizes have a
/// width of 700 pixels at most.
const MIN_SIDE_PIXELS: u16 = 1400;
/// The maximum pixels of a progressive picture: the decoder stores the coefficients of all pixels, up to six bytes
/// each.
const MAX_PROGRESSIVE_PIXELS: u64 = 40_000_000;

/// Decodes a JPEG in grey or in three colours at an eighth, a quarter or half of its width and height.
pub(super) fn decode(file: &[u8]) -> Option<DynamicImage> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_max_decoding_buffer_size(usize::try_from(MAX_UNPACKED_BYTES).ok()?);
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    let pixels = u64::from(info.width) * u64::from(info.height);
    if info.coding_process == CodingProcess::DctProgressive && pixels > MAX_PROGRESSIVE_PIXELS {
        return None;
    }
    let (width, height) = decoder.scale(MIN_SIDE_PIXELS, MIN_SIDE_PIXELS).ok()?;
    let (width, height) = (u32::from(width), u32::from(height));
    let bytes = decoder.decode().ok()?;
    match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
        PixelFormat::L16 | PixelFormat::CMYK32 => None,
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use image::metadata::Orientation;
    use image::{ExtendedColorType, ImageEncoder as _};

    use super::super::{Picture, SIZES, exif, jpeg};
    use super::*;

    /// Returns a picture of 7,200 × 5,000 pixels, red on the left and blue on the right.
    fn photo() -> Vec<u8> {
        let row = [[200, 30, 30].repeat(3_600), [30, 30, 200].repeat(3_600)].concat();
        let mut file = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut file, 60);
        encoder.write_image(&row.repeat(5_000), 7_200, 5_000, ExtendedColorType::Rgb8).unwrap();
        file
    }

    fn is_similar(first: [u8; 3], second: [u8; 3]) -> bool {
        first.iter().zip(second).all(|(first, second)| first.abs_diff(second) <= 12)
    }

    #[test]
    fn a_photo_of_a_large_sensor_is_read() {
        let file = photo();
        assert!(Picture::looks_readable(&file));
        let picture = Picture::read(&file).unwrap();
        let header = jpeg_size(&picture.bytes);
        assert_eq!(header, jpeg_size(&file), "the original keeps its size");
        let sizes = SIZES.map(|(prefix, size)| {
            let small = image::load_from_memory(&picture.scaled(prefix, size).unwrap()).unwrap().to_rgb8();
            let (width, height) = small.dimensions();
            assert!(is_similar(small.get_pixel(2, height / 2).0, [200, 30, 30]), "{prefix}");
            assert!(is_similar(small.get_pixel(width - 3, height / 2).0, [30, 30, 200]), "{prefix}");
            (width, height)
        });
        assert_eq!(sizes, [(50, 50), (100, 69), (300, 208), (700, 486)]);
        // The same picture, rotated.
        let rotated = jpeg::clean(&file, Some(&exif(Orientation::Rotate90))).unwrap();
        let (prefix, size) = SIZES[3];
        let small = Picture::read(&rotated).unwrap().scaled(prefix, size).unwrap();
        let small = image::load_from_memory(&small).unwrap().to_rgb8();
        assert!(small.height() > small.width(), "{:?}", small.dimensions());
    }

    fn jpeg_size(file: &[u8]) -> (u16, u16) {
        let mut decoder = Decoder::new(Cursor::new(file));
        decoder.read_info().unwrap();
        let info = decoder.info().unwrap();
        (info.width, info.height)
    }

    /// Writes another size into a file's header.
    fn with_size(file: &[u8], width: u16, height: u16) -> Vec<u8> {
        let mut file = file.to_vec();
        let frame = file.windows(5).position(|bytes| bytes == [0xFF, 0xC0, 0, 17, 8]).unwrap();
        file[frame + 5..frame + 9].copy_from_slice(&[height.to_be_bytes(), width.to_be_bytes()].concat());
        file
    }

    fn small_jpeg() -> Vec<u8> {
        let mut file = Vec::new();
        JpegEncoder::new(&mut file).encode_image(&RgbImage::new(80, 48)).unwrap();
        file
    }

    #[test]
    fn other_large_pictures_are_not_read() {
        let mut file = Vec::new();
        PngEncoder::new(&mut file).write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
        assert!(Picture::looks_readable(&file));
        file[16..24].copy_from_slice(&[7_200_u32.to_be_bytes(), 5_000_u32.to_be_bytes()].concat());
        let sum = crc32fast::hash(&file[12..29]).to_be_bytes();
        file[29..33].copy_from_slice(&sum);
        assert!(Picture::read(&file).is_none() && !Picture::looks_readable(&file));
        // The picture is larger than those of any camera.
        let file = with_size(&small_jpeg(), 20_000, 20_000);
        assert!(Picture::read(&file).is_none() && !Picture::looks_readable(&file));
        // The coefficients of a progressive picture would take as much memory as its pixels.
        let mut file = with_size(&small_jpeg(), 10_000, 8_000);
        let frame = file.windows(5).position(|bytes| bytes == [0xFF, 0xC0, 0, 17, 8]).unwrap();
        file[frame + 1] = 0xC2;
        assert!(decode(&file).is_none());
    }

    #[test]
    fn damaged_files_are_refused_or_read_in_part_without_a_panic() {
        let file = small_jpeg();
        for end in 0..file.len() {
            _ = decode(&file[..end]);
        }
        for at in 0..file.len() {
            for byte in [0, 0xFF, file[at].wrapping_add(101)] {
                let mut damaged = file.clone();
                damaged[at] = byte;
                _ = decode(&damaged);
            }
        }
    }
}
