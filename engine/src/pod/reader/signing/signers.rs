//! Signing for people of this pod.
//!
//! diaspora* stores no signatures for its own users' relayables on local posts: it signs a record when it leaves the
//! pod, and so does an export. A 4096-bit RSA signature takes four milliseconds, and signing takes most of the time of
//! a large export. It therefore uses all cores, and remembers signatures: the same key and text always give the same
//! one.

use std::collections::HashMap;
use std::num::NonZero;

use sha2::{Digest as _, Sha256};

use crate::domain::{KeyError, PrivateKey, SigningKey};

/// Maximum number of parsed keys cached; each takes about ten kilobytes.
const MAX_PARSED_KEYS: usize = 512;

/// Identifies a signature: SHA-256 of the private key's digest and the signed text. Finding a known signature does
/// not require parsing the key, which takes milliseconds.
pub type SignatureId = [u8; 32];

/// Remembers signatures from one export to the next.
pub trait SignatureMemory: Send {
    /// Returns the known signatures among these.
    fn recall(&mut self, ids: &[SignatureId]) -> impl Future<Output = HashMap<SignatureId, String>> + Send;
    /// Stores new signatures.
    fn remember(&mut self, signatures: &[(SignatureId, String)]) -> impl Future<Output = ()> + Send;

    /// False if only the ability of keys to sign is needed, not their signatures.
    const SIGNS: bool = true;

    /// Returns whether this person's key (`people.id`) can sign, if known.
    fn key_signs(&self, _: i64) -> Option<bool> {
        None
    }

    /// Stores whether this person's key (`people.id`) can sign.
    fn note_key(&mut self, _: i64, _: bool) {}
}

/// Remembers which keys can sign, but creates no signatures: for forecasts, which count unsigned relayables.
#[derive(Debug, Default)]
pub struct ForecastMemory(HashMap<i64, bool>);

impl SignatureMemory for ForecastMemory {
    const SIGNS: bool = false;

    async fn recall(&mut self, _: &[SignatureId]) -> HashMap<SignatureId, String> {
        HashMap::new()
    }

    async fn remember(&mut self, _: &[(SignatureId, String)]) {}

    fn key_signs(&self, person: i64) -> Option<bool> {
        self.0.get(&person).copied()
    }

    fn note_key(&mut self, person: i64, signs: bool) {
        self.0.insert(person, signs);
    }
}

/// Remembers nothing.
#[derive(Debug, Default)]
pub struct NoMemory;

impl SignatureMemory for NoMemory {
    async fn recall(&mut self, _: &[SignatureId]) -> HashMap<SignatureId, String> {
        HashMap::new()
    }

    async fn remember(&mut self, _: &[(SignatureId, String)]) {}
}

/// The private keys that an account's relayables need.
pub(in crate::pod::reader) struct Signers {
    keys: HashMap<i64, PrivateKey>,
    digests: HashMap<i64, [u8; 32]>,
    parsed: HashMap<i64, SigningKey>,
}

/// A text to sign, and its signer.
pub(in crate::pod::reader) struct SigningJob {
    pub(in crate::pod::reader) person: i64,
    pub(in crate::pod::reader) text: String,
}

impl Signers {
    pub(in crate::pod::reader) fn new(keys: HashMap<i64, PrivateKey>) -> Self {
        Self { keys, digests: HashMap::new(), parsed: HashMap::new() }
    }

    /// Returns whether this person's key is on the pod, usable or not.
    pub(in crate::pod::reader) fn has_key(&self, person: i64) -> bool {
        self.keys.contains_key(&person)
    }

    /// Returns whether this person's key is on the pod and can sign.
    pub(in crate::pod::reader) fn can_sign(
        &mut self,
        person: i64,
        memory: &mut impl SignatureMemory,
    ) -> bool {
        if let Some(known) = memory.key_signs(person) {
            return known;
        }
        let signs = self.parsed.contains_key(&person) || self.parse(person).is_ok();
        memory.note_key(person, signs);
        signs
    }

    fn parse(&mut self, person: i64) -> Result<(), KeyError> {
        let signing = self.keys.get(&person).ok_or(KeyError::NotPem)?.signing_key()?;
        self.parsed.insert(person, signing);
        Ok(())
    }

    /// Computes the ID of a person's signature over a text.
    pub(in crate::pod::reader) fn signature_id(&mut self, person: i64, text: &str) -> Option<SignatureId> {
        let key = self.keys.get(&person)?;
        let digest =
            self.digests.entry(person).or_insert_with(|| Sha256::digest(key.expose_pem().as_bytes()).into());
        Some(Sha256::new().chain_update(*digest).chain_update(text).finalize().into())
    }

    /// Signs all jobs, in order. All people must have passed [`Signers::can_sign`]; a signature that still fails is
    /// `None`.
    pub(in crate::pod::reader) async fn sign<M: SignatureMemory>(
        &mut self,
        jobs: &[SigningJob],
        memory: &mut M,
    ) -> Vec<Option<String>> {
        if jobs.is_empty() {
            return Vec::new();
        }
        if !M::SIGNS {
            return vec![Some(String::new()); jobs.len()];
        }
        let signed =
            on_all_cores(jobs, |job| self.parsed.get(&job.person)?.sign_base64(job.text.as_bytes()).ok());
        let new_signatures: Vec<(SignatureId, String)> = jobs
            .iter()
            .zip(&signed)
            .filter_map(|(job, signature)| {
                Some((self.signature_id(job.person, &job.text)?, signature.clone()?))
            })
            .collect();
        memory.remember(&new_signatures).await;
        if self.parsed.len() > MAX_PARSED_KEYS {
            self.parsed.clear();
        }
        signed
    }
}

fn on_all_cores(
    jobs: &[SigningJob],
    work: impl Fn(&SigningJob) -> Option<String> + Sync,
) -> Vec<Option<String>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let chunk_size = jobs.len().div_ceil(cores).max(1);
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = jobs
            .chunks(chunk_size)
            .map(|jobs| (jobs.len(), scope.spawn(move || jobs.iter().map(work).collect::<Vec<_>>())))
            .collect();
        // If a thread panics, its records remain unsigned and are listed as such.
        threads
            .into_iter()
            .flat_map(|(len, thread)| thread.join().unwrap_or_else(|_| vec![None; len]))
            .collect()
    })
}
