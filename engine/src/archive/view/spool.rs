//! A temporary ZIP of finished pages, until they are copied to the archive.

use std::io::{Read, Seek, Write};

use askama::Template;

use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::ViewError;
use crate::archive::manifest::FileEntry;
use crate::archive::names;
use crate::archive::writer::{DEFLATE_LEVEL, zip_time};
use crate::domain::Timestamp;

/// A temporary ZIP that pages are added to.
pub(super) struct Spool<W: Write + Seek> {
    zip: ZipWriter<W>,
    options: SimpleFileOptions,
    entries: Vec<FileEntry>,
    /// A buffer that is reused for each page.
    page: String,
}

/// The pages, ready to be copied to the archive without compressing them again.
pub struct FinishedView<W> {
    /// The ZIP of the pages; `index.html` is its last entry.
    pub spool: ZipArchive<W>,
    /// Its files in the order for the archive: `index.html` first, then in the order of the spool. Read them by name.
    pub entries: Vec<FileEntry>,
}

impl<W: Write + Seek> Spool<W> {
    /// Starts with an empty file. `created_at` becomes the time of every entry.
    pub(super) fn begin(file: W, created_at: Timestamp) -> Self {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(DEFLATE_LEVEL))
            .last_modified_time(zip_time(created_at))
            .unix_permissions(0o644);
        Self { zip: ZipWriter::new(file), options, entries: Vec::new(), page: String::new() }
    }

    /// Renders a page and adds it.
    pub(super) fn page(&mut self, path: &str, page: &impl Template) -> Result<(), ViewError> {
        let mut text = std::mem::take(&mut self.page);
        text.clear();
        page.render_into(&mut text)?;
        let packed = self.file(path, text.as_bytes());
        self.page = text;
        packed
    }

    /// Adds a file.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), ViewError> {
        self.zip
            .start_file(path, self.options)
            .map_err(|source| ViewError::Zip { page: path.to_owned(), source })?;
        self.zip.write_all(bytes)?;
        let sha256 = hex::encode(Sha256::digest(bytes));
        self.entries.push(FileEntry { path: path.to_owned(), size: bytes.len() as u64, sha256 });
        Ok(())
    }
}

impl<W: Read + Write + Seek> Spool<W> {
    /// Finishes the ZIP.
    pub(super) fn finish(mut self) -> Result<FinishedView<W>, ViewError> {
        if let Some(index) = self.entries.iter().position(|entry| entry.path == names::INDEX) {
            self.entries[..=index].rotate_right(1);
        }
        let spool = self
            .zip
            .finish_into_readable()
            .map_err(|source| ViewError::Zip { page: "the end of the pages".to_owned(), source })?;
        Ok(FinishedView { spool, entries: self.entries })
    }
}
