//! A file that fails once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file to which nothing is written any more once writing has failed.
///
/// The ZIP library tries to finish an archive that is thrown away, and complains on standard error when the disk
/// is still full. After the first failure, which everybody up to the caller hears of, this swallows what
/// follows; [`FailFastFile::check`] tells at the end.
#[derive(Debug)]
pub(super) struct FailFastFile {
    file: File,
    failed: Option<io::ErrorKind>,
    abandoned: Arc<AtomicBool>,
}

/// Says that a file is not wanted any more, before what writes it is thrown away.
pub(super) struct AbortHandle(Arc<AtomicBool>);

impl AbortHandle {
    pub(super) fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl FailFastFile {
    pub(super) fn new(file: File) -> (Self, AbortHandle) {
        let abandoned = Arc::new(AtomicBool::new(false));
        (Self { file, failed: None, abandoned: Arc::clone(&abandoned) }, AbortHandle(abandoned))
    }

    fn swallows(&self) -> bool {
        self.failed.is_some() || self.abandoned.load(Ordering::Relaxed)
    }

    /// Whether everything was written.
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

impl Write for FailFastFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.swallows() {
            return Ok(bytes.len());
        }
        let done = self.file.write(bytes);
        self.note(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.swallows() {
            return Ok(());
        }
        let done = self.file.flush();
        self.note(done)
    }
}

impl Read for FailFastFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for FailFastFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}
