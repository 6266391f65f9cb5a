//! Progress of a verification.

use std::cell::Cell;
use std::io::{self, Read};

/// Sums the bytes read and reports them.
pub(super) struct Progress<'a> {
    done: Cell<u64>,
    /// An estimate for compressed documents; reported progress never exceeds it.
    total: u64,
    listener: &'a dyn Fn(u64),
}

impl<'a> Progress<'a> {
    pub(super) fn new(listener: &'a dyn Fn(u64), total: u64) -> Self {
        Self { done: Cell::new(0), total, listener }
    }

    pub(super) fn advance(&self, bytes: u64) {
        let done = self.done.get() + bytes;
        self.done.set(done);
        (self.listener)(done.min(self.total));
    }
}

/// A reader that reports the bytes read to the progress.
pub(super) struct Counted<'a, R>(pub(super) R, pub(super) &'a Progress<'a>);

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.advance(count as u64);
        Ok(count)
    }
}
