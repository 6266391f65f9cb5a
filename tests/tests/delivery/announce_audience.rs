//! Contacts who get no message of their own: their pods hear of the move all the same.

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document};
use pappus_tests::schema::Pool;
use serde_json::Value;

const IDA: &str = "ida@haven.example";
const PAULA: &str = "paula@contacts.example";
const QUENTIN: &str = "quentin@contacts.example";
const XENIA: &str = "xenia@gone.example";

/// Imports ida, changes the target's database, and announces her move. Returns the target's store, and the report.
async fn announced(target: &Target, changes: &[String]) -> (Pool, Value) {
    let source = Pod::sqlite().await;
    source.export(&["ida"], "out", &[]);
    let archive = source.archive("out", "ida");
    target.import(&archive, "ida", &["--trust-pod", &fingerprint(&archive)]);
    for person in [PAULA, QUENTIN, XENIA] {
        let sql = format!("SELECT COUNT(*) FROM contacts WHERE receiving AND person_id = {}", id_of(person));
        assert_eq!(target.pool.number(&sql).await.unwrap(), 1, "{person} is a contact");
    }
    for sql in changes {
        target.pool.execute(sql).await.unwrap();
    }
    let ended = target.announce(&archive, &["--offline"]);
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
    let store = format!("sqlite:{}", target.path("state/pods/haven.example/pappus.sqlite3"));
    (Pool::connect(&store).await.unwrap(), document(&ended))
}

fn id_of(person: &str) -> String {
    format!("(SELECT id FROM people WHERE diaspora_handle = '{person}')")
}

/// Statements that remove somebody from the contacts, as diaspora* does when they do not share.
fn removal(person: &str) -> Vec<String> {
    let id = id_of(person);
    vec![
        format!(
            "DELETE FROM aspect_memberships WHERE contact_id IN (SELECT id FROM contacts WHERE person_id = {id})"
        ),
        format!("DELETE FROM contacts WHERE person_id = {id}"),
    ]
}

/// How many messages of their own somebody gets.
async fn personal(store: &Pool, person: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM pappus_deliveries WHERE recipient = '{person}'");
    store.number(&sql).await.unwrap()
}

/// How many moves are sent to somebody's pod for them.
async fn moves(store: &Pool, person: &str) -> i64 {
    let host = person.split_once('@').unwrap().1;
    let sql = format!(
        "SELECT COUNT(*) FROM pappus_deliveries WHERE kind = 'account_migration' AND pod = '{host}' \
         AND people LIKE '%\"{person}\"%'"
    );
    store.number(&sql).await.unwrap()
}

#[tokio::test]
async fn who_was_removed_or_ignored_since_the_import_gets_no_contact() {
    let target = Target::sqlite().await;
    let ignored = format!(
        "INSERT INTO blocks (user_id, person_id) SELECT p.owner_id, {} FROM people p \
         WHERE p.diaspora_handle = '{IDA}'",
        id_of(XENIA)
    );
    let changes = [removal(QUENTIN), removal(XENIA), vec![ignored]].concat();
    let (store, announced) = announced(&target, &changes).await;
    for person in [QUENTIN, XENIA] {
        assert_eq!(personal(&store, person).await, 0, "{person}: {announced}");
        assert_eq!(moves(&store, person).await, 1, "{person}: {announced}");
    }
    assert_eq!(personal(&store, PAULA).await, 2, "a Profile and a Contact: {announced}");
}

#[tokio::test]
async fn the_pod_of_a_friend_with_an_unusable_key_is_notified() {
    let target = Target::sqlite().await;
    let changes = [
        format!("UPDATE people SET serialized_public_key = 'no key' WHERE diaspora_handle = '{QUENTIN}'"),
        format!("UPDATE people SET pod_id = NULL WHERE diaspora_handle = '{XENIA}'"),
    ];
    let (store, announced) = announced(&target, &changes).await;
    for person in [QUENTIN, XENIA] {
        assert_eq!(personal(&store, person).await, 0, "{person}: {announced}");
        assert_eq!(moves(&store, person).await, 1, "{person}: {announced}");
    }
    assert_eq!(announced["by_hand"], Value::Array(Vec::new()), "their pods are notified");
}
