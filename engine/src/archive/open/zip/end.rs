//! The end of a ZIP file: how many entries, and where their directory is.

use std::io::{Read, Seek, SeekFrom};

use super::ZipError;
use super::fields::Fields;
use crate::archive::limits::Limits;
use crate::archive::open::source::Source;

const END: usize = 22;
const LOCATOR: usize = 20;
const END64: usize = 56;

/// What the end of the file says.
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) directory_at: u64,
    pub(super) directory_size: u64,
}

/// Reads the end of the file. It must be the very end: no comment, nothing appended, so that nobody can
/// find another directory than we do. Nothing is allocated after what it claims.
pub(super) fn find(source: &mut Source, size: u64, limits: &Limits) -> Result<End, ZipError> {
    let end_at = size.checked_sub(END as u64).ok_or(ZipError::Truncated)?;
    let block: [u8; END] = block(source, end_at)?;
    let mut fields = Fields(&block);
    if fields.bytes(4)? != b"PK\x05\x06" || block.last_chunk::<2>() != Some(&[0, 0]) {
        return Err(ZipError::Truncated);
    }
    let disks = [fields.u16()?, fields.u16()?];
    let counts = [fields.u16()?, fields.u16()?];
    let mut end = End {
        entries: u64::from(counts[1]),
        directory_size: u64::from(fields.u32()?),
        directory_at: u64::from(fields.u32()?),
    };
    let mut directory_end = end_at;
    let wide = end.entries == 0xffff || end.directory_size == 0xffff_ffff || end.directory_at == 0xffff_ffff;
    if let (true, Some((found, at))) = (wide, find_wide(source, end_at)?) {
        let agrees = |narrow: u64, full: u64, elsewhere: u64| narrow == elsewhere || narrow == full;
        if !agrees(end.entries, found.entries, 0xffff)
            || !agrees(end.directory_size, found.directory_size, 0xffff_ffff)
            || !agrees(end.directory_at, found.directory_at, 0xffff_ffff)
        {
            return Err(ZipError::Directory { problem: "its two ends disagree" });
        }
        (end, directory_end) = (found, at);
    } else if disks != [0, 0] || counts[0] != counts[1] {
        return Err(ZipError::MultiPart);
    }
    if end.entries > limits.entries {
        return Err(ZipError::TooManyEntries { found: end.entries, limit: limits.entries });
    }
    if end.directory_at.checked_add(end.directory_size) != Some(directory_end) {
        return Err(ZipError::Directory { problem: "it is not where the end of the file says" });
    }
    Ok(end)
}

/// The 64-bit end, if there is one: then also where it begins.
fn find_wide(source: &mut Source, end_at: u64) -> Result<Option<(End, u64)>, ZipError> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR as u64) else { return Ok(None) };
    let block_bytes: [u8; LOCATOR] = block(source, locator_at)?;
    let mut fields = Fields(&block_bytes);
    if fields.bytes(4)? != b"PK\x06\x07" {
        return Ok(None);
    }
    let (disk, wide_at, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
    if disk != 0 || disks > 1 {
        return Err(ZipError::MultiPart);
    }
    if wide_at.checked_add(END64 as u64) != Some(locator_at) {
        return Err(ZipError::Directory { problem: "its 64-bit end is not where the locator says" });
    }
    let block_bytes: [u8; END64] = block(source, wide_at)?;
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
