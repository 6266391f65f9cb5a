//! Pods that have processed a move, as friends who are back show.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::{StoreError, Transaction};

/// Time in which a pod that processes a move sends the echoes of the first friends, in milliseconds. People who have
/// shared for longer may have added the new account manually.
pub(super) const BURST_MILLIS: i64 = 10_000;
/// Precision of a pod's times, in milliseconds: some databases store whole seconds only.
pub(super) const PRECISION_MILLIS: i64 = 1_000;

/// A person on a pod that has accepted a move. Times are in milliseconds since 1970.
struct Person {
    /// The time at which the pod accepted the move.
    accepted_at: i64,
    is_friend: bool,
    back_at: Option<i64>,
}

/// Records which pods have processed the move. Checks all pods that are not known to have done so, even without new
/// echoes: if a program was killed while it sent the move, friends may have been recorded as back before the move was
/// recorded.
pub(super) async fn record_pods(
    transaction: &mut Transaction,
    import: &str,
    now: DateTime<Utc>,
    settle: TimeDelta,
) -> Result<(), StoreError> {
    const PEOPLE: &str = "SELECT m.pod, m.told_at, f.is_friend, f.back_at FROM pappus_move_pods m \
         JOIN pappus_move_people f ON f.import_id = m.import_id AND f.pod = m.pod \
         WHERE m.import_id = ? AND m.confirmed_at IS NULL AND EXISTS (SELECT 1 FROM pappus_move_people b \
         WHERE b.import_id = m.import_id AND b.pod = m.pod AND b.back_at IS NOT NULL)";
    const RECORD: &str = "UPDATE pappus_move_pods SET confirmed_at = ?, \
         opens_at = CASE WHEN opens_at > ? THEN ? ELSE opens_at END \
         WHERE import_id = ? AND pod = ? AND confirmed_at IS NULL";
    let mut pods: BTreeMap<String, Vec<Person>> = BTreeMap::new();
    for row in transaction.rows("reading people of pods", PEOPLE, &[import.into()]).await? {
        let person = Person {
            accepted_at: row.get("told_at")?,
            is_friend: row.get::<i64>("is_friend")? == 1,
            back_at: row.get("back_at")?,
        };
        pods.entry(row.get("pod")?).or_default().push(person);
    }
    let opens_at = (now + settle).timestamp_millis();
    for (pod, people) in &pods {
        let Some(at) = processed_at(people) else { continue };
        let values = [at.into(), opens_at.into(), opens_at.into(), import.into(), pod.into()];
        transaction.execute("recording that a pod has processed a move", RECORD, &values).await?;
    }
    Ok(())
}

/// Returns the time from which on a pod is known to have processed the move: when a tenth of the expected friends on it
/// are back, at least two, or the only one. If no friend is expected, everybody who shares counts.
///
/// Some people may add the new account manually before the pod has processed the move. A single friend may have done
/// so, and counts only after [`BURST_MILLIS`].
fn processed_at(people: &[Person]) -> Option<i64> {
    let shares_since = |person: &Person| {
        person.back_at.filter(|at| at.saturating_add(PRECISION_MILLIS) > person.accepted_at)
    };
    let is_expected =
        |person: &&Person| person.is_friend && (person.back_at.is_none() || shares_since(person).is_some());
    let expected = people.iter().filter(is_expected).count();
    let mut back: Vec<i64> =
        people.iter().filter(|person| person.is_friend || expected == 0).filter_map(shares_since).collect();
    back.sort_unstable();
    match expected {
        0 | 1 => back.first().map(|at| at + BURST_MILLIS + 1),
        2..20 => back.get(1).copied(),
        _ => back.get(expected / 10 - 1).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn friends(back_at: &[Option<i64>]) -> Vec<Person> {
        back_at
            .iter()
            .map(|back_at| Person { accepted_at: 10_000, is_friend: true, back_at: *back_at })
            .collect()
    }

    #[test]
    fn a_pod_has_processed_a_move_when_enough_friends_are_back() {
        assert_eq!(processed_at(&friends(&[None, Some(20_000), None])), None);
        assert_eq!(processed_at(&friends(&[Some(90_000), Some(20_000), None])), Some(90_000));
        let mut people = friends(&[None; 53]);
        for (at, person) in (20_000..).zip(people.iter_mut().take(5)) {
            person.back_at = Some(at);
        }
        assert_eq!(processed_at(&people), Some(20_004));
        people[0].back_at = None;
        assert_eq!(processed_at(&people), None);
    }

    #[test]
    fn people_who_shared_before_the_move_do_not_count() {
        assert_eq!(processed_at(&friends(&[Some(9_000), Some(20_000), None])), None);
        assert_eq!(processed_at(&friends(&[Some(9_000)])), None);
    }

    #[test]
    fn others_count_only_if_no_friend_is_expected() {
        let other = || Person { accepted_at: 10_000, is_friend: false, back_at: Some(20_000) };
        let mut people = friends(&[None]);
        people.push(other());
        assert_eq!(processed_at(&people), None);
        assert_eq!(processed_at(&[other()]), Some(20_001 + BURST_MILLIS));
    }

    #[test]
    fn the_only_friend_may_have_added_the_account_manually() {
        let at = processed_at(&friends(&[Some(20_000)])).unwrap();
        assert!(at - BURST_MILLIS > 20_000, "their Contact is still needed");
    }
}
