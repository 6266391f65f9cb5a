//! What is to be sent to other pods, opened as they would open it.

use std::collections::HashMap;

use pappus_engine::domain::{DecryptingKey, PrivateKey, PublicKey, VerifyingKey};
use pappus_engine::federation::{AccountMigration, MagicEnvelope, ReceivedEntity, decrypt_envelope};
use pappus_tests::sample::{PAIRS_1024, PAIRS_2048};

use super::rows::Row;

pub(crate) struct Keys {
    old: VerifyingKey,
    new: VerifyingKey,
    /// Of those who may be sent something: all of the sample pod's people have keys that everybody knows.
    private: HashMap<String, DecryptingKey>,
}

fn public(pem: &str) -> PublicKey {
    PublicKey::from_pem(pem).unwrap()
}

impl Keys {
    pub(crate) fn new(people: &[Row], old: &str, new: &str) -> Self {
        let pairs = PAIRS_2048.iter().chain(&PAIRS_1024);
        let pairs: HashMap<_, _> =
            pairs.map(|pair| (public(pair.public).as_pem().to_owned(), pair)).collect();
        let key = |row: &Row| {
            let pair = pairs.get(public(row["serialized_public_key"].as_str()?).as_pem())?;
            let key = PrivateKey::from_pem(pair.private.to_owned()).decrypting_key().unwrap();
            Some((row["diaspora_handle"].as_str()?.to_owned(), key))
        };
        let private = people.iter().filter_map(key).collect();
        let verifying = |pem| public(pem).verifying_key().unwrap();
        Self { old: verifying(old), new: verifying(new), private }
    }

    /// What a delivery says, if it is signed by whom it must be.
    pub(crate) fn open(&self, row: &Row) -> String {
        let body = row["body"].as_str().unwrap();
        if row["kind"] == "account_migration" {
            let migration = self.migration(body);
            let payload = payload(&bytes(body), &self.old);
            return without_times(&payload.replace(&migration.signature, "by the new key"));
        }
        let recipient = &self.private[row["recipient"].as_str().unwrap()];
        payload(&decrypt_envelope(&bytes(body), recipient).unwrap(), &self.new)
    }

    /// The announcement in a body, signed by both accounts.
    pub(crate) fn migration(&self, body: &str) -> AccountMigration {
        let payload = MagicEnvelope::parse(&bytes(body)).unwrap().verify(&self.old).unwrap();
        let ReceivedEntity::AccountMigration(migration) = payload.entity().unwrap() else {
            unreachable!("something else is sent as a move: {payload:?}")
        };
        assert!(migration.verify(&self.new), "the new account has not signed");
        *migration
    }
}

fn payload(envelope: &[u8], key: &VerifyingKey) -> String {
    let payload = MagicEnvelope::parse(envelope).unwrap().verify(key).unwrap();
    without_times(std::str::from_utf8(payload.payload()).unwrap())
}

/// PostgreSQL gives bytes as `\x…`, SQLite's `hex` does not.
fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.trim_start_matches("\\x").as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The profile says when it was made: in the run.
fn without_times(payload: &str) -> String {
    let (tag, end) = ("<edited_at>2027-", "</edited_at>");
    let Some((before, rest)) = payload.split_once(tag) else { return payload.to_owned() };
    let after = rest.split_once(end).map_or("", |(_, after)| after);
    format!("{before}<edited_at>in the run{end}{after}")
}
