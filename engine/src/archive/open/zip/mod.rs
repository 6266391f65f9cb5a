//! A strict reader of ZIP files: every file it accepts has one interpretation only.

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

/// A ZIP file whose directory has been validated.
pub(super) struct Zip {
    source: Source,
    /// The entries in file order.
    entries: Vec<Entry>,
    /// The offset of the central directory, at which the last entry ends.
    directory_at: u64,
}

/// The compression method of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// The role of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    File,
    /// A copy of an earlier entry, at this position.
    CopyOf(usize),
    /// A file that an operating system added.
    Junk,
    Folder,
}

/// An entry of the central directory.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name, without the common folder.
    pub(super) name: Box<str>,
    /// The name's bytes in the file, if different.
    raw_name: Option<Box<[u8]>>,
    pub(super) role: Role,
    /// The unpacked size in bytes.
    pub(super) unpacked: u64,
    /// The compressed size in bytes.
    packed: u64,
    /// The offset of its local header.
    offset: u64,
    crc: u32,
    flags: u16,
    method: Method,
}

impl Entry {
    /// Returns whether sizes and CRC follow the data.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & fields::FLAG_DESCRIPTOR != 0
    }

    /// Returns whether two entries may have the same content.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        (self.unpacked, self.crc) == (other.unpacked, other.crc)
    }

    /// Changes the name; the headers keep theirs.
    fn rename(&mut self, name: Box<str>) {
        let old_name = std::mem::replace(&mut self.name, name);
        self.raw_name = self.raw_name.take().or_else(|| Some(old_name.into_boxed_bytes()));
    }

    /// Returns whether the name's bytes are in a code page, which the file does not name.
    pub(super) fn is_in_code_page(&self) -> bool {
        std::str::from_utf8(self.raw_name()).is_err()
    }

    /// Returns the name's bytes in the file, with the common folder.
    pub(super) fn raw_name(&self) -> &[u8] {
        self.raw_name.as_deref().unwrap_or(self.name.as_bytes())
    }
}

impl Zip {
    /// Reads the directory. Names are relative to the folder that contains the files named in `marks`.
    pub(super) fn open(
        mut source: Source,
        size: u64,
        limits: &Limits,
        marks: &[&str],
    ) -> Result<Self, ZipError> {
        let end = end::find(&mut source, size, limits)?;
        let entries = directory::read(&mut source, &end, limits)?;
        let mut zip = Self { source, entries, directory_at: end.directory_at };
        zip.strip_root(&names::root(&zip.entries, marks), limits)?;
        Ok(zip)
    }

    /// Removes the root folder from the names of entries.
    fn strip_root(&mut self, root: &str, limits: &Limits) -> Result<(), ZipError> {
        for entry in &mut self.entries {
            if let Some(rest) = entry.name.strip_prefix(root).filter(|_| !root.is_empty()) {
                entry.rename(rest.into());
            }
            if entry.name.len() > limits.name_bytes {
                return Err(ZipError::NameTooLong { found: entry.name.len(), limit: limits.name_bytes });
            }
        }
        Ok(())
    }

    /// Returns all entries in file order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Gives an entry the name that it had before a file system changed it.
    pub(super) fn rename(&mut self, position: usize, name: &str) {
        if let Some(entry) = self.entries.get_mut(position) {
            entry.rename(name.into());
        }
    }

    /// Returns the files, each once, with their positions.
    pub(super) fn files(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.role == Role::File)
    }

    /// Returns the position of a file; system files are included.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let is_match = |entry: &Entry| matches!(entry.role, Role::File | Role::Junk) && &*entry.name == name;
        self.entries.iter().position(is_match)
    }

    /// Opens an entry: its local header must agree with the directory, and it must end where the next one
    /// begins. Reading to the end checks size and CRC.
    pub(super) fn read(&mut self, position: usize) -> Result<EntryReader<'_>, ZipError> {
        let Some(entry) = self.entries.get(position) else {
            return Err(ZipError::Directory { problem: "an entry is missing" });
        };
        let next = self.entries.get(position + 1).map_or(self.directory_at, |next| next.offset);
        let data_at = local::check(&mut self.source, entry, next)?;
        EntryReader::new(&mut self.source, entry, data_at)
    }

    /// Checks the local headers of entries that are never read, as [`Zip::read`] does for the others: a program
    /// that reads the file sequentially must not find entries that the directory does not have.
    pub(super) fn check_ignored(&mut self) -> Result<(), ZipError> {
        for (position, entry) in self.entries.iter().enumerate() {
            if matches!(entry.role, Role::Junk | Role::Folder) {
                let next = self.entries.get(position + 1).map_or(self.directory_at, |next| next.offset);
                local::check(&mut self.source, entry, next)?;
            }
        }
        Ok(())
    }

    /// Unpacks a whole entry, up to a limit. Returns `None` if it is larger.
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
