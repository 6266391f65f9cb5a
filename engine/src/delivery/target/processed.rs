//! Pods that have processed a move, as the friends show who are back there.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::{StoreError, Transaction};

/// Time in which a pod that processes a move tells the target pod of the first friends, in milliseconds. Whoever shares
/// since before that may have added the new account by hand.
pub(super) const BURST: i64 = 10_000;
/// Precision of a pod's times, in milliseconds: some databases store whole seconds only.
pub(super) const PRECISION: i64 = 1_000;

/// A person on a pod that is to process a move.
struct Person {
    told_at: i64,
    is_friend: bool,
    back_at: Option<i64>,
}

/// Records which pods have processed the move. All that are not known to have are looked at: a program that was killed
/// while it sent the move leaves friends who were noted as back before the move was.
pub(super) async fn note_pods(
    transaction: &mut Transaction,
    import: &str,
    now: DateTime<Utc>,
    settle: TimeDelta,
) -> Result<(), StoreError> {
    const PEOPLE: &str = "SELECT m.pod, m.told_at, f.is_friend, f.back_at FROM pappus_move_pods m \
         JOIN pappus_move_people f ON f.import_id = m.import_id AND f.pod = m.pod \
         WHERE m.import_id = ? AND m.confirmed_at IS NULL AND EXISTS (SELECT 1 FROM pappus_move_people b \
         WHERE b.import_id = m.import_id AND b.pod = m.pod AND b.back_at IS NOT NULL)";
    const PROCESSED: &str = "UPDATE pappus_move_pods SET confirmed_at = ?, \
         opens_at = CASE WHEN opens_at > ? THEN ? ELSE opens_at END \
         WHERE import_id = ? AND pod = ? AND confirmed_at IS NULL";
    let mut pods: BTreeMap<String, Vec<Person>> = BTreeMap::new();
    for row in transaction.rows("looking at people of pods", PEOPLE, &[import.into()]).await? {
        let person = Person {
            told_at: row.get("told_at")?,
            is_friend: row.get::<i64>("is_friend")? == 1,
            back_at: row.get("back_at")?,
        };
        pods.entry(row.get("pod")?).or_default().push(person);
    }
    let opens_at = (now + settle).timestamp_millis();
    for (pod, people) in &pods {
        let Some(at) = processed_at(people) else { continue };
        let values = [at.into(), opens_at.into(), opens_at.into(), import.into(), pod.into()];
        transaction.execute("recording what a pod has processed", PROCESSED, &values).await?;
    }
    Ok(())
}

/// Returns the time from which on a pod is known to have processed the move: a tenth of the friends who are waited for
/// there are back, at least two, or the only one. Where no friend is waited for, anybody who shares counts.
///
/// Some may add the new account by hand while the pod still has to process the move. The only one may have done so.
fn processed_at(people: &[Person]) -> Option<i64> {
    let shares_since =
        |person: &Person| person.back_at.filter(|at| at.saturating_add(PRECISION) > person.told_at);
    let is_awaited =
        |person: &&Person| person.is_friend && (person.back_at.is_none() || shares_since(person).is_some());
    let awaited = people.iter().filter(is_awaited).count();
    let mut back: Vec<i64> =
        people.iter().filter(|person| person.is_friend || awaited == 0).filter_map(shares_since).collect();
    back.sort_unstable();
    match awaited {
        0 | 1 => back.first().map(|at| at + BURST + 1),
        2..20 => back.get(1).copied(),
        _ => back.get(awaited / 10 - 1).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn friends(back_at: &[Option<i64>]) -> Vec<Person> {
        back_at.iter().map(|back_at| Person { told_at: 10_000, is_friend: true, back_at: *back_at }).collect()
    }

    #[test]
    fn a_pod_has_processed_a_move_when_enough_friends_are_back() {
        assert_eq!(processed_at(&friends(&[None, Some(20_000), None])), None);
        assert_eq!(processed_at(&friends(&[Some(90_000), Some(20_000), None])), Some(90_000));
        let mut many = friends(&[None; 53]);
        for (at, person) in (20_000..).zip(many.iter_mut().take(5)) {
            person.back_at = Some(at);
        }
        assert_eq!(processed_at(&many), Some(20_004));
        many[0].back_at = None;
        assert_eq!(processed_at(&many), None);
    }

    #[test]
    fn who_shared_before_the_move_says_nothing() {
        assert_eq!(processed_at(&friends(&[Some(9_000), Some(20_000), None])), None);
        assert_eq!(processed_at(&friends(&[Some(9_000)])), None);
    }

    #[test]
    fn somebody_who_was_no_friend_counts_only_where_no_friend_is_waited_for() {
        let other = || Person { told_at: 10_000, is_friend: false, back_at: Some(20_000) };
        let mut people = friends(&[None]);
        people.push(other());
        assert_eq!(processed_at(&people), None);
        assert_eq!(processed_at(&[other()]), Some(20_001 + BURST));
    }

    #[test]
    fn the_only_friend_may_have_added_the_account_by_hand() {
        let at = processed_at(&friends(&[Some(20_000)])).unwrap();
        assert!(at - BURST > 20_000, "what is said to them stays");
    }
}
