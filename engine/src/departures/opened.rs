//! Reading an archive of a depot as its person downloads it: decrypted, from any position.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use age::stream::StreamReader;
use tokio::runtime::Handle;

use super::RequestError;
use crate::archive::encryption::DecryptWith;
use crate::archive::manifest::Manifest;
use crate::archive::names;
use crate::depot::{Depot, DepotError, DepotRead};

/// The maximum size of a manifest in bytes; the rest is not read.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;
/// The size of a chunk that age encrypts: 64 KiB and a tag of 16 bytes.
const BUFFER_BYTES: usize = (64 << 10) + 16;

/// A file of a depot, for code that reads and seeks. It blocks on the network, so async tasks must not use it.
pub struct DepotFile {
    depot: Depot,
    name: String,
    size: u64,
    position: u64,
    handle: Handle,
    source: Option<Source>,
}

/// The source of the next bytes of a file.
enum Source {
    Folder(File),
    Bucket { read: DepotRead, chunk: Vec<u8>, used: usize },
}

impl DepotFile {
    /// Opens a file of a depot. In a bucket, nothing is fetched until it is read.
    ///
    /// # Errors
    /// [`DepotError::Missing`], and [`DepotError`].
    pub async fn open(depot: &Depot, name: &str) -> Result<Self, DepotError> {
        let size = depot.stat(name).await?;
        let size = match size {
            Some(size) => size,
            // This returns the depot's usual error, or the size of a file that was stored in the meantime.
            None => depot.open_read(name).await?.size(),
        };
        let (depot, name, handle) = (depot.clone(), name.to_owned(), Handle::current());
        Ok(Self { depot, name, size, position: 0, handle, source: None })
    }

    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn open_at(&self, position: u64) -> io::Result<Source> {
        if let Some(folder) = self.depot.folder() {
            let mut file = File::open(folder.join(&self.name))?;
            file.seek(SeekFrom::Start(position))?;
            return Ok(Source::Folder(file));
        }
        let opening = self.depot.open_range(&self.name, position, None);
        let read = self.handle.block_on(opening).map_err(io::Error::other)?;
        Ok(Source::Bucket { read, chunk: Vec::new(), used: 0 })
    }

    fn open_source(&mut self) -> io::Result<&mut Source> {
        let source = match self.source.take() {
            Some(source) => source,
            None => self.open_at(self.position)?,
        };
        Ok(self.source.insert(source))
    }
}

impl Read for DepotFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size {
            return Ok(0);
        }
        let handle = self.handle.clone();
        let count = match self.open_source()? {
            Source::Folder(file) => file.read(buffer)?,
            Source::Bucket { read, chunk, used } => {
                if *used >= chunk.len() {
                    *chunk = handle.block_on(read.next()).map_err(io::Error::other)?.unwrap_or_default();
                    *used = 0;
                }
                let left = chunk.get(*used..).unwrap_or_default();
                let count = left.len().min(buffer.len());
                for (target, byte) in buffer.iter_mut().zip(left) {
                    *target = *byte;
                }
                *used += count;
                count
            }
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for DepotFile {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the position is before the beginning");
        let position = position.ok_or_else(invalid)?;
        if position != self.position {
            self.source = None;
            self.position = position;
        }
        Ok(position)
    }
}

/// An archive that can be read from any position. Reading blocks on disks and networks, so async tasks use
/// [`piece`](Self::piece) and [`go_to`](Self::go_to).
pub struct OpenedArchive {
    bytes: Bytes,
    size: u64,
}

enum Bytes {
    Plain(Box<DepotFile>),
    Sealed(Box<StreamReader<BufReader<DepotFile>>>),
}

impl OpenedArchive {
    /// Opens an archive, with this machine's keys if it is encrypted.
    ///
    /// # Errors
    /// [`RequestError::KeyElsewhere`] if it is encrypted and `unlock` is `None`, [`RequestError::Archive`] if it is
    /// truncated, and the depot's errors.
    pub async fn open(
        depot: &Depot,
        file: &str,
        sealed: bool,
        unlock: Option<DecryptWith>,
    ) -> Result<Self, RequestError> {
        let opened = DepotFile::open(depot, file).await?;
        if !sealed {
            let size = opened.size();
            return Ok(Self { bytes: Bytes::Plain(Box::new(opened)), size });
        }
        let unlock = unlock.ok_or(RequestError::KeyElsewhere)?;
        let open = move || {
            let mut stream = unlock.open_reader(BufReader::with_capacity(BUFFER_BYTES, opened))?;
            // Seeking reads the last chunk, so a truncated archive is an error here.
            let size = stream.seek(SeekFrom::End(0)).map_err(|error| broken(&error))?;
            stream.rewind().map_err(|error| broken(&error))?;
            Ok(Self { bytes: Bytes::Sealed(Box::new(stream)), size })
        };
        tokio::task::spawn_blocking(open).await.map_err(|_| RequestError::Broken)?
    }

    /// Returns its size in bytes after decryption.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the archive's manifest. The pod wrote it itself, so its signatures are not verified.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn manifest(self) -> Result<Manifest, RequestError> {
        let read = move || {
            let failed = |error: &dyn std::fmt::Display| RequestError::Archive(error.to_string());
            let mut zip = zip::ZipArchive::new(BufReader::new(self)).map_err(|error| failed(&error))?;
            let entry = zip.by_name(names::MANIFEST).map_err(|error| failed(&error))?;
            serde_json::from_reader(BufReader::new(entry.take(MAX_MANIFEST_BYTES)))
                .map_err(|error| failed(&error))
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| RequestError::Broken)?
    }

    /// Reads the next bytes, at most `max_bytes`, outside of the calling task. The result is empty at the end.
    ///
    /// # Errors
    /// The depot's errors.
    pub async fn piece(mut self, max_bytes: usize) -> io::Result<(Self, Vec<u8>)> {
        let read = move || {
            let mut bytes = Vec::with_capacity(max_bytes);
            Read::by_ref(&mut self).take(max_bytes as u64).read_to_end(&mut bytes)?;
            Ok((self, bytes))
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    /// Seeks to a position, outside of the calling task.
    ///
    /// # Errors
    /// The depot's errors.
    pub async fn go_to(mut self, position: u64) -> io::Result<Self> {
        let seek = move || self.seek(SeekFrom::Start(position)).map(|_| self);
        tokio::task::spawn_blocking(seek).await.map_err(io::Error::other)?
    }
}

fn broken(error: &io::Error) -> RequestError {
    RequestError::Archive(error.to_string())
}

impl Read for OpenedArchive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::Plain(file) => file.read(buffer),
            Bytes::Sealed(stream) => stream.read(buffer),
        }
    }
}

impl Seek for OpenedArchive {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        match &mut self.bytes {
            Bytes::Plain(file) => file.seek(target),
            Bytes::Sealed(stream) => stream.seek(target),
        }
    }
}
