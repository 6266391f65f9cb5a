//! WebP: a sequence of chunks in a RIFF file.

use super::is_profile;

/// The chunks that are needed to show the picture.
const KEPT: [&[u8]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// Flags of `VP8X`: a colour profile, EXIF, XMP are present.
const PROFILE_FLAG: u8 = 0x20;
const EXIF_FLAG: u8 = 0x08;
const XMP_FLAG: u8 = 0x04;

/// Returns the file with only the chunks that decoders need and the given EXIF block, and whether it is animated;
/// `None` if its chunks are damaged.
pub(super) fn clean(file: &[u8], exif: Option<&[u8]>) -> Option<(Vec<u8>, bool)> {
    let size = usize::try_from(u32::from_le_bytes(file.get(4..8)?.try_into().ok()?)).ok()?;
    let mut rest = file.get(12..file.len().min(size.checked_add(8)?))?;
    // Where the flags are among the chunks; only such a file has metadata.
    let (mut chunks, mut moves, mut flags_at) = (Vec::new(), false, None);
    while let Some((head, after)) = rest.split_at_checked(8) {
        let (name, length) = head.split_at(4);
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
        let contents = after.get(..length)?;
        rest = after.get(length + length % 2..).unwrap_or_default();
        if !KEPT.contains(&name) {
            continue;
        }
        moves |= name == b"ANIM";
        if name == b"VP8X" {
            // Behind the chunk's name and length.
            flags_at = Some(chunks.len() + 8);
            let mut contents = contents.to_vec();
            let flags = contents.first_mut()?;
            *flags &= !(EXIF_FLAG | XMP_FLAG);
            if exif.is_some() {
                *flags |= EXIF_FLAG;
            }
            chunk(&mut chunks, name, &contents);
        } else if name != b"ICCP" || is_profile(contents) {
            chunk(&mut chunks, name, contents);
        } else if let Some(flags) = flags_at.and_then(|at| chunks.get_mut(at)) {
            *flags &= !PROFILE_FLAG;
        }
    }
    if let Some(exif) = exif.filter(|_| flags_at.is_some()) {
        chunk(&mut chunks, b"EXIF", exif);
    }
    let size = u32::try_from(chunks.len() + 4).ok()?;
    let cleaned = [b"RIFF", size.to_le_bytes().as_slice(), b"WEBP", &chunks].concat();
    Some((cleaned, moves))
}

fn chunk(chunks: &mut Vec<u8>, name: &[u8], contents: &[u8]) {
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
    chunks.extend_from_slice(name);
    chunks.extend(length.to_le_bytes());
    chunks.extend_from_slice(contents);
    if contents.len() % 2 == 1 {
        chunks.push(0);
    }
}
