//! Magic envelopes: a payload, its sender, and the sender's signature
//! ([Magic Signatures](https://diaspora.github.io/diaspora_federation/federation/magicsig.html)).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::domain::{DiasporaId, DiasporaIdError, KeyError, SigningKey, VerifyingKey};

use super::entities::{EntityError, ReceivedEntity};
use crate::xml::{Element, XmlError};

/// Limit for an envelope in bytes: the largest payload in base64, its signature, and the XML around them.
pub(super) const MAX_ENVELOPE_BYTES: usize = 1536 << 10;

const NAMESPACE: &str = "http://salmon-protocol.org/ns/magic-env";
const DATA_TYPE: &str = "application/xml";
const ENCODING: &str = "base64url";
const ALGORITHM: &str = "RSA-SHA256";

/// Accepts base64url with and without padding, as diaspora* does.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The reason an envelope is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// XML that cannot be read.
    #[error("the magic envelope cannot be read: {0}")]
    Xml(#[from] XmlError),
    /// Another document.
    #[error("this is not a magic envelope: its root is {0:?}")]
    NotAnEnvelope(String),
    /// A missing or empty part.
    #[error("the magic envelope has no {0}")]
    Missing(&'static str),
    /// A part with an unsupported value.
    #[error("the magic envelope's {part} is {found:?}; only {expected} is supported")]
    Unknown {
        /// The part.
        part: &'static str,
        /// Its value.
        found: String,
        /// The only supported value.
        expected: &'static str,
    },
    /// Not base64url.
    #[error("the magic envelope's {0} is not base64url")]
    Encoding(&'static str),
    /// The sender is not a valid ID.
    #[error("the magic envelope's sender: {0}")]
    Sender(#[from] DiasporaIdError),
    /// Modified, or signed with another key.
    #[error("the magic envelope was not signed with the key of {0}")]
    Signature(DiasporaId),
    /// It could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// An envelope whose signature has not been verified.
pub struct MagicEnvelope {
    sender: DiasporaId,
    signed_text: String,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

impl MagicEnvelope {
    /// Puts a payload, an entity's XML, into an envelope and signs it with the sender's key. Returns the body for
    /// `/receive/public`, of type `application/magic-envelope+xml`.
    ///
    /// # Errors
    /// [`EnvelopeError::Key`] if signing fails.
    pub fn seal(sender: &DiasporaId, key: &SigningKey, payload: &str) -> Result<String, EnvelopeError> {
        let data = URL_SAFE.encode(payload);
        let signature = URL_SAFE.encode(key.sign(signed_text(&data).as_bytes())?);
        let sender = URL_SAFE.encode(sender.as_str());
        // These values need no escaping.
        Ok(format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<me:env xmlns:me="{NAMESPACE}">
  <me:data type="{DATA_TYPE}">{data}</me:data>
  <me:encoding>{ENCODING}</me:encoding>
  <me:alg>{ALGORITHM}</me:alg>
  <me:sig key_id="{sender}">{signature}</me:sig>
</me:env>
"#
        ))
    }

    /// Parses an envelope of at most 1.5 MiB. Its payload is accessible once [verified](Self::verify).
    ///
    /// # Errors
    /// [`EnvelopeError`] states the problem.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let root = Element::parse(bytes, MAX_ENVELOPE_BYTES)?;
        if root.name != "env" || root.namespace != NAMESPACE {
            return Err(EnvelopeError::NotAnEnvelope(shorten(&root.name)));
        }
        let data = part(&root, "data")?;
        expect("data type", data.attribute("type").unwrap_or_default(), DATA_TYPE)?;
        expect("encoding", part(&root, "encoding")?.text.trim(), ENCODING)?;
        expect("alg", part(&root, "alg")?.text.trim(), ALGORITHM)?;
        let signature = part(&root, "sig")?;
        let sender = signature.attribute("key_id").ok_or(EnvelopeError::Missing("key_id"))?;
        let sender = decode("key_id", sender)?;
        let sender = String::from_utf8(sender).map_err(|_| EnvelopeError::Encoding("key_id"))?;
        let mut text = compact(&data.text);
        let payload = decode("data", &text)?;
        // Senders that omit the padding still sign it: diaspora* encodes the payload again before it verifies.
        text.extend(std::iter::repeat_n('=', text.len().wrapping_neg() % 4));
        Ok(Self {
            sender: sender.parse()?,
            signed_text: signed_text(&text),
            signature: decode("sig", &signature.text)?,
            payload,
        })
    }

    /// Returns the claimed sender, whose key is needed to verify it.
    pub fn sender(&self) -> &DiasporaId {
        &self.sender
    }

    /// Verifies the signature with the [sender](Self::sender)'s key and returns the contents. The sender's ID itself is
    /// not signed: only [`SignedPayload::entity`] checks that the author is the sender.
    ///
    /// # Errors
    /// [`EnvelopeError::Signature`] if the signature is not valid for this key.
    pub fn verify(self, sender_key: &VerifyingKey) -> Result<SignedPayload, EnvelopeError> {
        if sender_key.verifies(self.signed_text.as_bytes(), &self.signature) {
            Ok(SignedPayload { sender: self.sender, payload: self.payload })
        } else {
            Err(EnvelopeError::Signature(self.sender))
        }
    }
}

impl fmt::Debug for MagicEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MagicEnvelope({}, {} bytes, unverified)", self.sender, self.payload.len())
    }
}

/// The contents of an envelope with a valid signature.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPayload {
    sender: DiasporaId,
    payload: Vec<u8>,
}

impl SignedPayload {
    /// Returns the sender.
    pub fn sender(&self) -> &DiasporaId {
        &self.sender
    }

    /// Returns the payload, byte for byte.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Parses the entity. Its author must be the sender, except for kinds that Pappus does not use: a post's pod
    /// relays other people's comments and likes.
    ///
    /// # Errors
    /// [`EntityError`] states the problem.
    pub fn entity(&self) -> Result<ReceivedEntity, EntityError> {
        let entity = ReceivedEntity::from_xml(&self.payload)?;
        match entity.author() {
            Some(author) if *author != self.sender && !matches!(entity, ReceivedEntity::Other { .. }) => {
                Err(EntityError::NotTheAuthor { sender: self.sender.clone(), author: author.clone() })
            }
            _ => Ok(entity),
        }
    }
}

impl fmt::Debug for SignedPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedPayload({}, {} bytes)", self.sender, self.payload.len())
    }
}

/// Returns the signed text ("Signature" on the page): the parts in base64url, with padding, joined with periods.
fn signed_text(data: &str) -> String {
    let parts = [DATA_TYPE, ENCODING, ALGORITHM].map(|part| URL_SAFE.encode(part));
    format!("{data}.{}", parts.join("."))
}

fn part<'a>(root: &'a Element, name: &'static str) -> Result<&'a Element, EnvelopeError> {
    root.child(name)
        .filter(|element| element.namespace == NAMESPACE && !element.text.trim().is_empty())
        .ok_or(EnvelopeError::Missing(name))
}

fn expect(part: &'static str, found: &str, expected: &'static str) -> Result<(), EnvelopeError> {
    if found == expected {
        Ok(())
    } else {
        Err(EnvelopeError::Unknown { part, found: shorten(found), expected })
    }
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    BASE64URL.decode(compact(text)).map_err(|_| EnvelopeError::Encoding(part))
}

/// Removes white space: the specification allows line breaks in base64url.
fn compact(text: &str) -> String {
    text.split_ascii_whitespace().collect()
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}
