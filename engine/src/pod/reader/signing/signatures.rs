//! The signatures of other people's relayables, and the author's ID that each was made under.
//!
//! diaspora* stores a moved author's new ID beside the signature of the old one, and exports both like this. A record
//! with the old ID makes its importer fail (`InvalidAuthor`) once the pod knows the record under the new one. So the
//! export keeps the new ID too, and notes the signing ID beside it.
//!
//! Relayables that this pod's people wrote before moving away have no stored signature. diaspora* signs them with the
//! old key on export, and then names the old ID (`FederationEntitySerializer`): so does this module.

use std::collections::HashMap;

use crate::domain::{DiasporaId, OmissionCode, Relayable};
use crate::pod::reader::notes::Problem;
use crate::pod::reader::others::OthersRelayables;
use crate::pod::reader::relayables::RelayableRow;
use crate::pod::reader::signing::signers::{Job, SignatureId, SignatureMemory};

/// A relayable with its signature, if available.
pub(in crate::pod::reader) struct SignedRecord {
    /// Row ID.
    pub(in crate::pod::reader) row: i64,
    pub(in crate::pod::reader) relayable: Relayable,
    /// The ID in the signed text, if it differs from the record's.
    pub(in crate::pod::reader) signed_as: Option<DiasporaId>,
    /// The reason it has no usable signature.
    pub(in crate::pod::reader) problem: Option<Problem>,
}

/// A record without a signature: its position in the list, and `people.id` of its author.
type Bare = (usize, i64);

impl OthersRelayables {
    /// Finds or creates each record's signature, or notes the reason it has none.
    pub(in crate::pod::reader) async fn sign_all(
        &mut self,
        found: Vec<RelayableRow>,
        memory: &mut impl SignatureMemory,
    ) -> Vec<SignedRecord> {
        let mut bare = Vec::new();
        let mut records: Vec<SignedRecord> = Vec::with_capacity(found.len());
        for found in found {
            let (row, author, signature) = (found.row, found.author_row, found.signature);
            let (orderless, author_normalized) = (found.order.is_none(), found.author_normalized);
            let mut relayable = Relayable::new(found.entity, found.order);
            let (mut signed_as, mut problem) = (None, None);
            if let Some(signature) = signature {
                signed_as = self.signing_id(author, &relayable, &signature);
                relayable.entity.set_author_signature(Some(signature));
                if orderless {
                    let reason = "the order of its signed values is gone; it is kept in extras.json";
                    problem = Some(Problem::new(OmissionCode::NoSignatureOrder, reason));
                } else if author_normalized && signed_as.is_none() {
                    let reason = "its author's diaspora* ID has capital letters or spaces on the pod, so the stored \
                                  signature may be of another text; it is kept in extras.json";
                    problem = Some(Problem::new(OmissionCode::InvalidIdentifier, reason));
                }
            } else {
                bare.push((records.len(), author));
            }
            records.push(SignedRecord { row, relayable, signed_as, problem });
        }
        self.recall_signatures(&mut records, &mut bare, memory).await;
        self.make_signatures(&mut records, bare, memory).await;
        records
    }

    /// Inserts the signatures that an earlier export created. Records left in `bare` have none.
    async fn recall_signatures(
        &mut self,
        records: &mut [SignedRecord],
        bare: &mut Vec<Bare>,
        memory: &mut impl SignatureMemory,
    ) {
        let mut wanted = HashMap::new();
        for (position, author) in bare.iter() {
            let SignedRecord { relayable, .. } = &mut records[*position];
            let name = relayable.entity.author().clone();
            let holder = self.chain(*author).into_iter().find(|person| self.signers.has_key(*person));
            if let Some(holder) = holder
                && self.name(holder, *author, relayable)
                && let Some(id) = self.signers.signature_id(holder, &relayable.signed_text())
            {
                wanted.insert(*position, (id, name));
            } else {
                relayable.entity.set_author(name);
            }
        }
        let ids: Vec<SignatureId> = wanted.values().map(|(id, _)| *id).collect();
        let known = if ids.is_empty() { HashMap::new() } else { memory.recall(&ids).await };
        bare.retain(|(position, _)| {
            let Some((id, name)) = wanted.remove(position) else { return true };
            let SignedRecord { relayable, .. } = &mut records[*position];
            match known.get(&id) {
                Some(signature) => relayable.entity.set_author_signature(Some(signature.clone())),
                None => relayable.entity.set_author(name),
            }
            !known.contains_key(&id)
        });
    }

    /// Signs the records without a signature, if the keys are on this pod.
    async fn make_signatures(
        &mut self,
        records: &mut [SignedRecord],
        bare: Vec<Bare>,
        memory: &mut impl SignatureMemory,
    ) {
        let mut jobs = Vec::new();
        let mut waiting = Vec::new();
        for (position, author) in bare {
            let SignedRecord { relayable, problem, .. } = &mut records[position];
            let signer = self.chain(author).into_iter().find(|person| self.signers.can_sign(*person, memory));
            match signer {
                Some(signer) if self.name(signer, author, relayable) => {
                    jobs.push(Job { person: signer, text: relayable.signed_text() });
                    waiting.push(position);
                }
                _ => *problem = Some(unsigned()),
            }
        }
        for (position, signature) in waiting.into_iter().zip(self.signers.sign(&jobs, memory).await) {
            let SignedRecord { relayable, problem, .. } = &mut records[position];
            if signature.is_none() {
                *problem = Some(unsigned());
            }
            relayable.entity.set_author_signature(signature);
        }
    }

    /// Returns the ID that a stored signature was made under, if it is not the author's current one.
    fn signing_id(&self, author: i64, relayable: &Relayable, signature: &str) -> Option<DiasporaId> {
        let earlier = self.migrations.earlier(author);
        if earlier.is_empty() {
            return None;
        }
        let signed = std::iter::once(author).chain(earlier).find_map(|person| {
            let identity = self.migrations.identity(person)?;
            let text = relayable.signed_text_as(&identity.id);
            let verifies = identity.key.as_ref()?.verifies_base64(text.as_bytes(), signature);
            verifies.then_some(&identity.id)
        })?;
        (signed != relayable.entity.author()).then(|| signed.clone())
    }

    /// Returns the possible signers: the author and the author's earlier identities.
    fn chain(&self, author: i64) -> Vec<i64> {
        std::iter::once(author).chain(self.migrations.earlier(author)).collect()
    }

    /// Sets the record's author to the signer, if that is another identity.
    fn name(&self, signer: i64, author: i64, relayable: &mut Relayable) -> bool {
        if signer == author {
            return true;
        }
        let Some(identity) = self.migrations.identity(signer) else { return false };
        relayable.entity.set_author(identity.id.clone());
        true
    }
}

fn unsigned() -> Problem {
    let reason = "the pod has neither a signature nor the author's private key; it is kept in extras.json";
    Problem::new(OmissionCode::NoSignature, reason)
}
