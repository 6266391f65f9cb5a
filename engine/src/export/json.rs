//! JSON documents that are written while their records are read.

use serde::Serialize;

use super::pages::PageItem;
use super::pieces::{ArchiveCommand, BatchOutput, CommandSender, OversizedRecord};
use crate::archive::limits::Limits;
use crate::archive::lists::{List, ListRecord};
use crate::domain::OwnPost;
use crate::pod::reader::{PostRecord, ReadError, Sink};
use crate::progress::Progress;

/// Number of records sent to the writer at once: waking its thread takes longer than writing one record.
const BATCH_RECORDS: usize = 32;

/// Sends a JSON document to the archive. The writing thread serializes the records, which leaves this one free for
/// the database.
pub(super) struct JsonWriter<'a> {
    buffer: Vec<u8>,
    /// True when the open object has members.
    has_members: bool,
    commands: CommandSender,
    progress: &'a dyn Progress,
}

impl<'a> JsonWriter<'a> {
    pub(super) fn new(commands: CommandSender, progress: &'a dyn Progress) -> Self {
        Self { buffer: Vec::new(), has_members: false, commands, progress }
    }

    fn push_text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Begins an object.
    pub(super) fn begin(&mut self) {
        self.push_text("{");
        self.has_members = false;
    }

    /// Ends an object.
    pub(super) fn end(&mut self) {
        self.push_text("}");
        self.has_members = true;
    }

    /// Writes the name of a member; its value follows.
    pub(super) fn name(&mut self, name: &str) {
        if std::mem::replace(&mut self.has_members, true) {
            self.push_text(",");
        }
        self.push_text(&format!("\"{name}\":"));
    }

    /// Writes a whole value.
    pub(super) fn value(&mut self, value: &impl Serialize) -> Result<(), ReadError> {
        // This fails only for types that JSON cannot represent, and then nothing can be written.
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

    /// Writes a list with few records, which are all in memory already.
    pub(super) fn small_list(&mut self, list: List, records: &impl Serialize) -> Result<(), ReadError> {
        self.name(list.name());
        self.value(records)
    }

    /// Starts a list, whose records are sent while others are read; [`ArrayWriter::end`] ends it. `page_item` returns
    /// a record's item on the pages, if it has one.
    pub(super) fn list<'w, T>(
        &'w mut self,
        list: List,
        page_item: fn(T) -> Option<PageItem>,
    ) -> ArrayWriter<'w, 'a, T> {
        self.name(list.name());
        self.push_text("[");
        ArrayWriter {
            json: self,
            list,
            page_item,
            is_first: true,
            records: Vec::with_capacity(BATCH_RECORDS),
        }
    }

    async fn flush(&mut self) -> Result<(), ReadError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.commands.send(ArchiveCommand::Bytes(std::mem::take(&mut self.buffer))).await
    }

    /// Ends the document.
    pub(super) async fn finish(mut self) -> Result<(), ReadError> {
        self.push_text("\n");
        self.flush().await
    }
}

/// A record as the reader returns it: the record of a list, or that record with further data for the pages.
pub(super) trait ExportedRecord: Send + 'static {
    /// The record in the list.
    type Record: ListRecord + Serialize;

    /// Returns the record in the list.
    fn record(&self) -> &Self::Record;
}

impl<T: ListRecord + Serialize + Send + 'static> ExportedRecord for T {
    type Record = T;

    fn record(&self) -> &T {
        self
    }
}

impl ExportedRecord for PostRecord {
    type Record = OwnPost;

    fn record(&self) -> &OwnPost {
        &self.post
    }
}

/// A list of a document.
pub(super) struct ArrayWriter<'w, 'a, T> {
    json: &'w mut JsonWriter<'a>,
    list: List,
    page_item: fn(T) -> Option<PageItem>,
    is_first: bool,
    records: Vec<T>,
}

impl<T: ExportedRecord> ArrayWriter<'_, '_, T> {
    async fn flush(&mut self) -> Result<(), ReadError> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.json.flush().await?;
        let is_first = std::mem::take(&mut self.is_first);
        let records = std::mem::replace(&mut self.records, Vec::with_capacity(BATCH_RECORDS));
        let (list, page_item) = (self.list, self.page_item);
        let write = move |out: &mut BatchOutput| {
            out.list_has_records &= !is_first;
            records.into_iter().try_for_each(|record| write_record(out, record, list, page_item))
        };
        self.json.commands.send(ArchiveCommand::Records(Box::new(write))).await
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
        self.json.push_text("]");
        Ok(())
    }
}

/// Serializes a record, or omits it if it is larger than readers accept.
fn write_record<T: ExportedRecord>(
    out: &mut BatchOutput,
    exported: T,
    list: List,
    page_item: fn(T) -> Option<PageItem>,
) -> Result<(), serde_json::Error> {
    let record = exported.record();
    let start = out.buffer.len();
    if out.list_has_records {
        out.buffer.push(b',');
    }
    serde_json::to_writer(&mut out.buffer, record)?;
    let bytes = out.buffer.len() - start;
    if bytes as u64 > Limits::RECORD_BYTES {
        out.buffer.truncate(start);
        let mut counts = Vec::new();
        record.count(list, |kind, count| counts.push((kind, count)));
        out.too_large.push(OversizedRecord::new(record.reference(), counts, bytes));
    } else {
        out.list_has_records = true;
        out.page_items.extend(page_item(exported));
    }
    Ok(())
}

impl<T: ExportedRecord> Sink<T> for ArrayWriter<'_, '_, T> {
    async fn put(&mut self, record: T) -> Result<(), ReadError> {
        self.json.progress.advance(1);
        self.records.push(record);
        if self.records.len() >= BATCH_RECORDS { self.flush().await } else { Ok(()) }
    }
}
