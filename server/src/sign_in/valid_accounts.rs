//! Revalidation of signed-in accounts: they can be locked or closed meanwhile, or get another password.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::{self, error::TryRecvError};

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
    /// Requests that wait for their account's check.
    waiting: Mutex<Vec<Waiting>>,
    /// Allows one query at a time, for all who wait by then: thousands are due at once when the service restarts.
    turn: tokio::sync::Mutex<()>,
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
struct Known {
    /// The time until which it is not checked again, in milliseconds since 1970.
    until: i64,
    stamp: String,
}

impl ValidAccounts {
    /// Returns whether the account was found valid, with this stamp, a moment ago.
    fn has(&self, user_id: i64, stamp: &str, now: i64) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&user_id).is_some_and(|known| now < known.until && known.stamp == stamp)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// the session stays valid. `now` is in milliseconds since 1970.
    pub(crate) async fn is_current(&self, person: &Person, now: i64) -> bool {
        let valid_accounts = &self.0.valid_accounts;
        if valid_accounts.has(person.user_id, &person.stamp, now) {
            return true;
        }
        // Nobody passes unchecked while others are checked: of many requests at once, all but one would.
        loop {
            let (answer, mut checked) = oneshot::channel();
            let waiting = Waiting { user_id: person.user_id, stamp: person.stamp.clone(), answer };
            valid_accounts.waiting().push(waiting);
            let _turn = valid_accounts.turn.lock().await;
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
                        self.0.valid_accounts.note(user_id, &stamp, now + self.0.asks_again);
                    }
                    is_valid
                }
                Some(Err(_)) => true,
                None => false,
            };
            // Whoever asked may have gone.
            _ = answer.send(is_valid);
        }
    }

    fn is_valid(&self, account: &Account, stamp: &str) -> bool {
        match account {
            Account::OnPod(found) => !found.locked && !found.closed && self.stamp(found) == stamp,
            // The pod's password may be newer than the stored one.
            Account::Stored { person: found, pod_is_away } => {
                !found.locked && !found.closed && (*pod_is_away || self.stamp(found) == stamp)
            }
            Account::Gone => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, ValidAccounts};

    #[test]
    fn it_forgets_in_time() {
        let valid_accounts = ValidAccounts::default();
        assert!(!valid_accounts.has(1, "a", 0));
        valid_accounts.note(1, "a", 100);
        assert!(valid_accounts.has(1, "a", 99));
        assert!(!valid_accounts.has(1, "b", 99), "another password");
        assert!(!valid_accounts.has(1, "a", 100), "its time is over");
        assert!(!valid_accounts.has(2, "a", 0));
        for user in 0..i64::try_from(2 * MOST).unwrap() {
            valid_accounts.note(user, "a", 100);
        }
        assert!(valid_accounts.known.lock().unwrap().len() <= MOST);
    }
}
