//! What the exporting task hands to the thread that writes the archive.

use std::fs::File;

use tokio::sync::mpsc;

use crate::archive::writer::{ArchiveWriter, Packing, WriteError};
use crate::domain::Timestamp;
use crate::pod::reader::ReadError;

/// A step of writing an archive.
pub(super) enum Piece {
    /// A new entry begins.
    Begin(String, Packing),
    /// More of its bytes.
    Bytes(Vec<u8>),
    /// A whole photo file of about this size.
    Photo(String, File, u64),
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

/// Starts the thread that writes; it ends when every sender is gone, and gives the writer back.
pub(super) fn start_writer(
    file: File,
    created_at: Timestamp,
    large: bool,
) -> (Pieces, tokio::task::JoinHandle<Result<ArchiveWriter<File>, WriteError>>) {
    let (sender, mut receiver) = mpsc::channel(8);
    let thread = tokio::task::spawn_blocking(move || {
        let mut writer = ArchiveWriter::begin(file, created_at);
        while let Some(piece) = receiver.blocking_recv() {
            match piece {
                Piece::Begin(path, packing) => writer.begin_entry(&path, packing, large)?,
                Piece::Bytes(bytes) => writer.write(&bytes)?,
                Piece::Photo(path, mut file, size) => writer.copy_file(&path, &mut file, size)?,
            }
        }
        writer.end_entry()?;
        Ok(writer)
    });
    (Pieces(sender), thread)
}
