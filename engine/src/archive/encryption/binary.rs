//! Binary age files, without the line breaks and zeros that mail programs, editors and backups add to their end.
//!
//! An age file does not contain its length: only its last chunk is marked as the last.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The most bytes at the end of a file that are searched for padding.
const MAX_PADDING_BYTES: u64 = 64 * 1024;
/// The most bytes at the end of encrypted data that may look like padding. One file in 43 ends with such a byte; more
/// of them are too improbable (43⁻⁵), and each further length that is tried takes as long as one passphrase.
const MAX_LOOKALIKE_BYTES: u64 = 4;

/// The beginning of a file, read as if the file ended there.
pub struct Prefix {
    file: File,
    end: u64,
    position: u64,
}

impl Prefix {
    pub(super) fn new(mut file: File, end: u64) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self { file, end, position: 0 })
    }
}

impl Read for Prefix {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = Read::by_ref(&mut self.file).take(self.end.saturating_sub(self.position)).read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Prefix {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
        };
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        self.position = self.file.seek(SeekFrom::Start(position))?;
        Ok(position)
    }
}

/// Returns the possible lengths of the encrypted data of a file, the most likely first.
pub(super) fn lengths(file: &mut File) -> io::Result<Vec<u64>> {
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(size.saturating_sub(MAX_PADDING_BYTES)))?;
    let mut tail = Vec::new();
    Read::by_ref(file).take(MAX_PADDING_BYTES).read_to_end(&mut tail)?;
    let padding = tail.iter().rev().take_while(|byte| **byte == 0 || byte.is_ascii_whitespace()).count();
    let content = size - padding as u64;
    let mut lengths = vec![size];
    lengths.extend((content..=content + MAX_LOOKALIKE_BYTES).filter(|length| *length < size));
    Ok(lengths)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};

    use super::super::{DecryptWith, EncryptTo, EncryptionError};

    fn decrypt(decrypt_with: &DecryptWith, bytes: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let mut data = Vec::new();
        decrypt_with.open(file)?.read_to_end(&mut data)?;
        Ok(data)
    }

    #[test]
    fn padding_after_the_end_is_not_read() {
        let key = age::x25519::Identity::generate();
        let decrypt_with = DecryptWith::Identities(vec![key.clone()]);
        for length in [0_u32, 1, 65_535, 65_536, 65_537, 200_000] {
            let data: Vec<u8> = (0..length).map(|number| (number % 251) as u8).collect();
            let mut encrypted = Vec::new();
            let mut writer = EncryptTo::Recipients(vec![key.to_public()]).wrap(&mut encrypted).unwrap();
            writer.write_all(&data).unwrap();
            writer.finish().unwrap();
            for added in [&b""[..], b"\n", b"\r\n", b" \n\n", &[0; 512], &[0; 10_000]] {
                let found = decrypt(&decrypt_with, &[&encrypted, added].concat()).unwrap();
                assert!(found == data, "{length} with {} bytes more", added.len());
            }
            for damaged in
                [[&encrypted, &b"\n-- \nAnn"[..]].concat(), encrypted[..encrypted.len() - 1].to_vec()]
            {
                let error = decrypt(&decrypt_with, &damaged).unwrap_err();
                assert!(error.to_string().contains("its end is missing, or something was added"), "{error}");
            }
        }
    }

    #[test]
    fn data_may_end_like_padding() {
        let key = age::x25519::Identity::generate();
        let decrypt_with = DecryptWith::Identities(vec![key.clone()]);
        // One file in 43 ends with such a byte.
        let mut seen = 0;
        for _ in 0..1000 {
            let mut encrypted = Vec::new();
            let mut writer = EncryptTo::Recipients(vec![key.to_public()]).wrap(&mut encrypted).unwrap();
            writer.write_all(b"x").unwrap();
            writer.finish().unwrap();
            if encrypted.last().is_some_and(|byte| *byte == 0 || byte.is_ascii_whitespace()) {
                seen += 1;
                encrypted.push(b'\n');
                assert_eq!(decrypt(&decrypt_with, &encrypted).unwrap(), b"x");
            }
        }
        assert!(seen > 0);
    }
}
