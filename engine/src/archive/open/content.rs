//! What kinds of files hold an archive, and the way to the document in each.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;

use super::source::Source;
use super::zip::Zip;
use super::{GzipError, OpenError, ZipError};
use crate::archive::limits::Limits;
use crate::archive::names;

/// A file that holds an archive.
pub(super) enum Container {
    /// Our own format.
    Pappus(Zip),
    /// A ZIP with a stock document at this position.
    StockZip(Zip, usize),
    /// A packed stock document of this many packed bytes.
    Gzip(Source, u64),
    /// A stock document of this many bytes.
    Json(Source, u64),
}

impl Container {
    /// Finds out what a file is.
    pub(super) fn open(mut source: Source, limits: &Limits) -> Result<Self, OpenError> {
        let size = source.size()?;
        let mut head = Vec::new();
        Read::by_ref(&mut source).take(1024).read_to_end(&mut head)?;
        source.seek(SeekFrom::Start(0))?;
        match head.as_slice() {
            [] => Err(OpenError::Empty),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::zip(Zip::open(source, size, limits)?),
            [0x1f, 0x8b, ..] => Ok(Self::Gzip(source, size)),
            other if other.trim_ascii_start().first() == Some(&b'{') => Ok(Self::Json(source, size)),
            _ => Err(OpenError::NotAnArchive),
        }
    }

    /// One of our names is enough: an archive without its manifest must not pass for a stock one.
    fn zip(zip: Zip) -> Result<Self, OpenError> {
        let ours = [names::EXTRAS, names::MANIFEST, names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];
        if ours.iter().any(|name| zip.position(name).is_some()) {
            return Ok(Self::Pappus(zip));
        }
        // diaspora*'s importer takes the first one.
        let document = zip.entries().iter().position(|entry| entry.name.ends_with(".json"));
        document.map(|document| Self::StockZip(zip, document)).ok_or(OpenError::NoDocument)
    }

    /// The archive document.
    pub(super) fn document(&mut self, limits: &Limits) -> Result<Box<dyn Read + '_>, ZipError> {
        Ok(match self {
            Self::Pappus(zip) => {
                let document = zip.position(names::DOCUMENT);
                Box::new(
                    zip.read(document.ok_or(ZipError::Directory { problem: "there is no diaspora.json" })?)?,
                )
            }
            Self::StockZip(zip, document) => Box::new(zip.read(*document)?),
            Self::Gzip(source, size) => {
                source.seek(SeekFrom::Start(0)).map_err(ZipError::Io)?;
                Box::new(Gunzip::new(source, *size, limits))
            }
            Self::Json(source, _) => {
                source.seek(SeekFrom::Start(0)).map_err(ZipError::Io)?;
                Box::new(source)
            }
        })
    }
}

/// Unpacks gzip, up to a bound.
struct Gunzip<R: Read> {
    decoder: MultiGzDecoder<BufReader<R>>,
    limit: u64,
    left: u64,
}

impl<R: Read> Gunzip<R> {
    fn new(packed: R, size: u64, limits: &Limits) -> Self {
        let limit = size.saturating_mul(limits.ratio).max(limits.ratio_from_bytes);
        Self { decoder: MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, packed)), limit, left: limit }
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), GzipError::Truncated),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                io::Error::new(io::ErrorKind::InvalidData, GzipError::Damaged)
            }
            _ => error,
        })?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, GzipError::Bomb { limit: self.limit })
        })?;
        Ok(count)
    }
}
