//! Whoever ignores an account ignores it under its new name as well, from the beginning of its import.

use super::{import, path, stock, undo};
use crate::import::strangers::{guid, insert_person};
use crate::support::target::Target;
use serde_json::{Value, json as value};

const OLD: &str = "ida@dead.example";
const NEW: &str = "ida@haven.example";
const CAROL: &str = "carol@haven.example";
const DAVE: &str = "dave@haven.example";
const ERIN: &str = "erin@haven.example";

fn ida() -> Value {
    stock(OLD, &value!([]))
}

/// The pod knows ida by her old name; of its three people, carol ignores her.
async fn carol_ignores_ida(target: &Target) {
    target.introduce(&ida()).await;
    for (id, letter) in [(CAROL, 'c'), (DAVE, 'd'), (ERIN, 'e')] {
        insert_person(target, id, &guid(letter), "a key").await;
        target.settle(id).await;
    }
    target.ignore(CAROL, OLD).await;
}

/// Everybody who ignores this person.
async fn ignoring(target: &Target, person: &str) -> Vec<String> {
    let sql = format!(
        "SELECT o.diaspora_handle FROM blocks b JOIN people o ON o.owner_id = b.user_id JOIN people p \
         ON p.id = b.person_id WHERE p.diaspora_handle = '{person}' ORDER BY o.diaspora_handle"
    );
    target.pool.texts(&sql).await.unwrap()
}

fn announce(target: &Target) {
    let ended = target.announce(path(target), &["--offline"]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_never_announced_is_ignored_until_somebody_wants_it_otherwise() {
    for target in Target::on_each("ignored_accounts").await {
        carol_ignores_ida(&target).await;
        import(&target, &ida(), &["--dry-run"]);
        assert_eq!(target.rows().await["blocks"], 1, "a plan writes nothing");
        import(&target, &ida(), &[]);
        assert_eq!(ignoring(&target, NEW).await, [CAROL]);
        assert_eq!(ignoring(&target, OLD).await, [CAROL]);
        let lift = format!(
            "DELETE FROM blocks WHERE person_id = (SELECT id FROM people WHERE diaspora_handle = '{NEW}')"
        );
        target.pool.execute(&lift).await.unwrap();
        // Neither a second run nor the announcement brings it back.
        import(&target, &ida(), &[]);
        assert_eq!(ignoring(&target, NEW).await, Vec::<String>::new());
        announce(&target);
        assert_eq!(target.rows().await["blocks"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_makes_one_block_of_two() {
    for target in Target::on_each("ignored_and_announced").await {
        carol_ignores_ida(&target).await;
        import(&target, &ida(), &[]);
        // After the import, which does not know of it.
        target.ignore(DAVE, OLD).await;
        announce(&target);
        assert_eq!(ignoring(&target, NEW).await, [CAROL, DAVE]);
        assert_eq!(target.rows().await["blocks"], 2);
    }
}

#[tokio::test]
async fn an_undo_leaves_what_people_have_ignored_themselves() {
    let target = Target::sqlite().await;
    carol_ignores_ida(&target).await;
    let done = import(&target, &ida(), &[]);
    target.ignore(DAVE, OLD).await;
    target.ignore(DAVE, ERIN).await;
    assert_eq!(target.rows().await["blocks"], 4);
    undo(&target, &done);
    assert_eq!(ignoring(&target, OLD).await, [CAROL, DAVE]);
    assert_eq!(ignoring(&target, ERIN).await, [DAVE]);
    assert_eq!(target.rows().await["blocks"], 3);
}

#[tokio::test]
async fn whoever_shares_with_the_new_account_does_not_ignore_it() {
    let target = Target::sqlite().await;
    carol_ignores_ida(&target).await;
    import(&target, &ida(), &[]);
    let share = format!(
        "INSERT INTO contacts (user_id, person_id, sharing, receiving, created_at, updated_at) SELECT o.owner_id, p.id, 0, \
         1, '2026-01-01', '2026-01-01' FROM people o, people p WHERE o.diaspora_handle = '{DAVE}' \
         AND p.diaspora_handle = '{NEW}'"
    );
    target.pool.execute(&share).await.unwrap();
    for who in [DAVE, ERIN] {
        target.ignore(who, OLD).await;
    }
    import(&target, &ida(), &[]);
    assert_eq!(ignoring(&target, NEW).await, [CAROL, ERIN]);
}
