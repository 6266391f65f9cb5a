//! Who has an account: on the pod itself, or in what was kept of it when its database is gone.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pappus_engine::campaign::{LiveSignIn, SignIn, SignInData};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::store::Store;

use crate::config::Config;
use crate::error::WebError;

/// How long the pod's database may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a pod's database that did not answer is left alone, in milliseconds.
const LEFT_ALONE: i64 = 15_000;

/// The accounts of the pod.
#[derive(Debug)]
pub struct Accounts {
    live: Option<LiveSignIn>,
    kept: SignInData,
    /// Until when the pod's database is not asked, in milliseconds since 1970.
    away_until: AtomicI64,
}

impl Accounts {
    pub(super) fn new(config: &Config, store: &Store, keys: &CampaignKeys) -> Self {
        Self {
            live: config.pod.as_ref().map(LiveSignIn::new),
            kept: SignInData::new(keys, store, &config.pod_url),
            away_until: AtomicI64::new(0),
        }
    }

    /// Whoever has this username, e-mail address or diaspora* ID. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// [`WebError::Away`] when neither the pod nor what was kept of it can be asked.
    pub async fn find(&self, name: &str, now: i64) -> Result<Option<SignIn>, WebError> {
        // Longer than any address.
        if name.len() > 320 {
            return Ok(None);
        }
        let away = match self.ask_pod(name, now).await {
            Ok(found) => return Ok(found),
            Err(reason) => reason,
        };
        let failed = |error: pappus_engine::campaign::SignInError| WebError::Away(error.to_string());
        match self.kept.find(name).await.map_err(failed)? {
            Some(person) => Ok(Some(person)),
            None if self.kept.is_there().await.map_err(failed)? => Ok(None),
            None => Err(WebError::Away(away)),
        }
    }

    async fn ask_pod(&self, name: &str, now: i64) -> Result<Option<SignIn>, String> {
        let Some(live) = &self.live else {
            return Err("the pod is gone, and no sign-in data was kept".to_owned());
        };
        if now < self.away_until.load(Ordering::Relaxed) {
            return Err("the pod's database did not answer a moment ago".to_owned());
        }
        let reason = match tokio::time::timeout(PATIENCE, live.find(name)).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the pod's database does not answer".to_owned(),
        };
        tracing::warn!("{reason}");
        self.away_until.store(now + LEFT_ALONE, Ordering::Relaxed);
        Err(reason)
    }
}
