//! What the exporting task hands to the thread that writes the archive.

use std::fs::File;

use tokio::sync::mpsc;

use super::pages::{Page, Pages};
use super::steady::{Abandon, Steady};
use crate::archive::writer::{ArchiveWriter, Packing, WriteError};
use crate::domain::Timestamp;
use crate::pod::reader::ReadError;

/// Puts records into JSON, and what people may want to see of them into the list.
type WriteRecords = Box<dyn FnOnce(&mut Vec<u8>, &mut Vec<Page>) -> Result<(), serde_json::Error> + Send>;

/// A step of writing an archive.
pub(super) enum Piece {
    /// A new entry begins.
    Begin(String, Packing),
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
pub(super) struct Pieces(mpsc::Sender<Piece>);

impl Pieces {
    /// Waits until the writer has room.
    pub(super) async fn send(&self, piece: Piece) -> Result<(), ReadError> {
        self.0.send(piece).await.map_err(|_| ReadError::Stopped)
    }
}

/// Gives the writer back, and what tells its file that it is not wanted.
pub(super) type WriterThread = tokio::task::JoinHandle<Result<(ArchiveWriter<Steady>, Abandon), WriteError>>;

/// Starts the thread that writes; it ends when every sender is gone, and gives the writer back.
///
/// It ends early when nobody makes `pages` any more: then that thread knows why.
pub(super) fn start_writer(
    file: File,
    created_at: Timestamp,
    large: bool,
    mut pages: Pages,
) -> (Pieces, WriterThread) {
    let (sender, mut receiver) = mpsc::channel(4);
    let thread = tokio::task::spawn_blocking(move || {
        let (file, abandon) = Steady::new(file);
        let mut writer = ArchiveWriter::begin(file, created_at);
        let (mut buffer, mut shown) = (Vec::new(), Vec::new());
        let mut write = |piece, shown: &mut Vec<Page>| match piece {
            Piece::Begin(path, packing) => writer.begin_entry(&path, packing, large),
            Piece::Bytes(bytes) => writer.write(&bytes),
            Piece::Records(records) => {
                buffer.clear();
                records(&mut buffer, shown)?;
                writer.write(&buffer)
            }
            Piece::Page(page) => {
                shown.push(page);
                Ok(())
            }
            Piece::BeginPhoto(path, size) => writer.begin_photo(&path, size),
            Piece::Photo(path, mut file, size) => writer.copy_file(&path, &mut file, size),
        };
        while let Some(piece) = receiver.blocking_recv() {
            write(piece, &mut shown).inspect_err(|_| abandon.now())?;
            if !shown.is_empty() && !pages.send(shown.drain(..)) {
                break;
            }
        }
        writer.end_entry().inspect_err(|_| abandon.now())?;
        Ok((writer, abandon))
    });
    (Pieces(sender), thread)
}
