//! Revalidation of signed-in accounts: they can be locked or closed meanwhile, or get another password.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::SignInService;
use super::accounts::Account;
use crate::sessions::Person;

/// Maximum number of cached accounts; at that size the cache is cleared.
const MOST: usize = 10_000;

/// A cache of valid accounts, and the lock for asking the pod.
#[derive(Debug, Default)]
pub(super) struct ValidAccounts {
    /// The cached accounts, by row number.
    known: Mutex<HashMap<i64, Known>>,
    /// Allows one query at a time: thousands are due at once when the service restarts.
    turn: tokio::sync::Mutex<()>,
}

/// An account found valid.
#[derive(Debug)]
struct Known {
    /// The time until which it is not checked again, in milliseconds since 1970.
    until: i64,
    stamp: String,
}

/// A session's stamp compared with the cached one of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CacheEntry {
    /// Valid, with this stamp.
    Fresh,
    /// Valid, with another stamp.
    Another,
    Nothing,
}

impl ValidAccounts {
    fn recall(&self, user_id: i64, stamp: &str, now: i64) -> CacheEntry {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&user_id).filter(|known| now < known.until) {
            Some(known) if known.stamp == stamp => CacheEntry::Fresh,
            Some(_) => CacheEntry::Another,
            None => CacheEntry::Nothing,
        }
    }

    fn note(&self, user_id: i64, stamp: &str, until: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(user_id, Known { until, stamp: stamp.to_owned() });
    }
}

impl SignInService {
    /// Caches an account as valid: it has just signed in.
    pub(super) fn cache_valid(&self, person: &Person, now: i64) {
        self.0.valid_accounts.note(person.user_id, &person.stamp, now + self.0.asks_again);
    }

    /// Returns whether the account is neither locked nor closed by now, and has the password and second factor of the
    /// sign-in. The pod is asked again after some minutes (`[sign_in] asks_again_minutes`); while it is unavailable,
    /// or another account is being checked, the session stays valid. `now` is in milliseconds since 1970.
    pub(crate) async fn is_current(&self, person: &Person, now: i64) -> bool {
        let valid_accounts = &self.0.valid_accounts;
        let _turn = match valid_accounts.recall(person.user_id, &person.stamp, now) {
            CacheEntry::Fresh => return true,
            // A newer sign-in used another password: the older session waits for its check.
            CacheEntry::Another => valid_accounts.turn.lock().await,
            CacheEntry::Nothing => {
                let Ok(turn) = valid_accounts.turn.try_lock() else { return true };
                turn
            }
        };
        let is_valid = match self.accounts().by_row(person.user_id, now).await {
            Ok(Account::OnPod(found)) => !found.locked && !found.closed && self.stamp(&found) == person.stamp,
            // The pod's password may be newer than the stored one.
            Ok(Account::Stored { person: found, pod_is_away }) => {
                !found.locked && !found.closed && (pod_is_away || self.stamp(&found) == person.stamp)
            }
            Ok(Account::Gone) => false,
            Err(_) => return true,
        };
        if is_valid {
            self.cache_valid(person, now);
        }
        is_valid
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheEntry, MOST, ValidAccounts};

    #[test]
    fn it_forgets_in_time() {
        let valid_accounts = ValidAccounts::default();
        assert_eq!(valid_accounts.recall(1, "a", 0), CacheEntry::Nothing);
        valid_accounts.note(1, "a", 100);
        assert_eq!(valid_accounts.recall(1, "a", 99), CacheEntry::Fresh);
        assert_eq!(valid_accounts.recall(1, "b", 99), CacheEntry::Another);
        assert_eq!(valid_accounts.recall(1, "a", 100), CacheEntry::Nothing);
        assert_eq!(valid_accounts.recall(2, "a", 0), CacheEntry::Nothing);
        for user in 0..i64::try_from(2 * MOST).unwrap() {
            valid_accounts.note(user, "a", 100);
        }
        assert!(valid_accounts.known.lock().unwrap().len() <= MOST);
    }
}
