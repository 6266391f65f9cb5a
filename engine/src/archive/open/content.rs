//! The kinds of files that hold an archive, and access to the document in each.

use std::io::{self, Read, Seek, SeekFrom};

use super::source::Source;
use super::zip::{Entry, Zip};
use super::{OpenError, ZipError, gunzip};
use crate::archive::limits::Limits;
use crate::archive::names;
use crate::text::TextReader;

/// A file that holds an archive.
pub(super) enum Container {
    /// A Pappus archive.
    Pappus(Zip),
    /// A ZIP with a stock document at this position.
    StockZip(Zip, usize),
    /// A gzip-compressed stock document of this compressed size.
    Gzip(Source, u64),
    /// A plain stock document of this size.
    Json(Source, u64),
}

impl Container {
    /// Detects the kind of a file.
    pub(super) fn open(mut source: Source, limits: &Limits) -> Result<Self, OpenError> {
        let size = source.size()?;
        let mut head = Vec::new();
        Read::by_ref(&mut source).take(1024).read_to_end(&mut head)?;
        source.seek(SeekFrom::Start(0))?;
        match head.as_slice() {
            [] => Err(OpenError::Empty),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
                // If everything is in a folder, that is the one of the signatures.
                let marks = [names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];
                Self::zip(Zip::open(source, size, limits, &marks)?)
            }
            head if head.starts_with(&gunzip::MAGIC) => Self::gzip(source, size, limits),
            head if is_object(head) => Ok(Self::Json(source, size)),
            head => Err(foreign(head).map_or(OpenError::NotAnArchive, OpenError::OtherFormat)),
        }
    }

    /// Any Pappus file name suffices: an archive without its manifest must not pass for a stock one.
    fn zip(zip: Zip) -> Result<Self, OpenError> {
        let ours = [names::EXTRAS, names::MANIFEST, names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];
        if ours.iter().any(|name| zip.position(name).is_some()) {
            return Ok(Self::Pappus(zip));
        }
        // diaspora*'s importer uses the first one.
        let first = |end: &str| zip.files().find(|(_, entry)| ends_with(entry, end)).map(|found| found.0);
        match first(".json").or_else(|| first(".json.gz")) {
            Some(document) => Ok(Self::StockZip(zip, document)),
            None => Err(OpenError::NoDocument),
        }
    }

    /// The compressed content must be a document: a ZIP needs random access, which gzip does not allow.
    fn gzip(mut source: Source, size: u64, limits: &Limits) -> Result<Self, OpenError> {
        let mut head = Vec::new();
        // A damaged file is reported when it is read.
        let read = gunzip::document(Box::new(&mut source), size, limits)
            .and_then(|document| document.take(1024).read_to_end(&mut head));
        match foreign(&head).filter(|_| read.is_ok() || !head.is_empty()) {
            Some(format) => Err(OpenError::PackedTwice(format)),
            None => Ok(Self::Gzip(source, size)),
        }
    }

    /// Opens the archive document: unpacked, as UTF-8 without a byte order mark.
    pub(super) fn document(&mut self, limits: &Limits) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Pappus(zip) => {
                let document = zip.position(names::DOCUMENT);
                let missing = ZipError::Directory { problem: "there is no diaspora.json" };
                let reader = document.ok_or(missing).and_then(|document| zip.read(document));
                Ok(Box::new(reader.map_err(ZipError::into_io)?))
            }
            Self::StockZip(zip, document) => {
                let size = zip.entries().get(*document).map_or(0, |entry| entry.unpacked);
                let reader = zip.read(*document).map_err(ZipError::into_io)?;
                gunzip::document(Box::new(reader), size, limits)
            }
            Self::Gzip(source, size) => {
                source.seek(SeekFrom::Start(0))?;
                gunzip::document(Box::new(source), *size, limits)
            }
            Self::Json(source, _) => {
                source.seek(SeekFrom::Start(0))?;
                Ok(Box::new(TextReader::new(source)?))
            }
        }
    }
}

/// Returns whether an entry's name has this ending, ignoring case.
fn ends_with(entry: &Entry, end: &str) -> bool {
    entry.name.to_ascii_lowercase().ends_with(end)
}

/// Returns whether an entry of a stock pod's ZIP may be a photo, judging by its file name extension.
pub(super) fn may_be_photo(entry: &Entry) -> bool {
    !entry.name.ends_with('/')
        && ![".json", ".gz", ".zip", ".txt", ".html", ".htm", ".md"].iter().any(|end| ends_with(entry, end))
}

/// Returns whether a text begins like a JSON object, in any supported encoding.
fn is_object(head: &[u8]) -> bool {
    let mut text = Vec::new();
    // Reading from memory cannot fail.
    _ = TextReader::new(head).and_then(|mut reader| reader.read_to_end(&mut text));
    text.trim_ascii_start().first() == Some(&b'{')
}

/// Returns the name of an archive format that Pappus does not read here.
fn foreign(head: &[u8]) -> Option<&'static str> {
    let tar = head.get(257..262) == Some(b"ustar");
    match head {
        [b'P', b'K', 3, 4, ..] => Some("ZIP"),
        [b'R', b'a', b'r', b'!', ..] => Some("RAR"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("7z"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("Zstandard"),
        _ => tar.then_some("tar"),
    }
}
