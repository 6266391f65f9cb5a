//! Finds where JSON values begin and end, within limits, in a window over the bytes.
//!
//! This protects `serde_json` from malicious input: it only balances brackets and skips strings. `serde_json` then
//! decides whether a value is valid JSON.

use std::io::{ErrorKind, Read};

use super::DocumentError;
use crate::archive::limits::Limits;

/// The number of bytes read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Splits a JSON text into its values.
pub(super) struct Splitter<R> {
    reader: R,
    /// The window. Bytes from `start` on have not been consumed.
    window: Vec<u8>,
    start: usize,
    /// The end of the bytes read into the window.
    end: usize,
    /// The document offset of the window's first byte.
    window_offset: u64,
    is_finished: bool,
    record_bytes: u64,
    total_bytes: u64,
    max_depth: u32,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(reader: R, limits: &Limits) -> Self {
        Self {
            reader,
            window: Vec::new(),
            start: 0,
            end: 0,
            window_offset: 0,
            is_finished: false,
            record_bytes: limits.record_bytes,
            total_bytes: limits.unpacked_bytes,
            max_depth: limits.json_depth,
        }
    }

    /// Returns the document offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.window_offset + self.start as u64
    }

    /// Returns the next byte that is not white space without consuming it; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, DocumentError> {
        self.peek_past(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
    }

    /// Like [`peek`](Self::peek), for the end of the text: zeros and the end marker of DOS count as white space there.
    pub(super) fn peek_after_end(&mut self) -> Result<Option<u8>, DocumentError> {
        self.peek_past(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x1a))
    }

    fn peek_past(&mut self, is_blank: fn(&u8) -> bool) -> Result<Option<u8>, DocumentError> {
        loop {
            let unread = self.window.get(self.start..self.end).unwrap_or_default();
            match unread.iter().position(|byte| !is_blank(byte)) {
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
        self.peek()?.ok_or(DocumentError::Truncated { offset: self.window_offset + self.end as u64 })
    }

    /// Consumes the next byte if it is `expected`.
    pub(super) fn take_if(&mut self, expected: u8) -> Result<bool, DocumentError> {
        let is_expected = self.peek_some()? == expected;
        self.start += usize::from(is_expected);
        Ok(is_expected)
    }

    /// Consumes the next byte, which must be `expected`.
    pub(super) fn expect(&mut self, expected: u8) -> Result<(), DocumentError> {
        if self.take_if(expected)? {
            Ok(())
        } else {
            Err(self.unexpected(&format!("'{}'", char::from(expected))))
        }
    }

    /// Returns the error for an unexpected next byte.
    pub(super) fn unexpected(&self, expected: &str) -> DocumentError {
        let found = self.window.get(self.start).map_or(String::new(), |byte| byte.escape_ascii().to_string());
        DocumentError::Syntax {
            offset: self.offset(),
            problem: format!("'{found}' was found instead of {expected}"),
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
            let unread = self.window.get(self.start + at..self.end).unwrap_or_default();
            match find(unread, |byte| byte == b'"' || byte == b'\\') {
                Some(skip) if unread.get(skip) == Some(&b'"') => return Ok(at + skip + 1),
                // An escaped character never ends the string.
                Some(skip) if skip + 1 < unread.len() => at += skip + 2,
                Some(skip) => {
                    at += skip;
                    self.read_more()?;
                }
                None => {
                    at += unread.len();
                    self.read_more()?;
                }
            }
        }
    }

    /// Returns the length of the object or array at `start`, itself at nesting level `depth`.
    fn container(&mut self, depth: u32) -> Result<usize, DocumentError> {
        let (mut at, mut open) = (0, 0_u32);
        loop {
            let unread = self.window.get(self.start + at..self.end).unwrap_or_default();
            let Some(skip) = unread.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
            else {
                at += unread.len();
                self.read_more()?;
                continue;
            };
            let found = unread.get(skip).copied();
            at += skip + 1;
            match found {
                Some(b'"') => at = self.string_end(at)?,
                Some(b'{' | b'[') => {
                    open += 1;
                    if depth + open > self.max_depth {
                        let offset = self.offset() + at as u64 - 1;
                        return Err(DocumentError::TooDeep { offset, limit: self.max_depth });
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
            let unread = self.window.get(self.start + at..self.end).unwrap_or_default();
            let ends = |byte: &u8| matches!(byte, b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            if let Some(skip) = unread.iter().position(ends) {
                return Ok(at + skip);
            }
            at += unread.len();
            self.read_more()?;
        }
    }

    /// Reads more of a value: errors if the text ends or the value becomes too large.
    fn read_more(&mut self) -> Result<(), DocumentError> {
        if (self.end - self.start) as u64 > self.record_bytes {
            return Err(DocumentError::ValueTooLarge { offset: self.offset(), limit: self.record_bytes });
        }
        let offset = self.window_offset + self.end as u64;
        if self.fill()? { Ok(()) } else { Err(DocumentError::Truncated { offset }) }
    }

    /// Reads more bytes into the window; returns false at the end of the document.
    fn fill(&mut self) -> Result<bool, DocumentError> {
        if self.is_finished {
            return Ok(false);
        }
        if self.start > 0 {
            self.window.copy_within(self.start..self.end, 0);
            self.window_offset += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        if self.window.len() < self.end + CHUNK_BYTES {
            // Growing by half moves a large value only a few times, and keeps memory use below twice the limit.
            let length = (self.end + CHUNK_BYTES).max(self.window.len() + self.window.len() / 2);
            self.window.reserve_exact(length - self.window.len());
            self.window.resize(length, 0);
        }
        let buffer = self.window.get_mut(self.end..self.end + CHUNK_BYTES).unwrap_or_default();
        let count = loop {
            match self.reader.read(buffer) {
                Ok(count) => break count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DocumentError::Io(error)),
            }
        };
        self.end += count;
        self.is_finished = count == 0;
        if self.window_offset + self.end as u64 > self.total_bytes {
            return Err(DocumentError::TooLarge { limit: self.total_bytes });
        }
        Ok(count > 0)
    }
}

/// Returns the position of the first wanted byte. Whole blocks without one are skipped at once: most of a document is
/// strings, and compilers vectorize this.
fn find(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    const BLOCK: usize = 32;
    let blocks = bytes
        .chunks_exact(BLOCK)
        .take_while(|block| !block.iter().fold(false, |any, byte| any | is_wanted(*byte)));
    let skip = blocks.count() * BLOCK;
    let rest = bytes.get(skip..).unwrap_or_default();
    rest.iter().position(|byte| is_wanted(*byte)).map(|position| skip + position)
}
