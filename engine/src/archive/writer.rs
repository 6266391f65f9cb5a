//! Writes an archive in one pass, with constant memory and reproducible output.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{Datelike, Timelike};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::limits::Limits;
use super::manifest::{FileEntry, Manifest};
use super::names;
use super::view::FinishedView;
use crate::domain::{KeyError, SigningKey, Timestamp};

/// The compression level of entries; see `docs/performance.md` for the time and size of other levels.
pub const DEFLATE_LEVEL: i64 = 2;
/// The largest entry in bytes of a ZIP without 64-bit sizes.
const MAX_32_BIT_ENTRY: u64 = 0xffff_fffe;
/// Bytes subtracted from the measured compressed size of an entry, since it includes the next entry's header.
pub(super) const HEADER_ALLOWANCE: u64 = 4096;

/// An error of writing an archive.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system failed.
    #[error("writing failed: {0}")]
    Io(#[from] io::Error),
    /// The ZIP library failed.
    #[error("writing {entry} failed: {source}")]
    Zip {
        /// The entry that was being written.
        entry: String,
        /// The library's error.
        source: zip::result::ZipError,
    },
    /// An entry exceeds the size of a ZIP entry without 64-bit sizes.
    #[error("{0} is larger than 4 GiB")]
    EntryTooLarge(String),
    /// An entry compresses so well that readers would reject it as a ZIP bomb.
    #[error("{0} compresses so well that readers would reject it as a ZIP bomb")]
    LooksLikeABomb(String),
    /// The documents and pages exceed the size that readers accept.
    #[error(
        "the account's documents and pages take more than {} GiB, which is more than readers unpack from one archive",
        Limits::UNPACKED_BYTES >> 30
    )]
    TooMuch,
    /// The manifest could not be signed.
    #[error("the manifest could not be signed: {0}")]
    Key(#[from] KeyError),
    /// The manifest could not be written as JSON.
    #[error("the manifest could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// The compression method of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Deflated.
    Deflated,
    /// Not compressed: photos are compressed already.
    Stored,
}

/// An archive being written. It is valid only after [`ArchiveWriter::finish`].
pub struct ArchiveWriter<W: Write + Seek> {
    zip: ZipWriter<PositionTracker<W>>,
    /// The current position in the file.
    position: Arc<AtomicU64>,
    options: SimpleFileOptions,
    entries: Vec<FileEntry>,
    open: Option<OpenEntry>,
    /// The previous entry, until its compressed size is known: path, size, and offset of its data.
    unmeasured: Option<(String, u64, u64)>,
    /// Unpacked bytes of all compressed entries.
    deflated_bytes: u64,
}

struct OpenEntry {
    path: String,
    digest: Sha256,
    size: u64,
    large: bool,
    packing: Packing,
    /// The offset of its data.
    data_at: u64,
}

/// A file wrapper that tracks the current position.
struct PositionTracker<W> {
    inner: W,
    position: Arc<AtomicU64>,
}

impl<W: Write> Write for PositionTracker<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.position.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Seek> Seek for PositionTracker<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = self.inner.seek(to)?;
        self.position.store(position, Ordering::Relaxed);
        Ok(position)
    }
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// Starts an archive in an empty file. `created_at` becomes the time of every entry.
    pub fn begin(file: W, created_at: Timestamp) -> Self {
        let options =
            SimpleFileOptions::default().last_modified_time(zip_time(created_at)).unix_permissions(0o600);
        let position = Arc::new(AtomicU64::new(0));
        let zip = ZipWriter::new(PositionTracker { inner: file, position: Arc::clone(&position) });
        Self { zip, position, options, entries: Vec::new(), open: None, unmeasured: None, deflated_bytes: 0 }
    }

    /// Starts an entry. `large` allows 64-bit sizes, which stock pods may not understand.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn begin_entry(&mut self, path: &str, packing: Packing, large: bool) -> Result<(), WriteError> {
        self.end_entry()?;
        let options = match packing {
            Packing::Stored => self.options.compression_method(CompressionMethod::Stored),
            Packing::Deflated => self
                .options
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(DEFLATE_LEVEL)),
        };
        self.zip
            .start_file(path, options.large_file(large))
            .map_err(|source| WriteError::Zip { entry: path.to_owned(), source })?;
        self.measure(0)?;
        let data_at = self.position.load(Ordering::Relaxed);
        let (path, digest) = (path.to_owned(), Sha256::new());
        self.open = Some(OpenEntry { path, digest, size: 0, large, packing, data_at });
        Ok(())
    }

    /// Checks the compression ratio of the previous entry. The last `following` bytes so far belong to the next entry.
    fn measure(&mut self, following: u64) -> Result<(), WriteError> {
        let Some((path, size, data_at)) = self.unmeasured.take() else { return Ok(()) };
        let written = self.position.load(Ordering::Relaxed).saturating_sub(data_at);
        let packed = written.saturating_sub(following).saturating_sub(HEADER_ALLOWANCE);
        if Limits::looks_like_a_bomb(packed, size) { Err(WriteError::LooksLikeABomb(path)) } else { Ok(()) }
    }

    fn count_deflated(&mut self, bytes: u64) -> Result<(), WriteError> {
        self.deflated_bytes += bytes;
        if self.deflated_bytes > Limits::UNPACKED_BYTES { Err(WriteError::TooMuch) } else { Ok(()) }
    }

    /// Appends to the open entry.
    ///
    /// # Errors
    /// [`WriteError`]; in particular [`WriteError::EntryTooLarge`], if the archive must be written again with
    /// `large`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if let Some(open) = &mut self.open {
            open.size += bytes.len() as u64;
            if open.size > MAX_32_BIT_ENTRY && !open.large {
                return Err(WriteError::EntryTooLarge(open.path.clone()));
            }
            open.digest.update(bytes);
            let is_deflated = open.packing == Packing::Deflated;
            self.zip.write_all(bytes)?;
            if is_deflated {
                self.count_deflated(bytes.len() as u64)?;
            }
        }
        Ok(())
    }

    /// Ends the open entry, if any.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn end_entry(&mut self) -> Result<(), WriteError> {
        if let Some(open) = self.open.take() {
            let sha256 = hex::encode(open.digest.finalize());
            if open.packing == Packing::Deflated {
                self.unmeasured = Some((open.path.clone(), open.size, open.data_at));
            }
            self.entries.push(FileEntry { path: open.path, size: open.size, sha256 });
        }
        Ok(())
    }

    /// Starts the entry of a photo of about `size` bytes.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn begin_photo(&mut self, path: &str, size: u64) -> Result<(), WriteError> {
        // A file may grow while it is read.
        self.begin_entry(path, Packing::Stored, size > MAX_32_BIT_ENTRY / 2)
    }

    /// Copies a file of about `size` bytes to a new entry, uncompressed.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn copy_file(&mut self, path: &str, file: &mut impl Read, size: u64) -> Result<(), WriteError> {
        self.begin_photo(path, size)?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let length = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.write(&buffer[..length])?;
        }
        self.end_entry()
    }

    /// Copies the finished HTML pages, without compressing them again.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn copy_view<V: Read + Seek>(&mut self, view: FinishedView<V>) -> Result<(), WriteError> {
        self.end_entry()?;
        let FinishedView { mut spool, entries } = view;
        for entry in entries {
            let zip_error = |source| WriteError::Zip { entry: entry.path.clone(), source };
            let file = spool.by_name_raw(entry.path.as_bytes()).map_err(zip_error)?;
            let packed = file.compressed_size();
            if Limits::looks_like_a_bomb(packed, entry.size) {
                drop(file);
                let mut page = spool.by_name(&entry.path).map_err(zip_error)?;
                self.copy_file(&entry.path, &mut page, entry.size)?;
                continue;
            }
            self.zip.raw_copy_file(file).map_err(zip_error)?;
            self.measure(packed)?;
            self.count_deflated(entry.size)?;
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Returns the entries written so far.
    pub fn entries(&self) -> &[FileEntry] {
        &self.entries
    }

    /// Writes the manifest, signs it and finishes the file.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn finish(
        mut self,
        mut manifest: Manifest,
        account: Option<&SigningKey>,
        pod: &SigningKey,
    ) -> Result<(W, Manifest), WriteError> {
        self.end_entry()?;
        manifest.entries = std::mem::take(&mut self.entries);
        let mut bytes = serde_json::to_vec_pretty(&manifest)?;
        bytes.push(b'\n');
        if bytes.len() as u64 > Limits::MANIFEST_BYTES {
            return Err(WriteError::TooMuch);
        }
        self.small_entry(names::MANIFEST, Packing::Deflated, &bytes)?;
        for (name, key) in [(names::ACCOUNT_SIGNATURE, account), (names::POD_SIGNATURE, Some(pod))] {
            let Some(key) = key else { continue };
            let signature = key.sign_base64(&bytes)?;
            self.small_entry(name, Packing::Stored, signature_lines(&signature).as_bytes())?;
        }
        let file = self
            .zip
            .finish()
            .map_err(|source| WriteError::Zip { entry: "the end of the archive".to_owned(), source })?;
        Ok((file.inner, manifest))
    }

    fn small_entry(&mut self, path: &str, packing: Packing, bytes: &[u8]) -> Result<(), WriteError> {
        self.begin_entry(path, packing, false)?;
        self.write(bytes)?;
        self.end_entry()
    }
}

/// Wraps Base64 in lines of 64 characters, as `openssl base64 -d` expects.
fn signature_lines(signature: &str) -> String {
    let mut lines = String::with_capacity(signature.len() + signature.len() / 64 + 1);
    for (position, character) in signature.chars().enumerate() {
        if position > 0 && position % 64 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    lines.push('\n');
    lines
}

/// Converts a time for ZIP, which stores local time from 1980 to 2107 in steps of two seconds; here UTC is used.
pub(crate) fn zip_time(time: Timestamp) -> zip::DateTime {
    let time = time.to_utc();
    let narrow = |value: u32| u8::try_from(value).unwrap_or(0);
    let year = u16::try_from(time.year()).unwrap_or(1980);
    zip::DateTime::from_date_and_time(
        year,
        narrow(time.month()),
        narrow(time.day()),
        narrow(time.hour()),
        narrow(time.minute()),
        narrow(time.second()),
    )
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apparent_bombs_are_not_written() {
        let write = |packing| {
            let created_at = "2026-11-22T10:00:00Z".parse().unwrap();
            let mut writer = ArchiveWriter::begin(std::io::Cursor::new(Vec::new()), created_at);
            writer.begin_entry(names::DOCUMENT, packing, false)?;
            for _ in 0..40 {
                writer.write(&vec![b' '; 1 << 20])?;
            }
            writer.begin_entry(names::EXTRAS, packing, false)?;
            writer.end_entry()
        };
        let result = write(Packing::Deflated);
        assert!(
            matches!(&result, Err(WriteError::LooksLikeABomb(path)) if path == names::DOCUMENT),
            "{result:?}"
        );
        write(Packing::Stored).unwrap();
    }
}
