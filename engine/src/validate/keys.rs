//! The keys of people, parsed when they are first needed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::domain::{DiasporaId, PublicKey, VerifyingKey};

/// Bytes of keys that are kept; 40,000 people with today's keys.
const MAX_BYTES: usize = 32 << 20;
/// Keys that are kept parsed, each of 3 kB or so. Further ones are parsed anew each time.
const MAX_PARSED: usize = 4096;
/// What a key takes beside its text.
const OVERHEAD: usize = 160;

/// A key the caller knows, from the target pod's database or from discovery.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// The person as named in the archive.
    pub person: DiasporaId,
    /// The ID the person had when the key was theirs. Somebody who has moved is exported by diaspora* under
    /// the new ID with the signature of the old one; it is checked with the old ID in its place.
    pub signed_as: DiasporaId,
    /// The key.
    pub key: PublicKey,
}

/// A person's keys.
#[derive(Default)]
pub(super) struct KeyRing {
    people: HashMap<DiasporaId, Vec<Arc<RingKey>>>,
    bytes: usize,
    /// Keys for which there was no room.
    pub(super) left_out: u64,
    pub(super) count: u64,
    parsed: Arc<AtomicUsize>,
}

/// One key on the ring.
pub(super) struct RingKey {
    pem: Box<str>,
    /// The ID that stands in the signed text, when it is not the one in the record.
    pub(super) signed_as: Option<DiasporaId>,
    parsed: OnceLock<Option<Arc<VerifyingKey>>>,
    parsed_count: Arc<AtomicUsize>,
}

impl KeyRing {
    /// Adds a key. Whether the text is one shows when it is needed.
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

    /// All keys of a person.
    pub(super) fn of(&self, person: &DiasporaId) -> Vec<Arc<RingKey>> {
        self.people.get(person).cloned().unwrap_or_default()
    }
}

impl RingKey {
    /// The key, ready for checking; none if the text is no key.
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
