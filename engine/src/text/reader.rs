//! A reader of texts as a stream.

use std::io::{self, Read};

use super::{Encoding, HEAD};

/// The bytes decoded at a time from a UTF-16 text.
const CHUNK: usize = 32 * 1024;

/// Converts a text to UTF-8 without a byte order mark. UTF-8 input passes unchecked.
///
/// An unpaired surrogate, which UTF-8 cannot represent, becomes U+FFFD, as does an odd last byte.
pub struct TextReader<R> {
    reader: R,
    encoding: Encoding,
    /// Bytes read but not yet returned: the head of a UTF-8 text, or decoded text.
    ready: Vec<u8>,
    given: usize,
    /// The start of an incomplete character.
    rest: Vec<u8>,
    finished: bool,
}

impl<R: Read> TextReader<R> {
    /// Reads the first bytes to detect the encoding.
    ///
    /// # Errors
    /// Errors of the reader.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        Read::by_ref(&mut reader).take(HEAD as u64).read_to_end(&mut head)?;
        let (encoding, mark) = Encoding::detect(&head);
        head.drain(..mark);
        let (ready, rest) = if encoding == Encoding::Utf8 { (head, Vec::new()) } else { (Vec::new(), head) };
        Ok(Self { reader, encoding, ready, given: 0, rest, finished: false })
    }

    /// Decodes more of the text; adds nothing at its end.
    fn decode_more(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.is_empty() && !self.finished {
            let before = self.rest.len();
            self.rest.resize(before + CHUNK, 0);
            let count = self.reader.read(self.rest.get_mut(before..).unwrap_or_default());
            self.rest.truncate(before + *count.as_ref().unwrap_or(&0));
            self.finished = count? == 0;
            self.decode_rest();
        }
        Ok(())
    }

    fn decode_rest(&mut self) {
        let whole = self.rest.len() / 2 * 2;
        let units: Vec<u16> = self
            .rest
            .chunks_exact(2)
            .map(|pair| match pair {
                [first, second] => self.encoding.unit([*first, *second]),
                _ => 0,
            })
            .collect();
        // The second half of a pair follows with the next bytes.
        let split = units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) && !self.finished;
        let taken = if split { units.len() - 1 } else { units.len() };
        let text: String = char::decode_utf16(units.into_iter().take(taken))
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.ready.extend_from_slice(text.as_bytes());
        if self.finished && self.rest.len() > whole {
            self.ready.extend_from_slice("\u{fffd}".as_bytes());
        }
        self.rest.drain(..if self.finished { self.rest.len() } else { taken * 2 });
    }
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            if self.encoding == Encoding::Utf8 {
                return self.reader.read(buffer);
            }
            if !buffer.is_empty() {
                self.decode_more()?;
            }
        }
        let mut waiting = self.ready.get(self.given..).unwrap_or_default();
        let count = waiting.read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::forms;
    use super::*;

    /// Returns a few bytes at a time, so that everything is split somewhere.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn read(reader: impl Read) -> String {
        let mut text = String::new();
        TextReader::new(reader).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn gives_utf8_however_the_bytes_are_cut() {
        let long = "löng 🌼 ".repeat(20_000);
        for text in ["", "x", "{}", "a🌼b", "🌼", "\u{fffd}\n", &long] {
            for form in forms(text) {
                assert_eq!(read(form.as_slice()), *text);
                for size in [1, 3, 5] {
                    if form.len() < 1000 {
                        assert_eq!(read(Drip(&form, size)), *text, "{form:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn half_characters_are_replaced() {
        assert_eq!(read(&b"\xff\xfea\0\x3c\xd8b\0"[..]), "a\u{fffd}b");
        assert_eq!(read(&b"\xff\xfea\0\x3c\xd8"[..]), "a\u{fffd}");
        assert_eq!(read(&b"\xff\xfea\0b"[..]), "a\u{fffd}");
    }
}
