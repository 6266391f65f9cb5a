//! Documents compressed with gzip.

use std::io::{self, BufRead as _, BufReader, Cursor, Read};

use flate2::bufread::GzDecoder;

use crate::archive::limits::Limits;
use crate::text::TextReader;

/// The first bytes of a gzip file.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The maximum number of layers of gzip: browsers and servers sometimes compress a compressed file again.
const MAX_LAYERS: usize = 2;

/// An error of reading a gzip file.
#[derive(Debug, thiserror::Error)]
pub enum GzipError {
    /// It is truncated.
    #[error("the .gz file is incomplete; download it again")]
    Truncated,
    /// The data is corrupt.
    #[error("the .gz file is damaged; download it again")]
    Damaged,
    /// Its unpacked size exceeds the limit.
    #[error("the .gz file would grow to more than {limit} bytes: that is a bomb, not an archive")]
    Bomb {
        /// The limit in bytes.
        limit: u64,
    },
}

impl GzipError {
    /// Returns the error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "gzip_truncated",
            Self::Damaged => "gzip_damaged",
            Self::Bomb { .. } => "gzip_bomb",
        }
    }
}

/// Opens the document in a file or an entry of `size` bytes: unpacked, as UTF-8 without a byte order mark.
///
/// # Errors
/// Errors of the reader.
pub(super) fn document<'a>(
    mut reader: Box<dyn Read + 'a>,
    size: u64,
    limits: &Limits,
) -> io::Result<Box<dyn Read + 'a>> {
    let limit = size.saturating_mul(limits.ratio).max(limits.ratio_from_bytes);
    for _ in 0..MAX_LAYERS {
        let (head, full_reader) = peek(reader)?;
        reader = full_reader;
        if head != MAGIC {
            break;
        }
        reader = Box::new(Gunzip::new(reader, limit));
    }
    Ok(Box::new(TextReader::new(reader)?))
}

/// Returns the first two bytes, and a reader that starts from the beginning.
fn peek<'a>(mut reader: Box<dyn Read + 'a>) -> io::Result<(Vec<u8>, Box<dyn Read + 'a>)> {
    let mut head = Vec::new();
    Read::by_ref(&mut reader).take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(reader))))
}

/// Decompresses gzip, up to a limit. Trailing data that is not gzip (zero padding, a line break, a server's message)
/// is ignored.
struct Gunzip<R: Read> {
    /// `None` at the end.
    decoder: Option<GzDecoder<BufReader<R>>>,
    limit: u64,
    remaining: u64,
}

impl<R: Read> Gunzip<R> {
    fn new(packed: R, limit: u64) -> Self {
        let packed = BufReader::with_capacity(64 * 1024, packed);
        Self { decoder: Some(GzDecoder::new(packed)), limit, remaining: limit }
    }

    /// Continues with the next member, if one follows.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(decoder) = self.decoder.take() else { return Ok(()) };
        let mut packed = decoder.into_inner();
        loop {
            let available = packed.fill_buf()?;
            if available.is_empty() {
                return Ok(());
            }
            let padding =
                available.iter().take_while(|byte| **byte == 0 || byte.is_ascii_whitespace()).count();
            let next_byte = available.get(padding).copied();
            packed.consume(padding);
            match next_byte {
                None => {}
                Some(first) if first == MAGIC[0] => {
                    self.decoder = Some(GzDecoder::new(packed));
                    return Ok(());
                }
                Some(_) => return Ok(()),
            }
        }
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let count = decoder.read(buffer).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), GzipError::Truncated),
                // Errors of flate2 itself have this kind; errors of inner readers are returned unchanged.
                io::ErrorKind::InvalidInput => io::Error::new(io::ErrorKind::InvalidData, GzipError::Damaged),
                _ => error,
            })?;
            self.remaining = self.remaining.checked_sub(count as u64).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, GzipError::Bomb { limit: self.limit })
            })?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}
