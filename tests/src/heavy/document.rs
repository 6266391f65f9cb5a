//! An archive document full of signed relayables, to measure how fast signatures are checked.

use std::num::NonZero;
use std::time::{Duration, Instant};

use pappus_engine::domain::{
    Comment, Contact, KeyError, PrivateKey, Relayable, RelayableEntity, VerifyingKey,
};
use serde_json::{Map, json};

/// Why the document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A name is not one.
    #[error("a name of the document is not allowed: {0}")]
    Name(String),
    /// JSON failed.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The signed texts of the document, to verify them without anything around.
pub struct SignedRelayables {
    key: VerifyingKey,
    signed: Vec<(String, String)>,
}

impl SignedRelayables {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.signed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.signed.is_empty()
    }

    /// How long the crypto library takes for all of them, on all cores.
    pub fn raw_verification(&self) -> Duration {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let started = Instant::now();
        std::thread::scope(|scope| {
            for part in self.signed.chunks(self.signed.len().div_ceil(cores).max(1)) {
                scope.spawn(move || {
                    part.iter().all(|(text, signature)| self.key.verifies_base64(text.as_bytes(), signature))
                });
            }
        });
        started.elapsed()
    }
}

/// A stock archive document with `count` comments by one contact, signed with 4096 bits.
///
/// # Errors
/// When a key or a name is not usable.
pub fn signed_document(count: usize) -> Result<(Vec<u8>, SignedRelayables), DocumentError> {
    let (own, other) = (
        include_str!("../../fixtures/keys/2048-00.private.pem"),
        include_str!("../../fixtures/keys/4096-0.private.pem"),
    );
    let signing = PrivateKey::from_pem(other.to_owned()).signing_key()?;
    let public = signing.public_key()?;
    let name = |text: String| DocumentError::Name(text);
    let contact = Contact {
        sharing: true,
        receiving: true,
        following: true,
        followed: true,
        person_guid: Some("bench-person-000001".parse().map_err(|_| name("GUID".to_owned()))?),
        person_name: "Bob".to_owned(),
        account_id: "bob@contacts.example".parse().map_err(|_| name("ID".to_owned()))?,
        public_key: Some(public.as_pem().to_owned()),
        contact_groups_membership: Vec::new(),
    };
    let (mut relayables, mut signed) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for number in 0..count {
        let mut relayable = comment(number, &contact)?;
        let text = relayable.signed_text();
        let signature = signing.sign_base64(text.as_bytes())?;
        relayable.entity.set_author_signature(Some(signature.clone()));
        signed.push((text, signature));
        relayables.push(relayable);
    }
    let document = json!({
        "version": "2.0",
        "user": {
            "username": "alice",
            "email": "alice@closing.example",
            "private_key": own,
            "profile": { "entity_type": "profile", "entity_data": { "author": "alice@closing.example" } },
            "contacts": [contact],
        },
        "others_data": { "relayables": relayables },
    });
    Ok((serde_json::to_vec(&document)?, SignedRelayables { key: public.verifying_key()?, signed }))
}

fn comment(number: usize, contact: &Contact) -> Result<Relayable, DocumentError> {
    let guid = |kind: &str| {
        let text = format!("bench-{kind}-{number:08}");
        text.parse().map_err(|_| DocumentError::Name(text))
    };
    let entity = RelayableEntity::Comment(Comment {
        author: contact.account_id.clone(),
        guid: guid("comment")?,
        parent_guid: guid("post")?,
        author_signature: None,
        text: format!("Comment {number}, as people write them: some words and a *star*."),
        created_at: "2026-11-22T10:00:00Z".parse().map_err(|_| DocumentError::Name("time".to_owned()))?,
        edited_at: None,
        additional: Map::new(),
    });
    Ok(Relayable::new(entity, None))
}
