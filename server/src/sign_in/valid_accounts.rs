//! Revalidation of signed-in accounts: they can be locked, closed or get another password at any time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::SignInService;
use super::accounts::Account;
use crate::sessions::Person;

/// Maximum number of cached accounts; at that size the cache is cleared.
const MAX_CACHED: usize = 10_000;

/// A cache of valid accounts, and the lock for queries of the pod.
#[derive(Debug, Default)]
pub(super) struct ValidAccounts {
    /// The cached accounts, by row number.
    cached: Mutex<HashMap<i64, CachedAccount>>,
    /// Requests that wait until their account is checked.
    waiting: Mutex<Vec<Waiting>>,
    /// Allows one query at a time, for all waiting requests: after a restart of the service, thousands wait at once.
    query_lock: tokio::sync::Mutex<()>,
}

/// A request that waits for its account's check.
#[derive(Debug)]
struct Waiting {
    user_id: i64,
    stamp: String,
    answer: oneshot::Sender<bool>,
}

/// An account found valid.
#[derive(Debug)]
struct CachedAccount {
    /// The time until which it is not checked again, in milliseconds since 1970.
    until: i64,
    stamp: String,
}

impl ValidAccounts {
    /// Returns whether the account was found valid, with this stamp, a moment ago.
    fn has(&self, user_id: i64, stamp: &str, now: i64) -> bool {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        cached.get(&user_id).is_some_and(|account| now < account.until && account.stamp == stamp)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, user_id: i64, stamp: &str, until: i64) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= MAX_CACHED {
            cached.clear();
        }
        cached.insert(user_id, CachedAccount { until, stamp: stamp.to_owned() });
    }
}

impl SignInService {
    /// Caches an account as valid: it has just signed in.
    pub(super) fn cache_valid(&self, person: &Person, now: i64) {
        self.0.valid_accounts.insert(person.user_id, &person.stamp, now + self.0.recheck_millis);
    }

    /// Returns whether the account is neither locked nor closed by now, and has the password and second factor of the
    /// sign-in. The pod is queried again after some minutes (`[sign_in] asks_again_minutes`); while it is unavailable,
    /// the session stays valid. `now` is in milliseconds since 1970.
    pub(crate) async fn is_current(&self, person: &Person, now: i64) -> bool {
        let valid_accounts = &self.0.valid_accounts;
        if valid_accounts.has(person.user_id, &person.stamp, now) {
            return true;
        }
        // No request passes unchecked while another one is checked: of many concurrent requests, all but one would.
        loop {
            let (answer, mut checked) = oneshot::channel();
            let waiting = Waiting { user_id: person.user_id, stamp: person.stamp.clone(), answer };
            valid_accounts.waiting().push(waiting);
            let _guard = valid_accounts.query_lock.lock().await;
            let answered = match checked.try_recv() {
                Err(TryRecvError::Empty) => {
                    self.check_all_waiting(now).await;
                    checked.try_recv()
                }
                answered => answered,
            };
            // Without an answer, the request that was checking for all has been cancelled.
            if let Ok(is_valid) = answered {
                return is_valid;
            }
        }
    }

    /// Checks the accounts of all who wait, with one query.
    async fn check_all_waiting(&self, now: i64) {
        let waiting = std::mem::take(&mut *self.0.valid_accounts.waiting());
        let mut user_ids: Vec<i64> = waiting.iter().map(|waiting| waiting.user_id).collect();
        user_ids.sort_unstable();
        user_ids.dedup();
        let accounts = self.accounts().by_rows(&user_ids, now).await;
        for Waiting { user_id, stamp, answer } in waiting {
            let is_valid = match accounts.get(&user_id) {
                Some(Ok(account)) => {
                    let is_valid = self.is_valid(account, &stamp);
                    if is_valid {
                        self.0.valid_accounts.insert(user_id, &stamp, now + self.0.recheck_millis);
                    }
                    is_valid
                }
                Some(Err(_)) => true,
                None => false,
            };
            // The request may have been cancelled.
            _ = answer.send(is_valid);
        }
    }

    fn is_valid(&self, account: &Account, stamp: &str) -> bool {
        match account {
            Account::OnPod(person) => !person.locked && !person.closed && self.stamp(person) == stamp,
            // The pod's password may be newer than the stored one.
            Account::Stored { person, is_pod_unavailable } => {
                !person.locked && !person.closed && (*is_pod_unavailable || self.stamp(person) == stamp)
            }
            Account::Gone => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_CACHED, ValidAccounts};

    #[test]
    fn cached_accounts_expire() {
        let valid_accounts = ValidAccounts::default();
        assert!(!valid_accounts.has(1, "a", 0));
        valid_accounts.insert(1, "a", 100);
        assert!(valid_accounts.has(1, "a", 99));
        assert!(!valid_accounts.has(1, "b", 99), "another password");
        assert!(!valid_accounts.has(1, "a", 100), "expired");
        assert!(!valid_accounts.has(2, "a", 0));
        for user in 0..i64::try_from(2 * MAX_CACHED).unwrap() {
            valid_accounts.insert(user, "a", 100);
        }
        assert!(valid_accounts.cached.lock().unwrap().len() <= MAX_CACHED);
    }
}
