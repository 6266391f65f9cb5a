//! What the exporting task hands to the thread that writes the archive.

use std::collections::BTreeMap;
use std::fs::File;

use tokio::sync::mpsc;

use super::fail_fast_file::{AbortHandle, FailFastFile};
use super::pages::{Entry, Page, ViewSender};
use crate::archive::writer::{ArchiveWriter, Packing, WriteError};
use crate::domain::CountKind;
use crate::domain::{Omission, RecordRef, Timestamp};
use crate::pod::reader::{Problem, ReadError};

/// Puts records into JSON.
type WriteRecords = Box<dyn FnOnce(&mut Written) -> Result<(), serde_json::Error> + Send>;

/// What comes of records on their way into the archive.
#[derive(Default)]
pub(super) struct Written {
    /// JSON.
    pub(super) buffer: Vec<u8>,
    /// What people may want to see.
    pub(super) shown: Vec<Page>,
    /// What has to be left out.
    pub(super) too_large: Vec<TooLarge>,
    /// Whether the present list has a record already.
    pub(super) list_begun: bool,
}

/// A record that is larger than any reader takes.
pub(super) struct TooLarge {
    pub(super) omission: Omission,
    /// As what it was counted.
    counts: Vec<(CountKind, u64)>,
}

impl TooLarge {
    pub(super) fn new(entry: Entry, bytes: usize) -> Self {
        let problem = Problem::too_large(bytes);
        let record = RecordRef { kind: entry.kind, id: None, name: entry.name };
        let omission = Omission { code: problem.code, record, reason: problem.reason };
        Self { omission, counts: entry.counts }
    }

    /// Takes it out of what was counted.
    pub(super) fn discount(&self, counts: &mut BTreeMap<CountKind, u64>) {
        for (kind, number) in &self.counts {
            if let Some(count) = counts.get_mut(kind) {
                *count = count.saturating_sub(*number);
            }
        }
        counts.retain(|_, count| *count > 0);
    }
}

/// A step of writing an archive.
pub(super) enum ArchiveCommand {
    /// A document begins.
    Begin(String),
    /// More of its bytes.
    Bytes(Vec<u8>),
    /// Some records.
    Records(WriteRecords),
    /// Something that is only shown.
    Page(Page),
    /// A whole photo file of about this size.
    Photo(String, File, u64),
    /// A photo of this size begins; its bytes follow.
    BeginPhoto(String, u64),
}

/// The exporting task's end of the channel.
#[derive(Clone)]
pub(super) struct Pieces(mpsc::Sender<ArchiveCommand>);

impl Pieces {
    /// Waits until the writer has room.
    pub(super) async fn send(&self, piece: ArchiveCommand) -> Result<(), ReadError> {
        self.0.send(piece).await.map_err(|_| ReadError::Stopped)
    }
}

/// Gives the writer back, what tells its file that it is not wanted, and what had to be left out.
pub(super) type WriterThread =
    tokio::task::JoinHandle<Result<(ArchiveWriter<FailFastFile>, AbortHandle, Vec<TooLarge>), WriteError>>;

/// Starts the thread that writes; it ends when every sender is gone, and gives the writer back.
///
/// It ends early when nobody makes `pages` any more: then that thread knows why.
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

/// Takes what an archive would be made of, and keeps only the records that it would have to leave out.
pub(super) type DiscardThread = tokio::task::JoinHandle<Result<Vec<TooLarge>, serde_json::Error>>;

/// Starts the thread that takes records without an archive; it ends when every sender is gone.
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

/// How the documents of an archive are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct DocumentOptions {
    /// Deflated, unless that would make them so small that readers refuse them.
    pub(super) packing: Packing,
    /// Room for sizes of 64 bits, which stock pods need not understand.
    pub(super) large: bool,
}

fn write(
    writer: &mut ArchiveWriter<FailFastFile>,
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
        // The last page: by now it is known what was left out here.
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
