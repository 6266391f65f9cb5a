//! Cleans PNG and GIF files, animated or not.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use gif::{ColorOutput, DecodeOptions, Encoder, MemoryLimit};

use super::is_profile;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The chunks that are needed to show the picture, including animations, with their maximum sizes in bytes.
const KEPT_CHUNKS: [(&[u8], usize); 14] = [
    (b"IHDR", 13),
    (b"PLTE", 768),
    (b"tRNS", 256),
    (b"cHRM", 32),
    (b"gAMA", 4),
    (b"iCCP", MAX_PROFILE_BYTES),
    (b"sBIT", 4),
    (b"sRGB", 1),
    (b"bKGD", 6),
    (b"pHYs", 9),
    (b"acTL", 8),
    (b"fcTL", 26),
    (b"IDAT", usize::MAX),
    (b"fdAT", usize::MAX),
];
/// The chunks about the colours of HDR and wide-gamut pictures, with their exact sizes in bytes (PNG, third edition,
/// 11.3.2). They are valid only before the palette and the data.
const COLOUR_SPACE: [(&[u8], usize); 3] = [(b"cICP", 4), (b"mDCV", 24), (b"cLLI", 8)];
/// The maximum bytes of a colour profile; those of printers have some 2 MB.
const MAX_PROFILE_BYTES: usize = 4 << 20;
/// The maximum bytes of a colour profile's name.
const MAX_PROFILE_NAME_BYTES: usize = 79;

/// Returns the file with only the chunks that decoders need and the given EXIF block, and whether it is animated;
/// `None` if its chunks are damaged.
pub(super) fn clean_png(file: &[u8], exif: Option<&[u8]>) -> Option<(Vec<u8>, bool)> {
    let mut rest = file.strip_prefix(SIGNATURE)?;
    let (mut cleaned, mut is_animated, mut exif) = (SIGNATURE.to_vec(), false, exif);
    let mut has_pixels = false;
    loop {
        let (head, after) = rest.split_at_checked(8)?;
        let (length, name) = head.split_at(4);
        let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
        let chunk = rest.get(..length.checked_add(12)?)?;
        let contents = after.get(..length)?;
        rest = after.get(length + 4..)?;
        is_animated |= name == b"acTL";
        has_pixels |= name == b"PLTE" || name == b"IDAT";
        if name == b"IDAT"
            && let Some(exif) = exif.take()
        {
            push_png_chunk(&mut cleaned, b"eXIf", exif);
        }
        if name == b"IEND" {
            push_png_chunk(&mut cleaned, b"IEND", &[]);
            return Some((cleaned, is_animated));
        }
        if name == b"iCCP" && !contains_profile(contents) {
            continue;
        }
        if KEPT_CHUNKS.iter().any(|(kept_name, max_length)| *kept_name == name && length <= *max_length)
            || !has_pixels && COLOUR_SPACE.contains(&(name, length))
        {
            cleaned.extend_from_slice(chunk);
        }
    }
}

/// Returns whether an `iCCP` chunk contains a colour profile: a name, a zero, a zero for the method, and the compressed
/// profile.
fn contains_profile(contents: &[u8]) -> bool {
    let name = contents.iter().take(MAX_PROFILE_NAME_BYTES + 1).position(|byte| *byte == 0);
    let Some(compressed) = name.and_then(|name| contents.get(name + 2..)) else { return false };
    let (mut decoder, mut profile) = (ZlibDecoder::new(compressed), Vec::new());
    let result = decoder.by_ref().take(MAX_PROFILE_BYTES as u64 + 1).read_to_end(&mut profile);
    let is_complete = usize::try_from(decoder.total_in()) == Ok(compressed.len());
    result.is_ok() && is_complete && is_profile(&profile)
}

fn push_png_chunk(cleaned: &mut Vec<u8>, name: &[u8], contents: &[u8]) {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(name);
    checksum.update(contents);
    cleaned.extend(u32::try_from(contents.len()).unwrap_or(u32::MAX).to_be_bytes());
    cleaned.extend_from_slice(name);
    cleaned.extend_from_slice(contents);
    cleaned.extend(checksum.finalize().to_be_bytes());
}

/// Returns the file with only its frames, still compressed, and their timing. Frames after a damaged one are dropped.
pub(super) fn clean_gif(file: &[u8]) -> Option<Vec<u8>> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    // The compressed frames are copied, so they are not larger than the file.
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(file).ok()?;
    let colours = decoder.global_palette().unwrap_or_default().to_vec();
    let mut cleaned = Encoder::new(Vec::new(), decoder.width(), decoder.height(), &colours).ok()?;
    let mut count = 0;
    while let Ok(Some(frame)) = decoder.read_next_frame() {
        let frame = frame.clone();
        if count == 0 {
            cleaned.set_repeat(decoder.repeat()).ok()?;
        }
        cleaned.write_lzw_pre_encoded_frame(&frame).ok()?;
        count += 1;
    }
    if count == 0 { None } else { cleaned.into_inner().ok() }
}
