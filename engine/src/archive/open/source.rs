//! The bytes of an archive, plain or age-encrypted.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::OpenError;
use crate::archive::encryption::{DecryptWith, EncryptionError, OpenedFile, is_encrypted};

/// Random access to the bytes of an archive.
pub(super) enum Source {
    Plain(File),
    Encrypted(Box<OpenedFile>),
}

impl Source {
    /// Opens the file, decrypting it if it is encrypted.
    pub(super) fn new(mut file: File, unlock: Option<&DecryptWith>) -> Result<Self, OpenError> {
        if !is_encrypted(&mut file)? {
            return Ok(Self::Plain(file));
        }
        let unlock = unlock.ok_or(EncryptionError::Locked)?;
        Ok(Self::Encrypted(Box::new(unlock.open(file)?)))
    }

    pub(super) fn size(&mut self) -> io::Result<u64> {
        let size = self.seek(SeekFrom::End(0))?;
        self.seek(SeekFrom::Start(0))?;
        Ok(size)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Encrypted(stream) => stream.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Plain(file) => file.seek(position),
            Self::Encrypted(stream) => stream.seek(position),
        }
    }
}
