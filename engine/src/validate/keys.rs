//! The keys of people, parsed on first use.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::domain::{DiasporaId, PublicKey, VerifyingKey};

/// The most bytes of keys that are kept; 40,000 people with today's keys.
const MAX_BYTES: usize = 32 << 20;
/// The most keys that are kept parsed, each of about 3 kB. Further ones are parsed each time.
const MAX_PARSED: usize = 4096;
/// The memory of a key in bytes, besides its text.
const OVERHEAD: usize = 160;

/// A key that the caller knows, from the target pod's database or from discovery.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// The person as named in the archive.
    pub person: DiasporaId,
    /// The ID that the person had when they used the key. diaspora* exports a migrated person under the new ID with
    /// the signature of the old one; it is checked with the old ID in its place.
    pub signed_as: DiasporaId,
    /// The key.
    pub key: PublicKey,
}

/// A person's keys.
#[derive(Default)]
pub(super) struct KeyRing {
    people: HashMap<DiasporaId, Vec<Arc<RingKey>>>,
    bytes: usize,
    /// The number of keys that exceeded the limit.
    pub(super) left_out: u64,
    pub(super) count: u64,
    parsed: Arc<AtomicUsize>,
}

/// One key on the ring.
pub(super) struct RingKey {
    pem: Box<str>,
    /// The ID in the signed text, if it differs from the one in the record.
    pub(super) signed_as: Option<DiasporaId>,
    parsed: OnceLock<Option<Arc<VerifyingKey>>>,
    parsed_count: Arc<AtomicUsize>,
}

impl KeyRing {
    /// Adds a key. The text is parsed only when needed.
    pub(super) fn add(&mut self, person: DiasporaId, signed_as: Option<DiasporaId>, pem: &str) {
        self.bytes += pem.len() + person.as_str().len() + OVERHEAD;
        if self.bytes > MAX_BYTES {
            self.left_out += 1;
            return;
        }
        self.count += 1;
        let signed_as = signed_as.filter(|old| *old != person);
        let parsed_count = Arc::clone(&self.parsed);
        let key = RingKey { pem: pem.into(), signed_as, parsed: OnceLock::new(), parsed_count };
        self.people.entry(person).or_default().push(Arc::new(key));
    }

    /// Returns all keys of a person.
    pub(super) fn of(&self, person: &DiasporaId) -> Vec<Arc<RingKey>> {
        self.people.get(person).cloned().unwrap_or_default()
    }
}

impl RingKey {
    /// Returns the parsed key, or `None` if the text is not a key.
    pub(super) fn verifying(&self) -> Option<Arc<VerifyingKey>> {
        if let Some(parsed) = self.parsed.get() {
            return parsed.clone();
        }
        let key = PublicKey::from_pem(&self.pem).and_then(|key| key.verifying_key()).ok().map(Arc::new);
        if self.parsed_count.fetch_add(1, Ordering::Relaxed) < MAX_PARSED {
            _ = self.parsed.set(key.clone());
        }
        key
    }
}
