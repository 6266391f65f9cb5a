//! Random access to the ASCII armor of age files (`age -a`).
//!
//! The age library decodes armor from the beginning for every seek, and reads lines of any length into memory. Format:
//! <https://c2sp.org/age#ascii-armor>. Mail programs put text before and after it, and quote, indent and wrap its
//! lines. White space and quotation marks are therefore skipped everywhere, and one pass over the file notes where
//! every block of data begins. The encryption itself shows whether the data is unchanged.

use std::io::{self, Read, Seek, SeekFrom};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::text::Encoding;

/// The first and the last line, without their spaces.
const BEGIN: &[u8] = b"-----BEGINAGEENCRYPTEDFILE-----";
const END: &[u8] = b"-----ENDAGEENCRYPTEDFILE-----";

/// The number of characters in a block of data, and of the bytes they encode.
const BLOCK_CHARACTERS: u64 = 64 * 1024;
const BLOCK_BYTES: u64 = BLOCK_CHARACTERS / 4 * 3;
/// The number of bytes of the file that are read at a time; even, for UTF-16.
const CHUNK_BYTES: u64 = 32 * 1024;
/// The number of bytes at the beginning that [`is_armored`] needs. Text may precede the first line, also in UTF-16.
pub(super) const HEAD_BYTES: u64 = 16 * 1024;

/// A reader of the bytes encoded in an armored file.
pub struct ArmorReader<F> {
    file: F,
    encoding: Encoding,
    index: Index,
    /// The number of encoded bytes.
    len: u64,
    position: u64,
    /// The bytes decoded last; `block_position` is their position.
    block: Vec<u8>,
    block_position: u64,
}

/// The structure of the data, read in one pass.
#[derive(Default)]
struct Index {
    /// The file offset of the first character of each block.
    blocks: Vec<u64>,
    /// The number of characters of data, without padding.
    characters: u64,
    padding: u64,
    /// The number of characters of the last line that were read so far.
    end_characters: usize,
}

/// Returns whether a file with these first bytes is armored. Text before it is allowed.
pub(super) fn is_armored(head: &[u8]) -> bool {
    let (encoding, mark) = Encoding::detect(head);
    data_begin(encoding, &narrow(encoding, head.get(mark..).unwrap_or_default())).is_some()
}

/// Returns the position after the first line's text, which may be indented or quoted.
fn data_begin(encoding: Encoding, text: &[u8]) -> Option<usize> {
    // Other files may contain an armored one; they are not texts.
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    let mut starts = text.iter().enumerate().filter(|(_, byte)| **byte == b'-').map(|(at, _)| at);
    starts.find_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        let line = before.rsplit(|byte| *byte == b'\n').next()?;
        let begin = line.iter().copied().all(is_skipped).then(|| first_line(rest)).flatten()?;
        (encoding != Encoding::Utf8 || before.iter().all(is_text)).then_some(at + begin)
    })
}

/// Returns the length of the first line's text at the beginning of `text`.
fn first_line(text: &[u8]) -> Option<usize> {
    let mut remaining = BEGIN.iter();
    for (at, byte) in text.iter().enumerate().filter(|(_, byte)| !is_skipped(**byte)) {
        if remaining.next() != Some(byte) {
            return None;
        }
        if remaining.as_slice().is_empty() {
            return Some(at + 1);
        }
    }
    None
}

/// Returns whether a byte is white space or a quotation mark of mail programs. `0xc2 0xa0` is a no-break space in
/// UTF-8; a single `0xa0` is one in Latin-1, and in UTF-16 without its zero byte.
fn is_skipped(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'>' | b'|' | 0xc2 | 0xa0)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Converts either encoding to ASCII; UTF-16 units of more than a byte become zeros, which armor never contains.
fn narrow(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => bytes.to_vec(),
        wide => bytes
            .chunks_exact(2)
            .map(|pair| match (wide, pair) {
                (Encoding::Utf16Le, [low, 0]) | (Encoding::Utf16Be, [0, low]) => *low,
                _ => 0,
            })
            .collect(),
    }
}

/// Advice about a text that was damaged in transit.
pub(super) const ADVICE: &str = "mail programs change texts, so have the file sent again, as an attachment \
     and not in the text of the mail";

fn damaged(problem: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("its armor (the text form of age) is damaged: {problem}; {ADVICE}"),
    )
}

impl Index {
    /// Adds a character at an offset of the file; returns false after the last line.
    fn add(&mut self, at: u64, character: u8) -> io::Result<bool> {
        if is_skipped(character) {
            return Ok(true);
        }
        if self.end_characters > 0 || character == b'-' {
            if END.get(self.end_characters) != Some(&character) {
                return Err(damaged("its last line is missing"));
            }
            self.end_characters += 1;
            return Ok(self.end_characters < END.len());
        }
        match character {
            b'=' => self.padding += 1,
            _ if is_base64(character) && self.padding == 0 => {
                if self.characters.is_multiple_of(BLOCK_CHARACTERS) {
                    self.blocks.push(at);
                }
                self.characters += 1;
            }
            _ => return Err(damaged("it contains characters that are not base64")),
        }
        Ok(true)
    }

    /// Returns the number of encoded bytes.
    fn len(&self) -> io::Result<u64> {
        if self.end_characters < END.len() {
            return Err(damaged("its last line is missing"));
        }
        // Four characters encode three bytes; two of them one, and three of them two.
        match (self.characters % 4, self.padding) {
            (0, 0) => Ok(self.characters / 4 * 3),
            (rest @ (2 | 3), padding) if rest + padding == 4 => Ok(self.characters / 4 * 3 + rest - 1),
            _ => Err(damaged("some of its characters are missing")),
        }
    }
}

/// Passes the characters from an offset of the file to `visit`, with their offsets, until it returns false.
fn visit_characters(
    file: &mut (impl Read + Seek),
    encoding: Encoding,
    mut at: u64,
    mut visit: impl FnMut(u64, u8) -> io::Result<bool>,
) -> io::Result<()> {
    let width = if encoding == Encoding::Utf8 { 1 } else { 2 };
    loop {
        let read = read_at(file, at, CHUNK_BYTES)?;
        let text = narrow(encoding, &read);
        if text.is_empty() {
            return Ok(());
        }
        for character in text {
            if !visit(at, character)? {
                return Ok(());
            }
            at += width;
        }
    }
}

impl<F: Read + Seek> ArmorReader<F> {
    /// Reads the structure of a file.
    ///
    /// # Errors
    /// Errors of the file, or damaged armor.
    pub(super) fn new(mut file: F) -> io::Result<Self> {
        let head = read_at(&mut file, 0, HEAD_BYTES)?;
        let (encoding, mark) = Encoding::detect(&head);
        let text = narrow(encoding, head.get(mark..).unwrap_or_default());
        let begin = data_begin(encoding, &text).ok_or_else(|| damaged("its first line is missing"))?;
        let width = if encoding == Encoding::Utf8 { 1 } else { 2 };
        let mut index = Index::default();
        let start = (mark + begin * width) as u64;
        visit_characters(&mut file, encoding, start, |at, character| index.add(at, character))?;
        let len = index.len()?;
        Ok(Self { file, encoding, index, len, position: 0, block: Vec::new(), block_position: 0 })
    }

    /// Decodes the block that contains `position`.
    fn load(&mut self) -> io::Result<()> {
        let number = self.position / BLOCK_BYTES;
        let changed = || damaged("it was changed while it was read");
        let begin = usize::try_from(number).ok().and_then(|number| self.index.blocks.get(number));
        let begin = *begin.ok_or_else(changed)?;
        let count = BLOCK_CHARACTERS.min(self.index.characters - number * BLOCK_CHARACTERS);
        let mut text = Vec::new();
        visit_characters(&mut self.file, self.encoding, begin, |_, character| {
            if is_base64(character) {
                text.push(character);
            }
            Ok((text.len() as u64) < count)
        })?;
        self.block_position = number * BLOCK_BYTES;
        self.block.clear();
        let block = STANDARD_NO_PAD.decode(&text).map_err(|_| damaged("its end is not base64"))?;
        if block.len() as u64 != BLOCK_BYTES.min(self.len - self.block_position) {
            return Err(changed());
        }
        self.block = block;
        Ok(())
    }
}

fn read_at(file: &mut (impl Read + Seek), at: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    Read::by_ref(file).take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl<F: Read + Seek> Read for ArmorReader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.len || buffer.is_empty() {
            return Ok(0);
        }
        let end = self.block_position + self.block.len() as u64;
        if !(self.block_position..end).contains(&self.position) {
            self.load()?;
        }
        let offset = usize::try_from(self.position - self.block_position).unwrap_or(usize::MAX);
        let count = self.block.get(offset..).unwrap_or_default().read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<F: Read + Seek> Seek for ArmorReader<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
        };
        self.position = position
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a position before the beginning"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests;
