//! Whether people who have signed in may still: an account can be locked or closed meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::SignInRoom;
use crate::sessions::Person;

/// How many people are kept in mind; with more, it begins anew.
const MOST: usize = 10_000;

/// What is known of accounts, and the turn to ask for one.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Until when accounts are not asked for again, in milliseconds since 1970, by their row numbers.
    known: Mutex<HashMap<i64, i64>>,
    /// One asks at a time: thousands come back at once when the service starts anew.
    turn: tokio::sync::Mutex<()>,
}

impl Standing {
    fn is_fresh(&self, user_id: i64, now: i64) -> bool {
        let asked = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(&user_id).is_some_and(|until| now < *until)
    }

    fn note(&self, user_id: i64, until: i64) {
        let mut asked = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= MOST {
            asked.clear();
        }
        asked.insert(user_id, until);
    }
}

impl SignInRoom {
    /// Notes that an account stands: it was just signed in to.
    pub(super) fn stands(&self, user_id: i64, now: i64) {
        self.0.standing.note(user_id, now + self.0.asks_again);
    }

    /// Whether the account is neither locked nor closed by now. The pod is asked again after some minutes
    /// (`[sign_in] asks_again_minutes`); while nobody can say, or somebody else's account is being asked for, what was true
    /// before stays so. `now` is in milliseconds since 1970.
    pub(crate) async fn still_stands(&self, person: &Person, now: i64) -> bool {
        let standing = &self.0.standing;
        if standing.is_fresh(person.user_id, now) {
            return true;
        }
        let Ok(_turn) = standing.turn.try_lock() else { return true };
        match self.accounts().find(&person.account, now).await {
            Ok(Some(found)) if found.user_id == person.user_id && (found.locked || found.closed) => false,
            // Whom a pod deletes stays in its table, as closed; what was kept of a pod may lack somebody.
            Ok(_) => {
                self.stands(person.user_id, now);
                true
            }
            Err(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Standing};

    #[test]
    fn it_forgets_in_time() {
        let standing = Standing::default();
        assert!(!standing.is_fresh(1, 0));
        standing.note(1, 100);
        assert!(standing.is_fresh(1, 99));
        assert!(!standing.is_fresh(1, 100));
        assert!(!standing.is_fresh(2, 0));
        for user in 0..i64::try_from(2 * MOST).unwrap() {
            standing.note(user, 100);
        }
        assert!(standing.known.lock().unwrap().len() <= MOST);
    }
}
