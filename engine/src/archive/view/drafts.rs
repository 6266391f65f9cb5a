//! Rendered records that wait for all records to be read: only then can posts be sorted by date, links resolved, and
//! missing photos and vote counts known.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};

use tempfile::SpooledTempFile;

use super::marks::{Marks, resolve};

/// The position of a record in the scratch file, and its sort key. Only these twenty-odd bytes of each record stay in
/// memory.
struct Draft {
    /// Microseconds since 1970; records of the same time keep their order.
    time: i64,
    offset: u64,
    length: u32,
    year: i32,
    /// The hash of the record's GUID.
    hash: u64,
}

/// Bytes written or read at a time.
const BUFFER: usize = 64 * 1024;

/// The scratch file, shared by all kinds of pages.
pub(super) struct Scratch {
    file: BufWriter<SpooledTempFile>,
    end: u64,
    /// The record that is being rendered; its buffer is reused.
    text: String,
}

impl Scratch {
    /// Starts with an empty private file.
    pub(super) fn new(file: SpooledTempFile) -> Self {
        Self { file: BufWriter::with_capacity(BUFFER, file), end: 0, text: String::new() }
    }

    fn write(&mut self) -> io::Result<(u64, u32)> {
        let offset = self.end;
        let length = u32::try_from(self.text.len()).map_err(io::Error::other)?;
        self.file.write_all(self.text.as_bytes())?;
        self.end += u64::from(length);
        Ok((offset, length))
    }

    /// Finishes writing; returns the file for reading.
    pub(super) fn finish(self) -> io::Result<ScratchReader> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(ScratchReader { file: BufReader::with_capacity(BUFFER, file), position: 0 })
    }
}

/// The finished scratch file.
pub(super) struct ScratchReader {
    file: BufReader<SpooledTempFile>,
    position: u64,
}

impl ScratchReader {
    fn read(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        // Records are mostly read in the order in which they were written: the next one is in the buffer.
        self.file.seek_relative(offset.cast_signed().wrapping_sub(self.position.cast_signed()))?;
        self.file.read_exact(bytes)?;
        self.position = offset + bytes.len() as u64;
        Ok(())
    }
}

/// The records of one kind.
#[derive(Default)]
pub(super) struct Drafts(Vec<Draft>);

impl Drafts {
    /// Renders a record. `time` is in microseconds since 1970; records of the same time keep their order.
    pub(super) fn add(
        &mut self,
        scratch: &mut Scratch,
        record: &impl askama::Template,
        (time, year): (i64, i32),
        guid: &str,
    ) -> Result<(), super::ViewError> {
        scratch.text.clear();
        record.render_into(&mut scratch.text)?;
        let (offset, length) = scratch.write()?;
        self.0.push(Draft { time, offset, length, year, hash: hash(guid) });
        Ok(())
    }

    /// Sorts the records, the oldest first.
    pub(super) fn sort(&mut self) {
        self.0.sort_by_key(|draft| draft.time);
    }

    /// Returns the length and the hashed GUID of each record, in order.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().map(|draft| (draft.length as usize, draft.hash))
    }

    /// Reads the records in order, with their marks resolved.
    pub(super) fn read(
        &self,
        scratch: &mut ScratchReader,
        marks: &Marks,
        mut each: impl FnMut(i32, &str, usize) -> Result<(), super::ViewError>,
    ) -> Result<(), super::ViewError> {
        let (mut bytes, mut text) = (Vec::new(), String::new());
        for draft in &self.0 {
            bytes.resize(draft.length as usize, 0);
            scratch.read(draft.offset, &mut bytes)?;
            let rendered = std::str::from_utf8(&bytes).map_err(io::Error::other)?;
            text.clear();
            resolve(&mut text, rendered, marks, "");
            each(draft.year, &text, bytes.len())?;
        }
        Ok(())
    }
}

/// Returns a hash that is the same in every run.
pub(super) fn hash(guid: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    guid.hash(&mut hasher);
    hasher.finish()
}

/// URL-encoded names of the photos in the archive.
pub(super) type PhotoFiles = HashSet<String>;
/// Vote counts by the hashed GUID of the answer.
pub(super) type Votes = HashMap<u64, u64>;
