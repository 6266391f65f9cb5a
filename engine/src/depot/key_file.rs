//! The file of identities that open a whole pod's archives, as age itself reads and writes such files.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::keys::KeysError;
use crate::archive::encryption::DecryptWith;
use crate::domain::Timestamp;
use crate::store::StateFolder;

/// The name of the file in Pappus's own folder.
const FILE_NAME: &str = "campaign-keys.txt";
/// The name of the file that is locked during changes.
const LOCK_NAME: &str = ".campaign-keys.lock";
/// The maximum size of the file, in bytes.
const MAX_BYTES: u64 = 256 << 10;
/// The purpose that the keys for finding people are derived for.
const LOOKUP_PURPOSE: &[u8] = b"pappus: finding sign-in data by name";

/// An age identity, which decrypts data that was encrypted to its recipient.
#[derive(Clone)]
pub(super) struct CampaignIdentity {
    identity: age::x25519::Identity,
    created_at: Option<Timestamp>,
}

impl CampaignIdentity {
    pub(super) fn generate(now: Timestamp) -> Self {
        Self { identity: age::x25519::Identity::generate(), created_at: Some(now) }
    }

    /// Returns the recipient: `age1…`
    pub(super) fn recipient(&self) -> String {
        self.identity.to_public().to_string()
    }

    /// Returns the key for hashes of names. Without it, the hashes cannot be compared with guessed names.
    pub(super) fn lookup_key(&self) -> hmac::Key {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, self.identity.to_string().expose_secret().as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&secret, LOOKUP_PURPOSE).as_ref())
    }

    /// Derives 64 bytes that cannot be known without the secret, different for each purpose.
    pub(super) fn derive(&self, purpose: &str) -> Zeroizing<Vec<u8>> {
        let secret = hmac::Key::new(hmac::HMAC_SHA512, self.identity.to_string().expose_secret().as_bytes());
        Zeroizing::new(hmac::sign(&secret, format!("pappus: {purpose}").as_bytes()).as_ref().to_vec())
    }
}

/// Omits the secret.
impl fmt::Debug for CampaignIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("CampaignIdentity").field(&self.recipient()).finish()
    }
}

/// All identities of a pod, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyFile(Vec<CampaignIdentity>);

impl KeyFile {
    /// Returns its path.
    pub(super) fn path(folder: &StateFolder) -> PathBuf {
        folder.path().join(FILE_NAME)
    }

    /// Reads the file in Pappus's own folder; without the file there are no keys.
    pub(super) fn read(folder: &StateFolder) -> Result<Self, KeysError> {
        let path = Self::path(folder);
        let failed = |source| KeysError::Io { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeysError::Exposed(path));
        }
        let text = crate::text::read(file, MAX_BYTES).map_err(failed)?;
        Self::parse(&text).ok_or(KeysError::NoKeys(path))
    }

    /// Changes the file in Pappus's own folder while no other program does. If this fails, the file remains unchanged.
    pub(super) fn change<T>(
        folder: &StateFolder,
        change: impl FnOnce(&mut Self) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        let lock = folder.path().join(LOCK_NAME);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| KeysError::Io { path, source }
        };
        let lock_file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock);
        lock_file.and_then(|file| file.lock().map(|()| file)).map_err(failed(&lock)).and_then(|_lock| {
            let mut keys = Self::read(folder)?;
            let old_count = keys.0.len();
            let result = change(&mut keys)?;
            if keys.0.len() != old_count {
                let path = Self::path(folder);
                keys.write(folder.path(), &path).map_err(failed(&path))?;
            }
            Ok(result)
        })
    }

    fn write(&self, folder: &Path, path: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(self.text().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    }

    /// Parses a file of age identities; `None` if it has none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mut keys, mut created_at) = (Vec::new(), None);
        for line in text.lines().map(str::trim) {
            if let Some(time) = line.strip_prefix("# created:") {
                created_at = time.trim().parse().ok();
            } else if let Ok(identity) = line.parse() {
                keys.push(CampaignIdentity { identity, created_at: created_at.take() });
            }
        }
        if keys.is_empty() { None } else { Some(Self(keys)) }
    }

    /// Returns the text of the file.
    pub(super) fn text(&self) -> Zeroizing<String> {
        use std::fmt::Write as _;
        let mut text = Zeroizing::new(String::with_capacity(200 * self.0.len() + 200));
        text.push_str("# These keys open the archives of a whole pod. Anyone who has them can read all archives and move every account.\n");
        text.push_str(
            "# Without this file or a copy, archives that are encrypted only to these keys are lost forever.\n",
        );
        for key in &self.0 {
            if let Some(time) = key.created_at {
                _ = writeln!(text, "# created: {time}");
            }
            _ = writeln!(text, "# public key: {}", key.recipient());
            text.push_str(key.identity.to_string().expose_secret());
            text.push('\n');
        }
        text
    }

    /// Adds a key as the newest.
    pub(super) fn push(&mut self, key: CampaignIdentity) {
        self.0.push(key);
    }

    /// Adds the missing keys, sorted by age; returns their number.
    pub(super) fn merge(&mut self, other: Self) -> usize {
        let old_count = self.0.len();
        for key in other.0 {
            if !self.has(&key.recipient()) {
                self.0.push(key);
            }
        }
        if self.0.len() != old_count {
            self.0.sort_by_key(|key| key.created_at);
        }
        self.0.len() - old_count
    }

    pub(super) fn has(&self, recipient: &str) -> bool {
        self.0.iter().any(|key| key.recipient() == recipient)
    }

    pub(super) fn newest(&self) -> Option<&CampaignIdentity> {
        self.0.last()
    }

    pub(super) fn keys(&self) -> &[CampaignIdentity] {
        &self.0
    }

    /// Returns the keys that open archives; `None` without keys.
    pub(super) fn unlock(&self) -> Option<DecryptWith> {
        if self.0.is_empty() {
            return None;
        }
        Some(DecryptWith::Identities(self.0.iter().rev().map(|key| key.identity.clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(time: &str) -> CampaignIdentity {
        CampaignIdentity::generate(time.parse().unwrap())
    }

    #[test]
    fn written_keys_are_read() {
        let mut keys = KeyFile(vec![key("2026-11-22T10:00:00Z"), key("2026-11-23T10:00:00Z")]);
        let read = KeyFile::parse(&keys.text()).unwrap();
        assert_eq!(*read.text(), *keys.text());
        assert!(!format!("{keys:?}").contains("SECRET"));
        assert!(KeyFile::parse("# public key: age1\n").is_none());
        // A key that is newer than the first and older than the second, together with both.
        let between = key("2026-11-22T12:00:00Z");
        let recipient = between.recipient();
        let mut other = read;
        other.push(between);
        assert_eq!((keys.merge(other.clone()), keys.merge(other)), (1, 0));
        assert_eq!(keys.0[1].recipient(), recipient);
        // A key that age itself has written has only its line.
        let bare = KeyFile::parse(keys.0[0].identity.to_string().expose_secret()).unwrap();
        assert_eq!((keys.merge(bare), keys.0.len()), (0, 3));
    }

    #[test]
    fn names_are_hashed_with_the_secret() {
        let (one, other) = (key("2026-11-22T10:00:00Z"), key("2026-11-22T10:00:00Z"));
        let hash = |key: &CampaignIdentity| hmac::sign(&key.lookup_key(), b"alice").as_ref().to_vec();
        assert_eq!(hash(&one), hash(&one.clone()));
        assert_ne!(hash(&one), hash(&other));
        assert_eq!(one.derive("forms"), one.clone().derive("forms"));
        assert!(one.derive("forms") != other.derive("forms") && one.derive("forms") != one.derive("links"));
        assert_eq!(one.derive("forms").len(), 64);
    }
}
