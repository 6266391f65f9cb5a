//! PNG, and GIF frame by frame.

use gif::{ColorOutput, DecodeOptions, Encoder, MemoryLimit};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The chunks that are needed to show the picture, including animations.
const KEPT: [&[u8]; 14] = [
    b"IHDR", b"PLTE", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"bKGD", b"pHYs", b"acTL",
    b"fcTL", b"IDAT", b"fdAT",
];

/// Returns the file with only the chunks that decoders need and the given EXIF block, and whether it is animated;
/// `None` if its chunks are damaged.
pub(super) fn clean_png(file: &[u8], exif: Option<&[u8]>) -> Option<(Vec<u8>, bool)> {
    let mut rest = file.strip_prefix(SIGNATURE)?;
    let (mut cleaned, mut moves, mut exif) = (SIGNATURE.to_vec(), false, exif);
    loop {
        let (head, after) = rest.split_at_checked(8)?;
        let (length, name) = head.split_at(4);
        let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
        let whole = rest.get(..length.checked_add(12)?)?;
        rest = after.get(length + 4..)?;
        moves |= name == b"acTL";
        if name == b"IDAT"
            && let Some(exif) = exif.take()
        {
            png_chunk(&mut cleaned, b"eXIf", exif);
        }
        if name == b"IEND" {
            png_chunk(&mut cleaned, b"IEND", &[]);
            return Some((cleaned, moves));
        }
        if KEPT.contains(&name) {
            cleaned.extend_from_slice(whole);
        }
    }
}

fn png_chunk(cleaned: &mut Vec<u8>, name: &[u8], contents: &[u8]) {
    let mut sum = crc32fast::Hasher::new();
    sum.update(name);
    sum.update(contents);
    cleaned.extend(u32::try_from(contents.len()).unwrap_or(u32::MAX).to_be_bytes());
    cleaned.extend_from_slice(name);
    cleaned.extend_from_slice(contents);
    cleaned.extend(sum.finalize().to_be_bytes());
}

/// Returns the file with only its frames, still compressed, and their timing. Frames after a damaged one are dropped.
pub(super) fn clean_gif(file: &[u8]) -> Option<Vec<u8>> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    // The compressed bytes are copied, and are not larger than the file.
    options.skip_frame_decoding(true);
    let mut pictures = options.read_info(file).ok()?;
    let colours = pictures.global_palette().unwrap_or_default().to_vec();
    let mut cleaned = Encoder::new(Vec::new(), pictures.width(), pictures.height(), &colours).ok()?;
    let mut count = 0;
    while let Ok(Some(picture)) = pictures.read_next_frame() {
        let picture = picture.clone();
        if count == 0 {
            cleaned.set_repeat(pictures.repeat()).ok()?;
        }
        cleaned.write_lzw_pre_encoded_frame(&picture).ok()?;
        count += 1;
    }
    if count == 0 { None } else { cleaned.into_inner().ok() }
}
