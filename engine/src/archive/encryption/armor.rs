//! Random access to the ASCII armor of age files (`age -a`).
//!
//! The age library decodes armor from the beginning for every seek, and reads lines of any length into memory.
//! Canonical armor has lines of 64 characters, so the position of any byte can be computed. Format:
//! <https://c2sp.org/age#ascii-armor>. Mail programs put text before and after it, and indent or quote its lines.

use std::io::{self, Read, Seek, SeekFrom};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::text::Encoding;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";

/// Characters of a line, and the bytes they encode.
const COLUMNS: u64 = 64;
const LINE_BYTES: u64 = 48;
/// The number of lines decoded at a time.
const LINES: u64 = 1024;
/// The bytes of the file that must contain the first line, or the last two: with surrounding text, in UTF-16.
const MARGIN: u64 = 16 * 1024;

/// A reader of the bytes encoded in an armored file.
pub struct ArmorReader<F> {
    file: F,
    encoding: Encoding,
    /// The file offset of the first line of data, in bytes.
    start: u64,
    /// The characters of a line, including its end and `indent`.
    pitch: u64,
    /// The characters before the data in each line: quotation marks and white space.
    indent: u64,
    /// The number of encoded bytes.
    len: u64,
    position: u64,
    /// The bytes decoded last; `block_at` is their position.
    block: Vec<u8>,
    block_at: u64,
}

/// Returns whether a file with these first bytes is armored. Text before it is allowed.
pub(super) fn is_armored(head: &[u8]) -> bool {
    let (encoding, mark) = Encoding::detect(head);
    begin_of(encoding, &narrow(encoding, head.get(mark..).unwrap_or_default())).is_some()
}

/// Returns the position of the first line's text, which may be indented or quoted.
fn begin_of(encoding: Encoding, text: &[u8]) -> Option<usize> {
    let at = text.windows(BEGIN.len()).position(|window| window == BEGIN.as_bytes())?;
    let before = text.get(..at)?;
    let line = before.rsplit(|byte| *byte == b'\n').next()?;
    // Other files may contain an armored one; they are not texts.
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    let is_text = encoding != Encoding::Utf8 || before.iter().all(is_text);
    (is_text && line.iter().copied().all(is_indent)).then_some(at)
}

fn is_indent(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'>')
}

/// The number of first bytes that [`is_armored`] needs.
pub(super) const HEAD: u64 = MARGIN;

/// Converts either encoding to ASCII; UTF-16 units that are not ASCII become zeros, which armor never contains.
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

fn damaged(problem: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("its armor (the text form of age) is damaged: {problem}"),
    )
}

impl<F: Read + Seek> ArmorReader<F> {
    /// Detects the line ending and the number of lines of a file.
    ///
    /// # Errors
    /// Errors of the file, or damaged armor.
    pub(super) fn new(mut file: F) -> io::Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        let head = read_at(&mut file, 0, MARGIN.min(size))?;
        let (encoding, mark) = Encoding::detect(&head);
        let width = if encoding == Encoding::Utf8 { 1 } else { 2 };
        let text = narrow(encoding, head.get(mark..).unwrap_or_default());
        let begin = begin_of(encoding, &text).ok_or_else(|| damaged("its first line is missing"))?;
        let behind = text.get(begin + BEGIN.len()..).unwrap_or_default();
        let line_end = match behind {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return Err(damaged("its first line does not end")),
        };
        let indent = behind.iter().skip(line_end).take_while(|byte| is_indent(**byte)).count() as u64;
        let start = mark as u64 + (begin + BEGIN.len() + line_end) as u64 * width;
        let mut reader = Self {
            file,
            encoding,
            start,
            pitch: indent + COLUMNS + line_end as u64,
            indent,
            len: 0,
            position: 0,
            block: Vec::new(),
            block_at: 0,
        };
        reader.len = reader.find_len(size, line_end)?;
        Ok(reader)
    }

    fn width(&self) -> u64 {
        if self.encoding == Encoding::Utf8 { 1 } else { 2 }
    }

    /// Computes the number of encoded bytes from the last lines.
    fn find_len(&mut self, size: u64, line_end: usize) -> io::Result<u64> {
        let room = size.checked_sub(self.start).ok_or_else(|| damaged("it is cut off"))?;
        let margin = MARGIN.min(room) / self.width() * self.width();
        // The tail begins at a character boundary.
        let tail_at = size - margin - (room - margin) % self.width();
        let tail = read_at(&mut self.file, tail_at, size - tail_at)?;
        let tail = narrow(self.encoding, &tail);
        let end = tail.windows(END.len()).rposition(|window| window == END.as_bytes());
        let indent = usize::try_from(self.indent).unwrap_or(usize::MAX);
        let text = end.and_then(|end| tail.get(..end.checked_sub(indent)?));
        let text = text.ok_or_else(|| damaged("its last line is missing"))?;
        // Characters of data, including line ends.
        let characters = (tail_at - self.start) / self.width() + text.len() as u64;
        let (lines, last) = (characters / self.pitch, characters % self.pitch);
        let (whole, short) = match last {
            0 if lines == 0 => return Ok(0),
            0 => (lines - 1, COLUMNS),
            last => {
                let around = self.indent + line_end as u64;
                (lines, last.checked_sub(around).ok_or_else(|| damaged("a line is too short"))?)
            }
        };
        let end = text.len().checked_sub(line_end).ok_or_else(|| damaged("a line is too short"))?;
        let line = usize::try_from(short).ok().and_then(|short| text.get(end.checked_sub(short)?..end));
        let line = line.ok_or_else(|| damaged("a line is too short"))?;
        Ok(whole * LINE_BYTES + decode(line)?.len() as u64)
    }

    /// Decodes a block of lines, beginning with the one that contains `position`.
    fn load(&mut self) -> io::Result<()> {
        let line = self.position / LINE_BYTES;
        let lines = LINES.min(self.len.div_ceil(LINE_BYTES) - line);
        let at = self.start + line * self.pitch * self.width();
        let length = lines * self.pitch * self.width();
        let bytes = read_at(&mut self.file, at, length)?;
        let text = narrow(self.encoding, &bytes);
        self.block_at = line * LINE_BYTES;
        self.block.clear();
        let pitch = usize::try_from(self.pitch).unwrap_or(usize::MAX);
        let indent = usize::try_from(self.indent).unwrap_or(usize::MAX);
        for (number, line) in (line..).zip(text.chunks(pitch)).take(usize::try_from(lines).unwrap_or(0)) {
            let last = (number + 1) * LINE_BYTES >= self.len;
            let (indent, line) = line.split_at_checked(indent).unwrap_or_default();
            if !indent.iter().copied().all(is_indent) {
                return Err(damaged("its lines are not indented alike"));
            }
            // The last line may be shorter, and is followed by the end marker.
            let (line, line_end) = if last {
                (line.split(u8::is_ascii_whitespace).next().unwrap_or_default(), &b""[..])
            } else {
                line.split_at_checked(64).unwrap_or_default()
            };
            if !line_end.iter().all(u8::is_ascii_whitespace) {
                return Err(damaged("its lines differ in length"));
            }
            self.block.extend_from_slice(&decode(line)?);
        }
        let wanted = (self.len - self.block_at).min(lines * LINE_BYTES);
        if self.block.len() as u64 == wanted { Ok(()) } else { Err(damaged("its lines differ in length")) }
    }
}

/// Decodes one line.
fn decode(line: &[u8]) -> io::Result<Vec<u8>> {
    STANDARD.decode(line).map_err(|_| damaged("a line is not base64 of 64 characters"))
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
        let end = self.block_at + self.block.len() as u64;
        if !(self.block_at..end).contains(&self.position) {
            self.load()?;
        }
        let from = usize::try_from(self.position - self.block_at).unwrap_or(usize::MAX);
        let count = self.block.get(from..).unwrap_or_default().read(buffer)?;
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
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn armor(bytes: &[u8], line_end: &str) -> String {
        let text = STANDARD.encode(bytes);
        let mut out = format!("{BEGIN}{line_end}");
        for line in text.as_bytes().chunks(64) {
            out.push_str(std::str::from_utf8(line).unwrap());
            out.push_str(line_end);
        }
        out + END + line_end
    }

    fn wide(text: &str) -> Vec<u8> {
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    }

    #[test]
    fn gives_every_byte_from_every_place() {
        for length in [0, 1, 2, 47, 48, 49, 95, 96, 97, 3000, 120_000] {
            let bytes: Vec<u8> = (0..length).map(|number: u32| (number % 251) as u8).collect();
            for line_end in ["\n", "\r\n"] {
                let text = armor(&bytes, line_end);
                let loose = format!("\n  {text}\n\n");
                let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
                let quoted = |mark: &str| {
                    let lines: Vec<String> = text.lines().map(|line| format!("{mark}{line}")).collect();
                    format!(
                        "Hello,{line_end}here it is:{line_end}{}{line_end}-- {line_end}Ann",
                        lines.join(line_end)
                    )
                };
                let forms = [
                    text.as_bytes().to_vec(),
                    loose.into_bytes(),
                    marked,
                    wide(&text),
                    quoted("").into_bytes(),
                    quoted("> ").into_bytes(),
                    quoted("\t").into_bytes(),
                    wide(&quoted(">> ")),
                    [text.as_bytes(), &[0; 512]].concat(),
                ];
                for form in forms {
                    assert!(is_armored(&form[..form.len().min(512)]));
                    let mut reader = ArmorReader::new(Cursor::new(form)).unwrap();
                    let mut all = Vec::new();
                    reader.read_to_end(&mut all).unwrap();
                    assert!(all == bytes, "{length}");
                    assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), u64::from(length));
                    for at in [0, 1, 48, length / 2, length.saturating_sub(1), 50_000] {
                        let at = at.min(length) as usize;
                        reader.seek(SeekFrom::Start(at as u64)).unwrap();
                        let mut rest = Vec::new();
                        reader.read_to_end(&mut rest).unwrap();
                        assert!(rest == bytes[at..], "{length} from {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_armor_is_an_error_and_takes_no_memory() {
        let whole = armor(&[7; 500], "\n");
        let cut = &whole[..whole.len() / 2];
        let longer = whole.replacen("BwcH", "BwcHBwcH", 1);
        let other = whole.replacen("BwcH", "B?cH", 1);
        let endless = format!("{BEGIN}\n{}\n{END}\n", "A".repeat(100_000));
        for text in [cut, &longer, &other, &endless, BEGIN, &format!("{BEGIN}\n")] {
            let read = ArmorReader::new(Cursor::new(text.as_bytes().to_vec()))
                .and_then(|mut reader| reader.read_to_end(&mut Vec::new()));
            assert!(read.is_err(), "{text}");
        }
        assert!(!is_armored(b"age-encryption.org/v1\n"));
        // Other files that contain one.
        assert!(!is_armored(format!("PK\u{3}\u{4}\n{whole}").as_bytes()));
        assert!(!is_armored(format!("{{\"text\": \"{whole}").as_bytes()));
        let uneven = whole.replacen('\n', "\n  ", 3);
        assert!(
            ArmorReader::new(Cursor::new(uneven.into_bytes()))
                .and_then(|mut reader| reader.read_to_end(&mut Vec::new()))
                .is_err()
        );
    }
}
