//! Decoding of text files: UTF-8, with or without a byte order mark, or UTF-16.
//!
//! A byte order mark is not part of a text. Notepad and PowerShell write one, and PowerShell's `>` writes UTF-16.

mod reader;

pub use reader::TextReader;

use std::io::{self, Read};

use zeroize::Zeroizing;

/// The number of bytes needed to detect the encoding of a text.
const HEAD_BYTES: usize = 4;

/// An error of decoding a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text is neither UTF-8 nor UTF-16.
    #[error("it is not a UTF-8 text; save it again with the encoding UTF-8")]
    Encoding,
}

impl From<TextError> for io::Error {
    fn from(error: TextError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// Detects the encoding from the first bytes; also returns the length of the byte order mark.
    ///
    /// Without a mark, UTF-16 is detected by a zero next to an ASCII character: UTF-8 texts contain no NUL.
    pub(crate) fn detect(head: &[u8]) -> (Self, usize) {
        match head {
            [0xef, 0xbb, 0xbf, ..] => (Self::Utf8, 3),
            [0xff, 0xfe, ..] => (Self::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Self::Utf16Be, 2),
            [first, 0, ..] if *first != 0 => (Self::Utf16Le, 0),
            [0, second, ..] if *second != 0 => (Self::Utf16Be, 0),
            _ => (Self::Utf8, 0),
        }
    }

    /// Decodes one code unit of UTF-16.
    fn unit(self, bytes: [u8; 2]) -> u16 {
        if self == Self::Utf16Be { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }
}

/// Decodes a text, without its byte order mark. Intermediate buffers are wiped, because the text may be a secret.
///
/// # Errors
/// [`TextError::Encoding`].
pub fn decode(bytes: &[u8]) -> Result<Zeroizing<String>, TextError> {
    let (encoding, mark_bytes) = Encoding::detect(bytes);
    let content = bytes.get(mark_bytes..).unwrap_or_default();
    if encoding == Encoding::Utf8 {
        let text = std::str::from_utf8(content).map_err(|_| TextError::Encoding)?;
        return Ok(Zeroizing::new(text.to_owned()));
    }
    if !content.len().is_multiple_of(2) {
        return Err(TextError::Encoding);
    }
    let units = content.chunks_exact(2).map(|pair| match pair {
        [first, second] => encoding.unit([*first, *second]),
        _ => 0,
    });
    let mut text = Zeroizing::new(String::with_capacity(content.len() * 2));
    for character in char::decode_utf16(units) {
        text.push(character.map_err(|_| TextError::Encoding)?);
    }
    Ok(text)
}

/// Returns the first line of a text, without its end. At most `limit` bytes are read; a longer line is truncated.
///
/// # Errors
/// Errors of the reader, and [`TextError::Encoding`] in an [`io::Error`].
pub fn first_line(reader: impl Read, limit: u64) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.take(limit).read_to_end(&mut bytes)?;
    let (encoding, mark_bytes) = Encoding::detect(&bytes);
    let content = bytes.get(mark_bytes..).unwrap_or_default();
    // The bytes after the line may be invalid or incomplete.
    let line_bytes = match encoding {
        Encoding::Utf8 => content.split(|byte| *byte == b'\n').next().unwrap_or_default().len(),
        encoding => {
            let is_line_break =
                |pair: &&[u8]| matches!(pair, [first, second] if encoding.unit([*first, *second]) == 0x0a);
            2 * content.chunks_exact(2).take_while(|pair| !is_line_break(pair)).count()
        }
    };
    let text = decode(bytes.get(..mark_bytes + line_bytes).unwrap_or_default())?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads a whole text, up to `limit` bytes; further bytes are not read.
///
/// # Errors
/// Errors of the reader, and [`TextError::Encoding`] in an [`io::Error`].
pub fn read(reader: impl Read, limit: u64) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.take(limit).read_to_end(&mut bytes)?;
    Ok(decode(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns a text in every supported encoding.
    pub(super) fn encodings(text: &str) -> Vec<Vec<u8>> {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        vec![
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat(),
            [&b"\xfe\xff"[..], &utf16(u16::to_be_bytes)].concat(),
        ]
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        for text in ["", "a", "{\"ünï\": \"🌼\"}\r\n", "correct horse\n"] {
            for bytes in encodings(text) {
                assert_eq!(decode(&bytes).unwrap().as_str(), text, "{bytes:x?}");
            }
        }
        assert_eq!(decode(b"{\0}\0").unwrap().as_str(), "{}");
        assert_eq!(decode(b"\0{\0}").unwrap().as_str(), "{}");
        for invalid in [&b"a\xff"[..], b"\xff\xfea", b"\xff\xfe\x00\xd8a\0"] {
            assert_eq!(decode(invalid), Err(TextError::Encoding), "{invalid:x?}");
        }
    }

    #[test]
    fn the_first_line_ends_at_the_line_break() {
        for (text, expected) in [
            ("correct horse", "correct horse"),
            ("correct horse\r\nbattery\r\n", "correct horse"),
            ("correct horse\n\n", "correct horse"),
            ("\nstaple", ""),
            (" ünï \nx", " ünï "),
        ] {
            for bytes in encodings(text) {
                assert_eq!(first_line(bytes.as_slice(), 4096).unwrap().as_str(), expected, "{bytes:x?}");
            }
        }
        // Bytes after the line are ignored, complete or not.
        assert_eq!(first_line(&b"one\n\xff"[..], 4096).unwrap().as_str(), "one");
        assert_eq!(first_line("one\nü".as_bytes(), 5).unwrap().as_str(), "one");
        assert!(first_line(&b"on\xffe\n"[..], 4096).is_err());
    }

    proptest! {
        #[test]
        fn every_text_is_decoded_in_every_encoding(text in "[^\0\u{feff}\u{fffe}]{0,40}") {
            for bytes in encodings(&text) {
                let decoded = decode(&bytes).unwrap();
                prop_assert_eq!(decoded.as_str(), text.as_str());
            }
        }
    }
}
