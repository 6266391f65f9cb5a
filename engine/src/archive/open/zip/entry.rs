//! Unpacks and checks the data of an entry while it is read.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crc32fast::Hasher as Crc;
use flate2::bufread::DeflateDecoder;

use super::{Entry, Method, ZipError};
use crate::archive::open::source::Source;

/// The number of compressed bytes that are read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// A reader of an entry's data. At the end it verifies size and CRC; it never returns more bytes than the headers
/// declare.
pub(in crate::archive::open) struct EntryReader<'a> {
    entry: &'a Entry,
    data: Data<'a>,
    crc: Crc,
    remaining: u64,
    is_checked: bool,
}

enum Data<'a> {
    Stored(io::Take<&'a mut Source>),
    Deflated(Box<DeflateDecoder<BufReader<io::Take<&'a mut Source>>>>),
}

impl<'a> EntryReader<'a> {
    pub(super) fn new(source: &'a mut Source, entry: &'a Entry, data_at: u64) -> Result<Self, ZipError> {
        source.seek(SeekFrom::Start(data_at)).map_err(ZipError::Io)?;
        let packed = source.take(entry.packed);
        let data = match entry.method {
            Method::Stored => Data::Stored(packed),
            Method::Deflated => {
                Data::Deflated(Box::new(DeflateDecoder::new(BufReader::with_capacity(BUFFER_BYTES, packed))))
            }
        };
        Ok(Self { entry, data, crc: Crc::new(), remaining: entry.unpacked, is_checked: false })
    }

    fn wrong_size(&self) -> io::Error {
        ZipError::WrongSize { name: self.entry.name.to_string(), declared: self.entry.unpacked }.into_io()
    }

    /// Checks, after all declared bytes, that no more follow and that the CRC matches.
    fn finish(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_checked, true) {
            return Ok(());
        }
        if let Data::Deflated(decoder) = &mut self.data {
            let count = decoder.read(&mut [0]).map_err(|error| damaged(self.entry, error))?;
            let unread = decoder.get_ref();
            if count > 0 || unread.get_ref().limit() > 0 || !unread.buffer().is_empty() {
                return Err(self.wrong_size());
            }
        }
        if self.crc.clone().finalize() == self.entry.crc {
            Ok(())
        } else {
            Err(ZipError::WrongCrc { name: self.entry.name.to_string() }.into_io())
        }
    }
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        let Some(target) = buffer.get_mut(..length).filter(|target| !target.is_empty()) else {
            if self.remaining == 0 {
                self.finish()?;
            }
            return Ok(0);
        };
        let count = match &mut self.data {
            Data::Stored(packed) => packed.read(target)?,
            Data::Deflated(decoder) => decoder.read(target).map_err(|error| damaged(self.entry, error))?,
        };
        if count == 0 {
            return Err(self.wrong_size());
        }
        self.crc.update(target.get(..count).unwrap_or_default());
        self.remaining -= count as u64;
        Ok(count)
    }
}

/// Converts an error of the decompressor; errors of the file system remain unchanged.
fn damaged(entry: &Entry, error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            ZipError::DamagedData { name: entry.name.to_string() }.into_io()
        }
        _ => error,
    }
}
