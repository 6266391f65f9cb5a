//! People's keys, parsed on first use.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::domain::{DiasporaId, PublicKey, VerifyingKey};

/// The maximum total size of the keys, in bytes: about 40,000 people with keys of the usual size.
const MAX_TOTAL_BYTES: usize = 32 << 20;
/// The maximum number of keys that are kept in parsed form, of about 3 kB each. Other keys are parsed each time.
const MAX_PARSED_KEYS: usize = 4096;
/// The memory that a key needs in addition to its text, in bytes.
const KEY_OVERHEAD_BYTES: usize = 160;

/// A key that the caller knows from the target pod's database or from discovery.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// The person as named in the archive.
    pub person: DiasporaId,
    /// The ID that the person had when they used the key. diaspora* exports a migrated person's records with the new ID
    /// and the signatures of the old one; for the check, the old ID replaces the new one.
    pub signed_as: DiasporaId,
    /// The key.
    pub key: PublicKey,
}

/// The keys of all known people.
#[derive(Default)]
pub(super) struct KeyRing {
    people: HashMap<DiasporaId, Vec<Arc<RingKey>>>,
    bytes: usize,
    /// The number of keys that exceeded the limit.
    pub(super) left_out: u64,
    /// The number of keys.
    pub(super) count: u64,
    parsed_count: Arc<AtomicUsize>,
}

/// A key of a [`KeyRing`].
pub(super) struct RingKey {
    pem: Box<str>,
    /// The ID in the signed text, if it differs from the one in the record.
    pub(super) signed_as: Option<DiasporaId>,
    parsed: OnceLock<Option<Arc<VerifyingKey>>>,
    parsed_count: Arc<AtomicUsize>,
}

impl KeyRing {
    /// Adds a key. Its text is parsed only when the key is needed.
    pub(super) fn add(&mut self, person: DiasporaId, signed_as: Option<DiasporaId>, pem: &str) {
        self.bytes += pem.len() + person.as_str().len() + KEY_OVERHEAD_BYTES;
        if self.bytes > MAX_TOTAL_BYTES {
            self.left_out += 1;
            return;
        }
        self.count += 1;
        let signed_as = signed_as.filter(|old| *old != person);
        let parsed_count = Arc::clone(&self.parsed_count);
        let key = RingKey { pem: pem.into(), signed_as, parsed: OnceLock::new(), parsed_count };
        self.people.entry(person).or_default().push(Arc::new(key));
    }

    /// Returns all keys of a person.
    pub(super) fn keys_of(&self, person: &DiasporaId) -> Vec<Arc<RingKey>> {
        self.people.get(person).cloned().unwrap_or_default()
    }
}

impl RingKey {
    /// Returns the parsed key, or `None` if the text is not a key.
    pub(super) fn verifying_key(&self) -> Option<Arc<VerifyingKey>> {
        if let Some(parsed) = self.parsed.get() {
            return parsed.clone();
        }
        let key = PublicKey::from_pem(&self.pem).and_then(|key| key.verifying_key()).ok().map(Arc::new);
        if self.parsed_count.fetch_add(1, Ordering::Relaxed) < MAX_PARSED_KEYS {
            _ = self.parsed.set(key.clone());
        }
        key
    }
}
