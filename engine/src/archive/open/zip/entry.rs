//! Unpacks and checks the data of an entry while it is read.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crc32fast::Hasher as Crc;
use flate2::bufread::DeflateDecoder;

use super::{Entry, Method, ZipError};
use crate::archive::open::source::Source;

const BUFFER: usize = 64 * 1024;

/// A reader of an entry's data. At the end it verifies size and CRC; it never returns more bytes than the headers
/// declare.
pub(in crate::archive::open) struct EntryReader<'a> {
    entry: &'a Entry,
    data: Data<'a>,
    crc: Crc,
    left: u64,
    checked: bool,
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
                Data::Deflated(Box::new(DeflateDecoder::new(BufReader::with_capacity(BUFFER, packed))))
            }
        };
        Ok(Self { entry, data, crc: Crc::new(), left: entry.unpacked, checked: false })
    }

    fn wrong_size(&self) -> io::Error {
        ZipError::WrongSize { name: self.entry.name.to_string(), declared: self.entry.unpacked }.into_io()
    }

    /// Checks, after all declared bytes, that no more follow and that the CRC matches.
    fn finish(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.checked, true) {
            return Ok(());
        }
        if let Data::Deflated(decoder) = &mut self.data {
            let more = decoder.read(&mut [0]).map_err(|error| damaged(self.entry, error))?;
            let rest = decoder.get_ref();
            if more > 0 || rest.get_ref().limit() > 0 || !rest.buffer().is_empty() {
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
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(room) = buffer.get_mut(..room).filter(|room| !room.is_empty()) else {
            if self.left == 0 {
                self.finish()?;
            }
            return Ok(0);
        };
        let count = match &mut self.data {
            Data::Stored(packed) => packed.read(room)?,
            Data::Deflated(decoder) => decoder.read(room).map_err(|error| damaged(self.entry, error))?,
        };
        if count == 0 {
            return Err(self.wrong_size());
        }
        self.crc.update(room.get(..count).unwrap_or_default());
        self.left -= count as u64;
        Ok(count)
    }
}

/// Converts an error of the decompressor; passes on those of the file system.
fn damaged(entry: &Entry, error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            ZipError::DamagedData { name: entry.name.to_string() }.into_io()
        }
        _ => error,
    }
}
