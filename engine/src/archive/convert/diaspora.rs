//! Converts an archive to the two files that a stock pod accepts: `USERNAME.json.gz` and `USERNAME_photos.zip`.
//!
//! The document is copied byte for byte. Only a private key under a passphrase is replaced with the unencrypted key, as
//! diaspora* writes it, because stock pods cannot decrypt it.

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use serde_json::value::RawValue;
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, shortened, username,
};
use crate::archive::limits::Limits;
use crate::archive::names;
use crate::archive::open::{Archive, OpenError, Verified};
use crate::domain::{KeyError, PrivateKey};
use crate::work_dir::WorkDir;

/// The maximum bytes of an entry; larger ones need 64-bit sizes.
const MAX_32_BIT_ENTRY_BYTES: u64 = 0xffff_ffff;

/// An error of a conversion. No files are left behind.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The archive can no longer be read.
    #[error(transparent)]
    Archive(#[from] OpenError),
    /// The document can no longer be read.
    #[error("the archive document: {0}")]
    Document(#[from] DocumentError),
    /// The document has no username that is usable as a file name.
    #[error("the username in the archive, {0:?}, cannot be used as a file name")]
    Username(String),
    /// The private key is encrypted and no passphrase was given.
    #[error(
        "the private key is under a passphrase, and stock pods cannot decrypt it: specify the passphrase with --key-passphrase"
    )]
    KeyLocked,
    /// The private key could not be decrypted.
    #[error("the private key was not decrypted: {0}")]
    Key(#[from] KeyError),
    /// The decrypted key is not the account's.
    #[error("the decrypted key is not the one in the manifest: the archive is not the account's own")]
    OtherKey,
    /// A file of that name already exists.
    #[error("{0} already exists and is not overwritten. Move it away, or specify another folder")]
    Exists(PathBuf),
    /// The file system failed.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Writing a photo failed.
    #[error("the photo {name:?} was not written: {source}")]
    Photo {
        /// The name.
        name: String,
        /// The underlying error.
        source: io::Error,
    },
}

impl ConvertError {
    /// Returns the error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Archive(error) => error.code(),
            Self::Document(error) => error.code(),
            Self::Username(_) => "username",
            Self::KeyLocked => "key_locked",
            Self::Key(KeyError::TooExpensive) => "key_too_expensive",
            Self::Key(KeyError::WrongPassphrase) => "key_wrong_passphrase",
            Self::Key(_) => "key",
            Self::OtherKey => "key_other",
            Self::Exists(_) => "exists",
            Self::Io { .. } => "io",
            Self::Photo { .. } => "photo",
        }
    }
}

/// The result of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The document.
    pub document: PathBuf,
    /// The photos.
    pub photos: PathBuf,
    /// The number of photos.
    pub photo_count: u64,
    /// True if an encrypted private key was decrypted and is now in plain text.
    pub key_decrypted: bool,
}

/// Writes `USERNAME.json.gz` and `USERNAME_photos.zip` into a folder, readable by their owner only.
///
/// The files get their final names when both are complete.
///
/// # Errors
/// [`ConvertError`]; existing files are never overwritten.
pub fn convert_to_diaspora(
    archive: &mut Archive<Verified>,
    out_dir: &Path,
    key_passphrase: Option<&str>,
) -> Result<Converted, ConvertError> {
    let work = WorkDir::make(out_dir).map_err(failed(out_dir))?;
    convert_in(archive, out_dir, &work, key_passphrase)
}

/// Converts an archive as [`convert_to_diaspora`] does, with a folder for temporary files on the file system of
/// `out_dir`.
///
/// # Errors
/// [`ConvertError`]; existing files are never overwritten.
pub fn convert_in(
    archive: &mut Archive<Verified>,
    out_dir: &Path,
    work: &WorkDir,
    key_passphrase: Option<&str>,
) -> Result<Converted, ConvertError> {
    let head = read_head(archive)?;
    let username = names::file_stem(&safe_name(head.username)?);
    let document = out_dir.join(format!("{username}.json.gz"));
    let photos = out_dir.join(format!("{username}_photos.zip"));
    for path in [&document, &photos] {
        if path.try_exists().map_err(failed(path))? {
            return Err(ConvertError::Exists(path.clone()));
        }
    }
    let replacement = open_key(archive, head.key, key_passphrase)?;
    let packed_document = write_document(archive, work.path(), replacement.as_ref())?;
    let (packed_photos, photo_count) = write_photos(archive, work.path())?;
    // Sync both before renaming either, to keep the time between the renames short.
    for (file, path) in [(&packed_document, &document), (&packed_photos, &photos)] {
        file.as_file().sync_all().map_err(failed(path))?;
    }
    publish(packed_document, &document)?;
    if let Err(error) = publish(packed_photos, &photos) {
        // This conversion has written it, and it is useless without the other file.
        _ = std::fs::remove_file(&document);
        return Err(error);
    }
    Ok(Converted { document, photos, photo_count, key_decrypted: replacement.is_some() })
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ConvertError + '_ {
    move |source| ConvertError::Io { path: path.to_owned(), source }
}

/// The parts of the document that are needed before it is copied.
#[derive(Default)]
struct Head {
    username: Option<String>,
    key: Option<KeyInDocument>,
}

/// A private key, and the position and length of its text in the document, in bytes.
struct KeyInDocument {
    key: PrivateKey,
    offset: u64,
    length: u64,
}

impl DocumentVisitor for Head {
    fn wants(&self, section: Section, name: &str) -> bool {
        section == Section::User && matches!(name, "username" | "private_key")
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let refuse = |error: serde_json::Error| DocumentError::record(place, &error);
        if place.name == "username" {
            let name: String = serde_json::from_str(value.get()).map_err(refuse)?;
            self.username = Some(username(&name));
        } else {
            let key = serde_json::from_str(value.get()).map_err(refuse)?;
            self.key = Some(KeyInDocument { key, offset: place.offset, length: value.get().len() as u64 });
        }
        Ok(if self.username.is_some() && self.key.is_some() { Next::Stop } else { Next::Continue })
    }

    fn element(&mut self, place: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Err(DocumentError::record(place, &"an array was found instead of a text"))
    }
}

fn read_head(archive: &mut Archive<Verified>) -> Result<Head, ConvertError> {
    let limits = *archive.limits();
    let mut head = Head::default();
    read_document(archive.document()?, &limits, &mut head)?;
    Ok(head)
}

/// Returns the username if it has only characters that diaspora* allows; a leading dot would hide the file.
fn safe_name(username: Option<String>) -> Result<String, ConvertError> {
    let username = username.unwrap_or_default();
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
    if (1..=200).contains(&username.len()) && username.bytes().all(is_allowed) && !username.starts_with('.') {
        Ok(username)
    } else {
        Err(ConvertError::Username(shortened(&username)))
    }
}

/// Returns the unencrypted key and the position of the text that it replaces, or `None` if the key is not encrypted.
fn open_key(
    archive: &Archive<Verified>,
    original: Option<KeyInDocument>,
    passphrase: Option<&str>,
) -> Result<Option<KeyInDocument>, ConvertError> {
    let Some(original) = original.filter(|original| original.key.is_encrypted()) else { return Ok(None) };
    let key = original.key.decrypt(passphrase.ok_or(ConvertError::KeyLocked)?)?;
    let fingerprint = key.signing_key()?.public_key()?.fingerprint();
    // Until now the key was encrypted, so it could not be compared with the manifest.
    match archive.manifest().map(|manifest| &manifest.account.key_fingerprint) {
        Some(Some(expected)) if *expected != fingerprint => Err(ConvertError::OtherKey),
        _ => Ok(Some(KeyInDocument { key, ..original })),
    }
}

fn write_document(
    archive: &mut Archive<Verified>,
    work: &Path,
    replacement: Option<&KeyInDocument>,
) -> Result<NamedTempFile, ConvertError> {
    // Readers reject files that compress too well as ZIP bombs.
    for level in [Compression::new(6), Compression::none()] {
        let (file, unpacked) = pack_document(archive, work, replacement, level)?;
        let packed = file.as_file().metadata().map_err(failed(work))?.len();
        if level == Compression::none() || !Limits::looks_like_a_bomb(packed, unpacked) {
            return Ok(file);
        }
    }
    Err(failed(work)(io::Error::other("the document was not packed")))
}

/// Returns the gzip-compressed document and its uncompressed size.
fn pack_document(
    archive: &mut Archive<Verified>,
    work: &Path,
    replacement: Option<&KeyInDocument>,
    level: Compression,
) -> Result<(NamedTempFile, u64), ConvertError> {
    let error = failed(work);
    let mut file = NamedTempFile::new_in(work).map_err(&error)?;
    let mut document = archive.document()?;
    // The header contains no time and no name, so that the output is reproducible.
    let mut packed = GzBuilder::new().write(BufWriter::new(file.as_file_mut()), level);
    let copied = |outcome: Result<u64, CopyError>| {
        outcome.map_err(|failure| match failure {
            CopyError::Read(source) => OpenError::from_io(source).into(),
            CopyError::Write(source) => error(source),
        })
    };
    let mut unpacked = 0;
    if let Some(KeyInDocument { key, offset, length }) = replacement {
        let text = zeroize::Zeroizing::new(serde_json::to_vec(key).map_err(|source| error(source.into()))?);
        unpacked += copied(copy(&mut document.by_ref().take(*offset), &mut packed))? + text.len() as u64;
        copied(copy(&mut document.by_ref().take(*length), &mut io::sink()))?;
        packed.write_all(&text).map_err(&error)?;
    }
    unpacked += copied(copy(&mut document, &mut packed))?;
    packed.finish().and_then(|mut writer| writer.flush()).map_err(&error)?;
    drop(document);
    Ok((file, unpacked))
}

/// An error of a copy, by the side that failed.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copies in larger chunks than [`io::copy`] does. Returns the number of bytes.
fn copy(reader: &mut dyn Read, writer: &mut dyn Write) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 256 * 1024];
    let mut copied = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(count) => {
                writer.write_all(buffer.get(..count).unwrap_or_default()).map_err(CopyError::Write)?;
                copied += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyError::Read(error)),
        }
    }
}

/// Writes the photos uncompressed at the root, with sizes before the data: stock pods read the ZIP in one pass.
fn write_photos(archive: &mut Archive<Verified>, work: &Path) -> Result<(NamedTempFile, u64), ConvertError> {
    let error = failed(work);
    let file = NamedTempFile::new_in(work).map_err(&error)?;
    let writer = BufWriter::with_capacity(64 * 1024, file.reopen().map_err(&error)?);
    let mut zip = ZipWriter::new(writer);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o600);
    let mut count = 0;
    archive.photos(|name, size, photo| {
        let failed = |source| ConvertError::Photo { name: name.to_owned(), source };
        zip.start_file(name, options.large_file(size > MAX_32_BIT_ENTRY_BYTES))
            .map_err(|source| failed(source.into()))?;
        count += 1;
        copy(photo, &mut zip).map(drop).map_err(|error| match error {
            CopyError::Read(source) => OpenError::from_io(source).into(),
            CopyError::Write(source) => failed(source),
        })
    })?;
    zip.finish().map_err(|source| error(source.into()))?.flush().map_err(&error)?;
    Ok((file, count))
}

/// Renames a complete file to its final name, unless that exists.
fn publish(file: NamedTempFile, path: &Path) -> Result<(), ConvertError> {
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(ConvertError::Exists(path.to_owned()))
        }
        Err(error) => Err(failed(path)(error.error)),
    }
}
