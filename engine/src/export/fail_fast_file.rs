//! A file wrapper that discards writes after the first error.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file that discards all writes after the first error.
///
/// The ZIP library tries to finish an archive on drop, and prints to standard error when the disk is still full. The
/// first error reaches the caller; this discards all writes after it, and [`FailFastFile::check`] returns it again at
/// the end.
#[derive(Debug)]
pub(super) struct FailFastFile<F> {
    file: F,
    failed: Option<io::ErrorKind>,
    abandoned: Arc<AtomicBool>,
}

/// Makes a file discard all further writes, to be used before its writer is dropped.
pub(super) struct AbortHandle(Arc<AtomicBool>);

impl AbortHandle {
    pub(super) fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<F> FailFastFile<F> {
    pub(super) fn new(file: F) -> (Self, AbortHandle) {
        let abandoned = Arc::new(AtomicBool::new(false));
        (Self { file, failed: None, abandoned: Arc::clone(&abandoned) }, AbortHandle(abandoned))
    }

    fn discards_writes(&self) -> bool {
        self.failed.is_some() || self.abandoned.load(Ordering::Relaxed)
    }

    /// Returns the first error, if any.
    pub(super) fn check(&self) -> io::Result<()> {
        self.failed.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn note<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failed = Some(error.kind());
        }
        done
    }
}

impl<F: Write> Write for FailFastFile<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.discards_writes() {
            return Ok(bytes.len());
        }
        let done = self.file.write(bytes);
        self.note(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.discards_writes() {
            return Ok(());
        }
        let done = self.file.flush();
        self.note(done)
    }
}

impl<F: Read> Read for FailFastFile<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl<F: Seek> Seek for FailFastFile<F> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}
