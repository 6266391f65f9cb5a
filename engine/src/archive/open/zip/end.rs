//! The end of a ZIP file: the number of entries and the position of their directory.

use std::io::{Read, Seek, SeekFrom};

use super::ZipError;
use super::fields::Fields;
use crate::archive::limits::Limits;
use crate::archive::open::source::Source;

/// The size of the end of central directory record, in bytes.
const END_BYTES: usize = 22;
/// The first bytes of the end of central directory record.
const SIGNATURE: &[u8; 4] = b"PK\x05\x06";
/// The maximum bytes after the end of the directory: a comment, zero padding, a line break.
const MAX_TRAILING_BYTES: u64 = 1 << 20;
/// The size of the locator of the 64-bit end record, in bytes.
const LOCATOR_BYTES: usize = 20;
/// The size of the 64-bit end record, in bytes.
const END64_BYTES: usize = 56;

/// The content of the end of central directory record.
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) directory_at: u64,
    pub(super) directory_size: u64,
}

/// Reads the end of central directory record: the last one in the file, which every reader that searches from the end
/// finds. Trailing data (a comment, padding) is ignored. The sizes in it do not determine how much memory is allocated.
pub(super) fn find(source: &mut Source, size: u64, limits: &Limits) -> Result<End, ZipError> {
    let (end_at, block) = last_end(source, size)?;
    let trailing = size - end_at - END_BYTES as u64;
    let end = read(source, end_at, &block, limits);
    // A truncated file may contain another end record, such as that of a ZIP in the archive.
    end.map_err(|error| match error {
        ZipError::Directory { .. } | ZipError::MultiPart if trailing > 0 => ZipError::Truncated,
        other => other,
    })
}

/// Finds the last end record in the file; returns its position and bytes.
fn last_end(source: &mut Source, size: u64) -> Result<(u64, [u8; END_BYTES]), ZipError> {
    let at = size.checked_sub(END_BYTES as u64).ok_or(ZipError::Truncated)?;
    let record: [u8; END_BYTES] = block(source, at)?;
    if record.starts_with(SIGNATURE) && record.ends_with(&[0, 0]) {
        return Ok((at, record));
    }
    let tail_at = size.saturating_sub(END_BYTES as u64 + MAX_TRAILING_BYTES);
    source.seek(SeekFrom::Start(tail_at)).map_err(ZipError::Io)?;
    let mut tail = Vec::new();
    source.take(size - tail_at).read_to_end(&mut tail).map_err(ZipError::Io)?;
    let at =
        tail.windows(SIGNATURE.len()).rposition(|bytes| bytes == SIGNATURE).ok_or(ZipError::Truncated)?;
    let trailing = tail.get(at..).unwrap_or_default();
    let (block, trailing) = trailing.split_first_chunk::<END_BYTES>().ok_or(ZipError::Truncated)?;
    let comment = block.last_chunk::<2>().map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
    if comment > trailing.len() {
        return Err(ZipError::Truncated);
    }
    Ok((tail_at + at as u64, *block))
}

fn read(source: &mut Source, end_at: u64, block: &[u8; END_BYTES], limits: &Limits) -> Result<End, ZipError> {
    let mut fields = Fields(block);
    fields.bytes(SIGNATURE.len())?;
    let disks = [fields.u16()?, fields.u16()?];
    let counts = [fields.u16()?, fields.u16()?];
    let mut end = End {
        entries: u64::from(counts[1]),
        directory_size: u64::from(fields.u32()?),
        directory_at: u64::from(fields.u32()?),
    };
    let mut directory_end = end_at;
    // Some writers add a 64-bit end even if it is not needed.
    if let Some((wide_end, at)) = find_zip64(source, end_at)? {
        let agrees = |narrow: u64, wide: u64, placeholder: u64| narrow == placeholder || narrow == wide;
        if !agrees(end.entries, wide_end.entries, 0xffff)
            || !agrees(end.directory_size, wide_end.directory_size, 0xffff_ffff)
            || !agrees(end.directory_at, wide_end.directory_at, 0xffff_ffff)
        {
            return Err(ZipError::Directory { problem: "its two ends disagree" });
        }
        (end, directory_end) = (wide_end, at);
    } else if disks != [0, 0] || counts[0] != counts[1] {
        return Err(ZipError::MultiPart);
    }
    // macOS may add a file for each file, and there may be folders. The files themselves are counted later.
    let limit = limits.entries.saturating_mul(2).saturating_add(1000);
    if end.entries > limit {
        return Err(ZipError::TooManyEntries { found: end.entries, limit });
    }
    if end.directory_at.checked_add(end.directory_size) != Some(directory_end) {
        return Err(ZipError::Directory { problem: "it is not at the position in the end record" });
    }
    Ok(end)
}

/// Returns the 64-bit end record and its position, if one exists.
fn find_zip64(source: &mut Source, end_at: u64) -> Result<Option<(End, u64)>, ZipError> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR_BYTES as u64) else { return Ok(None) };
    let block_bytes: [u8; LOCATOR_BYTES] = block(source, locator_at)?;
    let mut fields = Fields(&block_bytes);
    if fields.bytes(4)? != b"PK\x06\x07" {
        return Ok(None);
    }
    let (disk, wide_at, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
    if disk != 0 || disks > 1 {
        return Err(ZipError::MultiPart);
    }
    if wide_at.checked_add(END64_BYTES as u64) != Some(locator_at) {
        return Err(ZipError::Directory { problem: "its 64-bit end is not at the position in the locator" });
    }
    let block_bytes: [u8; END64_BYTES] = block(source, wide_at)?;
    let mut fields = Fields(&block_bytes);
    fields.signature(*b"PK\x06\x06", "its 64-bit end is missing")?;
    fields.bytes(8 + 2 + 2)?;
    let disks = [fields.u32()?, fields.u32()?];
    let counts = [fields.u64()?, fields.u64()?];
    if disks != [0, 0] || counts[0] != counts[1] {
        return Err(ZipError::MultiPart);
    }
    let (directory_size, directory_at) = (fields.u64()?, fields.u64()?);
    Ok(Some((End { entries: counts[1], directory_at, directory_size }, wide_at)))
}

fn block<const N: usize>(source: &mut Source, at: u64) -> Result<[u8; N], ZipError> {
    let mut block = [0; N];
    source.seek(SeekFrom::Start(at)).map_err(ZipError::Io)?;
    source.read_exact(&mut block).map_err(ZipError::Io)?;
    Ok(block)
}
