use image::{ExtendedColorType, ImageEncoder as _};

use super::super::{Picture, SIZES};
use super::*;

/// A picture of 80 × 48 pixels, in squares of one colour. Written by libjpeg, as cameras and websites do.
macro_rules! written {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../../tests/fixtures/pictures/", $name, ".jpg")).as_slice())
    };
}

/// The colour of the square that a pixel of the eighth is in.
fn colour(x: u32, y: u32) -> [u8; 3] {
    [x / 2 * 50, y / 2 * 100, 255 - x / 2 * 40].map(|value| u8::try_from(value).unwrap())
}

fn is_near(one: u8, other: u8) -> bool {
    one.abs_diff(other) <= 8
}

#[test]
fn each_block_becomes_its_mean() {
    for (name, file) in [
        written!("baseline-420"),
        written!("baseline-restarts"),
        written!("odd-size"),
        written!("progressive-420"),
        written!("progressive-444"),
        written!("rgb"),
    ] {
        let DynamicImage::ImageRgb8(small) = decode(file).unwrap() else { panic!("{name} is in colour") };
        assert_eq!(small.dimensions(), (10, 6), "{name}");
        for (x, y, pixel) in small.enumerate_pixels() {
            let expected = colour(x, y);
            let near = pixel.0.iter().zip(expected).all(|(one, other)| is_near(*one, other));
            assert!(near, "{name}: {pixel:?} at {x}, {y}, and not {expected:?}");
        }
    }
    let (_, grey) = written!("progressive-grey");
    let DynamicImage::ImageLuma8(small) = decode(grey).unwrap() else { panic!("it is grey") };
    for (x, y, pixel) in small.enumerate_pixels() {
        let [red, green, blue] = colour(x, y).map(f32::from);
        let expected = 0.299 * red + 0.587 * green + 0.114 * blue;
        assert!((f32::from(pixel.0[0]) - expected).abs() <= 8.0, "{pixel:?} at {x}, {y}, and not {expected}");
    }
}

#[test]
fn damage_costs_what_follows_it_and_nothing_else() {
    for (name, file) in [written!("baseline-420"), written!("progressive-420"), written!("baseline-restarts")]
    {
        for end in 0..file.len() {
            _ = decode(&file[..end]);
            for byte in [0, 0xFF, file[end].wrapping_add(101)] {
                let mut odd = file.to_vec();
                odd[end] = byte;
                _ = decode(&odd);
            }
        }
        let DynamicImage::ImageRgb8(small) = decode(&file[..file.len() - 60]).unwrap() else {
            panic!("{name} is in colour")
        };
        let begin = small.get_pixel(0, 0).0;
        assert!(begin.iter().zip(colour(0, 0)).all(|(one, other)| is_near(*one, other)), "{name}: {begin:?}");
    }
}

/// A file with another size in its header, of 36 million pixels: what its data does not have is grey.
fn enlarged(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let frame = file.windows(5).position(|bytes| bytes == [0xFF, 0xC0, 0, 17, 8]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[5_000_u16.to_be_bytes(), 7_200_u16.to_be_bytes()].concat());
    file
}

#[test]
fn a_photo_of_a_large_sensor_comes_in() {
    let file = enlarged(written!("baseline-420").1);
    assert!(Picture::looks_readable(&file));
    let picture = Picture::read(&file).unwrap();
    assert!(picture.bytes.len() <= file.len(), "the original stays, without what is not needed");
    assert_eq!(enlarged(&picture.bytes), picture.bytes);
    let sizes = SIZES.map(|(prefix, size)| {
        let small = image::load_from_memory(&picture.scaled(prefix, size).unwrap()).unwrap().to_rgb8();
        let grey = small.get_pixel(small.width() - 1, small.height() - 1).0;
        assert!(grey.iter().all(|value| is_near(*value, 128)), "{prefix} {grey:?}");
        small.dimensions()
    });
    assert_eq!(sizes, [(50, 50), (100, 69), (300, 208), (700, 486)]);
    // The same, on its side.
    let exif = super::super::exif(image::metadata::Orientation::Rotate90);
    let turned = super::super::jpeg::clean(&file, Some(&exif)).unwrap();
    let (prefix, size) = SIZES[3];
    let small = Picture::read(&turned).unwrap().scaled(prefix, size).unwrap();
    assert_eq!(image::load_from_memory(&small).unwrap().height(), 900);
}

#[test]
fn other_large_pictures_stay_out() {
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
    assert!(Picture::looks_readable(&file));
    file[16..24].copy_from_slice(&[7_200_u32.to_be_bytes(), 5_000_u32.to_be_bytes()].concat());
    let sum = crc32fast::hash(&file[12..29]).to_be_bytes();
    file[29..33].copy_from_slice(&sum);
    assert!(Picture::read(&file).is_none() && !Picture::looks_readable(&file));
    // More than any camera has.
    let mut file = written!("baseline-420").1.to_vec();
    let frame = file.windows(5).position(|bytes| bytes == [0xFF, 0xC0, 0, 17, 8]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[20_000_u16.to_be_bytes(); 2].concat());
    assert!(Picture::read(&file).is_none() && !Picture::looks_readable(&file));
}
