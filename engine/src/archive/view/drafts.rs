//! Rendered records that wait for all records to be read: only then can posts be sorted by date, links resolved, and
//! missing photos and vote counts known.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;

use chrono::Datelike as _;
use tempfile::{SpooledData, SpooledTempFile};

use super::ViewError;
use super::marks::Resolver;
use crate::domain::Timestamp;

/// The position of a text in the scratch file.
#[derive(Clone, Copy)]
pub(super) struct Span {
    offset: u64,
    length: u32,
}

impl Span {
    /// Reads the text.
    pub(super) fn read(self, scratch: &ScratchReader) -> io::Result<String> {
        let mut bytes = vec![0; self.length as usize];
        scratch.read(self.offset, &mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

/// The position of a record in the scratch file, and its sort key. Only these forty bytes of each record stay in
/// memory.
struct Draft {
    /// Microseconds since 1970; records of the same time keep their order.
    time: i64,
    span: Span,
    year: i32,
    month: u32,
    /// The hash of the record's GUID.
    hash: u64,
}

/// The number of bytes that are written at a time.
const BUFFER_BYTES: usize = 64 * 1024;

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
        Self { file: BufWriter::with_capacity(BUFFER_BYTES, file), end: 0, text: String::new() }
    }

    /// Renders a text into the file.
    pub(super) fn add(&mut self, text: &impl askama::Template) -> Result<Span, ViewError> {
        self.text.clear();
        text.render_into(&mut self.text)?;
        let offset = self.end;
        let length = u32::try_from(self.text.len()).map_err(io::Error::other)?;
        self.file.write_all(self.text.as_bytes())?;
        self.end += u64::from(length);
        Ok(Span { offset, length })
    }

    /// Finishes writing; returns the file for reading.
    pub(super) fn finish(self) -> io::Result<ScratchReader> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(match file.into_inner() {
            SpooledData::InMemory(bytes) => ScratchReader::Memory(bytes.into_inner()),
            SpooledData::OnDisk(file) => ScratchReader::Disk(file),
        })
    }
}

/// The finished scratch file.
pub(super) enum ScratchReader {
    /// The texts of most accounts are small and never reach a disk.
    Memory(Vec<u8>),
    Disk(File),
}

impl ScratchReader {
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Disk(file) => file.read_exact_at(bytes, offset),
            Self::Memory(contents) => {
                let start = usize::try_from(offset).map_err(io::Error::other)?;
                let range = contents.get(start..).and_then(|rest| rest.get(..bytes.len()));
                bytes.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

/// The time of records that keep their order.
pub(super) const UNSORTED: (i64, i32, u32) = (0, 0, 0);

/// Returns a record's time in microseconds since 1970, its year and its month.
pub(super) fn sort_key(time: Timestamp) -> (i64, i32, u32) {
    let time = time.to_utc();
    (time.and_utc().timestamp_micros(), time.year(), time.month())
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
        (time, year, month): (i64, i32, u32),
        guid: &str,
    ) -> Result<(), ViewError> {
        let span = scratch.add(record)?;
        self.0.push(Draft { time, span, year, month, hash: hash(guid) });
        Ok(())
    }

    /// Returns whether there are no records.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sorts the records, the oldest first.
    pub(super) fn sort(&mut self) {
        self.0.sort_by_key(|draft| draft.time);
    }

    /// Returns the length and the hashed GUID of each record, in order.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().map(|draft| (draft.span.length as usize, draft.hash))
    }

    /// Reads the records in order, with their marks resolved; `each` gets year and month too.
    pub(super) fn read(
        &self,
        resolver: &Resolver<'_>,
        mut visit: impl FnMut((i32, u32), &str, usize) -> Result<(), ViewError>,
    ) -> Result<(), ViewError> {
        let (mut bytes, mut text) = (Vec::new(), String::new());
        for draft in &self.0 {
            bytes.resize(draft.span.length as usize, 0);
            resolver.scratch.read(draft.span.offset, &mut bytes)?;
            let rendered = std::str::from_utf8(&bytes).map_err(io::Error::other)?;
            text.clear();
            resolver.resolve(&mut text, rendered)?;
            visit((draft.year, draft.month), &text, bytes.len())?;
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

/// Texts in the scratch file, by a hashed name.
pub(super) type Spans = HashMap<u64, Span>;
/// URL-encoded names of the photos in the archive.
pub(super) type PhotoFiles = HashSet<String>;
/// Vote counts by the hashed GUID of the answer.
pub(super) type Votes = HashMap<u64, u64>;
