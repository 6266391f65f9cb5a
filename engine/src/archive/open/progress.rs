//! Counts the bytes of a verification.

use std::cell::Cell;
use std::io::{self, Read};

use crate::progress::{Progress, Stage};

/// Reports the bytes that are read as progress.
pub(super) struct ByteCount<'a> {
    /// The bytes of the total that are not reported yet. The total is an estimate for compressed documents, and
    /// reported progress never exceeds it.
    remaining: Cell<u64>,
    progress: &'a dyn Progress,
}

impl<'a> ByteCount<'a> {
    pub(super) fn begin(progress: &'a dyn Progress, total: u64) -> Self {
        progress.begin(Stage::Verifying, total);
        Self { remaining: Cell::new(total), progress }
    }

    pub(super) fn add(&self, bytes: u64) {
        let bytes = bytes.min(self.remaining.get());
        self.remaining.set(self.remaining.get() - bytes);
        self.progress.advance(bytes);
    }
}

/// A reader that counts the bytes read.
pub(super) struct CountingReader<'a, R>(pub(super) R, pub(super) &'a ByteCount<'a>);

impl<R: Read> Read for CountingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.add(count as u64);
        Ok(count)
    }
}
