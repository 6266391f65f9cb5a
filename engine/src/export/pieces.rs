//! Messages from the exporting task to the thread that writes the archive.

use std::collections::BTreeMap;
use std::fs::File;

use tokio::sync::mpsc;

use super::fail_fast_file::{AbortHandle, FailFastFile};
use super::pages::{Page, ViewSender};
use crate::archive::writer::{ArchiveWriter, Packing, WriteError};
use crate::domain::{CountKind, Omission, RecordRef, Timestamp};
use crate::pod::reader::{Problem, ReadError};

/// Serializes records as JSON.
type WriteRecords = Box<dyn FnOnce(&mut Written) -> Result<(), serde_json::Error> + Send>;

/// Output of a batch of records.
#[derive(Default)]
pub(super) struct Written {
    /// Serialized JSON.
    pub(super) buffer: Vec<u8>,
    /// Items for the pages.
    pub(super) shown: Vec<Page>,
    /// Records left out.
    pub(super) too_large: Vec<TooLarge>,
    /// True when the current list already has a record.
    pub(super) list_begun: bool,
}

/// A record too large for readers.
pub(super) struct TooLarge {
    pub(super) omission: Omission,
    /// Counts that the record was included in.
    counts: Vec<(CountKind, u64)>,
}

impl TooLarge {
    pub(super) fn new(record: RecordRef, counts: Vec<(CountKind, u64)>, bytes: usize) -> Self {
        let problem = Problem::too_large(bytes);
        let omission = Omission { code: problem.code, record, reason: problem.reason };
        Self { omission, counts }
    }

    /// Subtracts the record from `counts`.
    pub(super) fn discount(&self, counts: &mut BTreeMap<CountKind, u64>) {
        for (kind, number) in &self.counts {
            if let Some(count) = counts.get_mut(kind) {
                *count = count.saturating_sub(*number);
            }
        }
        counts.retain(|_, count| *count > 0);
    }
}

/// A command to the archive writer.
pub(super) enum ArchiveCommand {
    /// Starts a document.
    Begin(String),
    /// Appends bytes to the current document or photo.
    Bytes(Vec<u8>),
    /// Appends records.
    Records(WriteRecords),
    /// Shows an item that is not a record of the document.
    Page(Page),
    /// Adds a whole photo file of about this size in bytes.
    Photo(String, File, u64),
    /// Starts a photo of this size in bytes; its bytes follow.
    BeginPhoto(String, u64),
}

/// The exporting task's end of the channel.
#[derive(Clone)]
pub(super) struct Pieces(mpsc::Sender<ArchiveCommand>);

impl Pieces {
    /// Sends a command, waiting until the channel has space.
    pub(super) async fn send(&self, piece: ArchiveCommand) -> Result<(), ReadError> {
        self.0.send(piece).await.map_err(|_| ReadError::Stopped)
    }
}

/// Returns the writer, the handle that aborts its file, and the records left out.
pub(super) type WriterThread = tokio::task::JoinHandle<
    Result<(ArchiveWriter<FailFastFile<File>>, AbortHandle, Vec<TooLarge>), WriteError>,
>;

/// Starts the thread that writes the archive; it ends when every sender is dropped, and returns the writer.
///
/// It ends early when the thread of the `pages` has ended, which then returns the error.
pub(super) fn start_writer(
    file: File,
    created_at: Timestamp,
    options: DocumentOptions,
    mut pages: ViewSender,
) -> (Pieces, WriterThread) {
    let (sender, mut receiver) = mpsc::channel(4);
    let thread = tokio::task::spawn_blocking(move || {
        let (file, abandon) = FailFastFile::new(file);
        let mut writer = ArchiveWriter::begin(file, created_at);
        let mut written = Written::default();
        while let Some(piece) = receiver.blocking_recv() {
            write(&mut writer, piece, options, &mut written).inspect_err(|_| abandon.now())?;
            if !written.shown.is_empty() && !pages.send(written.shown.drain(..)) {
                break;
            }
        }
        writer.end_entry().inspect_err(|_| abandon.now())?;
        Ok((writer, abandon, written.too_large))
    });
    (Pieces(sender), thread)
}

/// Discards an archive's contents; returns only the records too large for readers.
pub(super) type DiscardThread = tokio::task::JoinHandle<Result<Vec<TooLarge>, serde_json::Error>>;

/// Starts the thread that discards records; it ends when every sender is dropped.
pub(super) fn start_discarding() -> (Pieces, DiscardThread) {
    let (sender, mut receiver) = mpsc::channel(4);
    let thread = tokio::task::spawn_blocking(move || {
        let mut written = Written::default();
        while let Some(piece) = receiver.blocking_recv() {
            if let ArchiveCommand::Records(records) = piece {
                written.buffer.clear();
                written.shown.clear();
                records(&mut written)?;
            }
        }
        Ok(written.too_large)
    });
    (Pieces(sender), thread)
}

/// Options for writing an archive's documents.
#[derive(Debug, Clone, Copy)]
pub(super) struct DocumentOptions {
    /// Compression; stored when deflating would make documents so small that readers reject them.
    pub(super) packing: Packing,
    /// Uses 64-bit sizes, which stock pods need not support.
    pub(super) large: bool,
}

fn write(
    writer: &mut ArchiveWriter<FailFastFile<File>>,
    piece: ArchiveCommand,
    options: DocumentOptions,
    written: &mut Written,
) -> Result<(), WriteError> {
    match piece {
        ArchiveCommand::Begin(path) => writer.begin_entry(&path, options.packing, options.large),
        ArchiveCommand::Bytes(bytes) => writer.write(&bytes),
        ArchiveCommand::Records(records) => {
            written.buffer.clear();
            records(written)?;
            writer.write(&written.buffer)
        }
        // The last item: only now are all records known that were left out.
        ArchiveCommand::Page(Page::Counts(mut counts)) => {
            for record in &written.too_large {
                record.discount(&mut counts);
                written.shown.push(Page::Omission(Box::new(record.omission.clone())));
            }
            written.shown.push(Page::Counts(counts));
            Ok(())
        }
        ArchiveCommand::Page(page) => {
            written.shown.push(page);
            Ok(())
        }
        ArchiveCommand::BeginPhoto(path, size) => writer.begin_photo(&path, size),
        ArchiveCommand::Photo(path, mut file, size) => writer.copy_file(&path, &mut file, size),
    }
}
