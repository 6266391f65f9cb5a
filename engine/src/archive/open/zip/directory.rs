//! Reads and validates the central directory.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::end::End;
use super::fields::{FLAG_ENCRYPTED, FLAG_STRONG, Fields, widen};
use super::{Entry, Method, Role, ZipError, names};
use crate::archive::limits::Limits;
use crate::archive::open::source::Source;

/// The size of a header in the directory in bytes, without name, extra fields and comment.
const HEADER_BYTES: usize = 46;
/// The size of a local header in bytes, without name and extra fields.
const LOCAL_HEADER_BYTES: u64 = 30;
/// The marker at the beginning of a split ZIP that has one part only (PKWARE APPNOTE, 8.5.4).
const SPANNING_MARKER: &[u8; 4] = b"PK00";
/// The maximum bytes of a folder prefix in names, if a folder was packed instead of its contents.
const MAX_FOLDER_BYTES: usize = 512;

/// Reads all headers of the directory and checks them against the limits and each other. Returns the entries in file
/// order, which may differ from the directory's order.
pub(super) fn read(source: &mut Source, end: &End, limits: &Limits) -> Result<Vec<Entry>, ZipError> {
    let first_at = first_offset(source)?;
    source.seek(SeekFrom::Start(end.directory_at)).map_err(ZipError::Io)?;
    let mut reader = BufReader::with_capacity(64 * 1024, source.take(end.directory_size));
    let mut entries = Vec::new();
    let mut variable = Vec::new();
    for _ in 0..end.entries {
        entries.push(header(&mut reader, &mut variable, limits)?);
    }
    let mut extra_byte = [0];
    if reader.read(&mut extra_byte).map_err(ZipError::Io)? > 0 {
        return Err(ZipError::Directory { problem: "it has more bytes than its entries" });
    }
    entries.sort_by_key(|entry| entry.offset);
    check_offsets(&entries, first_at, end.directory_at)?;
    check_total(&entries, limits)?;
    check_count(&entries, limits)?;
    names::mark_copies(&mut entries)?;
    Ok(entries)
}

fn header(reader: &mut impl Read, variable: &mut Vec<u8>, limits: &Limits) -> Result<Entry, ZipError> {
    let mut fixed = [0; HEADER_BYTES];
    fill(reader, &mut fixed)?;
    let mut fields = Fields(&fixed);
    fields.signature(*b"PK\x01\x02", "an entry's header is missing")?;
    fields.bytes(4)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.bytes(4)?;
    let crc = fields.u32()?;
    let (mut packed, mut unpacked) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let lengths = [fields.u16()?, fields.u16()?, fields.u16()?].map(usize::from);
    let (disk, _, attributes) = (fields.u16()?, fields.u16()?, fields.u32()?);
    let mut offset = u64::from(fields.u32()?);

    variable.resize(lengths.iter().sum(), 0);
    fill(reader, variable)?;
    let mut fields = Fields(variable);
    let (name, extras) = (fields.bytes(lengths[0])?, fields.bytes(lengths[1])?);
    let limit = limits.name_bytes + MAX_FOLDER_BYTES;
    if name.len() > limit {
        return Err(ZipError::NameTooLong { found: name.len(), limit });
    }
    widen(&mut [&mut unpacked, &mut packed, &mut offset], extras)?;
    if disk != 0 {
        return Err(ZipError::MultiPart);
    }
    let text = names::read(name, flags, extras)?;
    let role = role(&text, attributes, unpacked)?;
    if let Some(problem) = names::problem(&text).filter(|_| role != Role::Folder || !text.is_empty()) {
        return Err(ZipError::UnsafeName { name: text, problem });
    }
    let method = check_packing(&text, flags, method)?;
    let raw_name = Some(name).filter(|name| *name != text.as_bytes()).map(Into::into);
    let entry = Entry { name: text.into(), raw_name, role, unpacked, packed, offset, crc, flags, method };
    check_sizes(&entry, limits)?;
    Ok(entry)
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), ZipError> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            ZipError::Directory { problem: "it has fewer bytes than its entries" }
        }
        _ => ZipError::Io(error),
    })
}

/// Returns the role of an entry: only plain files and empty folders are allowed.
fn role(name: &str, attributes: u32, unpacked: u64) -> Result<Role, ZipError> {
    const DOS_FOLDER: u32 = 0x10;
    let owned_name = || name.to_owned();
    // The upper half is a Unix mode. Programs that unpack use it, even if the entry names another system.
    let is_folder = match attributes >> 16 & 0o170_000 {
        0o120_000 => return Err(ZipError::Symlink { name: owned_name() }),
        0o040_000 => true,
        0 | 0o100_000 => name.is_empty() || name.ends_with('/') || attributes & DOS_FOLDER != 0,
        _ => return Err(ZipError::SpecialFile { name: owned_name() }),
    };
    match (is_folder, names::is_system_file(name)) {
        (true, _) if unpacked > 0 => Err(ZipError::Folder { name: owned_name() }),
        (true, _) => Ok(Role::Folder),
        (false, true) => Ok(Role::Junk),
        (false, false) => Ok(Role::File),
    }
}

fn check_packing(name: &str, flags: u16, method: u16) -> Result<Method, ZipError> {
    if flags & (FLAG_ENCRYPTED | FLAG_STRONG) != 0 {
        return Err(ZipError::Encrypted { name: name.to_owned() });
    }
    match method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflated),
        _ => Err(ZipError::UnknownMethod { name: name.to_owned(), method }),
    }
}

fn check_sizes(entry: &Entry, limits: &Limits) -> Result<(), ZipError> {
    let Entry { packed, unpacked, .. } = *entry;
    let name = || entry.name.to_string();
    if entry.method == Method::Stored {
        return if packed == unpacked {
            Ok(())
        } else {
            Err(ZipError::StoredSizes { name: name(), packed, unpacked })
        };
    }
    if unpacked > limits.ratio_from_bytes && unpacked > packed.saturating_mul(limits.ratio) {
        return Err(ZipError::Bomb { name: name(), packed, unpacked });
    }
    Ok(())
}

fn check_total(entries: &[Entry], limits: &Limits) -> Result<(), ZipError> {
    let deflated = entries.iter().filter(|entry| entry.method == Method::Deflated);
    let total = deflated.fold(0_u64, |total, entry| total.saturating_add(entry.unpacked));
    if total > limits.unpacked_bytes {
        Err(ZipError::TooLarge { limit: limits.unpacked_bytes })
    } else {
        Ok(())
    }
}

/// Checks the number of files; folders and system files do not count.
fn check_count(entries: &[Entry], limits: &Limits) -> Result<(), ZipError> {
    let found = entries.iter().filter(|entry| entry.role == Role::File).count() as u64;
    if found > limits.entries {
        Err(ZipError::TooManyEntries { found, limit: limits.entries })
    } else {
        Ok(())
    }
}

/// Returns the offset at which the first entry must begin.
fn first_offset(source: &mut Source) -> Result<u64, ZipError> {
    let mut head = [0; SPANNING_MARKER.len()];
    source.seek(SeekFrom::Start(0)).map_err(ZipError::Io)?;
    source.read_exact(&mut head).map_err(ZipError::Io)?;
    Ok(if head == *SPANNING_MARKER { head.len() as u64 } else { 0 })
}

/// Checks that entries follow each other from the first byte, or the marker, to the directory without overlap. The
/// length of local headers is checked later.
fn check_offsets(entries: &[Entry], first_at: u64, directory_at: u64) -> Result<(), ZipError> {
    let mut free_from = 0_u64;
    for (position, entry) in entries.iter().enumerate() {
        let name = || entry.name.to_string();
        if entry.offset < free_from {
            return Err(ZipError::Overlap { name: name() });
        }
        if position == 0 && entry.offset != first_at {
            return Err(ZipError::HiddenData { name: name() });
        }
        let length = (LOCAL_HEADER_BYTES + entry.raw_name().len() as u64).saturating_add(entry.packed);
        free_from = entry.offset.saturating_add(length);
        if free_from > directory_at {
            return Err(ZipError::Overlap { name: name() });
        }
    }
    if entries.is_empty() && directory_at != 0 {
        return Err(ZipError::Directory { problem: "it is empty, but there is data before it" });
    }
    Ok(())
}
