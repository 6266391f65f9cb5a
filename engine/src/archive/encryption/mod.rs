//! Encryption of whole archives with age, for a passphrase or for recipients.

mod armor;
mod binary;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use age::secrecy::SecretString;

use binary::Prefix;

/// The work factor (scrypt) for passphrases: fixed, as the automatic choice takes seconds and half a gigabyte. 2^16
/// is about 64 MiB and a fifth of a second.
const WORK_FACTOR: u8 = 16;
/// The largest work factor accepted from untrusted files.
const MAX_WORK_FACTOR: u8 = 18;
/// The first bytes of an age file.
const MAGIC: &[u8] = b"age-encryption.org/";
/// The largest age header: a few hundred recipients; the time to read one grows with the square of its length.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// The passphrase or keys that an archive is encrypted to.
#[derive(Clone)]
pub enum EncryptTo {
    /// A passphrase.
    Passphrase(SecretString),
    /// Public keys (`age1…`); any one of their private keys decrypts.
    Recipients(Vec<age::x25519::Recipient>),
}

/// The passphrase or keys that decrypt an archive.
#[derive(Clone)]
pub enum DecryptWith {
    /// The passphrase.
    Passphrase(SecretString),
    /// Private keys (`AGE-SECRET-KEY-1…`).
    Identities(Vec<age::x25519::Identity>),
}

/// An error of encrypting or decrypting an archive.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No recipient was specified.
    #[error("no recipient was specified")]
    NoRecipient,
    /// Not an age key.
    #[error("{0:?} is not an age recipient (age1…)")]
    Recipient(String),
    /// The key file contains no key.
    #[error("the key file contains no age key (AGE-SECRET-KEY-1…)")]
    NoIdentity,
    /// The file is not an age file, or is damaged.
    #[error("the file is not encrypted with age, or is damaged: {0}")]
    Damaged(String),
    /// The work factor of the passphrase is too high: trying one would take minutes and gigabytes.
    #[error(
        "opening the file with a passphrase would take more work (2^{0}) than Pappus does for an untrusted file; at most 2^{MAX_WORK_FACTOR}"
    )]
    TooExpensive(u8),
    /// Neither the passphrase nor any of the keys decrypts it.
    #[error("the passphrase or key does not open this archive")]
    WrongKey,
    /// No passphrase or key was specified.
    #[error(
        "the archive is encrypted: specify the passphrase with --passphrase or the key file with --identity"
    )]
    Locked,
}

impl EncryptionError {
    /// Returns the error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::NoRecipient | Self::Recipient(_) => "encryption_recipient",
            Self::NoIdentity => "encryption_no_identity",
            Self::Damaged(_) => "encryption_damaged",
            Self::TooExpensive(_) => "encryption_too_expensive",
            Self::WrongKey => "encryption_wrong_key",
            Self::Locked => "encryption_locked",
        }
    }
}

impl EncryptTo {
    /// Encrypts to this passphrase.
    pub fn passphrase(text: &str) -> Self {
        Self::Passphrase(SecretString::from(text.to_owned()))
    }

    /// Encrypts to these keys (`age1…`).
    ///
    /// # Errors
    /// [`EncryptionError::Recipient`] names the first that is not a key.
    pub fn recipients(keys: &[String]) -> Result<Self, EncryptionError> {
        keys.iter()
            .map(|key| key.parse().map_err(|_| EncryptionError::Recipient(key.clone())))
            .collect::<Result<_, _>>()
            .map(Self::Recipients)
    }

    /// Wraps a file so that everything written to it is encrypted. Finish the returned writer at the end.
    ///
    /// # Errors
    /// [`EncryptionError::NoRecipient`], or errors of the file.
    pub fn wrap<W: Write>(&self, file: W) -> Result<age::stream::StreamWriter<W>, EncryptionError> {
        let encryptor = match self {
            Self::Passphrase(passphrase) => {
                let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(WORK_FACTOR);
                age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            }
            Self::Recipients(keys) => {
                age::Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient))
            }
        }
        .map_err(|_| EncryptionError::NoRecipient)?;
        Ok(encryptor.wrap_output(file)?)
    }
}

impl DecryptWith {
    /// Decrypts with this passphrase.
    pub fn passphrase(text: &str) -> Self {
        Self::Passphrase(SecretString::from(text.to_owned()))
    }

    /// Decrypts with the keys (`AGE-SECRET-KEY-1…`) in the lines of a key file; other lines are comments.
    ///
    /// # Errors
    /// [`EncryptionError::NoIdentity`] if there is none.
    pub fn identities(key_file: &str) -> Result<Self, EncryptionError> {
        let keys: Vec<_> = key_file.lines().filter_map(|line| line.trim().parse().ok()).collect();
        if keys.is_empty() { Err(EncryptionError::NoIdentity) } else { Ok(Self::Identities(keys)) }
    }

    /// Opens an encrypted file for random access. Line breaks and zeros after its end are not read.
    ///
    /// # Errors
    /// [`EncryptionError::Damaged`], [`EncryptionError::TooExpensive`] and [`EncryptionError::WrongKey`].
    pub fn open(&self, mut file: File) -> Result<OpenedFile, EncryptionError> {
        let mut cipher = CipherText::new(file.try_clone()?)?;
        if matches!(cipher, CipherText::Armored(_)) {
            let reader = cipher.check_header().and_then(|()| self.open_reader(BufReader::new(cipher)));
            return reader.map_err(with_advice);
        }
        cipher.check_header()?;
        for length in binary::lengths(&mut file)? {
            let cipher = CipherText::Binary(Prefix::new(file.try_clone()?, length)?);
            let mut reader = self.open_reader(BufReader::new(cipher))?;
            match reader.seek(SeekFrom::End(0)) {
                Ok(_) => {
                    reader.rewind()?;
                    return Ok(reader);
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EncryptionError::Damaged("its end is missing, or something was added after it".to_owned()))
    }

    /// Decrypts a stream.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_reader<R: BufRead>(
        &self,
        reader: R,
    ) -> Result<age::stream::StreamReader<R>, EncryptionError> {
        let damaged = |error: age::DecryptError| match error {
            age::DecryptError::Io(error) => EncryptionError::Io(error),
            other => EncryptionError::Damaged(other.to_string()),
        };
        let decryptor = age::Decryptor::new_buffered(reader).map_err(damaged)?;
        let decrypted = match self {
            Self::Passphrase(passphrase) => {
                let mut identity = age::scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MAX_WORK_FACTOR);
                decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
            }
            Self::Identities(keys) => decryptor.decrypt(keys.iter().map(|key| key as &dyn age::Identity)),
        };
        decrypted.map_err(|error| match error {
            age::DecryptError::NoMatchingKeys
            | age::DecryptError::DecryptionFailed
            | age::DecryptError::KeyDecryptionFailed => EncryptionError::WrongKey,
            age::DecryptError::ExcessiveWork { required, .. } => EncryptionError::TooExpensive(required),
            other => damaged(other),
        })
    }
}

/// Adds advice to an error of an armored file.
fn with_advice(error: EncryptionError) -> EncryptionError {
    match error {
        EncryptionError::Damaged(problem) => {
            EncryptionError::Damaged(format!("{problem}; {}", armor::ADVICE))
        }
        EncryptionError::Io(error) => armor_error(error),
        other => other,
    }
}

/// Converts an error of reading armor.
fn armor_error(error: io::Error) -> EncryptionError {
    match error.kind() {
        io::ErrorKind::InvalidData => EncryptionError::Damaged(error.to_string()),
        _ => EncryptionError::Io(error),
    }
}

/// Returns whether a file begins like an age file, armored or not. Leaves the position at the beginning.
///
/// # Errors
/// Errors of the file.
pub fn is_encrypted(file: &mut File) -> io::Result<bool> {
    let mut head = Vec::new();
    Read::by_ref(file).take(armor::HEAD_BYTES).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(is_encrypted_head(&head))
}

/// Returns whether these are the first bytes of an age file, armored or not.
pub(super) fn is_encrypted_head(head: &[u8]) -> bool {
    head.starts_with(MAGIC) || armor::is_armored(head)
}

/// The decrypted content of a file, with random access.
pub type OpenedFile = age::stream::StreamReader<BufReader<CipherText>>;

/// The binary content of an age file, decoded if armored.
pub enum CipherText {
    /// A binary file.
    Binary(Prefix),
    /// An ASCII-armored file.
    Armored(Box<armor::ArmorReader<File>>),
}

impl CipherText {
    fn new(mut file: File) -> Result<Self, EncryptionError> {
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(armor::HEAD_BYTES).read_to_end(&mut head)?;
        file.rewind()?;
        if !armor::is_armored(&head) {
            return Ok(Self::Binary(Prefix::new(file, u64::MAX)?));
        }
        armor::ArmorReader::new(file).map(|reader| Self::Armored(Box::new(reader))).map_err(armor_error)
    }

    /// Checks the size of the header, which ends with a line that begins with `---`.
    fn check_header(&mut self) -> Result<(), EncryptionError> {
        let mut head = Vec::new();
        Read::by_ref(self).take(MAX_HEADER_BYTES).read_to_end(&mut head)?;
        self.rewind()?;
        if head.windows(5).any(|line| line == b"\n--- ") {
            Ok(())
        } else {
            Err(EncryptionError::Damaged("its header has no end".to_owned()))
        }
    }
}

impl Read for CipherText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Binary(file) => file.read(buffer),
            Self::Armored(reader) => reader.read(buffer),
        }
    }
}

impl Seek for CipherText {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Binary(file) => file.seek(to),
            Self::Armored(reader) => reader.seek(to),
        }
    }
}
