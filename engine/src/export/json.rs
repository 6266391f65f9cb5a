//! JSON documents that are written while they are read.

use serde::Serialize;

use super::Progress;
use super::pages::Listed;
use super::pieces::{ArchiveCommand, Pieces, TooLarge, Written};
use crate::archive::limits::Limits;
use crate::pod::reader::{ReadError, Sink};

/// Records that go to the writer together: waking its thread takes longer than writing one.
const BATCH: usize = 32;

/// A JSON document under way to the archive. Records are put into JSON by the thread that writes, so that this one
/// has time for the database.
pub(super) struct JsonWriter<'a> {
    buffer: Vec<u8>,
    pieces: Pieces,
    progress: &'a dyn Progress,
}

impl<'a> JsonWriter<'a> {
    pub(super) fn new(pieces: Pieces, progress: &'a dyn Progress) -> Self {
        Self { buffer: Vec::new(), pieces, progress }
    }

    /// Punctuation and names.
    pub(super) fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// A whole value.
    pub(super) fn value(&mut self, value: &impl Serialize) -> Result<(), ReadError> {
        // Only a type that cannot be JSON at all fails here, and then nothing can be written.
        serde_json::to_writer(&mut self.buffer, value).map_err(|_| ReadError::Stopped)
    }

    /// The members of an object, without its braces.
    pub(super) fn members(&mut self, value: &impl Serialize) -> Result<(), ReadError> {
        let start = self.buffer.len();
        self.value(value)?;
        self.buffer.pop();
        self.buffer.remove(start);
        Ok(())
    }

    /// Begins an array; what is put into it goes out as it comes. The array must be ended.
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

/// An array within a document.
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

    /// Ends the array, with what comes behind it.
    pub(super) async fn end(mut self, behind: &str) -> Result<(), ReadError> {
        self.flush().await?;
        self.json.raw("]");
        self.json.raw(behind);
        Ok(())
    }
}

/// Puts a record into JSON, and leaves it out if no reader would take it.
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
