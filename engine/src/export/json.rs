//! JSON documents that are written while their records are read.

use serde::Serialize;

use super::pages::Page;
use super::pieces::{ArchiveCommand, Pieces, TooLarge, Written};
use crate::archive::limits::Limits;
use crate::archive::lists::{List, ListRecord};
use crate::domain::OwnPost;
use crate::pod::reader::{PostRecord, ReadError, Sink};
use crate::progress::Progress;

/// Records sent to the writer at once: waking its thread takes longer than writing one.
const BATCH: usize = 32;

/// Sends a JSON document to the archive. The writing thread serializes the records, which leaves this one free for
/// the database.
pub(super) struct JsonWriter<'a> {
    buffer: Vec<u8>,
    /// True when the open object has members.
    has_members: bool,
    pieces: Pieces,
    progress: &'a dyn Progress,
}

impl<'a> JsonWriter<'a> {
    pub(super) fn new(pieces: Pieces, progress: &'a dyn Progress) -> Self {
        Self { buffer: Vec::new(), has_members: false, pieces, progress }
    }

    fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Begins an object.
    pub(super) fn begin(&mut self) {
        self.raw("{");
        self.has_members = false;
    }

    /// Ends an object.
    pub(super) fn end(&mut self) {
        self.raw("}");
        self.has_members = true;
    }

    /// Writes the name of a member; its value follows.
    pub(super) fn name(&mut self, name: &str) {
        if std::mem::replace(&mut self.has_members, true) {
            self.raw(",");
        }
        self.raw(&format!("\"{name}\":"));
    }

    /// Writes a whole value.
    pub(super) fn value(&mut self, value: &impl Serialize) -> Result<(), ReadError> {
        // This fails only for types that cannot be JSON, and then nothing can be written.
        serde_json::to_writer(&mut self.buffer, value).map_err(|_| ReadError::Stopped)
    }

    /// Writes an object's members without its braces.
    pub(super) fn members(&mut self, value: &impl Serialize) -> Result<(), ReadError> {
        let start = self.buffer.len();
        self.value(value)?;
        self.buffer.pop();
        self.buffer.remove(start);
        self.has_members = true;
        Ok(())
    }

    /// Writes a list whose records are all at hand, and few.
    pub(super) fn whole(&mut self, list: List, records: &impl Serialize) -> Result<(), ReadError> {
        self.name(list.name());
        self.value(records)
    }

    /// Starts a list, which is sent while it is filled; call [`ArrayWriter::end`] to finish it. `page` returns a
    /// record's item on the pages; most records have none of their own.
    pub(super) fn list<'w, T>(
        &'w mut self,
        list: List,
        page: fn(T) -> Option<Page>,
    ) -> ArrayWriter<'w, 'a, T> {
        self.name(list.name());
        self.raw("[");
        ArrayWriter { json: self, list, page, first: true, records: Vec::with_capacity(BATCH) }
    }

    async fn flush(&mut self) -> Result<(), ReadError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.pieces.send(ArchiveCommand::Bytes(std::mem::take(&mut self.buffer))).await
    }

    /// Ends the document.
    pub(super) async fn finish(mut self) -> Result<(), ReadError> {
        self.raw("\n");
        self.flush().await
    }
}

/// A record that is exported: one of a list, or one of a list with more for the pages.
pub(super) trait Exported: Send + 'static {
    /// Its part in the list.
    type Record: ListRecord + Serialize;

    /// Returns its part in the list.
    fn record(&self) -> &Self::Record;
}

impl<T: ListRecord + Serialize + Send + 'static> Exported for T {
    type Record = T;

    fn record(&self) -> &T {
        self
    }
}

impl Exported for PostRecord {
    type Record = OwnPost;

    fn record(&self) -> &OwnPost {
        &self.post
    }
}

/// A list of a document.
pub(super) struct ArrayWriter<'w, 'a, T> {
    json: &'w mut JsonWriter<'a>,
    list: List,
    page: fn(T) -> Option<Page>,
    first: bool,
    records: Vec<T>,
}

impl<T: Exported> ArrayWriter<'_, '_, T> {
    async fn flush(&mut self) -> Result<(), ReadError> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.json.flush().await?;
        let first = std::mem::take(&mut self.first);
        let records = std::mem::replace(&mut self.records, Vec::with_capacity(BATCH));
        let (list, page) = (self.list, self.page);
        let write = move |out: &mut Written| {
            out.list_begun &= !first;
            records.into_iter().try_for_each(|record| write_record(out, record, list, page))
        };
        self.json.pieces.send(ArchiveCommand::Records(Box::new(write))).await
    }

    /// Adds all of these records and ends the list.
    pub(super) async fn write_all(mut self, records: Vec<T>) -> Result<(), ReadError> {
        for record in records {
            self.put(record).await?;
        }
        self.end().await
    }

    /// Ends the list.
    pub(super) async fn end(mut self) -> Result<(), ReadError> {
        self.flush().await?;
        self.json.raw("]");
        Ok(())
    }
}

/// Serializes a record, or leaves it out if it is too large for readers.
fn write_record<T: Exported>(
    out: &mut Written,
    exported: T,
    list: List,
    page: fn(T) -> Option<Page>,
) -> Result<(), serde_json::Error> {
    let record = exported.record();
    let start = out.buffer.len();
    if out.list_begun {
        out.buffer.push(b',');
    }
    serde_json::to_writer(&mut out.buffer, record)?;
    let bytes = out.buffer.len() - start;
    if bytes as u64 > Limits::RECORD_BYTES {
        out.buffer.truncate(start);
        let mut counts = Vec::new();
        record.count(list, |kind, number| counts.push((kind, number)));
        out.too_large.push(TooLarge::new(record.reference(), counts, bytes));
    } else {
        out.list_begun = true;
        out.shown.extend(page(exported));
    }
    Ok(())
}

impl<T: Exported> Sink<T> for ArrayWriter<'_, '_, T> {
    async fn put(&mut self, record: T) -> Result<(), ReadError> {
        self.json.progress.advance(1);
        self.records.push(record);
        if self.records.len() >= BATCH { self.flush().await } else { Ok(()) }
    }
}
