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

/// An entry as the central directory has it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Box<str>,
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
}

impl Zip {
    /// Reads the directory.
    pub(super) fn open(mut source: Source, size: u64, limits: &Limits) -> Result<Self, ZipError> {
        let end = end::find(&mut source, size, limits)?;
        let entries = directory::read(&mut source, &end, limits)?;
        Ok(Self { source, entries, directory_at: end.directory_at })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| &*entry.name == name)
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
