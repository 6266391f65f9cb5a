//! The whole archive under age, for a passphrase or for recipients.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};

use age::secrecy::SecretString;

/// Work factor for passphrases: a fixed one, as the automatic choice takes seconds and half a gigabyte.
/// 2^16 is about 64 MiB and a fifth of a second.
const WORK_FACTOR: u8 = 16;
/// Work a stranger's file may ask for.
const MAX_WORK_FACTOR: u8 = 18;

/// Who may open the archive.
#[derive(Clone)]
pub enum Lock {
    /// Whoever knows the passphrase.
    Passphrase(SecretString),
    /// Whoever has one of the keys (`age1…`).
    Recipients(Vec<age::x25519::Recipient>),
}

/// What opens a locked archive.
#[derive(Clone)]
pub enum Unlock {
    /// The passphrase.
    Passphrase(SecretString),
    /// Keys (`AGE-SECRET-KEY-1…`).
    Identities(Vec<age::x25519::Identity>),
}

/// Why an archive could not be locked or opened.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Nobody was named.
    #[error("no recipient was named")]
    NoRecipient,
    /// Not an age key.
    #[error("{0:?} is not an age recipient (age1…)")]
    Recipient(String),
    /// A key file without a key.
    #[error("the key file holds no age key (AGE-SECRET-KEY-1…)")]
    NoIdentity,
    /// It is no age file, or a damaged one.
    #[error("the file is not encrypted with age, or is damaged: {0}")]
    Damaged(String),
    /// Its passphrase was stretched beyond measure, so that trying one would take minutes and gigabytes.
    #[error(
        "opening the file with a passphrase would take more work (2^{0}) than is done for a stranger's file; at most 2^{MAX_WORK_FACTOR}"
    )]
    TooExpensive(u8),
    /// Neither the passphrase nor any of the keys fits.
    #[error("the passphrase or key does not open this archive")]
    WrongKey,
    /// There is no passphrase or key to try.
    #[error(
        "the archive is encrypted: give the passphrase with --passphrase or the key file with --identity"
    )]
    Locked,
}

impl Lock {
    /// For whoever knows this passphrase.
    pub fn passphrase(text: &str) -> Self {
        Self::Passphrase(SecretString::from(text.to_owned()))
    }

    /// For whoever has one of these keys (`age1…`).
    ///
    /// # Errors
    /// [`EncryptionError::Recipient`] names the one that is no key.
    pub fn recipients(keys: &[String]) -> Result<Self, EncryptionError> {
        keys.iter()
            .map(|key| key.parse().map_err(|_| EncryptionError::Recipient(key.clone())))
            .collect::<Result<_, _>>()
            .map(Self::Recipients)
    }

    /// Wraps a file so that everything written to it is encrypted. The result must be finished.
    ///
    /// # Errors
    /// [`EncryptionError::NoRecipient`], or what the file says.
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

impl Unlock {
    /// With this passphrase.
    pub fn passphrase(text: &str) -> Self {
        Self::Passphrase(SecretString::from(text.to_owned()))
    }

    /// With the keys (`AGE-SECRET-KEY-1…`) in the lines of a key file; other lines are comments.
    ///
    /// # Errors
    /// [`EncryptionError::NoIdentity`] when there is none.
    pub fn identities(key_file: &str) -> Result<Self, EncryptionError> {
        let keys: Vec<_> = key_file.lines().filter_map(|line| line.trim().parse().ok()).collect();
        if keys.is_empty() { Err(EncryptionError::NoIdentity) } else { Ok(Self::Identities(keys)) }
    }

    /// Opens an encrypted file for reading at any place.
    ///
    /// # Errors
    /// [`EncryptionError::Damaged`], [`EncryptionError::TooExpensive`] and [`EncryptionError::WrongKey`].
    pub fn open(&self, file: File) -> Result<age::stream::StreamReader<BufReader<File>>, EncryptionError> {
        self.open_reader(BufReader::new(file))
    }

    /// Opens what is encrypted and comes from anywhere.
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
        let opened = match self {
            Self::Passphrase(passphrase) => {
                let mut identity = age::scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MAX_WORK_FACTOR);
                decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
            }
            Self::Identities(keys) => decryptor.decrypt(keys.iter().map(|key| key as &dyn age::Identity)),
        };
        opened.map_err(|error| match error {
            age::DecryptError::NoMatchingKeys
            | age::DecryptError::DecryptionFailed
            | age::DecryptError::KeyDecryptionFailed => EncryptionError::WrongKey,
            age::DecryptError::ExcessiveWork { required, .. } => EncryptionError::TooExpensive(required),
            other => damaged(other),
        })
    }
}

/// Whether a file begins as age files do. Leaves the position at the beginning.
///
/// # Errors
/// What the file says.
pub fn is_encrypted(file: &mut File) -> io::Result<bool> {
    const MAGIC: &[u8] = b"age-encryption.org/";
    let mut head = Vec::with_capacity(MAGIC.len());
    Read::by_ref(file).take(MAGIC.len() as u64).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head == MAGIC)
}
