//! Accounts: from the pod itself, or from its stored copy when its database is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pappus_engine::campaign::{LiveSignIn, SignIn, SignInData};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::store::Store;

use crate::config::Config;
use crate::error::WebError;

/// Timeout for the pod's database.
const POD_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a failed query of the pod's database, in milliseconds.
const RETRY_PAUSE_MILLIS: i64 = 15_000;

/// The accounts of the pod.
#[derive(Debug)]
pub struct Accounts {
    live: Option<LiveSignIn>,
    stored: SignInData,
    /// The time until which the pod's database is not queried, in milliseconds since 1970.
    down_until: AtomicI64,
}

/// A key for the lookup of accounts.
#[derive(Clone, Copy)]
enum AccountKey<'a> {
    /// By username, e-mail address or diaspora* ID.
    Name(&'a str),
    /// By row numbers on the pod.
    Rows(&'a [i64]),
}

/// An account looked up by its row number, with its source.
#[derive(Debug)]
pub enum Account {
    /// The account on the pod now.
    OnPod(SignIn),
    /// The stored copy of the account.
    Stored {
        /// The account.
        person: SignIn,
        /// True if the pod still exists, but does not respond; it would be authoritative.
        is_pod_unavailable: bool,
    },
    /// The pod no longer has such an account.
    Gone,
}

impl Account {
    /// Returns the account from either source.
    pub fn person(self) -> Option<SignIn> {
        match self {
            Self::OnPod(person) | Self::Stored { person, .. } => Some(person),
            Self::Gone => None,
        }
    }
}

impl Accounts {
    pub(super) fn new(config: &Config, store: &Store, keys: &CampaignKeys) -> Self {
        Self {
            live: config.pod.as_ref().map(LiveSignIn::new),
            stored: SignInData::new(keys, store, &config.pod_url),
            down_until: AtomicI64::new(0),
        }
    }

    /// Returns the account with this username, e-mail address or diaspora* ID. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// [`WebError::Unavailable`] when neither the pod nor its stored copy can be read.
    pub async fn find(&self, name: &str, now: i64) -> Result<Option<SignIn>, WebError> {
        // Longer than any valid address.
        if name.len() > 320 {
            return Ok(None);
        }
        let reason = match self.ask_pod(AccountKey::Name(name), now).await {
            Ok(people) => return Ok(people.into_iter().next()),
            Err(reason) => reason,
        };
        let failed = |error: pappus_engine::campaign::SignInError| WebError::Unavailable(error.to_string());
        match self.stored.find(name).await.map_err(failed)? {
            Some(person) => Ok(Some(person)),
            None if self.stored.has_data().await.map_err(failed)? => Ok(None),
            None => Err(WebError::Unavailable(reason)),
        }
    }

    /// Returns the account with this row number. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// [`WebError::Unavailable`] when neither the pod nor its stored copy can be read.
    pub async fn by_row(&self, user_id: i64, now: i64) -> Result<Account, WebError> {
        let mut accounts = self.by_rows(&[user_id], now).await;
        accounts.remove(&user_id).unwrap_or(Ok(Account::Gone))
    }

    /// Returns the accounts with these row numbers, with one query of the pod. `now` is in milliseconds since 1970.
    pub(super) async fn by_rows(
        &self,
        user_ids: &[i64],
        now: i64,
    ) -> HashMap<i64, Result<Account, WebError>> {
        let reason = match self.ask_pod(AccountKey::Rows(user_ids), now).await {
            Ok(people) => {
                let on_pod = people.into_iter().map(|person| (person.user_id, Ok(Account::OnPod(person))));
                let gone = user_ids.iter().map(|user_id| (*user_id, Ok(Account::Gone)));
                return gone.chain(on_pod).collect();
            }
            Err(reason) => reason,
        };
        let mut accounts = HashMap::with_capacity(user_ids.len());
        for user_id in user_ids {
            let account = match self.stored.by_row(*user_id).await {
                Ok(Some(person)) => Ok(Account::Stored { person, is_pod_unavailable: self.live.is_some() }),
                Ok(None) => Err(WebError::Unavailable(reason.clone())),
                Err(error) => Err(WebError::Unavailable(error.to_string())),
            };
            accounts.insert(*user_id, account);
        }
        accounts
    }

    async fn ask_pod(&self, key: AccountKey<'_>, now: i64) -> Result<Vec<SignIn>, String> {
        let Some(live) = &self.live else {
            return Err("the pod is gone, and no sign-in data was kept".to_owned());
        };
        if now < self.down_until.load(Ordering::Relaxed) {
            return Err("the pod's database did not answer a moment ago".to_owned());
        }
        let query = async {
            match key {
                AccountKey::Name(name) => live.find(name).await.map(|person| person.into_iter().collect()),
                AccountKey::Rows(user_ids) => live.by_rows(user_ids).await,
            }
        };
        let reason = match tokio::time::timeout(POD_TIMEOUT, query).await {
            Ok(Ok(people)) => return Ok(people),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the pod's database does not answer".to_owned(),
        };
        tracing::warn!("{reason}");
        self.down_until.store(now + RETRY_PAUSE_MILLIS, Ordering::Relaxed);
        Err(reason)
    }
}
