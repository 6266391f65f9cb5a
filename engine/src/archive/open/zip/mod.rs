//! A strict reader of ZIP files: every file it takes has one reading only.

mod directory;
mod end;
mod entry;
mod error;
mod fields;
mod local;
mod names;

use std::io::Read;

pub use error::{NameProblem, ZipError};

use super::source::Source;
use crate::archive::limits::Limits;
use entry::EntryReader;

/// A ZIP file whose directory has been read and found sound.
pub(super) struct Zip {
    source: Source,
    /// In the order in which they lie in the file.
    entries: Vec<Entry>,
    /// Where the central directory begins, which is where the last entry ends.
    directory_at: u64,
}

/// How an entry is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// What an entry is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    File,
    /// Another entry of a file that is there before, at this position.
    CopyOf(usize),
    /// What an operating system left.
    Junk,
    Folder,
}

/// An entry as the central directory has it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name, without the folder that everything is in.
    pub(super) name: Box<str>,
    /// The name's bytes in the file, where they are others.
    raw_name: Option<Box<[u8]>>,
    pub(super) role: Role,
    pub(super) unpacked: u64,
    packed: u64,
    /// Where its local header begins.
    offset: u64,
    crc: u32,
    flags: u16,
    method: Method,
}

impl Entry {
    /// Whether sizes and CRC come after the data.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & fields::FLAG_DESCRIPTOR != 0
    }

    /// Whether two entries may have the same content.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        (self.unpacked, self.crc) == (other.unpacked, other.crc)
    }

    fn raw_name(&self) -> &[u8] {
        self.raw_name.as_deref().unwrap_or(self.name.as_bytes())
    }
}

impl Zip {
    /// Reads the directory. The files named in `marks` stand in the folder that names are counted from.
    pub(super) fn open(
        mut source: Source,
        size: u64,
        limits: &Limits,
        marks: &[&str],
    ) -> Result<Self, ZipError> {
        let end = end::find(&mut source, size, limits)?;
        let entries = directory::read(&mut source, &end, limits)?;
        let mut zip = Self { source, entries, directory_at: end.directory_at };
        zip.take_off_root(&names::root(&zip.entries, marks), limits)?;
        Ok(zip)
    }

    /// Shortens the names of what is in the folder.
    fn take_off_root(&mut self, root: &str, limits: &Limits) -> Result<(), ZipError> {
        for entry in &mut self.entries {
            if let Some(rest) = entry.name.strip_prefix(root).filter(|_| !root.is_empty()) {
                let rest = rest.into();
                let whole = std::mem::replace(&mut entry.name, rest);
                entry.raw_name = entry.raw_name.take().or_else(|| Some(whole.into_boxed_bytes()));
            }
            if entry.name.len() > limits.name_bytes {
                return Err(ZipError::NameTooLong { found: entry.name.len(), limit: limits.name_bytes });
            }
        }
        Ok(())
    }

    /// Everything in the file, in the order in which it lies there.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The files, each once, with their positions.
    pub(super) fn files(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.role == Role::File)
    }

    /// Where a file is. What looks like a leftover of some system is found by its name too.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let wanted = |entry: &Entry| matches!(entry.role, Role::File | Role::Junk) && &*entry.name == name;
        self.entries.iter().position(wanted)
    }

    /// Opens an entry: its local header must agree with the directory, and it must end where the next one
    /// begins. Reading to the end checks size and CRC.
    pub(super) fn read(&mut self, position: usize) -> Result<EntryReader<'_>, ZipError> {
        let Some(entry) = self.entries.get(position) else {
            return Err(ZipError::Directory { problem: "an entry is gone" });
        };
        let next = self.entries.get(position + 1).map_or(self.directory_at, |next| next.offset);
        let data_at = local::check(&mut self.source, entry, next)?;
        EntryReader::new(&mut self.source, entry, data_at)
    }

    /// Checks the local headers of everything that is never read, as [`Zip::read`] does for the rest: a program that reads
    /// the file from its beginning must not find there what the directory does not have.
    pub(super) fn check_ignored(&mut self) -> Result<(), ZipError> {
        for (position, entry) in self.entries.iter().enumerate() {
            if matches!(entry.role, Role::Junk | Role::Folder) {
                let next = self.entries.get(position + 1).map_or(self.directory_at, |next| next.offset);
                local::check(&mut self.source, entry, next)?;
            }
        }
        Ok(())
    }

    /// Unpacks an entry whole, up to a limit. None when it is larger.
    pub(super) fn read_whole(&mut self, position: usize, limit: u64) -> Result<Option<Vec<u8>>, ZipError> {
        let size = self.entries.get(position).map_or(0, |entry| entry.unpacked);
        if size > limit {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.read(position)?.read_to_end(&mut bytes).map_err(ZipError::from_io)?;
        Ok(Some(bytes))
    }
}
