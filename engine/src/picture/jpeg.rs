//! JPEG: a sequence of segments, some followed by the picture's data.

use std::ops::Range;

use super::is_profile;

// Markers (ITU-T T.81, table B.1): the start and end of the image, the start of a scan, application data.
const SOI: [u8; 2] = [0xFF, 0xD8];
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;
/// The beginning of a segment with a part of a colour profile. Two bytes follow: the number of the part, and the number
/// of parts.
const PROFILE: &[u8] = b"ICC_PROFILE\0";

/// Returns the file with only the segments that decoders need and the given EXIF block; `None` if its segments are
/// damaged.
pub(super) fn clean(file: &[u8], exif: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut rest = file.strip_prefix(&SOI)?;
    let mut cleaned = SOI.to_vec();
    let (mut exif, mut has_data, mut profile) = (exif, false, Vec::new());
    loop {
        let Some((marker, after)) = next_marker(rest) else {
            // The file is truncated in the data: decoders show the available part.
            return has_data.then(|| finish(cleaned, &profile));
        };
        rest = after;
        match marker {
            EOI => return Some(finish(cleaned, &profile)),
            // Markers without contents are relevant only in the data, and are copied with it.
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
        let contents = rest.get(2..length)?;
        rest = rest.get(length..)?;
        if marker != APP0
            && let Some(exif) = exif.take()
        {
            push_segment(&mut cleaned, APP1, &[b"Exif\0\0", exif].concat());
        }
        match marker {
            // The density is kept; a thumbnail may follow it.
            APP0 => {
                if let Some(density) = contents.get(..12).filter(|contents| contents.starts_with(b"JFIF\0")) {
                    push_segment(&mut cleaned, APP0, &[density, &[0, 0]].concat());
                }
            }
            APP2 if contents.starts_with(PROFILE) => {
                let begin = cleaned.len();
                push_segment(&mut cleaned, APP2, contents);
                profile.push(begin..cleaned.len());
            }
            // The colour transform.
            APP14 if contents.starts_with(b"Adobe") => {
                push_segment(&mut cleaned, APP14, contents.get(..12).unwrap_or(contents));
            }
            // Application data, unused extensions, hierarchies of pictures and comments.
            0x02..=0xBF | 0xC8 | 0xDE | 0xDF | APP1..=0xFE => {}
            _ => push_segment(&mut cleaned, marker, contents),
        }
        if marker == SOS {
            has_data = true;
            let (data, after) = rest.split_at(data_end(rest));
            cleaned.extend_from_slice(data);
            rest = after;
        }
    }
}

/// Returns the next marker and the bytes after it.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut at = bytes.iter().position(|byte| *byte == 0xFF)?;
    // Any number of 0xFF may precede the marker.
    while bytes.get(at) == Some(&0xFF) {
        at += 1;
    }
    Some((*bytes.get(at)?, bytes.get(at + 1..)?))
}

/// Returns the end of a scan's data: the first marker that is neither a stuffed byte nor a restart.
fn data_end(bytes: &[u8]) -> usize {
    let is_end = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF);
    bytes.windows(2).position(is_end).unwrap_or(bytes.len())
}

fn push_segment(cleaned: &mut Vec<u8>, marker: u8, contents: &[u8]) {
    // It is not longer than the original segment, so its length fits.
    let length = u16::try_from(contents.len() + 2).unwrap_or(u16::MAX);
    cleaned.extend([0xFF, marker]);
    cleaned.extend(length.to_be_bytes());
    cleaned.extend_from_slice(contents);
}

/// Ends the file. The segments at `profile` remain only if their contents together are a colour profile.
fn finish(mut cleaned: Vec<u8>, profile: &[Range<usize>]) -> Vec<u8> {
    // The part of the profile begins after the marker, the length, the name and the two numbers.
    let part = |range: &Range<usize>| {
        cleaned.get(range.start + 4 + PROFILE.len() + 2..range.end).unwrap_or_default()
    };
    if !is_profile(&profile.iter().map(part).collect::<Vec<_>>().concat()) {
        for range in profile.iter().rev() {
            cleaned.drain(range.clone());
        }
    }
    cleaned.extend([0xFF, EOI]);
    cleaned
}
