//! JSON documents that are written while they are read.

use serde::Serialize;

use super::Progress;
use super::pages::{Page, Pages, Shown};
use super::pieces::{Piece, Pieces};
use crate::pod::reader::{ReadError, Sink};

/// Bytes that are gathered before they go to the writer.
const BATCH: usize = 64 * 1024;

/// A JSON document under way to the archive.
pub(super) struct JsonWriter<'a> {
    buffer: Vec<u8>,
    pieces: Pieces,
    pages: Option<&'a mut Pages>,
    progress: &'a dyn Progress,
}

impl<'a> JsonWriter<'a> {
    /// `pages` is who shows the records to people.
    pub(super) fn new(pieces: Pieces, pages: Option<&'a mut Pages>, progress: &'a dyn Progress) -> Self {
        Self { buffer: Vec::with_capacity(BATCH * 2), pieces, pages, progress }
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
    pub(super) fn array<'w>(&'w mut self, name: &str) -> ArrayWriter<'w, 'a> {
        self.raw(&format!("\"{name}\":["));
        ArrayWriter { json: self, first: true }
    }

    async fn flush(&mut self) -> Result<(), ReadError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(BATCH * 2));
        self.pieces.send(Piece::Bytes(full)).await
    }

    /// Ends the document.
    pub(super) async fn finish(mut self) -> Result<(), ReadError> {
        self.raw("\n");
        self.flush().await
    }
}

/// An array within a document.
pub(super) struct ArrayWriter<'w, 'a> {
    json: &'w mut JsonWriter<'a>,
    first: bool,
}

impl ArrayWriter<'_, '_> {
    /// Ends the array, with what comes behind it.
    pub(super) fn end(self, behind: &str) {
        self.json.raw("]");
        self.json.raw(behind);
    }
}

impl<T: Serialize + Shown + Send> Sink<T> for ArrayWriter<'_, '_> {
    async fn put(&mut self, record: T) -> Result<(), ReadError> {
        if !std::mem::take(&mut self.first) {
            self.json.buffer.push(b',');
        }
        self.json.value(&record)?;
        self.json.progress.advance(1);
        let page: Option<Page> = record.shown();
        if let (Some(pages), Some(page)) = (self.json.pages.as_deref_mut(), page) {
            pages.send(page).await?;
        }
        if self.json.buffer.len() >= BATCH { self.json.flush().await } else { Ok(()) }
    }
}
