//! The bytes of an archive, plain or under age.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use age::stream::StreamReader;

use super::OpenError;
use crate::archive::encryption::{EncryptionError, Unlock, is_encrypted};

/// An age header with a few hundred recipients; reading one takes time with the square of its length.
const MAX_AGE_HEADER: u64 = 64 * 1024;

/// The bytes of an archive, at any place.
pub(super) enum Source {
    Plain(File),
    Locked(Box<StreamReader<BufReader<File>>>),
}

impl Source {
    /// Takes the lock off, if there is one.
    pub(super) fn new(mut file: File, unlock: Option<&Unlock>) -> Result<Self, OpenError> {
        if !is_encrypted(&mut file)? {
            return Ok(Self::Plain(file));
        }
        let unlock = unlock.ok_or(EncryptionError::Locked)?;
        check_header(&mut file)?;
        Ok(Self::Locked(Box::new(unlock.open(file)?)))
    }

    pub(super) fn size(&mut self) -> io::Result<u64> {
        let size = self.seek(SeekFrom::End(0))?;
        self.seek(SeekFrom::Start(0))?;
        Ok(size)
    }
}

/// The header of an age file ends with a line that begins with `---`.
fn check_header(file: &mut File) -> Result<(), OpenError> {
    let mut head = Vec::new();
    Read::by_ref(file).take(MAX_AGE_HEADER).read_to_end(&mut head)?;
    file.rewind()?;
    if head.windows(5).any(|line| line == b"\n--- ") {
        Ok(())
    } else {
        Err(EncryptionError::Damaged("its header has no end".to_owned()).into())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Locked(stream) => stream.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Plain(file) => file.seek(to),
            Self::Locked(stream) => stream.seek(to),
        }
    }
}
