//! Stamps of sessions and tokens: keyed digests of password hash and second factor. Once these change on the pod,
//! earlier sessions and tokens are invalid: a person who no longer has access to the account may hold them.

use aws_lc_rs::hmac;
use pappus_engine::campaign::SignIn;
use pappus_engine::depot::{CampaignKeys, KeysError};

/// Computes stamps; all instances of the service compute the same ones.
#[derive(Debug)]
pub(super) struct Stamps(hmac::Key);

impl Stamps {
    pub(super) fn new(keys: &CampaignKeys) -> Result<Self, KeysError> {
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &keys.derive("sign-in stamp")?)))
    }

    /// Returns the current stamp of an account. Recovery codes do not count: one is removed after each use.
    pub(super) fn of(&self, person: &SignIn) -> String {
        let factor = person.second_factor.as_ref().filter(|factor| factor.required);
        let secret = factor.and_then(|factor| factor.secret.as_ref());
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&person.user_id.to_be_bytes());
        for part in [person.password_hash.expose(), secret.map_or("", |secret| secret.expose())] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.update(&[u8::from(factor.is_some())]);
        hex::encode(context.sign().as_ref())
    }

    /// Returns the stamp of a mailed link, which also ends with the account's e-mail address.
    pub(super) fn of_link(&self, person: &SignIn) -> String {
        let text = format!("{} {}", self.of(person), person.email);
        hex::encode(hmac::sign(&self.0, text.as_bytes()).as_ref())
    }
}
