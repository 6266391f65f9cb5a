//! Retry schedule.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::backoff::Backoff;
use crate::http::RetryAfter;

/// Time a delivery or a pod may fail before it is given up.
pub const GIVE_UP_AFTER: TimeDelta = TimeDelta::weeks(4);

/// The pauses: some sixty attempts in four weeks.
const BACKOFF: Backoff = Backoff::new(Duration::from_mins(1), Duration::from_hours(12));
/// The longest pause that a pod may request.
const LONGEST_REQUESTED_PAUSE: TimeDelta = TimeDelta::days(1);

/// The longest pause between two checks of a new account that is not reachable from outside.
const LONGEST_CHECK_PAUSE: TimeDelta = TimeDelta::minutes(30);
/// The longest time a pod gets to process a move.
pub(super) const LONGEST_GRACE: TimeDelta = TimeDelta::days(7);
/// The time for which an unreachable pod delays the delivery of the move to the account's old pod. A pod that comes
/// back later may be told by the old pod that the account no longer shares before it gets the move: a diaspora* pod
/// retries that message for some 13 days (`Workers::SendBase#schedule_retry`), but not to pods that it has not
/// reached for 14 days (`Pod::ACTIVE_DAYS`).
pub(super) const LONGEST_ABSENCE: TimeDelta = TimeDelta::days(1);
/// The answer time above which a pod counts as busy.
const SLOW_ANSWER: TimeDelta = TimeDelta::seconds(5);

/// Returns the time of the next check of an account, after a number of consecutive failed ones.
pub(super) fn next_check(now: DateTime<Utc>, failures: i64) -> DateTime<Utc> {
    now + TimeDelta::from_std(BACKOFF.after(failures)).unwrap_or(LONGEST_CHECK_PAUSE).min(LONGEST_CHECK_PAUSE)
}

/// Returns the time that a pod gets to process an accepted move if no echo arrives: at least `grace`, plus the time it
/// was unreachable before, and twice that if it answered slowly; at most [`LONGEST_GRACE`], unless `grace` is longer.
pub(super) fn processing_time(grace: TimeDelta, unreachable: TimeDelta, answer_time: TimeDelta) -> TimeDelta {
    let time = grace + unreachable.max(TimeDelta::zero());
    let time = if answer_time > SLOW_ANSWER { time * 2 } else { time };
    time.min(LONGEST_GRACE).max(grace)
}

/// Returns the time of the next attempt after a number of consecutive failures, the first of them at `since`. A pod may
/// request a longer pause. The last attempt is at `since` + [`GIVE_UP_AFTER`]; `None` once that has passed.
pub(super) fn next_attempt(
    now: DateTime<Utc>,
    failures: i64,
    since: DateTime<Utc>,
    requested_pause: Option<TimeDelta>,
) -> Option<DateTime<Utc>> {
    let last = since + GIVE_UP_AFTER;
    if now >= last {
        return None;
    }
    let pause = TimeDelta::from_std(BACKOFF.after(failures)).unwrap_or(LONGEST_REQUESTED_PAUSE);
    let requested_pause = requested_pause.unwrap_or_default().min(LONGEST_REQUESTED_PAUSE);
    Some((now + pause.max(requested_pause)).min(last))
}

/// Returns the pause that a pod requests.
pub(super) fn requested_pause(retry_after: RetryAfter, now: DateTime<Utc>) -> TimeDelta {
    match retry_after {
        RetryAfter::Delay(delay) => TimeDelta::from_std(delay).unwrap_or(LONGEST_REQUESTED_PAUSE),
        RetryAfter::At(time) => time.to_utc().and_utc() - now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn the_last_attempt_is_when_it_is_given_up() {
        let since = DateTime::UNIX_EPOCH;
        let (mut now, mut attempts) = (since, 1);
        while let Some(next) = next_attempt(now, attempts, since, None) {
            assert!(next > now);
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(now, since + GIVE_UP_AFTER);
        assert!((50..90).contains(&attempts), "{attempts} attempts");
    }

    #[test]
    fn busy_pods_get_longer_to_process_a_move() {
        let hours = TimeDelta::hours;
        let time = |unreachable, answer_time| processing_time(hours(12), unreachable, answer_time);
        assert_eq!(time(hours(0), TimeDelta::seconds(1)), hours(12));
        assert_eq!(time(hours(30), TimeDelta::seconds(1)), hours(42));
        assert_eq!(time(hours(0), TimeDelta::seconds(6)), hours(24));
        assert_eq!(time(TimeDelta::weeks(3), TimeDelta::seconds(6)), TimeDelta::days(7));
        assert_eq!(processing_time(TimeDelta::days(9), hours(0), hours(0)), TimeDelta::days(9));
    }

    #[test]
    fn a_requested_pause_is_at_most_a_day() {
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let hour = TimeDelta::hours(1);
        let later = Timestamp::from(now + hour);
        assert_eq!(requested_pause(RetryAfter::At(later), now), hour);
        assert_eq!(requested_pause(RetryAfter::Delay(Duration::from_hours(1)), now), hour);
        assert_eq!(requested_pause(RetryAfter::Delay(Duration::MAX), now), LONGEST_REQUESTED_PAUSE);
        let next = |failures, pause| next_attempt(now, failures, now, pause).unwrap() - now;
        assert_eq!(next(1, Some(TimeDelta::hours(1))), TimeDelta::hours(1));
        assert_eq!(next(1, Some(TimeDelta::days(9999))), TimeDelta::days(1));
        assert!(next(1, Some(TimeDelta::days(-9999))) >= TimeDelta::seconds(45));
        assert!(next(11, Some(TimeDelta::hours(1))) >= TimeDelta::hours(9));
    }
}
