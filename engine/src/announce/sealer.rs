//! Seals each contact's messages on all cores: signing is most of the work.

use std::num::NonZero;
use std::panic::resume_unwind;

use super::AnnounceError;
use super::recipient::Recipient;
use crate::delivery::{Kind, NewDelivery};
use crate::domain::{DiasporaId, SigningKey};
use crate::federation::{Contact, FederationEntity as _, MagicEnvelope, encrypt_envelope};

/// The data common to all contacts.
pub(super) struct MessageSealer<'a> {
    /// The announced import.
    pub(super) import: &'a str,
    pub(super) old_id: &'a DiasporaId,
    pub(super) new_id: &'a DiasporaId,
    pub(super) new_key: &'a SigningKey,
    /// The envelope with the profile, not yet encrypted.
    pub(super) profile: &'a str,
    pub(super) profile_digest: &'a str,
}

/// The profile for one person, and a Contact if the account shares with them; or the error.
pub(super) type Sealed = Result<Vec<NewDelivery>, AnnounceError>;

impl MessageSealer<'_> {
    /// Seals the messages of each recipient, in the same order.
    pub(super) fn seal(&self, recipients: &[&Recipient]) -> Vec<Sealed> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let chunk_size = recipients.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            let seal =
                |part: &[&Recipient]| part.iter().map(|recipient| self.seal_messages(recipient)).collect();
            let spawned = recipients.chunks(chunk_size).map(|part| scope.spawn(move || seal(part)));
            let threads: Vec<std::thread::ScopedJoinHandle<'_, Vec<Sealed>>> = spawned.collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        })
    }

    /// Seals the profile, and a Contact if the account shares with the recipient.
    fn seal_messages(&self, recipient: &Recipient) -> Sealed {
        let url = recipient.address()?;
        let delivery = |kind: Kind, envelope: &str| {
            let is_profile = kind == Kind::Profile;
            let is_claimed = is_profile && recipient.is_claimed;
            Ok::<_, AnnounceError>(NewDelivery {
                import_id: self.import.to_owned(),
                account: self.old_id.clone(),
                kind,
                url: url.clone(),
                recipient: Some(recipient.id.clone()),
                people: Vec::new(),
                content_type: "application/json".to_owned(),
                body: encrypt_envelope(envelope, &recipient.key)?.into_bytes(),
                profile_digest: is_profile.then(|| self.profile_digest.to_owned()),
                recipient_key: is_claimed.then(|| recipient.key.as_pem().to_owned()),
            })
        };
        let mut deliveries = vec![delivery(Kind::Profile, self.profile)?];
        // A Contact with "sharing" false would make Hubzilla delete the connection.
        if recipient.shares == Some(true) {
            let contact = Contact {
                author: self.new_id.clone(),
                recipient: recipient.id.clone(),
                following: true,
                sharing: true,
                blocking: false,
            };
            let contact = MagicEnvelope::seal(self.new_id, self.new_key, &contact.to_xml())?;
            deliveries.push(delivery(Kind::Contact, &contact)?);
        }
        Ok(deliveries)
    }
}
