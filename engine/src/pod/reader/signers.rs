//! Signing for people of this pod.
//!
//! diaspora* stores no signature for what its own users write on its own posts; it makes one whenever the
//! record leaves the pod, and so does an export. RSA with 4096 bits takes four milliseconds for each, which
//! is most of the time of a large export, so all cores work on it and the results are remembered: the same
//! key and text always give the same signature.

use std::collections::HashMap;
use std::num::NonZero;

use sha2::{Digest as _, Sha256};

use crate::domain::{KeyError, PrivateKey, SigningKey, VerifyingKey};

/// Parsed keys kept at a time; each takes some ten kilobytes.
const MAX_PARSED: usize = 512;

/// Names a signature: SHA-256 of the key's fingerprint and the signed text.
pub type SignatureId = [u8; 32];

/// Remembers signatures from one export to the next.
pub trait SignatureMemory: Send {
    /// What is known of these signatures.
    fn recall(&mut self, ids: &[SignatureId]) -> impl Future<Output = HashMap<SignatureId, String>> + Send;
    /// Keeps new signatures.
    fn remember(&mut self, signatures: &[(SignatureId, String)]) -> impl Future<Output = ()> + Send;
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

/// The private keys of this pod's people, as far as they are needed.
pub(super) struct Signers {
    keys: HashMap<i64, PrivateKey>,
    parsed: HashMap<i64, Signer>,
}

struct Signer {
    signing: SigningKey,
    verifying: VerifyingKey,
    fingerprint: String,
}

/// A text to be signed, and where its signature goes.
pub(super) struct Job {
    pub(super) person: i64,
    pub(super) text: String,
}

impl Signers {
    pub(super) fn new(keys: HashMap<i64, PrivateKey>) -> Self {
        Self { keys, parsed: HashMap::new() }
    }

    /// Whether this person's key is here and can sign.
    pub(super) fn can_sign(&mut self, person: i64) -> bool {
        self.parsed.contains_key(&person) || self.parse(person).is_ok()
    }

    fn parse(&mut self, person: i64) -> Result<(), KeyError> {
        let signing = self.keys.get(&person).ok_or(KeyError::NotPem)?.signing_key()?;
        let public = signing.public_key()?;
        let verifying = public.verifying_key()?;
        self.parsed
            .insert(person, Signer { signing, verifying, fingerprint: public.fingerprint().to_string() });
        Ok(())
    }

    /// Signs everything, in order. All persons must have passed [`Signers::can_sign`]; a signature that
    /// could not be made all the same is `None`.
    pub(super) async fn sign(
        &mut self,
        jobs: &[Job],
        memory: &mut impl SignatureMemory,
    ) -> Vec<Option<String>> {
        let ids: Vec<Option<SignatureId>> = jobs.iter().map(|job| self.signature_id(job)).collect();
        let wanted: Vec<SignatureId> = ids.iter().flatten().copied().collect();
        let known = if wanted.is_empty() { HashMap::new() } else { memory.recall(&wanted).await };
        let signed = on_all_cores(jobs, &ids, |job, id| self.recall_or_sign(job, id, &known));
        let fresh: Vec<(SignatureId, String)> = ids
            .iter()
            .zip(&signed)
            .filter_map(|(id, signature)| Some(((*id)?, signature.clone()?)))
            .filter(|(id, signature)| known.get(id) != Some(signature))
            .collect();
        if !fresh.is_empty() {
            memory.remember(&fresh).await;
        }
        self.forget_if_many();
        signed
    }

    fn signature_id(&self, job: &Job) -> Option<SignatureId> {
        let signer = self.parsed.get(&job.person)?;
        let digest = Sha256::new().chain_update(&signer.fingerprint).chain_update(&job.text);
        Some(digest.finalize().into())
    }

    /// A remembered signature counts only if it verifies: the memory is a file that may be damaged.
    fn recall_or_sign(
        &self,
        job: &Job,
        id: SignatureId,
        known: &HashMap<SignatureId, String>,
    ) -> Option<String> {
        let signer = self.parsed.get(&job.person)?;
        let text = job.text.as_bytes();
        match known.get(&id) {
            Some(signature) if signer.verifying.verifies_base64(text, signature) => Some(signature.clone()),
            _ => signer.signing.sign_base64(text).ok(),
        }
    }

    fn forget_if_many(&mut self) {
        if self.parsed.len() > MAX_PARSED {
            self.parsed.clear();
        }
    }
}

fn on_all_cores(
    jobs: &[Job],
    ids: &[Option<SignatureId>],
    work: impl Fn(&Job, SignatureId) -> Option<String> + Sync,
) -> Vec<Option<String>> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = jobs.len().div_ceil(cores).max(1);
    let one = |(job, id): (&Job, &Option<SignatureId>)| id.and_then(|id| work(job, id));
    std::thread::scope(|scope| {
        let parts: Vec<_> = jobs
            .chunks(share)
            .zip(ids.chunks(share))
            .map(|(jobs, ids)| {
                (jobs.len(), scope.spawn(move || jobs.iter().zip(ids).map(one).collect::<Vec<_>>()))
            })
            .collect();
        // A worker that panicked leaves its records unsigned, and they are listed as such.
        parts.into_iter().flat_map(|(len, part)| part.join().unwrap_or_else(|_| vec![None; len])).collect()
    })
}
