//! Decodes JPEGs at a smaller size if they are too large to decode whole.
//!
//! A photo of 108 million pixels takes 324 MB decoded, and 5 MB at an eighth of its width and height.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{CodingProcess, Decoder, PixelFormat};

use super::{MAX_UNPACKED_BYTES, MIN_SIDE_PIXELS};

/// The maximum samples of a progressive picture, 40 million pixels in three colours: the decoder stores a coefficient of
/// two bytes for each.
const MAX_PROGRESSIVE_SAMPLES: u64 = 120_000_000;

/// Decodes a JPEG in grey or in colours at an eighth, a quarter or half of its width and height.
pub(super) fn decode(file: &[u8]) -> Option<DynamicImage> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_max_decoding_buffer_size(usize::try_from(MAX_UNPACKED_BYTES).ok()?);
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    let channels = u64::try_from(info.pixel_format.pixel_bytes()).ok()?;
    let samples = u64::from(info.width) * u64::from(info.height) * channels;
    if info.coding_process == CodingProcess::DctProgressive && samples > MAX_PROGRESSIVE_SAMPLES {
        return None;
    }
    // The decoder takes the smallest size of which one side is long enough. The shorter one must be, and in a long
    // strip it is halved at least.
    let min_side = MIN_SIDE_PIXELS.min(info.width.min(info.height) / 2);
    let (min_width, min_height) =
        if info.width < info.height { (min_side, u16::MAX) } else { (u16::MAX, min_side) };
    let (width, height) = decoder.scale(min_width, min_height).ok()?;
    let (width, height) = (u32::from(width), u32::from(height));
    let bytes = decoder.decode().ok()?;
    match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
        PixelFormat::CMYK32 => RgbImage::from_raw(width, height, to_rgb(&bytes)).map(DynamicImage::ImageRgb8),
        PixelFormat::L16 => None,
    }
}

/// Converts pixels of cyan, magenta, yellow and black ink to RGB, as the decoder of smaller pictures does.
fn to_rgb(inks: &[u8]) -> Vec<u8> {
    let light = |ink: u8, black: u8| {
        let light = u16::from(u8::MAX - ink) * u16::from(u8::MAX - black);
        u8::try_from((light + 127) / 255).unwrap_or(u8::MAX)
    };
    let (pixels, _) = inks.as_chunks::<4>();
    pixels
        .iter()
        .flat_map(|&[cyan, magenta, yellow, black]| [cyan, magenta, yellow].map(|ink| light(ink, black)))
        .collect()
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
        let frame = file.windows(2).position(|bytes| bytes == [0xFF, 0xC0]).unwrap();
        file[frame + 5..frame + 9].copy_from_slice(&[height.to_be_bytes(), width.to_be_bytes()].concat());
        file
    }

    fn small_jpeg() -> Vec<u8> {
        let mut file = Vec::new();
        JpegEncoder::new(&mut file).encode_image(&RgbImage::new(80, 48)).unwrap();
        file
    }

    /// A JPEG of 16 × 16 pixels in the colours of printers, saved with Pillow 13.0: 200 cyan, 40 magenta, 10 yellow and
    /// 30 black, `quality=95, optimize=True, subsampling=0`. In data that ends early, all further pixels are the same.
    const CMYK: &str = "ffd8ffee000e41646f626500640000000000ffdb0043000201010101010201010102020202020403020202020504\
                        040304060506060605060606070908060709070606080b08090a0a0a0a0a06080b0c0b0a0c090a0a0affc0001408\
                        00100010044311004d11005911004b1100ffc4001500010100000000000000000000000000000009ffc400141001\
                        00000000000000000000000000000000ffda000e0443004d0059004b00003f009b6ab8ba8b08000000ffd9";
    /// The offset in [`CMYK`] of the byte that says how colours are stored: 0 is as inks, 2 as brightness and two
    /// differences of colours (YCCK).
    const TRANSFORM_AT: usize = 17;

    #[test]
    fn a_large_photo_in_printers_colours_is_read_like_a_small_one() {
        let center = |file: &[u8]| {
            let (prefix, size) = SIZES[0];
            let small = Picture::read(file).unwrap().scaled(prefix, size).unwrap();
            let small = image::load_from_memory(&small).unwrap().to_rgb8();
            small.get_pixel(small.width() / 2, small.height() / 2).0
        };
        let mut file = hex::decode(CMYK).unwrap();
        let inks = center(&file);
        assert!(is_similar(inks, [49, 190, 216]), "{inks:?}");
        for transform in [0, 2] {
            file[TRANSFORM_AT] = transform;
            let large = center(&with_size(&file, 7_200, 5_000));
            assert!(is_similar(large, center(&file)), "{transform}: {large:?}");
        }
    }

    #[test]
    fn strips_keep_the_pixels_of_their_shorter_side() {
        for (width, height, expected) in [(1_800, 20_000, (900, 10_000)), (20_000, 3_000, (10_000, 1_500))] {
            let picture = decode(&with_size(&hex::decode(CMYK).unwrap(), width, height)).unwrap();
            assert_eq!((picture.width(), picture.height()), expected);
        }
    }

    #[test]
    fn other_large_pictures_are_not_read() {
        let mut file = Vec::new();
        PngEncoder::new(&mut file).write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
        assert!(Picture::looks_readable(&file));
        file[16..24].copy_from_slice(&[7_200_u32.to_be_bytes(), 5_000_u32.to_be_bytes()].concat());
        let sum = crc32fast::hash(&file[12..29]).to_be_bytes();
        file[29..33].copy_from_slice(&sum);
        // Most of its rows are missing.
        assert!(Picture::read(&file).is_none() && Picture::looks_readable(&file));
        // All rows of an interlaced picture are in memory at once.
        file[28] = 1;
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
