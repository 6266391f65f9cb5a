use image::{ExtendedColorType, ImageEncoder as _, Rgb, RgbImage};

use super::*;

const SCRIPT: &[u8] = b"<script>alert(1)</script>";

/// Returns an image twice as wide as high; the left half is red, the right one blue.
fn two_colours() -> RgbImage {
    RgbImage::from_fn(64, 32, |x, _| if x < 32 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) })
}

fn packed(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(two_colours()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|part| part == words)
}

fn is_same_image(first: &[u8], second: &[u8]) -> bool {
    image::load_from_memory(first).unwrap().to_rgb8() == image::load_from_memory(second).unwrap().to_rgb8()
}

/// Returns a JPEG with a comment, EXIF with a rotation, an unknown segment, and trailing data.
fn jpeg_of_a_phone() -> Vec<u8> {
    let plain = packed(ImageFormat::Jpeg);
    let mut camera = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0".to_vec();
    // The camera's manufacturer.
    camera.extend(b"\x0f\x01\x02\0\x19\0\0\0\x26\0\0\0\0\0\0\0");
    camera.extend_from_slice(SCRIPT);
    let mut bytes = plain[..2].to_vec();
    for (marker, contents) in [(0xFE, SCRIPT), (0xE1, &camera), (0xED, SCRIPT), (0xE2, SCRIPT)] {
        bytes.extend([0xFF, marker]);
        bytes.extend(u16::try_from(contents.len() + 2).unwrap().to_be_bytes());
        bytes.extend_from_slice(contents);
    }
    bytes.extend_from_slice(&plain[2..]);
    bytes.extend_from_slice(SCRIPT);
    bytes
}

#[test]
fn a_photo_of_a_phone_is_upright_and_contains_no_metadata() {
    let file = jpeg_of_a_phone();
    let picture = Picture::read(&file).unwrap();
    assert!(!contains(&picture.bytes, b"script"));
    assert!(is_same_image(&picture.bytes, &file));
    assert_eq!((picture.pixels.width(), picture.pixels.height()), (32, 64));
    // Orientation 6: the left side is at the top.
    let large =
        image::load_from_memory(&picture.scaled("scaled_full_", Size::Fit(700, u32::MAX)).unwrap()).unwrap();
    let top = large.to_rgb8().get_pixel(16, 4).0;
    assert!(large.height() == 64 && top[0] > 200 && top[2] < 60, "{top:?}");
    // Viewers rotate the original only once.
    let again = Picture::read(&picture.bytes).unwrap();
    assert_eq!(again.bytes, picture.bytes);
    assert_eq!((again.pixels.width(), again.pixels.height()), (32, 64));
}

#[test]
fn comments_and_trailing_data_are_removed_from_every_format() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let plain = packed(format);
        let mut file = plain.clone();
        match format {
            ImageFormat::Png => {
                let mut text = Vec::new();
                let contents = [b"Comment\0", SCRIPT].concat();
                text.extend(u32::try_from(contents.len()).unwrap().to_be_bytes());
                let named = [b"tEXt", contents.as_slice()].concat();
                text.extend_from_slice(&named);
                text.extend(crc32fast::hash(&named).to_be_bytes());
                file.splice(33..33, text);
            }
            ImageFormat::Gif => {
                let comment = [b"\x21\xFE".as_slice(), &[25], SCRIPT, &[0]].concat();
                let end = file.len() - 1;
                file.splice(end..end, comment);
            }
            ImageFormat::WebP => {
                let mut chunk = [b"XMP ".as_slice(), &25_u32.to_le_bytes(), SCRIPT, &[0]].concat();
                file.append(&mut chunk);
                let size = u32::try_from(file.len() - 8).unwrap();
                file[4..8].copy_from_slice(&size.to_le_bytes());
            }
            _ => {}
        }
        file.extend_from_slice(SCRIPT);
        let picture = Picture::read(&file).unwrap_or_else(|| panic!("{format:?}"));
        assert!(!contains(&picture.bytes, b"script"), "{format:?}");
        assert!(is_same_image(&picture.bytes, &plain), "{format:?}");
        assert_eq!(Picture::read(&picture.bytes).unwrap().bytes, picture.bytes, "{format:?}: cleaned twice");
        for (prefix, size) in SIZES {
            let scaled = picture.scaled(prefix, size).unwrap();
            assert_eq!(image::guess_format(&scaled).unwrap(), format, "{prefix}");
        }
    }
}

/// Returns a colour profile with only its header.
pub(super) fn profile() -> Vec<u8> {
    let mut profile = vec![0; 132];
    profile[..4].copy_from_slice(&132_u32.to_be_bytes());
    profile[36..40].copy_from_slice(b"acsp");
    profile
}

fn png_chunk(name: [u8; 4], contents: &[u8]) -> Vec<u8> {
    let named = [name.as_slice(), contents].concat();
    let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
    [length.as_slice(), &named, &crc32fast::hash(&named).to_be_bytes()].concat()
}

pub(super) fn png_with(name: [u8; 4], contents: &[u8]) -> Vec<u8> {
    let mut file = packed(ImageFormat::Png);
    file.splice(33..33, png_chunk(name, contents));
    file
}

pub(super) fn jpeg_with(profile: &[u8]) -> Vec<u8> {
    let mut file = packed(ImageFormat::Jpeg);
    let mut segments = Vec::new();
    let count = u8::try_from(profile.len().div_ceil(100)).unwrap();
    for (part, number) in profile.chunks(100).zip(1_u8..) {
        jpeg_segment(&mut segments, 0xE2, &[b"ICC_PROFILE\0", [number, count].as_slice(), part].concat());
    }
    file.splice(2..2, segments);
    file
}

fn webp_chunk(name: &[u8], contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap().to_le_bytes();
    let pad = &[0][..contents.len() % 2];
    [name, length.as_slice(), contents, pad].concat()
}

fn webp_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
    file.extend(chunks.concat());
    let size = u32::try_from(file.len() - 8).unwrap();
    file[4..8].copy_from_slice(&size.to_le_bytes());
    file
}

pub(super) fn webp_with(profile: &[u8]) -> Vec<u8> {
    let features = webp_chunk(b"VP8X", &[0x20, 0, 0, 0, 63, 0, 0, 31, 0, 0]);
    webp_of(&[features, webp_chunk(b"ICCP", profile), packed(ImageFormat::WebP).split_off(12)])
}

/// Returns an animated WebP whose frames have these bytes after their headers.
fn animated_webp(frames: &[Vec<u8>]) -> Vec<u8> {
    let features = webp_chunk(b"VP8X", &[0x02, 0, 0, 0, 63, 0, 0, 31, 0, 0]);
    let mut chunks = vec![features, webp_chunk(b"ANIM", &[0; 6])];
    for frame in frames {
        // The whole canvas, for 100 ms, not blended.
        let header: [u8; 16] = [0, 0, 0, 0, 0, 0, 63, 0, 0, 31, 0, 0, 100, 0, 0, 2];
        chunks.push(webp_chunk(b"ANMF", &[header.as_slice(), frame.as_slice()].concat()));
    }
    webp_of(&chunks)
}

/// Returns the contents of an `iCCP` chunk.
pub(super) fn packed_profile(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(b"x\0\0".to_vec(), flate2::Compression::none());
    std::io::Write::write_all(&mut packed, bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn colour_profiles_are_kept_and_other_bytes_are_removed() {
    let png: fn(&[u8]) -> Vec<u8> = |bytes| png_with(*b"iCCP", &packed_profile(bytes));
    for create in [png, jpeg_with, webp_with] {
        let file = create(&profile());
        let picture = Picture::read(&file).unwrap();
        assert!(contains(&picture.bytes, b"acsp"), "{:?}", picture.kind);
        let mut longer = profile();
        longer.extend_from_slice(SCRIPT);
        for bytes in [SCRIPT, &longer] {
            let file = create(bytes);
            let picture = Picture::read(&file).unwrap();
            assert!(!contains(&picture.bytes, b"script"), "{:?}", picture.kind);
            assert!(is_same_image(&picture.bytes, &file), "{:?}", picture.kind);
            assert_eq!(Picture::read(&picture.bytes).unwrap().bytes, picture.bytes, "{:?}", picture.kind);
        }
    }
    // Bytes after the compressed profile are hidden data.
    let hidden = png_with(*b"iCCP", &[packed_profile(&profile()), SCRIPT.to_vec()].concat());
    assert!(!contains(&Picture::read(&hidden).unwrap().bytes, b"script"));
}

#[test]
fn chunks_about_colours_are_kept_where_they_are_valid() {
    let plain = packed(ImageFormat::Png);
    for (name, size) in [(*b"cICP", 4), (*b"mDCV", 24), (*b"cLLI", 8)] {
        let file = png_with(name, &vec![0; size]);
        assert_eq!(Picture::read(&file).unwrap().bytes, file, "{name:?}");
        for other in [0, size - 1, size + 1] {
            let file = png_with(name, &vec![0; other]);
            assert_eq!(moving::clean_png(&file, None).unwrap().0, plain, "{name:?} of {other} bytes");
        }
        // They are not valid after the data or after a palette.
        let chunk = png_chunk(name, &vec![0; size]);
        let mut file = plain.clone();
        let end = file.len() - 12;
        file.splice(end..end, chunk.iter().copied());
        assert_eq!(Picture::read(&file).unwrap().bytes, plain, "{name:?}");
        let (mut file, palette) = (plain.clone(), png_chunk(*b"PLTE", &[0; 3]));
        file.splice(33..33, [palette, chunk].concat());
        let expected = png_with(*b"PLTE", &[0; 3]);
        assert_eq!(moving::clean_png(&file, None).unwrap().0, expected, "{name:?}");
    }
}

#[test]
fn frames_of_a_webp_keep_only_their_image() {
    let image = packed(ImageFormat::WebP).split_off(12);
    let plain = animated_webp(&[image.clone(), image.clone()]);
    let unknown = webp_chunk(b"HTML", SCRIPT);
    let first = [image.as_slice(), &unknown, SCRIPT].concat();
    let second = [unknown.as_slice(), &image, &webp_chunk(b"VP8L", SCRIPT)].concat();
    let picture = Picture::read(&animated_webp(&[first, second])).unwrap();
    assert_eq!(picture.bytes, plain);
    assert!(picture.is_animated);
    let decoder = image::codecs::webp::WebPDecoder::new(Cursor::new(&picture.bytes)).unwrap();
    let frames = image::AnimationDecoder::into_frames(decoder).collect_frames().unwrap();
    let expected = DynamicImage::ImageRgb8(two_colours()).to_rgba8();
    assert_eq!(frames.len(), 2);
    assert!(frames.iter().all(|frame| *frame.buffer() == expected));

    // Chunks of odd sizes: transparency is kept only before lossy data.
    let (alpha, lossy) = (webp_chunk(b"ALPH", &[1, 2, 3]), webp_chunk(b"VP8 ", &[4, 5, 6, 7, 8]));
    let expected = animated_webp(&[[alpha.as_slice(), &lossy].concat(), image.clone()]);
    // The data may also end the frame without its padding.
    for lossy in [[lossy.as_slice(), &alpha].concat(), lossy[..lossy.len() - 1].to_vec()] {
        let first = [alpha.as_slice(), &webp_chunk(b"ALPH", SCRIPT), &lossy].concat();
        let file = animated_webp(&[first, [alpha.as_slice(), &image].concat()]);
        assert_eq!(webp::clean(&file, None).unwrap(), (expected.clone(), true));
    }
}

#[test]
fn an_animated_webp_with_a_truncated_frame_is_refused() {
    let image = packed(ImageFormat::WebP).split_off(12);
    for frame in [&image[..image.len() - 2], &webp_chunk(b"HTML", SCRIPT), &webp_chunk(b"ALPH", SCRIPT)] {
        let file = animated_webp(&[image.clone(), frame.to_vec()]);
        assert!(Picture::read(&file).is_none(), "{frame:?}");
    }
    // Within the header of the frame, and of its first chunk.
    for size in 0..24 {
        let frame = webp_chunk(b"ANMF", &vec![0; size]);
        assert!(webp::clean(&webp_of(&[frame]), None).is_none(), "{size}");
    }
}

#[test]
fn repeated_and_long_chunks_of_a_webp_are_removed() {
    let image = packed(ImageFormat::WebP).split_off(12);
    let plain = animated_webp(std::slice::from_ref(&image));
    let animation = [[0; 6].as_slice(), SCRIPT].concat();
    let features = [[0x02, 0, 0, 0, 63, 0, 0, 31, 0, 0].as_slice(), SCRIPT].concat();
    let frame = plain[12 + 18 + 14..].to_vec();
    let longer = [webp_chunk(b"VP8X", &features), webp_chunk(b"ANIM", &animation), frame];
    assert_eq!(webp::clean(&webp_of(&longer), None).unwrap(), (plain, true));
    let again = webp_of(&[image, webp_chunk(b"VP8L", SCRIPT)]);
    assert_eq!(Picture::read(&again).unwrap().bytes, packed(ImageFormat::WebP));
}

#[test]
fn unused_bytes_are_removed_from_kept_parts() {
    for name in [*b"gAMA", *b"bKGD", *b"sBIT", *b"pHYs", *b"cHRM"] {
        let file = png_with(name, &SCRIPT.repeat(2));
        // The decoder may refuse such a file.
        if let Some(picture) = Picture::read(&file) {
            assert!(!contains(&picture.bytes, b"script"), "{name:?}");
        }
    }
    for marker in [0xC8, 0xDE, 0xDF] {
        let mut file = vec![0xFF, 0xD8];
        jpeg_segment(&mut file, marker, SCRIPT);
        jpeg_segment(&mut file, 0xDA, &[5]);
        file.extend([6, 0xFF, 0xD9]);
        assert!(!contains(&jpeg::clean(&file, None).unwrap(), b"script"), "{marker}");
    }
}

#[test]
fn a_jpeg_keeps_all_scans() {
    // Two scans with a comment between them.
    let mut file = vec![0xFF, 0xD8];
    for (marker, contents) in [(0xDB_u8, &[1, 2][..]), (0xC2, &[3]), (0xDA, &[4])] {
        jpeg_segment(&mut file, marker, contents);
    }
    file.extend([7, 0xFF, 0x00, 8, 0xFF, 0xD3, 9]);
    let mut expected = file.clone();
    jpeg_segment(&mut file, 0xFE, SCRIPT);
    jpeg_segment(&mut file, 0xDA, &[5]);
    file.extend([6, 0xFF, 0xD9]);
    file.extend_from_slice(SCRIPT);
    jpeg_segment(&mut expected, 0xDA, &[5]);
    expected.extend([6, 0xFF, 0xD9]);
    assert_eq!(jpeg::clean(&file, None).unwrap(), expected);
    // A file that is truncated in the data ends there; one that is truncated before is refused.
    assert!(jpeg::clean(&file[..18], None).is_some_and(|cut| cut.ends_with(&[0xFF, 0xD9])));
    assert!(jpeg::clean(&file[..9], None).is_none());
}

fn jpeg_segment(file: &mut Vec<u8>, marker: u8, contents: &[u8]) {
    file.extend([0xFF, marker]);
    file.extend(u16::try_from(contents.len() + 2).unwrap().to_be_bytes());
    file.extend_from_slice(contents);
}

#[test]
fn animations_are_kept() {
    let mut bytes = Vec::new();
    let mut gif = gif::Encoder::new(&mut bytes, 2, 1, &[0, 0, 0, 255, 255, 255]).unwrap();
    gif.set_repeat(gif::Repeat::Infinite).unwrap();
    for pixels in [&[0, 1], &[1, 0], &[1, 1]] {
        let mut frame = gif::Frame::from_indexed_pixels(2, 1, pixels.as_slice(), None);
        frame.delay = 12;
        gif.write_frame(&frame).unwrap();
    }
    drop(gif);
    let picture = Picture::read(&bytes).unwrap();
    for file in [&picture.bytes, &picture.scaled("scaled_full_", Size::Fit(700, u32::MAX)).unwrap()] {
        let mut decoder = gif::DecodeOptions::new().read_info(file.as_slice()).unwrap();
        let mut delays = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            delays.push(frame.delay);
        }
        assert_eq!(delays, [12, 12, 12]);
        assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    }
    let mut file = packed(ImageFormat::Png);
    let animation = [b"acTL".as_slice(), &2_u32.to_be_bytes(), &0_u32.to_be_bytes()].concat();
    let chunk =
        [&8_u32.to_be_bytes(), animation.as_slice(), &crc32fast::hash(&animation).to_be_bytes()].concat();
    file.splice(33..33, chunk);
    assert_eq!(moving::clean_png(&file, None).unwrap(), (file, true));
}

#[test]
fn other_files_are_not_read_as_pictures() {
    let mut large = Vec::new();
    image::codecs::png::PngEncoder::new(&mut large)
        .write_image(&vec![0; 21_000], 21_000, 1, ExtendedColorType::L8)
        .unwrap();
    for file in [
        b"".as_slice(),
        SCRIPT,
        b"GIF89a",
        b"\xFF\xD8\xFF",
        b"RIFF\x04\0\0\0WEBP",
        b"\x89PNG\r\n\x1a\n",
        &large,
    ] {
        assert!(Picture::read(file).is_none(), "{file:?}");
    }
}

#[test]
fn damaged_files_cause_no_panic() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let complete = packed(format);
        for end in 0..complete.len() {
            _ = Picture::read(&complete[..end]);
            let mut damaged = complete.clone();
            damaged[end] = damaged[end].wrapping_add(101);
            _ = Picture::read(&damaged);
        }
    }
}
