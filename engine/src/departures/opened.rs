//! An archive of a depot as its person gets it: decrypted, from any position.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use age::stream::StreamReader;
use tokio::runtime::Handle;

use super::RequestError;
use crate::archive::encryption::DecryptWith;
use crate::archive::manifest::Manifest;
use crate::archive::names;
use crate::depot::{Depot, DepotError, DepotRead};

/// Largest manifest that is read.
const MAX_MANIFEST: u64 = 256 << 20;
/// age encrypts chunks of 64 KiB, with 16 bytes each.
const BUFFER: usize = (64 << 10) + 16;

/// A file of a depot, for programs that need a file. It blocks on the network, so not for async tasks.
pub struct DepotFile {
    depot: Depot,
    name: String,
    size: u64,
    at: u64,
    handle: Handle,
    from: Option<From>,
}

/// The source of the next bytes.
enum From {
    Folder(File),
    Bucket { read: DepotRead, piece: Vec<u8>, used: usize },
}

impl DepotFile {
    /// Opens a file of a depot; in a bucket nothing is fetched yet.
    ///
    /// # Errors
    /// [`DepotError::Missing`], and [`DepotError`].
    pub async fn open(depot: &Depot, name: &str) -> Result<Self, DepotError> {
        let size = depot.stat(name).await?;
        let size = match size {
            Some(size) => size,
            // The same error as everywhere, for either kind of depot.
            None => depot.open_read(name).await?.size(),
        };
        let (depot, name, handle) = (depot.clone(), name.to_owned(), Handle::current());
        Ok(Self { depot, name, size, at: 0, handle, from: None })
    }

    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn open_at(&self, at: u64) -> io::Result<From> {
        if let Some(folder) = self.depot.folder() {
            let mut file = File::open(folder.join(&self.name))?;
            file.seek(SeekFrom::Start(at))?;
            return Ok(From::Folder(file));
        }
        let opening = self.depot.open_range(&self.name, at, None);
        let read = self.handle.block_on(opening).map_err(io::Error::other)?;
        Ok(From::Bucket { read, piece: Vec::new(), used: 0 })
    }

    fn open_here(&mut self) -> io::Result<&mut From> {
        let from = match self.from.take() {
            Some(from) => from,
            None => self.open_at(self.at)?,
        };
        Ok(self.from.insert(from))
    }
}

impl Read for DepotFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size {
            return Ok(0);
        }
        let handle = self.handle.clone();
        let count = match self.open_here()? {
            From::Folder(file) => file.read(buffer)?,
            From::Bucket { read, piece, used } => {
                if *used >= piece.len() {
                    *piece = handle.block_on(read.next()).map_err(io::Error::other)?.unwrap_or_default();
                    *used = 0;
                }
                let left = piece.get(*used..).unwrap_or_default();
                let count = left.len().min(buffer.len());
                for (to, from) in buffer.iter_mut().zip(left) {
                    *to = *from;
                }
                *used += count;
                count
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for DepotFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        if at != self.at {
            self.from = None;
            self.at = at;
        }
        Ok(at)
    }
}

/// An archive that can be read from any position. Reading blocks on disks and networks, so not for async tasks.
pub struct OpenedArchive {
    bytes: Bytes,
    size: u64,
}

enum Bytes {
    Plain(Box<DepotFile>),
    Sealed(Box<StreamReader<BufReader<DepotFile>>>),
}

impl OpenedArchive {
    /// Opens an archive, with this machine's keys when it is encrypted.
    ///
    /// # Errors
    /// [`RequestError`].
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
            let mut stream = unlock.open_reader(BufReader::with_capacity(BUFFER, opened))?;
            // The last chunk is read, so a truncated archive shows here.
            let size = stream.seek(SeekFrom::End(0)).map_err(|error| broken(&error))?;
            stream.rewind().map_err(|error| broken(&error))?;
            Ok(Self { bytes: Bytes::Sealed(Box::new(stream)), size })
        };
        tokio::task::spawn_blocking(open).await.map_err(|_| RequestError::Broken)?
    }

    /// Returns its size in bytes, as its person gets it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the archive's manifest. It is the pod's own, so its signatures are not verified.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn manifest(self) -> Result<Manifest, RequestError> {
        let read = move || {
            let failed = |error: &dyn std::fmt::Display| RequestError::Archive(error.to_string());
            let mut zip = zip::ZipArchive::new(BufReader::new(self)).map_err(|error| failed(&error))?;
            let entry = zip.by_name(names::MANIFEST).map_err(|error| failed(&error))?;
            serde_json::from_reader(BufReader::new(entry.take(MAX_MANIFEST))).map_err(|error| failed(&error))
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| RequestError::Broken)?
    }

    /// Reads the next bytes, at most `most`, outside of the calling task; none at the end.
    ///
    /// # Errors
    /// The depot's errors.
    pub async fn piece(mut self, most: usize) -> io::Result<(Self, Vec<u8>)> {
        let read = move || {
            let mut bytes = Vec::with_capacity(most);
            Read::by_ref(&mut self).take(most as u64).read_to_end(&mut bytes)?;
            Ok((self, bytes))
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    /// Seeks to a position.
    ///
    /// # Errors
    /// The depot's errors.
    pub async fn go_to(mut self, at: u64) -> io::Result<Self> {
        let go = move || self.seek(SeekFrom::Start(at)).map(|_| self);
        tokio::task::spawn_blocking(go).await.map_err(io::Error::other)?
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
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.bytes {
            Bytes::Plain(file) => file.seek(to),
            Bytes::Sealed(stream) => stream.seek(to),
        }
    }
}
