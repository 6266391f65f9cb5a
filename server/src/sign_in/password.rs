//! Passwords and recovery codes as Devise hashes them: bcrypt over the text and the pod's pepper.

use std::num::NonZeroUsize;
use std::sync::Arc;

use pappus_engine::campaign::SecretText;
use tokio::sync::{OnceCell, Semaphore};
use zeroize::Zeroizing;

use crate::error::WebError;

/// Maximum length of a text to compare, in bytes; diaspora* accepts passwords of 128 characters.
const MAX_TEXT_BYTES: usize = 1024;
/// The cost of diaspora*'s hashes.
const COST: u32 = 10;

/// Compares typed passwords with hashes, outside of the threads that handle requests, and at most one at a time per
/// core.
#[derive(Debug)]
pub(super) struct Passwords {
    pepper: SecretText,
    core_permits: Arc<Semaphore>,
    dummy_hash: OnceCell<SecretText>,
}

impl Passwords {
    pub(super) fn new(pepper: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            pepper: SecretText::new(pepper.to_owned()),
            core_permits: Arc::new(Semaphore::new(cores)),
            dummy_hash: OnceCell::new(),
        }
    }

    /// Returns whether a text matches a hash. Without a hash, takes the same time and returns false.
    pub(super) async fn verify(&self, text: &str, hash: Option<&SecretText>) -> Result<bool, WebError> {
        let Some(hash) = hash.filter(|hash| !hash.expose().is_empty()) else {
            let dummy_hash = self.dummy_hash.get_or_try_init(|| self.create_dummy_hash()).await?.clone();
            self.compare(text, dummy_hash).await?;
            return Ok(false);
        };
        self.compare(text, hash.clone()).await
    }

    async fn compare(&self, text: &str, hash: SecretText) -> Result<bool, WebError> {
        if text.len() > MAX_TEXT_BYTES {
            return Ok(false);
        }
        // Incremented for unknown names too: equal work does not reveal which names exist.
        metrics::counter!("pappus_web_passwords_compared_total").increment(1);
        let peppered = Zeroizing::new(format!("{text}{}", self.pepper.expose()));
        // An invalid hash matches nothing.
        self.run_blocking(move || bcrypt::verify(peppered.as_bytes(), hash.expose()).unwrap_or(false)).await
    }

    /// Returns the hash of a new password, as diaspora* computes it.
    pub(super) async fn hash(&self, password: &str) -> Result<SecretText, WebError> {
        let text = Zeroizing::new(format!("{password}{}", self.pepper.expose()));
        // bcrypt uses the first 72 bytes of text and pepper, here as in diaspora*.
        let hash = self.run_blocking(move || bcrypt::hash_with_result(text.as_bytes(), COST)).await?;
        let hash = hash.map_err(|error| WebError::Internal(error.to_string()))?;
        Ok(SecretText::new(hash.format_for_version(bcrypt::Version::TwoA)))
    }

    async fn create_dummy_hash(&self) -> Result<SecretText, WebError> {
        let text = pappus_engine::store::random_id()?;
        let hash = self.run_blocking(move || bcrypt::hash(text, COST)).await?;
        hash.map(SecretText::new).map_err(|error| WebError::Internal(error.to_string()))
    }

    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WebError> {
        let panicked = |_| WebError::Internal("a password could not be compared".to_owned());
        let permit = Arc::clone(&self.core_permits).acquire_owned().await;
        let _permit = permit.map_err(|error| WebError::Internal(error.to_string()))?;
        tokio::task::spawn_blocking(work).await.map_err(panicked)
    }
}
