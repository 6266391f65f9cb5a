//! Limits on attempts: counted in Pappus's own database, so that all instances share them, under keyed hashes, so
//! that the database does not reveal who tried.

use aws_lc_rs::hmac;
use pappus_engine::depot::{CampaignKeys, KeysError};
use pappus_engine::store::{Store, StoreError};

use crate::config::Config;
use crate::error::WebError;
use crate::security::Address;

/// The period in which attempts are counted, in milliseconds: 15 minutes.
const WINDOW_MILLIS: i64 = 15 * 60 * 1000;
/// Maximum number of links that one account may request in that period.
const MAX_LINKS: i64 = 2;

/// A secret that can be guessed. Each kind is counted separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// A password.
    Password,
    /// The code after a password.
    Code,
    /// The code after a link by mail.
    CodeAfterLink,
}

impl Guess {
    fn as_str(self) -> &'static str {
        match self {
            Self::Password => "account",
            Self::Code => "code",
            Self::CodeAfterLink => "code-after-link",
        }
    }
}

/// Counters of sign-in attempts.
#[derive(Debug)]
pub(super) struct Attempts {
    store: Store,
    key: hmac::Key,
    per_account: i64,
    per_address: i64,
}

impl Attempts {
    pub(super) fn new(config: &Config, store: &Store, keys: &CampaignKeys) -> Result<Self, KeysError> {
        let secret = keys.derive("sign-in attempts")?;
        Ok(Self {
            store: store.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            per_account: i64::from(config.sign_in.attempts_per_account),
            per_address: i64::from(config.sign_in.attempts_per_address),
        })
    }

    /// Counts an attempt from an address, before anything is looked up.
    pub(super) async fn count_address(&self, address: Address, now: i64) -> Result<(), WebError> {
        self.count("address", &address.subject().to_string(), self.per_address, now).await
    }

    /// Counts the use of a link from an address; separately, so that password guesses do not block links.
    pub(super) async fn count_link_use(&self, address: Address, now: i64) -> Result<(), WebError> {
        self.count("link-address", &address.subject().to_string(), self.per_address, now).await
    }

    /// Counts an attempt for an account, before anything is compared, so that concurrent attempts all count.
    pub(super) async fn count_guess(&self, guess: Guess, account: &str, now: i64) -> Result<(), WebError> {
        self.count(guess.as_str(), account, self.per_account, now).await
    }

    /// Counts as [`count_guess`](Self::count_guess) does; returns whether the attempt is allowed, instead of an error.
    pub(super) async fn is_allowed(&self, guess: Guess, account: &str, now: i64) -> Result<bool, WebError> {
        match self.count_guess(guess, account, now).await {
            Ok(()) => Ok(true),
            Err(WebError::TooMany { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Counts a link that an account requests.
    pub(super) async fn count_link_request(&self, account: &str, now: i64) -> Result<(), WebError> {
        self.count("link", account, MAX_LINKS, now).await
    }

    /// Clears an account's attempts after a successful sign-in, and one attempt of the address.
    pub(super) async fn reset(&self, account: &str, address: Address) -> Result<(), StoreError> {
        // The kind is part of the hash.
        let sql = "DELETE FROM pappus_attempts WHERE subject IN (?, ?, ?)";
        let kinds = [Guess::Password, Guess::Code, Guess::CodeAfterLink];
        let values = kinds.map(|guess| self.hash(guess.as_str(), account).into());
        self.store.execute("deleting attempts", sql, &values).await?;
        let sql = "DELETE FROM pappus_attempts WHERE id = (SELECT MAX(id) FROM pappus_attempts \
                   WHERE kind = 'address' AND subject = ?)";
        let subject = self.hash("address", &address.subject().to_string());
        self.store.execute("deleting attempts", sql, &[subject.into()]).await.map(drop)
    }

    /// Removes attempts older than the period.
    pub(super) async fn sweep(&self, now: i64) -> Result<u64, StoreError> {
        let sql = "DELETE FROM pappus_attempts WHERE tried_at < ?";
        self.store.execute("removing old attempts", sql, &[(now - WINDOW_MILLIS).into()]).await
    }

    /// Counts an attempt, unless the limit is reached: refused attempts do not lengthen the wait. It is recorded
    /// before earlier ones are counted, and removed if refused, so that of concurrent attempts the first ones pass.
    async fn count(&self, kind: &str, subject: &str, limit: i64, now: i64) -> Result<(), WebError> {
        let subject = self.hash(kind, subject);
        let sql = "INSERT INTO pappus_attempts (kind, subject, tried_at) VALUES (?, ?, ?) RETURNING id";
        let values = [kind.into(), (&subject).into(), now.into()];
        let row = self.store.first("counting an attempt", sql, &values).await?;
        let id: i64 = row.map_or(Ok(0), |row| row.get("id"))?;
        let sql = "SELECT COUNT(*) AS tries, MIN(tried_at) AS first_tried_at FROM pappus_attempts \
                   WHERE kind = ? AND subject = ? AND tried_at > ? AND id <= ?";
        let values = [kind.into(), (&subject).into(), (now - WINDOW_MILLIS).into(), id.into()];
        let row = self.store.first("counting attempts", sql, &values).await?;
        let (count, first) = row.map_or(Ok((0, None)), |row| {
            Ok::<_, StoreError>((row.get::<i64>("tries")?, row.get::<Option<i64>>("first_tried_at")?))
        })?;
        if count <= limit {
            return Ok(());
        }
        let sql = "DELETE FROM pappus_attempts WHERE id = ?";
        self.store.execute("removing a refused attempt", sql, &[id.into()]).await?;
        let wait = first.map_or(WINDOW_MILLIS, |first| first + WINDOW_MILLIS - now).max(1000);
        Err(WebError::TooMany { seconds: u64::try_from(wait / 1000).unwrap_or(1) })
    }

    fn hash(&self, kind: &str, subject: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(subject.as_bytes());
        hex::encode(context.sign().as_ref())
    }
}
