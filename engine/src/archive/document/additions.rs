//! Additions in `extras.json` to records of `diaspora.json`.
//!
//! The document is written for stock pods, so it omits what they reject. Readers of a Pappus archive restore it
//! first: posts become complete again, and relayables get the ID under which they were signed. Archives in the
//! earlier format contain complete records, and have no additions.

use std::collections::HashMap;
use std::io::Read;

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{DocumentError, DocumentVisitor, Next, Place, Section, read_extras};
use crate::archive::limits::Limits;
use crate::archive::lists::List;
use crate::domain::{DiasporaId, Guid, OwnPost, PostRemainder, Relayable, SignedAs};

/// The most relayables by migrated people that are remembered, some 30 bytes each. Further ones are read as a stock
/// pod writes them; a target pod that has processed the migration can still check them.
const MAX_SIGNED_AS: usize = 500_000;
/// The most bytes of JSON of post remainders that are remembered; further posts are read without theirs.
const MAX_REMAINDER_BYTES: usize = 32 << 20;

/// A GUID's digest, to save memory.
type GuidDigest = [u8; 16];

/// Additions to relayables and posts, by GUID.
#[derive(Debug, Default)]
pub struct Additions {
    signed_as: HashMap<GuidDigest, u32>,
    /// The IDs that `signed_as` refers to.
    ids: Vec<DiasporaId>,
    id_indexes: HashMap<DiasporaId, u32>,
    remainders: HashMap<Guid, PostRemainder>,
    remainder_bytes: usize,
}

impl Additions {
    /// Reads `extras.json`.
    ///
    /// # Errors
    /// [`DocumentError`] if it cannot be read. Other content is skipped.
    pub fn read(extras: impl Read, limits: &Limits) -> Result<Self, DocumentError> {
        let mut additions = Self::default();
        read_extras(extras, limits, &mut additions)?;
        Ok(additions)
    }

    /// Sets the ID under which a relayable's author signed it.
    pub fn name_signer(&self, record: &mut Relayable) {
        if let Some(signer) = self.signer(record.entity.guid()) {
            record.entity.set_author(signer.clone());
        }
    }

    /// Restores the parts of a post that the document omits.
    pub fn complete(&self, post: &mut OwnPost) {
        if let Some(remainder) = self.remainders.get(post.post.guid()) {
            remainder.clone().put_back(post);
        }
    }

    fn signer(&self, guid: &Guid) -> Option<&DiasporaId> {
        if self.signed_as.is_empty() {
            return None;
        }
        let index = *self.signed_as.get(&digest(guid))?;
        self.ids.get(usize::try_from(index).ok()?)
    }

    fn add_signer(&mut self, SignedAs { guid, signed_as }: SignedAs) {
        if self.signed_as.len() >= MAX_SIGNED_AS {
            return;
        }
        let Ok(next) = u32::try_from(self.ids.len()) else { return };
        let index = *self.id_indexes.entry(signed_as.clone()).or_insert(next);
        if index == next {
            self.ids.push(signed_as);
        }
        self.signed_as.insert(digest(&guid), index);
    }

    fn add_remainder(&mut self, remainder: PostRemainder, bytes: usize) {
        if self.remainder_bytes + bytes <= MAX_REMAINDER_BYTES {
            self.remainder_bytes += bytes;
            self.remainders.insert(remainder.guid.clone(), remainder);
        }
    }
}

fn digest(guid: &Guid) -> GuidDigest {
    let mut truncated = GuidDigest::default();
    for (byte, source) in truncated.iter_mut().zip(Sha256::digest(guid.as_str())) {
        *byte = source;
    }
    truncated
}

impl DocumentVisitor for Additions {
    fn wants(&self, section: Section, name: &str) -> bool {
        matches!(List::of(section, name), Some(List::Signers | List::PostRemainders))
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        // Verification has already rejected archives with unreadable records.
        if place.list() == Some(List::Signers) {
            if let Ok(record) = serde_json::from_str(value.get()) {
                self.add_signer(record);
            }
        } else if let Ok(remainder) = serde_json::from_str(value.get()) {
            self.add_remainder(remainder, value.get().len());
        }
        Ok(Next::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relayables_get_their_signers_and_posts_their_remainders() {
        let extras = br#"{"format":"pappus-extras/1","likes_on_comments":["not read"],
            "signed_as":[{"guid":"0123456789abcdef","signed_as":"old@pod.example"},{"odd":1},
                         {"guid":"1123456789abcdef","signed_as":"old@pod.example"},
                         {"guid":"2123456789abcdef","signed_as":"other@pod.example"}],
            "post_remainders":[{"guid":"fedcba9876543210","location":{"entity_type":"location",
                "entity_data":{"address":"Here","lat":"","lng":"8.5"}}}]}"#;
        let additions = Additions::read(&extras[..], &Limits::default()).unwrap();
        let author = |guid: &str| {
            let text = format!(
                r#"{{"entity_type":"like","entity_data":{{"author":"new@pod.example","guid":"{guid}",
                "parent_guid":"fedcba9876543210","parent_type":"Post","positive":true}},"property_order":["author"]}}"#
            );
            let mut record: Relayable = serde_json::from_str(&text).unwrap();
            additions.name_signer(&mut record);
            record.signed_text()
        };
        assert_eq!(author("0123456789abcdef"), "old@pod.example");
        assert_eq!(author("1123456789abcdef"), "old@pod.example");
        assert_eq!(author("2123456789abcdef"), "other@pod.example");
        assert_eq!(author("3123456789abcdef"), "new@pod.example");
        let text = r#"{"entity_type":"status_message","entity_data":{"author":"a@pod.example",
            "guid":"fedcba9876543210","created_at":"2026-11-22T06:13:34Z","public":true,"text":"x"}}"#;
        let mut post: OwnPost = serde_json::from_str(text).unwrap();
        additions.complete(&mut post);
        assert!(serde_json::to_string(&post).unwrap().contains(r#""lng":"8.5""#));
    }
}
