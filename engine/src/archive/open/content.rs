//! The kinds of files that hold an archive, and access to the document in each.

use std::io::{self, Read, Seek, SeekFrom};

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::source::Source;
use super::zip::{Entry, Zip};
use super::{OpenError, ZipError, gunzip};
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_record, username,
};
use crate::archive::encryption;
use crate::archive::limits::Limits;
use crate::archive::names;
use crate::domain::{Entity, Profile};
use crate::text::TextReader;

/// The maximum number of files in a ZIP that are examined to find the document.
const MAX_CANDIDATES: usize = 16;

/// The number of bytes at the beginning of a file by which its format is detected.
const HEAD_BYTES: u64 = 1024;

/// The number of bytes of a document that are read at a time for its digest.
const CHUNK_BYTES: usize = 64 * 1024;

/// The file extensions of packed or encrypted files, in lowercase.
const PACKED_EXTENSIONS: &[&str] =
    &[".age", ".asc", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"];

/// A file that contains an archive.
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
        Read::by_ref(&mut source).take(HEAD_BYTES).read_to_end(&mut head)?;
        source.seek(SeekFrom::Start(0))?;
        match head.as_slice() {
            [] => Err(OpenError::Empty),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', b'0', b'0', b'P', b'K', ..] => {
                // If the archive is in a folder, that is the folder of the signatures.
                let marks = [names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];
                Self::zip(Zip::open(source, size, limits, &marks)?, limits)
            }
            head if head.starts_with(&gunzip::MAGIC) => Self::gzip(source, size, limits),
            head if is_object(head) => Ok(Self::Json(source, size)),
            // The first of several parts.
            [b'P', b'K', 7, 8, ..] => Err(ZipError::MultiPart.into()),
            head => Err(markup(head)
                .or_else(|| other_format(head).map(OpenError::OtherFormat))
                .unwrap_or(OpenError::NotAnArchive)),
        }
    }

    /// Detects the kind of a ZIP. One file name of Pappus suffices: an archive without its manifest must not be taken
    /// for a stock archive.
    fn zip(mut zip: Zip, limits: &Limits) -> Result<Self, OpenError> {
        let pappus_names = [names::EXTRAS, names::MANIFEST, names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];
        if pappus_names.iter().any(|name| zip.position(name).is_some()) {
            refuse_second(&zip)?;
            return Ok(Self::Pappus(zip));
        }
        let files_with = |ending| {
            zip.files().filter(move |(_, entry)| ends_with(entry, ending)).map(|(position, _)| position)
        };
        let candidates: Vec<usize> =
            files_with(".json").chain(files_with(".json.gz")).take(MAX_CANDIDATES).collect();
        match candidates.as_slice() {
            [] => {
                let first_with = |endings: &[&str]| {
                    let found =
                        zip.files().find(|(_, entry)| endings.iter().any(|ending| ends_with(entry, ending)));
                    found.map(|(_, entry)| entry.name.to_string())
                };
                let nested = first_with(&[".zip"]).map(OpenError::ZipInside);
                let packed = || first_with(PACKED_EXTENSIONS).map(OpenError::PackedInside);
                Err(nested.or_else(packed).unwrap_or(OpenError::NoDocument))
            }
            [document] => Ok(Self::StockZip(zip, *document)),
            [first, ..] => {
                let document = Self::choose(&mut zip, &candidates, limits)?.unwrap_or(*first);
                Ok(Self::StockZip(zip, document))
            }
        }
    }

    /// Returns the first file that is an archive document. Others must have the same content, because it is unknown
    /// which one is meant.
    fn choose(zip: &mut Zip, candidates: &[usize], limits: &Limits) -> Result<Option<usize>, OpenError> {
        let mut chosen: Option<(usize, String)> = None;
        for &position in candidates {
            let mut owner = Owner::default();
            // A file that cannot be read does not count; if it is the only one, it is read again later, which reports
            // it.
            if let Ok(document) = unpacked(zip, position, limits)? {
                _ = read_document(document, limits, &mut owner);
            }
            let Some(account) = owner.account() else { continue };
            let Some((first, owner)) = &chosen else {
                chosen = Some((position, account));
                continue;
            };
            if *owner != account {
                let describe = |account: &str, position| format!("{account} in {:?}", name_of(zip, position));
                return Err(OpenError::TwoAccounts(describe(owner, *first), describe(&account, position)));
            }
            let digest = digest(zip, *first, limits)?;
            if digest.is_none() || digest != self::digest(zip, position, limits)? {
                return Err(OpenError::TwoDocuments(name_of(zip, *first), name_of(zip, position)));
            }
        }
        Ok(chosen.map(|(position, _)| position))
    }

    /// Checks that the compressed content is a document. A ZIP would need random access, which gzip does not allow.
    fn gzip(mut source: Source, size: u64, limits: &Limits) -> Result<Self, OpenError> {
        let mut head = Vec::new();
        // A damaged file is reported when it is read.
        let read = gunzip::document(Box::new(&mut source), size, limits)
            .and_then(|document| document.take(HEAD_BYTES).read_to_end(&mut head));
        match other_format(&head).filter(|_| read.is_ok() || !head.is_empty()) {
            Some("tar") => Err(OpenError::OtherFormat("tar.gz")),
            Some(format) => Err(OpenError::PackedTwice(format)),
            None => markup(&head).map_or(Ok(Self::Gzip(source, size)), Err),
        }
    }

    /// Returns the ZIP of a stock document.
    pub(super) fn stock_zip(&self) -> Option<&Zip> {
        if let Self::StockZip(zip, _) = self { Some(zip) } else { None }
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
            Self::StockZip(zip, document) => unpacked(zip, *document, limits).map_err(ZipError::into_io)?,
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

/// Opens a document in a ZIP: unpacked, as UTF-8 without a byte order mark.
fn unpacked<'z>(
    zip: &'z mut Zip,
    position: usize,
    limits: &Limits,
) -> Result<io::Result<Box<dyn Read + 'z>>, ZipError> {
    let size = zip.entries().get(position).map_or(0, |entry| entry.unpacked);
    Ok(gunzip::document(Box::new(zip.read(position)?), size, limits))
}

/// Returns the digest of a document in a ZIP; `None` if it cannot be read to its end.
fn digest(zip: &mut Zip, position: usize, limits: &Limits) -> Result<Option<String>, OpenError> {
    let Ok(mut document) = unpacked(zip, position, limits)? else { return Ok(None) };
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        match document.read(&mut buffer) {
            Ok(0) => return Ok(Some(hex::encode(digest.finalize()))),
            Ok(count) => digest.update(buffer.get(..count).unwrap_or_default()),
            Err(_) => return Ok(None),
        }
    }
}

fn name_of(zip: &Zip, position: usize) -> String {
    zip.entries().get(position).map_or_else(String::new, |entry| entry.name.to_string())
}

/// Rejects a ZIP with two archives, which were unpacked into folders and packed together.
fn refuse_second(zip: &Zip) -> Result<(), OpenError> {
    let is_pod_signature = |entry: &Entry| {
        entry.name.rsplit('/').next() == Some(names::POD_SIGNATURE) && !entry.name.starts_with(names::PHOTOS)
    };
    let mut signatures = zip.files().filter(|(_, entry)| is_pod_signature(entry)).map(|(_, entry)| {
        // The name includes its folder, which distinguishes the archives.
        String::from_utf8_lossy(entry.raw_name()).into_owned()
    });
    match (signatures.next(), signatures.next()) {
        (Some(first), Some(second)) => Err(OpenError::TwoArchives(first, second)),
        _ => Ok(()),
    }
}

/// The account that a document belongs to.
#[derive(Default)]
struct Owner {
    username: Option<String>,
    author: Option<String>,
}

impl Owner {
    /// Returns its diaspora* ID, or its name if the profile is not readable.
    fn account(self) -> Option<String> {
        let name = username(&self.username?);
        Some(self.author.unwrap_or(name))
    }
}

impl DocumentVisitor for Owner {
    fn wants(&self, section: Section, name: &str) -> bool {
        section == Section::User && matches!(name, "username" | "profile")
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        if place.name == "username" {
            self.username = read_record(value, None).ok().map(|read| read.0);
        } else {
            let profile = read_record::<Entity<Profile>>(value, None);
            self.author = profile.ok().map(|(Entity(profile), _)| profile.author.to_string());
        }
        Ok(if self.username.is_some() && self.author.is_some() { Next::Stop } else { Next::Continue })
    }

    fn element(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }
}

/// Rejects a file that is known to be something other than a ZIP of photos. Afterwards the position is at the
/// beginning.
pub(super) fn refuse_other_photos(source: &mut Source, limits: &Limits) -> Result<(), OpenError> {
    let size = source.size()?;
    let mut head = Vec::new();
    Read::by_ref(source).take(HEAD_BYTES).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    if head.starts_with(b"PK") {
        return Ok(());
    }
    let mut inner = head.clone();
    if head.starts_with(&gunzip::MAGIC) {
        inner.clear();
        // A file that cannot be unpacked is not recognized here.
        _ = gunzip::document(Box::new(&mut *source), size, limits)
            .and_then(|document| document.take(HEAD_BYTES).read_to_end(&mut inner));
        source.seek(SeekFrom::Start(0))?;
    }
    match other_format(&inner) {
        _ if head.is_empty() => Err(OpenError::Empty),
        Some("tar") if inner != head => Err(OpenError::OtherFormat("tar.gz")),
        Some(format) if inner != head => Err(OpenError::PackedTwice(format)),
        Some(format) => Err(OpenError::OtherFormat(format)),
        None if is_object(&inner) => Err(OpenError::PhotosAreDocument),
        None => markup(&inner).map_or(Ok(()), Err),
    }
}

/// Returns whether an entry's name has this ending (in lowercase), ignoring case.
fn ends_with(entry: &Entry, ending: &str) -> bool {
    entry.name.to_ascii_lowercase().ends_with(ending)
}

/// Returns whether an entry of a stock pod's ZIP may be a photo, judging by its file name extension.
pub(super) fn may_be_photo(entry: &Entry) -> bool {
    !entry.name.ends_with('/')
        && ![".json", ".gz", ".zip", ".txt", ".html", ".htm", ".md"].iter().any(|end| ends_with(entry, end))
}

/// Returns the beginning of a text in any supported encoding, without white space before it.
fn text_of(head: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    // Reading from memory cannot fail.
    _ = TextReader::new(head).and_then(|mut reader| reader.read_to_end(&mut text));
    text.trim_ascii_start().to_vec()
}

fn is_object(head: &[u8]) -> bool {
    text_of(head).first() == Some(&b'{')
}

/// Detects the kind of a text in HTML or XML: a page that a browser has saved instead of the download, an error of a
/// storage service, or an export of an early diaspora*.
fn markup(head: &[u8]) -> Option<OpenError> {
    let text = text_of(head).to_ascii_lowercase();
    let contains = |words: &str| text.windows(words.len()).any(|part| part == words.as_bytes());
    let starts_with = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix.as_bytes()));
    if starts_with(&["<?xml", "<export"]) && contains("<export") {
        return Some(OpenError::XmlExport);
    }
    let is_page = starts_with(&["<!doctype html", "<html", "<head", "<body", "<error"])
        || (starts_with(&["<?xml", "<!--"]) && (contains("<html") || contains("<error")));
    is_page.then_some(OpenError::WebPage)
}

/// Detects an archive format that Pappus does not read, and returns its name.
fn other_format(head: &[u8]) -> Option<&'static str> {
    let is_tar = head.get(257..262) == Some(b"ustar");
    match head {
        [b'P', b'K', 3, 4, ..] => Some("ZIP"),
        [b'R', b'a', b'r', b'!', ..] => Some("RAR"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("7z"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("Zstandard"),
        _ if encryption::is_encrypted_head(head) => Some("age"),
        _ => is_tar.then_some("tar"),
    }
}
