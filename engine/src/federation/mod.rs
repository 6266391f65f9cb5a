//! The federation protocol between pods: entities in XML, magic envelopes, WebFinger, hCard. Codecs only: bytes in,
//! values out, and back. Input is limited in size before it is parsed.
//!
//! The facts are those of the [diaspora* federation protocol's
//! documentation](https://diaspora.github.io/diaspora_federation/); each module links to its page.

mod encrypted;
mod entities;
mod hcard;
mod magic_envelope;
mod webfinger;

pub use crate::xml::{Element, XmlError};
pub use encrypted::{EncryptedError, decrypt_envelope, encrypt_envelope};
pub use entities::{AccountMigration, Contact, EntityError, FederationEntity, ReceivedEntity};
pub use hcard::{HCard, HCardError};
pub use magic_envelope::{EnvelopeError, MagicEnvelope, SignedPayload};
pub use webfinger::{LegacyTemplate, WebFinger, WebFingerError};
