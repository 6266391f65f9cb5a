//! The local header before an entry's data, which must agree with the directory.

use std::io::{Read, Seek, SeekFrom};

use super::fields::{
    EXTRA_UNICODE_NAME, FLAG_DESCRIPTOR, FLAG_ENCRYPTED, FLAG_STRONG, FLAG_UTF8, Fields, extra, widen,
};
use super::{Entry, Method, ZipError, names};
use crate::archive::open::source::Source;

/// The size of a local header in bytes, without name and extra fields.
const HEADER_BYTES: usize = 30;
/// Flags that affect reading. The others only describe the compression level.
const RELEVANT_FLAGS: u16 = FLAG_ENCRYPTED | FLAG_DESCRIPTOR | FLAG_STRONG | FLAG_UTF8;

/// Checks the local header, and that the entry ends where the next begins. Returns the offset of its data.
pub(super) fn check(source: &mut Source, entry: &Entry, next: u64) -> Result<u64, ZipError> {
    let disagree = |value| ZipError::HeadersDisagree { name: entry.name.to_string(), value };
    source.seek(SeekFrom::Start(entry.offset)).map_err(ZipError::Io)?;
    let mut fixed = [0; HEADER_BYTES];
    source.read_exact(&mut fixed).map_err(ZipError::Io)?;
    let mut fields = Fields(&fixed);
    if fields.bytes(4)? != b"PK\x03\x04" {
        return Err(disagree("position"));
    }
    fields.bytes(2)?;
    if (fields.u16()? ^ entry.flags) & RELEVANT_FLAGS != 0 {
        return Err(disagree("flags"));
    }
    if fields.u16()? != (if entry.method == Method::Stored { 0 } else { 8 }) {
        return Err(disagree("method"));
    }
    fields.bytes(4)?;
    let crc = fields.u32()?;
    let (mut packed, mut unpacked) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let lengths = [fields.u16()?, fields.u16()?].map(usize::from);
    let mut variable = vec![0; lengths.iter().sum()];
    source.read_exact(&mut variable).map_err(ZipError::Io)?;
    let mut fields = Fields(&variable);
    let (name, extras) = (fields.bytes(lengths[0])?, fields.bytes(lengths[1])?);
    if name != entry.raw_name() {
        return Err(disagree("name"));
    }
    // A second name must match the one in the directory, whose common folder was removed.
    if extra(extras, EXTRA_UNICODE_NAME)?.is_some()
        && !names::read(name, entry.flags, extras).is_ok_and(|name| name.ends_with(&*entry.name))
    {
        return Err(disagree("name"));
    }
    widen(&mut [&mut unpacked, &mut packed], extras).map_err(|_| disagree("sizes"))?;
    // Streaming writers write zeros for values that they do not know yet; some know the sizes but not the CRC.
    let agrees = |local: u64, central: u64| local == central || (entry.has_descriptor() && local == 0);
    if !agrees(packed, entry.packed) || !agrees(unpacked, entry.unpacked) {
        return Err(disagree("sizes"));
    }
    if !agrees(crc.into(), entry.crc.into()) {
        return Err(disagree("checksum"));
    }
    let data_at = entry.offset + (HEADER_BYTES + variable.len()) as u64;
    check_end(source, entry, data_at + entry.packed, next)?;
    Ok(data_at)
}

/// Checks that nothing but a data descriptor is between an entry's data and the next entry.
fn check_end(source: &mut Source, entry: &Entry, data_end: u64, next: u64) -> Result<(), ZipError> {
    let name = || entry.name.to_string();
    let gap = next.checked_sub(data_end).ok_or_else(|| ZipError::Overlap { name: name() })?;
    if !entry.has_descriptor() {
        return if gap == 0 { Ok(()) } else { Err(ZipError::HiddenData { name: name() }) };
    }
    // Descriptors have a signature or not, and 32-bit or 64-bit sizes.
    let (has_signature, is_wide) = match gap {
        12 => (false, false),
        16 => (true, false),
        20 => (false, true),
        24 => (true, true),
        _ => return Err(ZipError::HiddenData { name: name() }),
    };
    let mut block = vec![0; if is_wide { 24 } else { 16 } - if has_signature { 0 } else { 4 }];
    source.seek(SeekFrom::Start(data_end)).map_err(ZipError::Io)?;
    source.read_exact(&mut block).map_err(ZipError::Io)?;
    let mut fields = Fields(&block);
    let is_signature_valid = !has_signature || fields.bytes(4)? == b"PK\x07\x08";
    let crc = fields.u32()?;
    let sizes = if is_wide {
        [fields.u64()?, fields.u64()?]
    } else {
        [u64::from(fields.u32()?), u64::from(fields.u32()?)]
    };
    if is_signature_valid && crc == entry.crc && sizes == [entry.packed, entry.unpacked] {
        Ok(())
    } else {
        Err(ZipError::HeadersDisagree { name: name(), value: "data descriptor" })
    }
}
