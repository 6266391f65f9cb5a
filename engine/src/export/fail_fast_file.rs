//! A file wrapper that discards writes after the first error.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file that discards all writes after the first error.
///
/// The ZIP library tries to finish an archive on drop, and prints to standard error when the disk is still full. The
/// first error reaches the caller; later writes are discarded, and [`FailFastFile::check`] returns that error again.
#[derive(Debug)]
pub(super) struct FailFastFile<F> {
    file: F,
    first_error: Option<io::ErrorKind>,
    aborted: Arc<AtomicBool>,
}

/// Makes a file discard all further writes, to be used before its writer is dropped.
pub(super) struct AbortHandle(Arc<AtomicBool>);

impl AbortHandle {
    /// Discards all writes from now on.
    pub(super) fn abort(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<F> FailFastFile<F> {
    /// Wraps a file.
    pub(super) fn new(file: F) -> (Self, AbortHandle) {
        let aborted = Arc::new(AtomicBool::new(false));
        (Self { file, first_error: None, aborted: Arc::clone(&aborted) }, AbortHandle(aborted))
    }

    fn discards_writes(&self) -> bool {
        self.first_error.is_some() || self.aborted.load(Ordering::Relaxed)
    }

    /// Returns the first error, if any.
    pub(super) fn check(&self) -> io::Result<()> {
        self.first_error.map_or(Ok(()), |kind| Err(kind.into()))
    }

    /// Stores an error, unless the write may be repeated.
    fn remember_error<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.first_error = Some(error.kind());
        }
        result
    }
}

impl<F: Write> Write for FailFastFile<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.discards_writes() {
            return Ok(bytes.len());
        }
        let result = self.file.write(bytes);
        self.remember_error(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.discards_writes() {
            return Ok(());
        }
        let result = self.file.flush();
        self.remember_error(result)
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
