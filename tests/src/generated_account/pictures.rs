//! The few pictures that all photos of generated lives are.

use std::io::Cursor;
use std::sync::OnceLock;

use image::{DynamicImage, ImageFormat, RgbImage};

/// Ending, width, height and bytes.
type Picture = (&'static str, u32, u32, Vec<u8>);

/// All of them. The last one is none.
pub(super) fn pictures() -> &'static [Picture] {
    static PICTURES: OnceLock<Vec<Picture>> = OnceLock::new();
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
                    image::Rgb(
                        [x * 7, y * 13, x + y].map(|shade| u8::try_from(shade % 256).unwrap_or_default()),
                    )
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
