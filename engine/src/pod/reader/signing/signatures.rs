//! The signatures of other people's relayables, and the author's ID that each was created under.
//!
//! diaspora* stores a moved author's new ID together with the signature of the old one, and exports both. A record
//! with the old ID makes its importer fail (`InvalidAuthor`) if the pod already has the record with the new one. So the
//! export writes the new ID too, and in addition the ID that signed.
//!
//! Relayables that this pod's people wrote before moving away have no stored signature. diaspora* signs them with the
//! old key on export, and then writes the old ID (`FederationEntitySerializer`). This module does the same.

use std::collections::HashMap;

use crate::domain::{DiasporaId, OmissionCode, Relayable};
use crate::pod::reader::notes::Problem;
use crate::pod::reader::others::OthersRelayables;
use crate::pod::reader::relayables::RelayableRow;
use crate::pod::reader::signing::signers::{SignatureId, SignatureMemory, SigningJob};

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
type UnsignedPosition = (usize, i64);

impl OthersRelayables {
    /// Finds or creates each record's signature, or notes the reason it has none.
    pub(in crate::pod::reader) async fn sign_all(
        &mut self,
        rows: Vec<RelayableRow>,
        memory: &mut impl SignatureMemory,
    ) -> Vec<SignedRecord> {
        let mut unsigned = Vec::new();
        let mut records: Vec<SignedRecord> = Vec::with_capacity(rows.len());
        for read in rows {
            let (row, author, signature) = (read.row, read.author_row, read.signature);
            let (lacks_order, author_normalized) = (read.order.is_none(), read.author_normalized);
            let mut relayable = Relayable::new(read.entity, read.order);
            let (mut signed_as, mut problem) = (None, None);
            if let Some(signature) = signature {
                signed_as = self.signing_id(author, &relayable, &signature);
                relayable.entity.set_author_signature(Some(signature));
                if lacks_order {
                    let reason = "the order of its signed values is not stored; it is in extras.json instead";
                    problem = Some(Problem::new(OmissionCode::NoSignatureOrder, reason));
                } else if author_normalized && signed_as.is_none() {
                    let reason = "its author's diaspora* ID has capital letters or spaces on the pod, so the stored \
                                  signature may be of another text; it is in extras.json instead";
                    problem = Some(Problem::new(OmissionCode::InvalidIdentifier, reason));
                }
            } else {
                unsigned.push((records.len(), author));
            }
            records.push(SignedRecord { row, relayable, signed_as, problem });
        }
        self.reuse_signatures(&mut records, &mut unsigned, memory).await;
        self.create_signatures(&mut records, unsigned, memory).await;
        records
    }

    /// Inserts the signatures that an earlier export created. Records left in `unsigned` have none.
    async fn reuse_signatures(
        &mut self,
        records: &mut [SignedRecord],
        unsigned: &mut Vec<UnsignedPosition>,
        memory: &mut impl SignatureMemory,
    ) {
        let mut candidates = HashMap::new();
        for (position, author) in unsigned.iter() {
            let SignedRecord { relayable, .. } = &mut records[*position];
            let name = relayable.entity.author().clone();
            let signer =
                self.possible_signers(*author).into_iter().find(|person| self.signers.has_key(*person));
            if let Some(signer) = signer
                && self.set_author_to_signer(signer, *author, relayable)
                && let Some(id) = self.signers.signature_id(signer, &relayable.signed_text())
            {
                candidates.insert(*position, (id, name));
            } else {
                relayable.entity.set_author(name);
            }
        }
        let ids: Vec<SignatureId> = candidates.values().map(|(id, _)| *id).collect();
        let known_signatures = if ids.is_empty() { HashMap::new() } else { memory.recall(&ids).await };
        unsigned.retain(|(position, _)| {
            let Some((id, name)) = candidates.remove(position) else { return true };
            let SignedRecord { relayable, .. } = &mut records[*position];
            match known_signatures.get(&id) {
                Some(signature) => relayable.entity.set_author_signature(Some(signature.clone())),
                None => relayable.entity.set_author(name),
            }
            !known_signatures.contains_key(&id)
        });
    }

    /// Signs the records without a signature, if the keys are on this pod.
    async fn create_signatures(
        &mut self,
        records: &mut [SignedRecord],
        unsigned: Vec<UnsignedPosition>,
        memory: &mut impl SignatureMemory,
    ) {
        let mut jobs = Vec::new();
        let mut positions = Vec::new();
        for (position, author) in unsigned {
            let SignedRecord { relayable, problem, .. } = &mut records[position];
            let signer = self
                .possible_signers(author)
                .into_iter()
                .find(|person| self.signers.can_sign(*person, memory));
            match signer {
                Some(signer) if self.set_author_to_signer(signer, author, relayable) => {
                    jobs.push(SigningJob { person: signer, text: relayable.signed_text() });
                    positions.push(position);
                }
                _ => *problem = Some(no_signature()),
            }
        }
        for (position, signature) in positions.into_iter().zip(self.signers.sign(&jobs, memory).await) {
            let SignedRecord { relayable, problem, .. } = &mut records[position];
            if signature.is_none() {
                *problem = Some(no_signature());
            }
            relayable.entity.set_author_signature(signature);
        }
    }

    /// Returns the ID that a stored signature was made under, if it is not the author's current one.
    fn signing_id(&self, author: i64, relayable: &Relayable, signature: &str) -> Option<DiasporaId> {
        let earlier = self.migrations.earlier_identities(author);
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
    fn possible_signers(&self, author: i64) -> Vec<i64> {
        std::iter::once(author).chain(self.migrations.earlier_identities(author)).collect()
    }

    /// Sets the record's author to the signer, if that is another identity; returns false if that identity is unknown.
    fn set_author_to_signer(&self, signer: i64, author: i64, relayable: &mut Relayable) -> bool {
        if signer == author {
            return true;
        }
        let Some(identity) = self.migrations.identity(signer) else { return false };
        relayable.entity.set_author(identity.id.clone());
        true
    }
}

fn no_signature() -> Problem {
    let reason = "the pod has neither a signature nor the author's private key; it is in extras.json instead";
    Problem::new(OmissionCode::NoSignature, reason)
}
