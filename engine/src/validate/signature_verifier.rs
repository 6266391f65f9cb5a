//! A check of signatures whose authors' keys are all known before.

use std::num::NonZeroUsize;
use std::sync::RwLock;

use super::keys::{KeyRing, KnownKey};
use super::pool::check_signature;
use super::report::SignatureCheck;
use crate::domain::{DiasporaId, Relayable};

/// The minimum number of records for each thread; fewer are not faster with more threads.
const MIN_RECORDS_PER_THREAD: usize = 32;

/// A verifier with the keys of all authors.
pub struct SignatureVerifier {
    ring: RwLock<KeyRing>,
    account: Option<DiasporaId>,
    threads: NonZeroUsize,
}

impl SignatureVerifier {
    /// Creates a verifier with these keys. The own records of `account` need no signature.
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

    /// Checks records in several threads, and returns them in the same order with the results.
    pub fn check_all(&self, records: Vec<Relayable>) -> Vec<(Relayable, SignatureCheck)> {
        let records_per_thread = records.len().div_ceil(self.threads.get()).max(MIN_RECORDS_PER_THREAD);
        let verdicts: Vec<SignatureCheck> = std::thread::scope(|scope| {
            let parts: Vec<_> = records
                .chunks(records_per_thread)
                .map(|part| {
                    let thread = scope
                        .spawn(|| part.iter().map(|record| self.check_signature(record)).collect::<Vec<_>>());
                    (part.len(), thread)
                })
                .collect();
            // The records of a thread that panicked count as unreadable.
            let unreadable = |len| vec![SignatureCheck::Unreadable; len];
            parts
                .into_iter()
                .flat_map(|(len, thread)| thread.join().unwrap_or_else(|_| unreadable(len)))
                .collect()
        });
        records.into_iter().zip(verdicts).collect()
    }
}
