//! JSON documents that are written while their records are read.

use serde::Serialize;

use super::Progress;
use super::pages::Listed;
use super::pieces::{ArchiveCommand, Pieces, TooLarge, Written};
use crate::archive::limits::Limits;
use crate::pod::reader::{ReadError, Sink};

/// Records sent to the writer at once: waking its thread takes longer than writing one.
const BATCH: usize = 32;

/// Sends a JSON document to the archive. The writing thread serializes the records, which leaves this one free for
/// the database.
pub(super) struct JsonWriter<'a> {
    buffer: Vec<u8>,
    pieces: Pieces,
    progress: &'a dyn Progress,
}

impl<'a> JsonWriter<'a> {
    pub(super) fn new(pieces: Pieces, progress: &'a dyn Progress) -> Self {
        Self { buffer: Vec::new(), pieces, progress }
    }

    /// Writes punctuation and names.
    pub(super) fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
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
        Ok(())
    }

    /// Starts an array, which is sent while it is filled; call [`ArrayWriter::end`] to finish it.
    pub(super) fn array<'w, T>(&'w mut self, name: &str) -> ArrayWriter<'w, 'a, T> {
        self.raw(&format!("\"{name}\":["));
        ArrayWriter { json: self, name: name.to_owned(), first: true, records: Vec::with_capacity(BATCH) }
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

/// An array of a document.
pub(super) struct ArrayWriter<'w, 'a, T> {
    json: &'w mut JsonWriter<'a>,
    name: String,
    first: bool,
    records: Vec<T>,
}

impl<T: Serialize + Listed + Send + 'static> ArrayWriter<'_, '_, T> {
    async fn flush(&mut self) -> Result<(), ReadError> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.json.flush().await?;
        let first = std::mem::take(&mut self.first);
        let records = std::mem::replace(&mut self.records, Vec::with_capacity(BATCH));
        let list = self.name.clone();
        let write = move |out: &mut Written| {
            out.list_begun &= !first;
            records.into_iter().try_for_each(|record| write_record(out, record, &list))
        };
        self.json.pieces.send(ArchiveCommand::Records(Box::new(write))).await
    }

    /// Ends the array and writes `behind` after it.
    pub(super) async fn end(mut self, behind: &str) -> Result<(), ReadError> {
        self.flush().await?;
        self.json.raw("]");
        self.json.raw(behind);
        Ok(())
    }
}

/// Serializes a record, or leaves it out if it is too large for readers.
fn write_record<T: Serialize + Listed>(
    out: &mut Written,
    record: T,
    list: &str,
) -> Result<(), serde_json::Error> {
    let start = out.buffer.len();
    if out.list_begun {
        out.buffer.push(b',');
    }
    serde_json::to_writer(&mut out.buffer, &record)?;
    let bytes = out.buffer.len() - start;
    if bytes as u64 > Limits::RECORD_BYTES {
        out.buffer.truncate(start);
        out.too_large.push(TooLarge::new(record.entry(list), bytes));
    } else {
        out.list_begun = true;
        out.shown.extend(record.shown());
    }
    Ok(())
}

impl<T: Serialize + Listed + Send + 'static> Sink<T> for ArrayWriter<'_, '_, T> {
    async fn put(&mut self, record: T) -> Result<(), ReadError> {
        self.json.progress.advance(1);
        self.records.push(record);
        if self.records.len() >= BATCH { self.flush().await } else { Ok(()) }
    }
}
