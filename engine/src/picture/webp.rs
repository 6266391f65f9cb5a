//! WebP: a sequence of chunks in a RIFF file.

use super::is_profile;

/// The chunks that are needed to show the picture.
const KEPT_CHUNKS: [&[u8]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// The size of a chunk's name and length, in bytes.
const CHUNK_HEADER_BYTES: usize = 8;
/// The size of the contents of `VP8X` in bytes: the flags, and the picture's size.
const FEATURES_BYTES: usize = 10;
/// The size of the contents of `ANIM` in bytes: the background colour, and the number of repetitions.
const ANIMATION_BYTES: usize = 6;
/// The size of a frame's position, size, duration and flags before its chunks, in bytes.
const FRAME_HEADER_BYTES: usize = 16;
/// The flag of `VP8X` for a colour profile.
const PROFILE_FLAG: u8 = 0x20;
/// The flag of `VP8X` for EXIF.
const EXIF_FLAG: u8 = 0x08;
/// The flag of `VP8X` for XMP.
const XMP_FLAG: u8 = 0x04;

/// Returns the file with only the chunks that decoders need and the given EXIF block, and whether it is animated;
/// `None` if its chunks are damaged.
pub(super) fn clean(file: &[u8], exif: Option<&[u8]>) -> Option<(Vec<u8>, bool)> {
    let size = usize::try_from(u32::from_le_bytes(file.get(4..8)?.try_into().ok()?)).ok()?;
    let mut rest = file.get(12..file.len().min(size.checked_add(8)?))?;
    // The position of the flags in `chunks`; only files with flags may contain metadata.
    let (mut chunks, mut is_animated, mut flags_at) = (Vec::new(), false, None);
    let mut seen: Vec<&[u8]> = Vec::new();
    while rest.len() >= CHUNK_HEADER_BYTES {
        let (name, contents, after) = split_chunk(rest)?;
        rest = after;
        // Only frames may repeat; of other kinds, decoders use the first chunk.
        if !KEPT_CHUNKS.contains(&name) || seen.contains(&name) {
            continue;
        }
        if name != b"ANMF" {
            seen.push(name);
        }
        match name {
            b"VP8X" => {
                flags_at = Some(chunks.len() + CHUNK_HEADER_BYTES);
                let mut contents = contents.get(..FEATURES_BYTES)?.to_vec();
                let flags = contents.first_mut()?;
                *flags &= !(EXIF_FLAG | XMP_FLAG);
                if exif.is_some() {
                    *flags |= EXIF_FLAG;
                }
                push_chunk(&mut chunks, name, &contents);
            }
            b"ANIM" => {
                is_animated = true;
                push_chunk(&mut chunks, name, contents.get(..ANIMATION_BYTES)?);
            }
            b"ANMF" => push_chunk(&mut chunks, name, &clean_frame(contents)?),
            b"ICCP" if !is_profile(contents) => {
                if let Some(flags) = flags_at.and_then(|at| chunks.get_mut(at)) {
                    *flags &= !PROFILE_FLAG;
                }
            }
            _ => push_chunk(&mut chunks, name, contents),
        }
    }
    if let Some(exif) = exif.filter(|_| flags_at.is_some()) {
        push_chunk(&mut chunks, b"EXIF", exif);
    }
    let size = u32::try_from(chunks.len() + 4).ok()?;
    let cleaned = [b"RIFF", size.to_le_bytes().as_slice(), b"WEBP", &chunks].concat();
    Some((cleaned, is_animated))
}

/// Returns a frame with only its header, its transparency and its image data; `None` if they are damaged.
fn clean_frame(frame: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = frame.split_at_checked(FRAME_HEADER_BYTES)?;
    let (mut cleaned, mut alpha) = (header.to_vec(), None);
    loop {
        let (name, contents, after) = split_chunk(rest)?;
        rest = after;
        match name {
            b"ALPH" => alpha = alpha.or(Some(contents)),
            b"VP8 " | b"VP8L" => {
                // Lossless data contains its transparency.
                if let Some(alpha) = alpha.filter(|_| name == b"VP8 ") {
                    push_chunk(&mut cleaned, b"ALPH", alpha);
                }
                push_chunk(&mut cleaned, name, contents);
                return Some(cleaned);
            }
            _ => {}
        }
    }
}

/// Splits off the first chunk: returns its name, its contents, and the bytes after it and its padding; `None` if it is
/// truncated.
fn split_chunk(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (head, after) = bytes.split_at_checked(CHUNK_HEADER_BYTES)?;
    let (name, length) = head.split_at(4);
    let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
    // The padding of the last chunk may be missing.
    Some((name, after.get(..length)?, after.get(length + length % 2..).unwrap_or_default()))
}

fn push_chunk(chunks: &mut Vec<u8>, name: &[u8], contents: &[u8]) {
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
    chunks.extend_from_slice(name);
    chunks.extend(length.to_le_bytes());
    chunks.extend_from_slice(contents);
    if contents.len() % 2 == 1 {
        chunks.push(0);
    }
}
