//! Checks signatures with keys that are all known beforehand.

use std::num::NonZeroUsize;
use std::sync::RwLock;

use super::keys::{KeyRing, KnownKey};
use super::pool::check_signature;
use super::report::SignatureCheck;
use crate::domain::{DiasporaId, Relayable};

/// The fewest records that are worth a thread.
const MIN_SHARE: usize = 32;

/// A verifier that holds the keys of all authors.
pub struct SignatureVerifier {
    ring: RwLock<KeyRing>,
    account: Option<DiasporaId>,
    threads: NonZeroUsize,
}

impl SignatureVerifier {
    /// Creates a verifier with these keys, for the archive of this account, whose own records need no signature.
    pub fn new(known: &[KnownKey], account: Option<DiasporaId>) -> Self {
        let mut ring = KeyRing::default();
        for KnownKey { person, signed_as, key } in known {
            ring.add(person.clone(), Some(signed_as.clone()), key.as_pem());
        }
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { ring: RwLock::new(ring), account, threads }
    }

    /// Checks a record's signature.
    pub fn check_signature(&self, record: &Relayable) -> SignatureCheck {
        check_signature(record, &self.ring, self.account.as_ref())
    }

    /// Checks many records on all cores, keeping their order.
    pub fn check_all(&self, records: Vec<Relayable>) -> Vec<(Relayable, SignatureCheck)> {
        let share = records.len().div_ceil(self.threads.get()).max(MIN_SHARE);
        let verdicts: Vec<SignatureCheck> = std::thread::scope(|scope| {
            let parts: Vec<_> = records
                .chunks(share)
                .map(|part| {
                    let one = scope
                        .spawn(|| part.iter().map(|record| self.check_signature(record)).collect::<Vec<_>>());
                    (part.len(), one)
                })
                .collect();
            // Records of a thread that panicked are not trusted.
            let unreadable = |len| vec![SignatureCheck::Unreadable; len];
            parts
                .into_iter()
                .flat_map(|(len, part)| part.join().unwrap_or_else(|_| unreadable(len)))
                .collect()
        });
        records.into_iter().zip(verdicts).collect()
    }
}
