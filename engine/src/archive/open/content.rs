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

/// The most files in a ZIP that are looked at for the document.
const MAX_CANDIDATES: usize = 16;

/// The bytes of a document read at a time for its digest.
const CHUNK: usize = 64 * 1024;

/// The endings of packed or encrypted files, in lowercase.
const PACKED: &[&str] = &[".age", ".asc", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"];

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
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', b'0', b'0', b'P', b'K', ..] => {
                // If everything is in a folder, that is the one of the signatures.
                let marks = [names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];
                Self::zip(Zip::open(source, size, limits, &marks)?, limits)
            }
            head if head.starts_with(&gunzip::MAGIC) => Self::gzip(source, size, limits),
            head if is_object(head) => Ok(Self::Json(source, size)),
            // The first of several parts.
            [b'P', b'K', 7, 8, ..] => Err(ZipError::MultiPart.into()),
            head => Err(markup(head)
                .or_else(|| foreign(head).map(OpenError::OtherFormat))
                .unwrap_or(OpenError::NotAnArchive)),
        }
    }

    /// Any Pappus file name suffices: an archive without its manifest must not pass for a stock one.
    fn zip(mut zip: Zip, limits: &Limits) -> Result<Self, OpenError> {
        let ours = [names::EXTRAS, names::MANIFEST, names::ACCOUNT_SIGNATURE, names::POD_SIGNATURE];
        if ours.iter().any(|name| zip.position(name).is_some()) {
            refuse_second(&zip)?;
            return Ok(Self::Pappus(zip));
        }
        let named = |end| zip.files().filter(move |(_, entry)| ends_with(entry, end)).map(|found| found.0);
        let candidates: Vec<usize> = named(".json").chain(named(".json.gz")).take(MAX_CANDIDATES).collect();
        match candidates.as_slice() {
            [] => {
                let inside = |ends: &[&str]| {
                    let found = zip.files().find(|(_, entry)| ends.iter().any(|end| ends_with(entry, end)));
                    found.map(|(_, entry)| entry.name.to_string())
                };
                let nested = inside(&[".zip"]).map(OpenError::ZipInside);
                let packed = || inside(PACKED).map(OpenError::PackedInside);
                Err(nested.or_else(packed).unwrap_or(OpenError::NoDocument))
            }
            [document] => Ok(Self::StockZip(zip, *document)),
            [first, ..] => {
                let document = Self::choose(&mut zip, &candidates, limits)?.unwrap_or(*first);
                Ok(Self::StockZip(zip, document))
            }
        }
    }

    /// Returns the first file that is an archive document. Others must have the same content: which of two is meant
    /// cannot be told.
    fn choose(zip: &mut Zip, candidates: &[usize], limits: &Limits) -> Result<Option<usize>, OpenError> {
        let mut chosen: Option<(usize, String)> = None;
        for &position in candidates {
            let mut owner = Owner::default();
            // Whatever cannot be read is no document; if it is the only one, it is read again and reported.
            if let Ok(document) = unpacked(zip, position, limits)? {
                _ = read_document(document, limits, &mut owner);
            }
            let Some(account) = owner.account() else { continue };
            let Some((first, owner)) = &chosen else {
                chosen = Some((position, account));
                continue;
            };
            if *owner != account {
                let named = |account: &str, position| format!("{account} in {:?}", name_of(zip, position));
                return Err(OpenError::TwoAccounts(named(owner, *first), named(&account, position)));
            }
            let digest = digest(zip, *first, limits)?;
            if digest.is_none() || digest != self::digest(zip, position, limits)? {
                return Err(OpenError::TwoDocuments(name_of(zip, *first), name_of(zip, position)));
            }
        }
        Ok(chosen.map(|(position, _)| position))
    }

    /// The compressed content must be a document: a ZIP needs random access, which gzip does not allow.
    fn gzip(mut source: Source, size: u64, limits: &Limits) -> Result<Self, OpenError> {
        let mut head = Vec::new();
        // A damaged file is reported when it is read.
        let read = gunzip::document(Box::new(&mut source), size, limits)
            .and_then(|document| document.take(1024).read_to_end(&mut head));
        match foreign(&head).filter(|_| read.is_ok() || !head.is_empty()) {
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
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; CHUNK]);
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

/// Refuses another archive beside the one in a ZIP: two that were unpacked into folders and packed together.
fn refuse_second(zip: &Zip) -> Result<(), OpenError> {
    let of_archive = |entry: &Entry| {
        entry.name.rsplit('/').next() == Some(names::POD_SIGNATURE) && !entry.name.starts_with(names::PHOTOS)
    };
    let mut signatures = zip.files().filter(|(_, entry)| of_archive(entry)).map(|(_, entry)| {
        // With its folder, which tells one from the other.
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

/// Refuses a file that is known to be something else than a ZIP of photos. Leaves the position at the beginning.
pub(super) fn refuse_other_photos(source: &mut Source, limits: &Limits) -> Result<(), OpenError> {
    let size = source.size()?;
    let mut head = Vec::new();
    Read::by_ref(source).take(1024).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    if head.starts_with(b"PK") {
        return Ok(());
    }
    let mut inner = head.clone();
    if head.starts_with(&gunzip::MAGIC) {
        inner.clear();
        // What cannot be unpacked is something else.
        _ = gunzip::document(Box::new(&mut *source), size, limits)
            .and_then(|document| document.take(1024).read_to_end(&mut inner));
        source.seek(SeekFrom::Start(0))?;
    }
    match foreign(&inner) {
        _ if head.is_empty() => Err(OpenError::Empty),
        Some("tar") if inner != head => Err(OpenError::OtherFormat("tar.gz")),
        Some(format) if inner != head => Err(OpenError::PackedTwice(format)),
        Some(format) => Err(OpenError::OtherFormat(format)),
        None if is_object(&inner) => Err(OpenError::PhotosAreDocument),
        None => markup(&inner).map_or(Ok(()), Err),
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

/// Returns what a text in HTML or XML is: a page that a browser has saved instead of what it was to download, an error of
/// a storage service, or an export of an early diaspora*.
fn markup(head: &[u8]) -> Option<OpenError> {
    let text = text_of(head).to_ascii_lowercase();
    let holds = |words: &str| text.windows(words.len()).any(|part| part == words.as_bytes());
    let begins = |with: &[&str]| with.iter().any(|begin| text.starts_with(begin.as_bytes()));
    if begins(&["<?xml", "<export"]) && holds("<export") {
        return Some(OpenError::XmlExport);
    }
    let is_page = begins(&["<!doctype html", "<html", "<head", "<body", "<error"])
        || (begins(&["<?xml", "<!--"]) && (holds("<html") || holds("<error")));
    is_page.then_some(OpenError::WebPage)
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
        _ if encryption::is_encrypted_head(head) => Some("age"),
        _ => tar.then_some("tar"),
    }
}
