//! Writes the merged archive from the documents and photos.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write};

use super::index::Index;
use super::lists::Documents;
use super::spools::copy;
use super::{MergeError, MergeInput, MergeOptions, Merged, pages};
use crate::archive::limits::Limits;
use crate::archive::lists::Namespace;
use crate::archive::manifest::{CountKind, Manifest, PrivateKeyState};
use crate::archive::names;
use crate::archive::open::{OpenError, count_records};
use crate::archive::writer::{ArchiveWriter, DEFLATE_LEVEL, HEADER_ALLOWANCE, Packing, WriteError};
use crate::domain::{KeyFingerprint, PrivateKey, SigningKey};

/// The largest document in bytes without 64-bit sizes, which stock pods do not support.
const MAX_32_BIT_ENTRY: u64 = 0xffff_fffe;

pub(super) fn write(
    inputs: &mut [MergeInput],
    index: &Index,
    mut documents: Documents,
    manifest: Manifest,
    options: &MergeOptions<'_>,
) -> Result<Merged, MergeError> {
    let failed = MergeError::io(options.folder);
    let limits = inputs.last().map_or_else(Limits::default, |input| *input.archive.limits());
    let account_key = signing_key(&documents, &manifest, options)?;
    // Without a pod's key the account's own key signs in its place: a signature is required, and readers who trust a
    // pod's key ignore this one.
    let pod_key = options.archive_key.or(account_key.as_ref()).ok_or(MergeError::NoSigningKey)?;
    let name = names::archive_file_name(&manifest.account.diaspora_id, options.created_at);
    let name = if options.encrypt_to.is_some() { format!("{name}.age") } else { name };
    let path = options.folder.join(name);
    if path.try_exists().map_err(&failed)? {
        return Err(MergeError::Exists(path));
    }
    let mut counts = count_records(&documents.document, &documents.extras, &limits)?;
    let photos = photo_names(inputs, index);
    counts.insert(CountKind::PhotoFiles, photos.len() as u64);
    let mut manifest = Manifest {
        created_at: options.created_at,
        created_by: options.created_by.clone(),
        counts,
        entries: Vec::new(),
        ..manifest
    };
    pod_key.public_key()?.as_pem().clone_into(&mut manifest.pod.archive_key);
    let view = pages::write(&mut documents, &manifest, &photos, options.work.path(), &limits)?;
    drop(photos);

    let mut file = tempfile::NamedTempFile::new_in(options.work.path()).map_err(&failed)?;
    let out = file.reopen().map_err(&failed)?;
    let mut writer = ArchiveWriter::begin(BufWriter::with_capacity(256 << 10, out), options.created_at);
    let entries = [(names::DOCUMENT, &mut documents.document), (names::EXTRAS, &mut documents.extras)];
    for (name, document) in entries {
        let size = document.metadata().map_err(&failed)?.len();
        let packing = packing(document, size).map_err(&failed)?;
        document.rewind().map_err(&failed)?;
        writer.begin_entry(name, packing, size > MAX_32_BIT_ENTRY)?;
        copy(document, &mut Entry(&mut writer)).map_err(&failed)?;
    }
    copy_photos(inputs, index, &mut writer)?;
    writer.copy_view(view)?;
    let (out, manifest) = writer.finish(manifest, account_key.as_ref(), pod_key)?;
    out.into_inner().map_err(|error| failed(error.into_error()))?;
    if let Some(encrypt_to) = &options.encrypt_to {
        let mut encrypted = tempfile::NamedTempFile::new_in(options.work.path()).map_err(&failed)?;
        file.as_file_mut().rewind().map_err(&failed)?;
        let mut encryptor = encrypt_to.wrap(encrypted.as_file_mut())?;
        copy(file.as_file_mut(), &mut encryptor).map_err(&failed)?;
        encryptor.finish().map_err(&failed)?;
        file = encrypted;
    }
    file.as_file().sync_all().map_err(&failed)?;
    let bytes = file.as_file().metadata().map_err(&failed)?.len();
    match file.persist_noclobber(&path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(MergeError::Exists(path));
        }
        Err(error) => return Err(failed(error.error)),
    }
    // Not every file system can sync a folder.
    _ = File::open(options.folder).and_then(|folder| folder.sync_all());
    let signed_by_pod = options.archive_key.is_some();
    Ok(Merged { path, bytes, manifest, signed_by_pod, only_in_older: index.only_in_older() })
}

/// Returns the packing of a document: stored if it would compress so well that readers take it for a bomb.
fn packing(document: &mut File, size: u64) -> io::Result<Packing> {
    if size <= Limits::RATIO_FROM_BYTES {
        return Ok(Packing::Deflated);
    }
    document.rewind()?;
    let level = flate2::Compression::new(u32::try_from(DEFLATE_LEVEL).unwrap_or(2));
    let mut packed = flate2::read::DeflateEncoder::new(&*document, level);
    io::copy(&mut packed, &mut io::sink())?;
    let looks_like_a_bomb =
        Limits::looks_like_a_bomb(packed.total_out().saturating_sub(HEADER_ALLOWANCE), size);
    Ok(if looks_like_a_bomb { Packing::Stored } else { Packing::Deflated })
}

/// Returns the account's signing key, or `None` if it has none.
fn signing_key(
    documents: &Documents,
    manifest: &Manifest,
    options: &MergeOptions<'_>,
) -> Result<Option<SigningKey>, MergeError> {
    #[derive(serde::Deserialize)]
    struct Key {
        private_key: PrivateKey,
    }
    let key: Key = serde_json::from_str(&format!("{{{}}}", *documents.settings))
        .map_err(|error| MergeError::io(options.folder)(io::Error::other(error)))?;
    let key = match manifest.account.private_key {
        PrivateKeyState::Absent => return Ok(None),
        PrivateKeyState::Plain => key.private_key,
        PrivateKeyState::Encrypted => {
            key.private_key.decrypt(options.key_passphrase.ok_or(MergeError::KeyLocked)?)?
        }
    };
    let key = key.signing_key()?;
    // While the key was encrypted, only the manifest's fingerprint was available.
    let found: KeyFingerprint = key.public_key()?.fingerprint();
    if manifest.account.key_fingerprint.as_ref().is_some_and(|expected| *expected != found) {
        let path = options.folder.to_owned();
        return Err(MergeError::AnotherKey { path });
    }
    Ok(Some(key))
}

fn photo_names(inputs: &[MergeInput], index: &Index) -> Vec<String> {
    let mut photos = Vec::new();
    for (position, input) in inputs.iter().enumerate() {
        let entries =
            input.archive.manifest().map(|manifest| manifest.entries.as_slice()).unwrap_or_default();
        let names = entries.iter().filter_map(|entry| entry.path.strip_prefix(names::PHOTOS));
        let supplied =
            names.filter(|name| index.source_archive(Namespace::PhotoFile, name) == Some(position));
        photos.extend(supplied.map(str::to_owned));
    }
    photos
}

fn copy_photos<W: Write + io::Seek>(
    inputs: &mut [MergeInput],
    index: &Index,
    writer: &mut ArchiveWriter<W>,
) -> Result<(), MergeError> {
    for (position, input) in inputs.iter_mut().enumerate() {
        input.archive.photos(|name, size, photo| -> Result<(), PhotoError> {
            if index.source_archive(Namespace::PhotoFile, name) != Some(position) {
                return Ok(());
            }
            Ok(writer.copy_file(&format!("{}{name}", names::PHOTOS), &mut { photo }, size)?)
        })?;
    }
    Ok(())
}

/// An error of copying a photo, by the side that failed.
#[derive(Debug, thiserror::Error)]
enum PhotoError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<PhotoError> for MergeError {
    fn from(error: PhotoError) -> Self {
        match error {
            PhotoError::Open(error) => error.into(),
            PhotoError::Write(error) => error.into(),
        }
    }
}

/// The open entry of an archive.
struct Entry<'a, W: Write + io::Seek>(&'a mut ArchiveWriter<W>);

impl<W: Write + io::Seek> Write for Entry<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(WriteError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
