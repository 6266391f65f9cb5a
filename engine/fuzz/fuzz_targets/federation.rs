//! Envelopes and entities: whatever is taken can be written, and is then read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::domain::{Post, Profile};
use pappus_engine::federation::{AccountMigration, Contact, FederationEntity, MagicEnvelope, ReceivedEntity};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = MagicEnvelope::parse(bytes) {
        assert!(envelope.sender().as_str().contains('@'));
    }
    match ReceivedEntity::from_xml(bytes) {
        Ok(ReceivedEntity::AccountMigration(migration)) => {
            assert_eq!(AccountMigration::from_xml(migration.to_xml().as_bytes()).as_ref(), Ok(&*migration));
        }
        Ok(ReceivedEntity::Contact(contact)) => {
            assert_eq!(Contact::from_xml(contact.to_xml().as_bytes()).as_ref(), Ok(&contact));
        }
        Ok(ReceivedEntity::Profile(profile)) => {
            assert_eq!(Profile::from_xml(profile.to_xml().as_bytes()).as_ref(), Ok(&*profile));
        }
        Ok(ReceivedEntity::Post(post)) => {
            assert_eq!(Post::from_xml(post.to_xml().as_bytes()).as_ref(), Ok(&*post));
        }
        Ok(ReceivedEntity::Other { .. }) | Err(_) => {}
    }
});
