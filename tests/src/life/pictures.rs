//! The few pictures that all photos of generated lives are.

use std::io::Cursor;
use std::sync::OnceLock;

use image::{DynamicImage, ImageFormat, RgbImage};

/// Ending, width, height and bytes of each picture. The last one is none.
pub(super) fn pictures() -> &'static [(&'static str, u32, u32, Vec<u8>)] {
    static PICTURES: OnceLock<Vec<(&'static str, u32, u32, Vec<u8>)>> = OnceLock::new();
    PICTURES.get_or_init(|| {
        let drawn = [
            ("png", 12, 8, ImageFormat::Png),
            ("jpg", 120, 40, ImageFormat::Jpeg),
            ("gif", 9, 110, ImageFormat::Gif),
            ("webp", 60, 60, ImageFormat::WebP),
            ("jpeg", 320, 10, ImageFormat::Jpeg),
        ];
        let mut pictures: Vec<_> = drawn
            .into_iter()
            .filter_map(|(ending, width, height, format)| {
                let picture = RgbImage::from_fn(width, height, |x, y| {
                    image::Rgb([(x * 7 % 256) as u8, (y * 13 % 256) as u8, ((x + y) % 256) as u8])
                });
                let mut bytes = Cursor::new(Vec::new());
                DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).ok()?;
                Some((ending, width, height, bytes.into_inner()))
            })
            .collect();
        pictures.push(("png", 1, 1, b"this is no picture".to_vec()));
        pictures
    })
}
