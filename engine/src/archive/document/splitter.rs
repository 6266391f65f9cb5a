//! Finds where JSON values begin and end, within limits, in a window over the bytes.
//!
//! This protects `serde_json` from malicious input: it balances brackets and skips strings, nothing more. Whether a
//! value is valid JSON is for `serde_json` to decide.

use std::io::{ErrorKind, Read};

use super::DocumentError;
use crate::archive::limits::Limits;

/// The number of bytes read at a time.
const CHUNK: usize = 256 * 1024;

pub(super) struct Splitter<R> {
    reader: R,
    /// The window. Bytes from `start` on have not been consumed.
    window: Vec<u8>,
    start: usize,
    /// The end of the bytes read into the window.
    end: usize,
    /// The document offset of the window's first byte.
    base: u64,
    finished: bool,
    record_bytes: u64,
    total_bytes: u64,
    depth: u32,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(reader: R, limits: &Limits) -> Self {
        Self {
            reader,
            window: Vec::new(),
            start: 0,
            end: 0,
            base: 0,
            finished: false,
            record_bytes: limits.record_bytes,
            total_bytes: limits.unpacked_bytes,
            depth: limits.json_depth,
        }
    }

    /// Returns the document offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Returns the next byte that is not white space without consuming it; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, DocumentError> {
        self.peek_over(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
    }

    /// Like [`peek`](Self::peek), for the end of the text: zeros and the end marker of DOS count as white space there.
    pub(super) fn peek_behind(&mut self) -> Result<Option<u8>, DocumentError> {
        self.peek_over(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x1a))
    }

    fn peek_over(&mut self, blank: fn(&u8) -> bool) -> Result<Option<u8>, DocumentError> {
        loop {
            let waiting = self.window.get(self.start..self.end).unwrap_or_default();
            match waiting.iter().position(|byte| !blank(byte)) {
                Some(skip) => {
                    self.start += skip;
                    return Ok(self.window.get(self.start).copied());
                }
                None => self.start = self.end,
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Like [`peek`](Self::peek), but the end of the text is an error.
    pub(super) fn peek_some(&mut self) -> Result<u8, DocumentError> {
        self.peek()?.ok_or(DocumentError::Truncated { offset: self.base + self.end as u64 })
    }

    /// Consumes the next byte if it is `wanted`.
    pub(super) fn take_if(&mut self, wanted: u8) -> Result<bool, DocumentError> {
        let found = self.peek_some()? == wanted;
        self.start += usize::from(found);
        Ok(found)
    }

    /// Consumes the next byte, which must be `wanted`.
    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), DocumentError> {
        if self.take_if(wanted)? {
            Ok(())
        } else {
            Err(self.unexpected(&format!("'{}'", char::from(wanted))))
        }
    }

    /// Returns the error for an unexpected next byte.
    pub(super) fn unexpected(&self, expected: &str) -> DocumentError {
        let found = self.window.get(self.start).map_or(String::new(), |byte| byte.escape_ascii().to_string());
        DocumentError::Syntax {
            offset: self.offset(),
            problem: format!("'{found}' stands where {expected} belongs"),
        }
    }

    /// Consumes a whole value at nesting level `depth`; returns its offset and its bytes.
    pub(super) fn value(&mut self, depth: u32) -> Result<(u64, &[u8]), DocumentError> {
        let length = match self.peek_some()? {
            b'"' => self.string()?,
            b'{' | b'[' => self.container(depth)?,
            b',' | b':' | b'}' | b']' => return Err(self.unexpected("a value")),
            _ => self.scalar()?,
        };
        let (offset, start) = (self.offset(), self.start);
        if length as u64 > self.record_bytes {
            return Err(DocumentError::ValueTooLarge { offset, limit: self.record_bytes });
        }
        self.start += length;
        Ok((offset, self.window.get(start..self.start).unwrap_or_default()))
    }

    /// Returns the length of the string at `start`.
    fn string(&mut self) -> Result<usize, DocumentError> {
        self.string_end(1)
    }

    /// Returns the length from `start` to after the closing quotation mark of the string whose content continues at
    /// `at`.
    fn string_end(&mut self, mut at: usize) -> Result<usize, DocumentError> {
        loop {
            let waiting = self.window.get(self.start + at..self.end).unwrap_or_default();
            match find(waiting, |byte| byte == b'"' || byte == b'\\') {
                Some(skip) if waiting.get(skip) == Some(&b'"') => return Ok(at + skip + 1),
                // An escaped character never ends the string.
                Some(skip) if skip + 1 < waiting.len() => at += skip + 2,
                Some(skip) => {
                    at += skip;
                    self.more()?;
                }
                None => {
                    at += waiting.len();
                    self.more()?;
                }
            }
        }
    }

    /// Returns the length of the object or array at `start`, itself at nesting level `depth`.
    fn container(&mut self, depth: u32) -> Result<usize, DocumentError> {
        let (mut at, mut open) = (0, 0_u32);
        loop {
            let waiting = self.window.get(self.start + at..self.end).unwrap_or_default();
            let Some(skip) = waiting.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
            else {
                at += waiting.len();
                self.more()?;
                continue;
            };
            let found = waiting.get(skip).copied();
            at += skip + 1;
            match found {
                Some(b'"') => at = self.string_end(at)?,
                Some(b'{' | b'[') => {
                    open += 1;
                    if depth + open > self.depth {
                        let offset = self.offset() + at as u64 - 1;
                        return Err(DocumentError::TooDeep { offset, limit: self.depth });
                    }
                }
                _ => {
                    open -= 1;
                    if open == 0 {
                        return Ok(at);
                    }
                }
            }
        }
    }

    /// Returns the length of the number or literal at `start`.
    fn scalar(&mut self) -> Result<usize, DocumentError> {
        let mut at = 0;
        loop {
            let waiting = self.window.get(self.start + at..self.end).unwrap_or_default();
            let ends = |byte: &u8| matches!(byte, b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            if let Some(skip) = waiting.iter().position(ends) {
                return Ok(at + skip);
            }
            at += waiting.len();
            self.more()?;
        }
    }

    /// Reads more of a value: errors if the text ends or the value becomes too large.
    fn more(&mut self) -> Result<(), DocumentError> {
        if (self.end - self.start) as u64 > self.record_bytes {
            return Err(DocumentError::ValueTooLarge { offset: self.offset(), limit: self.record_bytes });
        }
        let offset = self.base + self.end as u64;
        if self.fill()? { Ok(()) } else { Err(DocumentError::Truncated { offset }) }
    }

    /// Reads more bytes into the window; returns false at the end of the document.
    fn fill(&mut self) -> Result<bool, DocumentError> {
        if self.finished {
            return Ok(false);
        }
        if self.start > 0 {
            self.window.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        if self.window.len() < self.end + CHUNK {
            // Growing by half moves a large value few times, and keeps memory within twice the limit.
            let wanted = (self.end + CHUNK).max(self.window.len() + self.window.len() / 2);
            self.window.reserve_exact(wanted - self.window.len());
            self.window.resize(wanted, 0);
        }
        let room = self.window.get_mut(self.end..self.end + CHUNK).unwrap_or_default();
        let count = loop {
            match self.reader.read(room) {
                Ok(count) => break count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DocumentError::Io(error)),
            }
        };
        self.end += count;
        self.finished = count == 0;
        if self.base + self.end as u64 > self.total_bytes {
            return Err(DocumentError::TooLarge { limit: self.total_bytes });
        }
        Ok(count > 0)
    }
}

/// Returns the position of the first wanted byte. Whole blocks without one are skipped at once: most of a document is
/// strings, and compilers vectorize this.
fn find(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    const BLOCK: usize = 32;
    let free = bytes
        .chunks_exact(BLOCK)
        .take_while(|block| !block.iter().fold(false, |any, byte| any | wanted(*byte)));
    let skip = free.count() * BLOCK;
    let rest = bytes.get(skip..).unwrap_or_default();
    rest.iter().position(|byte| wanted(*byte)).map(|position| skip + position)
}
