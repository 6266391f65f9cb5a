//! Friends keep each other when both of them move here, and when one of them was here before, on each of the three
//! databases.

use std::path::PathBuf;

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, json};

const AT: &str = "'2026-03-03 10:00:00', '2026-03-03 10:00:00'";
const OLD: &str = "ida@closing.example";
const IDA: &str = "ida@haven.example";
const JONAS: &str = "jonas@haven.example";

/// The sample pod with the archives of ida and jonas, who are friends.
struct Scene {
    source: Pod,
    pin: String,
}

impl Scene {
    async fn new() -> Self {
        let source = Pod::sqlite().await;
        source.export(&["ida", "jonas"], "out", &[]);
        let pin = fingerprint(&source.archive("out", "ida"));
        Self { source, pin }
    }

    fn archive(&self, name: &str) -> PathBuf {
        self.source.archive("out", name)
    }

    fn import(&self, target: &Target, name: &str) {
        target.import(&self.archive(name), name, &["--trust-pod", &self.pin]);
    }

    fn announce(&self, target: &Target, name: &str) {
        let ended = target.announce(self.archive(name), &["--offline"]);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
    }
}

async fn execute(target: &Target, statements: &[String]) {
    for sql in statements {
        target.pool.execute(sql).await.unwrap();
    }
}

/// How many contacts this user has with a person, under a condition on the row `c`.
async fn contacts(target: &Target, user: &str, person: &str, condition: &str) -> i64 {
    let sql = format!(
        "SELECT COUNT(*) FROM contacts c JOIN users u ON u.id = c.user_id JOIN people p ON p.id = c.person_id \
         WHERE u.username = '{user}' AND p.diaspora_handle = '{person}' AND {condition}"
    );
    target.pool.number(&sql).await.unwrap()
}

/// The aspects in which this user has a person.
async fn aspects(target: &Target, user: &str, person: &str) -> Vec<String> {
    let sql = format!(
        "SELECT a.name FROM aspect_memberships m JOIN aspects a ON a.id = m.aspect_id JOIN contacts c \
         ON c.id = m.contact_id JOIN users u ON u.id = c.user_id JOIN people p ON p.id = c.person_id \
         WHERE u.username = '{user}' AND p.diaspora_handle = '{person}' ORDER BY a.name"
    );
    target.pool.texts(&sql).await.unwrap()
}

async fn are_friends(target: &Target, steps: &str) {
    for (user, person, expected) in
        [("ida", JONAS, &["Family", "Friends"][..]), ("jonas", IDA, &["Friends"][..])]
    {
        let mutual = contacts(target, user, person, "c.sharing AND c.receiving").await;
        assert_eq!(mutual, 1, "{steps}: {user} and {person}");
        assert_eq!(aspects(target, user, person).await, expected, "{steps}: {user} and {person}");
    }
    let left = "SELECT COUNT(*) FROM contacts c JOIN people p ON p.id = c.person_id WHERE p.diaspora_handle IN \
                ('ida@closing.example', 'jonas@closing.example')";
    assert_eq!(target.pool.number(left).await.unwrap(), 0, "{steps}");
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_who_move_together_keep_each_other() {
    let scene = Scene::new().await;
    for order in [["ida", "jonas"], ["jonas", "ida"]] {
        let steps = order.join(" before ");
        for target in Target::on_each(&format!("moved_together_{}", order[0])).await {
            for name in ["ida", "jonas"] {
                scene.import(&target, name);
            }
            assert_eq!(contacts(&target, "ida", "jonas@closing.example", "c.receiving").await, 1, "{steps}");
            assert_eq!(contacts(&target, "jonas", OLD, "c.receiving").await, 1, "{steps}");
            for name in order {
                scene.announce(&target, name);
            }
            are_friends(&target, &steps).await;
            // Posts that the account has hidden keep their numbers, as on a diaspora* pod.
            target.is_sound_but("hidden_shareables is no hash").await;
            let before = target.rows().await;
            for name in order {
                scene.announce(&target, name);
            }
            assert_eq!(target.rows().await, before, "{steps}: announcing twice changes nothing");
            are_friends(&target, &steps).await;
        }
    }
}

#[tokio::test]
async fn what_people_have_removed_since_stays_removed() {
    let (scene, target) = (Scene::new().await, Target::sqlite().await);
    for name in ["ida", "jonas"] {
        scene.import(&target, name);
    }
    for name in ["ida", "jonas"] {
        scene.announce(&target, name);
    }
    let contact = |user: &str, person: &str| {
        format!(
            "(SELECT c.id FROM contacts c JOIN users u ON u.id = c.user_id JOIN people p ON p.id = c.person_id \
             WHERE u.username = '{user}' AND p.diaspora_handle = '{person}')"
        )
    };
    let (of_ida, of_jonas) = (contact("ida", JONAS), contact("jonas", IDA));
    // Ida takes jonas out of an aspect, jonas stops sharing with her.
    let family = "(SELECT a.id FROM aspects a JOIN users u ON u.id = a.user_id WHERE u.username = 'ida' \
                  AND a.name = 'Family')";
    execute(
        &target,
        &[
            format!("DELETE FROM aspect_memberships WHERE contact_id = {of_ida} AND aspect_id = {family}"),
            format!("DELETE FROM aspect_memberships WHERE contact_id = {of_jonas}"),
            format!("UPDATE contacts SET receiving = 0 WHERE id = {of_jonas}"),
            format!("UPDATE contacts SET sharing = 0 WHERE id = {of_ida}"),
        ],
    )
    .await;
    for name in ["ida", "jonas", "ida"] {
        scene.announce(&target, name);
    }
    assert_eq!(contacts(&target, "ida", JONAS, "c.receiving AND NOT c.sharing").await, 1);
    assert_eq!(contacts(&target, "jonas", IDA, "c.sharing AND NOT c.receiving").await, 1);
    assert_eq!(aspects(&target, "ida", JONAS).await, ["Friends"]);
    assert_eq!(aspects(&target, "jonas", IDA).await, Vec::<String>::new());
}

/// Statements that give a user of this pod the old ida in an aspect, before her import.
fn friend_of_the_old_account(name: &str, guid: &str) -> Vec<String> {
    let id = format!("{name}@haven.example");
    vec![
        format!(
            "INSERT INTO users (username, email, created_at, updated_at) VALUES ('{name}', '{id}', {AT})"
        ),
        format!(
            "INSERT INTO people (guid, diaspora_handle, serialized_public_key, owner_id, created_at, updated_at) \
             SELECT '{guid}', '{id}', 'a key', id, {AT} FROM users WHERE username = '{name}'"
        ),
        format!(
            "INSERT INTO profiles (person_id, full_name, created_at, updated_at) SELECT id, '', {AT} FROM people \
             WHERE diaspora_handle = '{id}'"
        ),
        format!(
            "INSERT INTO aspects (name, user_id, order_id, created_at, updated_at) SELECT 'Old friends', id, 1, {AT} \
             FROM users WHERE username = '{name}'"
        ),
        contact(name, OLD, true, true),
        format!(
            "INSERT INTO aspect_memberships (aspect_id, contact_id, created_at, updated_at) SELECT a.id, c.id, {AT} \
             FROM users u JOIN aspects a ON a.user_id = u.id JOIN contacts c ON c.user_id = u.id \
             WHERE u.username = '{name}'"
        ),
    ]
}

fn contact(user: &str, person: &str, sharing: bool, receiving: bool) -> String {
    let (sharing, receiving) = (i32::from(sharing), i32::from(receiving));
    format!(
        "INSERT INTO contacts (user_id, person_id, sharing, receiving, created_at, updated_at) \
         SELECT u.id, p.id, (1 = {sharing}), (1 = {receiving}), {AT} FROM users u CROSS JOIN people p \
         WHERE u.username = '{user}' AND p.diaspora_handle = '{person}'"
    )
}

/// The new account shares with two people of the pod before its move is announced; one of them ignores it.
#[tokio::test(flavor = "multi_thread")]
async fn a_friend_on_the_target_keeps_the_account_in_their_aspects() {
    let scene = Scene::new().await;
    for target in Target::on_each("friend_on_target").await {
        target.introduce(&json(&scene.archive("ida"), "diaspora.json")).await;
        let friends = [("bob", 'b'), ("carol", 'c')];
        for (name, letter) in friends {
            execute(&target, &friend_of_the_old_account(name, &letter.to_string().repeat(32))).await;
        }
        scene.import(&target, "ida");
        for (name, _) in friends {
            // As diaspora* writes both.
            let id = format!("{name}@haven.example");
            execute(&target, &[contact("ida", &id, false, true), contact(name, IDA, true, false)]).await;
        }
        target.ignore("carol@haven.example", IDA).await;
        for _ in 0..2 {
            scene.announce(&target, "ida");
            assert_eq!(contacts(&target, "bob", IDA, "c.sharing AND c.receiving").await, 1);
            assert_eq!(aspects(&target, "bob", IDA).await, ["Old friends"]);
            let mutual = contacts(&target, "ida", "bob@haven.example", "c.sharing AND c.receiving").await;
            assert_eq!(mutual, 1);
            // Nothing is shared with somebody who is ignored.
            assert_eq!(contacts(&target, "carol", IDA, "NOT c.receiving").await, 1);
            assert_eq!(aspects(&target, "carol", IDA).await, Vec::<String>::new());
            let shared_back = contacts(&target, "ida", "carol@haven.example", "c.sharing").await;
            assert_eq!(shared_back, 0);
            for name in ["bob", "carol"] {
                assert_eq!(contacts(&target, name, OLD, "1 = 1").await, 0, "{name}");
            }
        }
    }
}
