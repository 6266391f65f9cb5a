//! Messages from the exporting task to the thread that writes the archive.

use std::collections::BTreeMap;
use std::fs::File;

use tokio::sync::mpsc;

use super::fail_fast_file::{AbortHandle, FailFastFile};
use super::pages::{PageItem, ViewSender};
use crate::archive::writer::{ArchiveWriter, Packing, WriteError};
use crate::domain::{CountKind, Omission, RecordRef, Timestamp};
use crate::pod::reader::{Problem, ReadError};

/// Serializes records as JSON.
type WriteRecords = Box<dyn FnOnce(&mut BatchOutput) -> Result<(), serde_json::Error> + Send>;

/// Output of a batch of records.
#[derive(Default)]
pub(super) struct BatchOutput {
    /// Serialized JSON.
    pub(super) buffer: Vec<u8>,
    /// Items for the pages.
    pub(super) page_items: Vec<PageItem>,
    /// Records omitted because they are too large.
    pub(super) too_large: Vec<OversizedRecord>,
    /// True when the current list already has a record.
    pub(super) list_has_records: bool,
}

/// A record larger than readers accept.
pub(super) struct OversizedRecord {
    pub(super) omission: Omission,
    /// Counts that the record was included in.
    counts: Vec<(CountKind, u64)>,
}

impl OversizedRecord {
    pub(super) fn new(record: RecordRef, counts: Vec<(CountKind, u64)>, bytes: usize) -> Self {
        let problem = Problem::too_large(bytes);
        let omission = Omission { code: problem.code, record, reason: problem.reason };
        Self { omission, counts }
    }

    /// Subtracts the record from `counts`.
    pub(super) fn subtract_from(&self, counts: &mut BTreeMap<CountKind, u64>) {
        for (kind, counted) in &self.counts {
            if let Some(count) = counts.get_mut(kind) {
                *count = count.saturating_sub(*counted);
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
    Show(PageItem),
    /// Adds a whole photo file of about this size in bytes.
    Photo(String, File, u64),
    /// Starts a photo of this size in bytes; its bytes follow.
    BeginPhoto(String, u64),
}

/// The exporting task's end of the channel.
#[derive(Clone)]
pub(super) struct CommandSender(mpsc::Sender<ArchiveCommand>);

impl CommandSender {
    /// Sends a command, waiting until the channel has space.
    pub(super) async fn send(&self, command: ArchiveCommand) -> Result<(), ReadError> {
        self.0.send(command).await.map_err(|_| ReadError::Stopped)
    }
}

/// Returns the writer, the handle that aborts its file, and the records that were too large.
pub(super) type WriterThread = tokio::task::JoinHandle<
    Result<(ArchiveWriter<FailFastFile<File>>, AbortHandle, Vec<OversizedRecord>), WriteError>,
>;

/// Starts the thread that writes the archive; it ends when every sender is dropped, and returns the writer.
///
/// It ends early when the thread that creates the pages has ended; that thread returns the error.
pub(super) fn start_writer(
    file: File,
    created_at: Timestamp,
    options: DocumentOptions,
    mut pages: ViewSender,
) -> (CommandSender, WriterThread) {
    let (sender, mut receiver) = mpsc::channel(4);
    let thread = tokio::task::spawn_blocking(move || {
        let (file, abort_handle) = FailFastFile::new(file);
        let mut writer = ArchiveWriter::begin(file, created_at);
        let mut output = BatchOutput::default();
        while let Some(command) = receiver.blocking_recv() {
            write(&mut writer, command, options, &mut output).inspect_err(|_| abort_handle.abort())?;
            if !output.page_items.is_empty() && !pages.send(output.page_items.drain(..)) {
                break;
            }
        }
        writer.end_entry().inspect_err(|_| abort_handle.abort())?;
        Ok((writer, abort_handle, output.too_large))
    });
    (CommandSender(sender), thread)
}

/// Discards an archive's contents; returns only the records that were too large.
pub(super) type DiscardThread = tokio::task::JoinHandle<Result<Vec<OversizedRecord>, serde_json::Error>>;

/// Starts the thread that discards records; it ends when every sender is dropped.
pub(super) fn start_discarding() -> (CommandSender, DiscardThread) {
    let (sender, mut receiver) = mpsc::channel(4);
    let thread = tokio::task::spawn_blocking(move || {
        let mut output = BatchOutput::default();
        while let Some(command) = receiver.blocking_recv() {
            if let ArchiveCommand::Records(records) = command {
                output.buffer.clear();
                output.page_items.clear();
                records(&mut output)?;
            }
        }
        Ok(output.too_large)
    });
    (CommandSender(sender), thread)
}

/// Options for writing an archive's documents.
#[derive(Debug, Clone, Copy)]
pub(super) struct DocumentOptions {
    /// Compression. Documents are stored when deflating would make them so small that readers reject them.
    pub(super) packing: Packing,
    /// True for 64-bit sizes, which stock pods may not support.
    pub(super) large: bool,
}

fn write(
    writer: &mut ArchiveWriter<FailFastFile<File>>,
    command: ArchiveCommand,
    options: DocumentOptions,
    output: &mut BatchOutput,
) -> Result<(), WriteError> {
    match command {
        ArchiveCommand::Begin(path) => writer.begin_entry(&path, options.packing, options.large),
        ArchiveCommand::Bytes(bytes) => writer.write(&bytes),
        ArchiveCommand::Records(records) => {
            output.buffer.clear();
            records(output)?;
            writer.write(&output.buffer)
        }
        // The counts come last, when all oversized records are known.
        ArchiveCommand::Show(PageItem::Counts(mut counts)) => {
            for record in &output.too_large {
                record.subtract_from(&mut counts);
                output.page_items.push(PageItem::Omission(Box::new(record.omission.clone())));
            }
            output.page_items.push(PageItem::Counts(counts));
            Ok(())
        }
        ArchiveCommand::Show(item) => {
            output.page_items.push(item);
            Ok(())
        }
        ArchiveCommand::BeginPhoto(path, size) => writer.begin_photo(&path, size),
        ArchiveCommand::Photo(path, mut file, size) => writer.copy_file(&path, &mut file, size),
    }
}
