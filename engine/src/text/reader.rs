//! A reader of texts as a stream.

use std::io::{self, Read};

use super::{Encoding, HEAD_BYTES};

/// The number of bytes of a UTF-16 text that are decoded at a time.
const CHUNK_BYTES: usize = 32 * 1024;

/// Converts a text to UTF-8 without a byte order mark. UTF-8 input is returned unchecked.
///
/// An unpaired surrogate, which UTF-8 cannot represent, becomes U+FFFD, as does an odd last byte.
pub struct TextReader<R> {
    reader: R,
    encoding: Encoding,
    /// Bytes read but not yet returned: the head of a UTF-8 text, or decoded text.
    decoded: Vec<u8>,
    /// The number of bytes of `decoded` that were returned.
    returned: usize,
    /// Bytes of the reader that are not decoded yet, such as the start of a character.
    pending: Vec<u8>,
    is_finished: bool,
}

impl<R: Read> TextReader<R> {
    /// Reads the first bytes to detect the encoding.
    ///
    /// # Errors
    /// Errors of the reader.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        Read::by_ref(&mut reader).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let (encoding, mark_bytes) = Encoding::detect(&head);
        head.drain(..mark_bytes);
        let (decoded, pending) =
            if encoding == Encoding::Utf8 { (head, Vec::new()) } else { (Vec::new(), head) };
        Ok(Self { reader, encoding, decoded, returned: 0, pending, is_finished: false })
    }

    /// Decodes more of the text; adds nothing at its end.
    fn decode_more(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.returned = 0;
        while self.decoded.is_empty() && !self.is_finished {
            let old_len = self.pending.len();
            self.pending.resize(old_len + CHUNK_BYTES, 0);
            let count = self.reader.read(self.pending.get_mut(old_len..).unwrap_or_default());
            self.pending.truncate(old_len + *count.as_ref().unwrap_or(&0));
            self.is_finished = count? == 0;
            self.decode_pending();
        }
        Ok(())
    }

    fn decode_pending(&mut self) {
        let even_len = self.pending.len() / 2 * 2;
        let units: Vec<u16> = self
            .pending
            .chunks_exact(2)
            .map(|pair| match pair {
                [first, second] => self.encoding.unit([*first, *second]),
                _ => 0,
            })
            .collect();
        // The second surrogate of a pair may follow in the next bytes.
        let is_pair_split =
            units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) && !self.is_finished;
        let unit_count = if is_pair_split { units.len() - 1 } else { units.len() };
        let text: String = char::decode_utf16(units.into_iter().take(unit_count))
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.decoded.extend_from_slice(text.as_bytes());
        if self.is_finished && self.pending.len() > even_len {
            self.decoded.extend_from_slice("\u{fffd}".as_bytes());
        }
        self.pending.drain(..if self.is_finished { self.pending.len() } else { unit_count * 2 });
    }
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.returned == self.decoded.len() {
            if self.encoding == Encoding::Utf8 {
                return self.reader.read(buffer);
            }
            if !buffer.is_empty() {
                self.decode_more()?;
            }
        }
        let mut available = self.decoded.get(self.returned..).unwrap_or_default();
        let count = available.read(buffer)?;
        self.returned += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::encodings;
    use super::*;

    /// A reader that returns a few bytes at a time, so that characters are split.
    struct SlowReader<'a>(&'a [u8], usize);

    impl Read for SlowReader<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            let (head, rest) = self.0.split_at(count);
            buffer[..count].copy_from_slice(head);
            self.0 = rest;
            Ok(count)
        }
    }

    fn read(reader: impl Read) -> String {
        let mut text = String::new();
        TextReader::new(reader).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn texts_are_decoded_even_if_characters_are_split() {
        let long = "löng 🌼 ".repeat(20_000);
        for text in ["", "x", "{}", "a🌼b", "🌼", "\u{fffd}\n", &long] {
            for bytes in encodings(text) {
                assert_eq!(read(bytes.as_slice()), *text);
                for size in [1, 3, 5] {
                    if bytes.len() < 1000 {
                        assert_eq!(read(SlowReader(&bytes, size)), *text, "{bytes:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn incomplete_characters_are_replaced() {
        assert_eq!(read(&b"\xff\xfea\0\x3c\xd8b\0"[..]), "a\u{fffd}b");
        assert_eq!(read(&b"\xff\xfea\0\x3c\xd8"[..]), "a\u{fffd}");
        assert_eq!(read(&b"\xff\xfea\0b"[..]), "a\u{fffd}");
    }
}
