//! Who says so is asked for wherever it is used: whose archive it is, who wrote what, and who wants to hear it.

use std::path::{Path, PathBuf};

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json};
use serde_json::Value;

const OLD: &str = "ida@closing.example";

pub(super) struct Scene {
    pub(super) target: Target,
    _source: Pod,
    pub(super) archive: PathBuf,
    pub(super) path: String,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let (source, target) = (Pod::sqlite().await, Target::sqlite().await);
        source.export(&["ida"], "out", &[]);
        let archive = source.archive("out", "ida");
        let path = archive.display().to_string();
        Self { target, _source: source, archive, path }
    }

    /// The pod knows everybody in the archive, the account included.
    async fn where_all_are_known() -> Self {
        let scene = Self::new().await;
        scene.target.introduce(&json(&scene.archive, "diaspora.json")).await;
        scene
    }

    /// From now on the pod knows the account by somebody else's key.
    async fn learns_another_key(&self) {
        let document = json(&self.archive, "diaspora.json");
        let other = document["user"]["contacts"]
            .as_array()
            .unwrap()
            .iter()
            .find_map(|contact| contact["public_key"].as_str())
            .unwrap();
        self.learns(other).await;
    }

    /// From now on this stands for the account's key in the pod's database.
    async fn learns(&self, key: &str) {
        for sql in [
            format!("DELETE FROM people WHERE diaspora_handle = '{OLD}'"),
            "INSERT INTO pods (host, port, ssl, created_at, updated_at) VALUES ('closing.example', -1, 1, '2026-01-01', \
             '2026-01-01')"
                .to_owned(),
            format!(
                "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) VALUES \
                 ('00112233445566778899aabbccddeeff', '{OLD}', '{key}', (SELECT MAX(id) FROM pods), '2026-01-01', \
                 '2026-01-01')"
            ),
        ] {
            // The pod may be there.
            _ = self.target.pool.execute(&sql).await;
        }
        assert_eq!(
            self.number(&format!("SELECT COUNT(*) FROM people WHERE diaspora_handle = '{OLD}'")).await,
            1
        );
    }

    async fn number(&self, sql: &str) -> i64 {
        self.target.pool.number(sql).await.unwrap()
    }
}

#[tokio::test]
async fn a_pod_speaks_for_its_own_people() {
    let scene = Scene::new().await;
    let pin = fingerprint(&scene.archive);
    let key = pin.split_once('=').unwrap().1;
    let command = ["import", &scene.path, "--as", "ida", "--offline", "--hold", "--trust-pod"];
    for host in ["other.example", "closing.example.org", "www.closing.example", "losing.example"] {
        let pin = format!("{host}={key}");
        scene.target.refuses(&[&command[..], &[&pin]].concat(), "unproven").await;
    }
    // Without a host it says nothing.
    let ended = scene.target.run(&[&command[..], &[key]].concat());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("HOST=SHA256:"), "{ended:?}");
    let ended =
        scene.target.run(&[&command[..], &["other.example=SHA256:none", "--trust-pod", &pin]].concat());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let done = scene.target.run(&[&command[..], &[&pin]].concat());
    assert_eq!(document(&done)["proof"], "pinned_pod_key", "{done:?}");
}

#[tokio::test]
async fn a_key_that_the_pod_knows_speaks_against_every_other() {
    let scene = Scene::new().await;
    scene.learns_another_key().await;
    let pin = fingerprint(&scene.archive);
    for more in [&["--trust-pod", &pin][..], &["--accept-unproven"], &[]] {
        let command = [&["import", &scene.path, "--as", "ida", "--offline"][..], more].concat();
        scene.target.refuses(&command, "wrong_key").await;
    }
}

#[tokio::test]
async fn nobody_is_moved_whom_the_pod_knows_by_another_key_since() {
    let scene = Scene::new().await;
    let command = ["import", &scene.path, "--as", "ida", "--offline", "--hold", "--accept-unproven"];
    let done = scene.target.run(&command);
    assert_eq!(done.code, Some(10), "{done:?}");
    scene.learns_another_key().await;
    let before = scene.target.rows().await;
    let ended = scene.target.announce(&scene.path, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("pappus undo"), "{ended:?}");
    assert_eq!(scene.target.rows().await, before);
    // It can be taken back: it was never announced.
    let id = document(&done)["import"].as_str().unwrap().to_owned();
    assert_eq!(scene.target.run(&["undo", &id]).code, Some(0));
    assert_eq!(scene.number("SELECT COUNT(*) FROM users WHERE username = 'ida'").await, 0);
}

#[tokio::test]
async fn a_stored_key_that_cannot_be_read_refuses_and_an_empty_one_is_unknown() {
    let scene = Scene::new().await;
    let pin = fingerprint(&scene.archive);
    let command = ["import", &scene.path, "--as", "ida", "--offline", "--hold", "--trust-pod", &pin];
    for key in ["a key", "-----BEGIN PUBLIC KEY-----\nbm8=\n-----END PUBLIC KEY-----\n"] {
        scene.learns(key).await;
        scene.target.refuses(&command, "unreadable_key").await;
        scene.target.refuses(&[&command[..], &["--accept-unproven"]].concat(), "unreadable_key").await;
    }
    scene.learns("").await;
    let done = scene.target.run(&command);
    assert_eq!(document(&done)["proof"], "pinned_pod_key", "{done:?}");
    // Damaged since, or before the import by an earlier version.
    let damage = format!("UPDATE people SET serialized_public_key = 'a key' WHERE diaspora_handle = '{OLD}'");
    scene.target.pool.execute(&damage).await.unwrap();
    let before = scene.target.rows().await;
    let ended = scene.target.announce(&scene.path, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("people.serialized_public_key"), "{ended:?}");
    assert_eq!(scene.target.rows().await, before);
}

/// Messages of an archive: all, and those by people for whom `speaks`.
fn messages(archive: &Path, speaks: impl Fn(&str) -> bool) -> (i64, i64) {
    let extras = json(archive, "extras.json");
    let talks = extras["conversations"].as_array().unwrap().iter();
    let (mut all, mut theirs) = (0, 0);
    for message in talks.flat_map(|talk| talk["messages"].as_array().unwrap()) {
        all += 1;
        theirs += i64::from(speaks(message["author"].as_str().unwrap()));
    }
    (all, theirs)
}

#[tokio::test]
async fn nobody_puts_words_into_other_peoples_mouths() {
    let scene = Scene::where_all_are_known().await;
    let (all, own) = messages(&scene.archive, |author| author == OLD);
    assert!(0 < own && own < all, "{own} {all}");
    let command = ["import", &scene.path, "--as", "ida", "--offline", "--hold"];
    let said = document(&scene.target.run(&command));
    assert_eq!(said["proof"], "cached_person");
    assert_eq!(said["kinds"]["messages"]["imported"], own);
    let why = said["kinds"]["messages"]["left_out"].as_object().unwrap();
    assert_eq!(why.values().map(|number| number.as_i64().unwrap()).sum::<i64>(), all - own, "{said}");
    assert!(why["unsigned"].as_i64().unwrap() > 0, "{said}");
    let other =
        "NOT IN (SELECT p.id FROM people p JOIN users u ON u.id = p.owner_id WHERE u.username = 'ida')";
    for table in ["messages", "conversations"] {
        assert_eq!(
            scene.number(&format!("SELECT COUNT(*) FROM {table} WHERE author_id {other}")).await,
            0,
            "{table}"
        );
    }
    // Twice is as once.
    let rows = scene.target.rows().await;
    let again = document(&scene.target.run(&command));
    assert_eq!(again["kinds"]["messages"]["left_out"], said["kinds"]["messages"]["left_out"]);
    assert_eq!(scene.target.rows().await, rows);

    // The pod itself says what came to its people.
    let trusting = Scene::where_all_are_known().await;
    let pin = fingerprint(&trusting.archive);
    let said = trusting.target.import(&trusting.archive, "ida", &["--trust-pod", &pin]);
    assert!(said["kinds"]["messages"]["imported"].as_i64().unwrap() > own, "{said}");
    assert!(said["kinds"]["messages"]["left_out"].get("unsigned").is_none(), "{said}");
}

/// Everybody in the archive lives here by now, whatever their ID says.
async fn settle_everybody(scene: &Scene) {
    for sql in [
        "INSERT INTO users (username, email, created_at, updated_at) SELECT 'u' || id, 'u' || id || '@x.example', \
         '2026-01-01', '2026-01-01' FROM people WHERE diaspora_handle <> 'ida@closing.example'",
        "UPDATE people SET owner_id = (SELECT id FROM users WHERE username = 'u' || people.id) \
         WHERE diaspora_handle <> 'ida@closing.example'",
    ] {
        scene.target.pool.execute(sql).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_comes_into_the_inboxes_of_this_pods_people() {
    let places = "SELECT COUNT(*) FROM conversation_visibilities v JOIN people p ON p.id = v.person_id JOIN users u \
                  ON u.id = p.owner_id WHERE u.username <> 'ida'";
    let posts = "SELECT COUNT(*) FROM share_visibilities s JOIN users u ON u.id = s.user_id WHERE u.username <> 'ida'";
    let words = "SELECT COUNT(*) FROM messages m JOIN people p ON p.id = m.author_id JOIN users u ON u.id = p.owner_id \
                 WHERE u.username <> 'ida' AND p.diaspora_handle NOT LIKE '%@closing.example'";
    for (is_pinned, ignores) in [(false, false), (true, true), (true, false)] {
        let scene = Scene::where_all_are_known().await;
        settle_everybody(&scene).await;
        if ignores {
            let sql = format!(
                "INSERT INTO blocks (user_id, person_id) SELECT u.id, p.id FROM users u, people p \
                 WHERE p.diaspora_handle = '{OLD}'"
            );
            scene.target.pool.execute(&sql).await.unwrap();
        }
        let pin = fingerprint(&scene.archive);
        let trust: &[&str] = if is_pinned { &["--trust-pod", &pin] } else { &[] };
        let said = scene.target.import(&scene.archive, "ida", trust);
        assert!(said["kinds"]["conversations"]["imported"].as_i64().unwrap() > 0, "{said}");
        let comes = is_pinned && !ignores;
        for sql in [places, posts] {
            assert_eq!(scene.number(sql).await > 0, comes, "{is_pinned} {ignores}: {sql}");
        }
        // What they said themselves would be here.
        assert_eq!(scene.number(words).await, 0);
    }
}

#[tokio::test]
async fn who_ignores_the_account_gets_nothing_from_it() {
    for ignores in [true, false] {
        let scene = Scene::where_all_are_known().await;
        let document = json(&scene.archive, "diaspora.json");
        let comment = document["user"]["relayables"]
            .as_array()
            .unwrap()
            .iter()
            .find(|record| record["entity_type"] == "comment")
            .unwrap();
        let parent = comment["entity_data"]["parent_guid"].as_str().unwrap();
        let somebody = "(SELECT MIN(id) FROM people WHERE diaspora_handle <> 'ida@closing.example')";
        for sql in [
            "INSERT INTO users (username, email, created_at, updated_at) VALUES ('here', 'here@x.example', '2026-01-01', \
             '2026-01-01')"
                .to_owned(),
            format!("UPDATE people SET owner_id = (SELECT id FROM users WHERE username = 'here') WHERE id = {somebody}"),
            format!(
                "INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at) VALUES ({somebody}, 1, \
                 '{parent}', 'StatusMessage', 'Hello', '2026-01-01', '2026-01-01')"
            ),
            format!(
                "INSERT INTO blocks (user_id, person_id) SELECT u.id, p.id FROM users u, people p WHERE \
                 u.username = 'here' AND p.diaspora_handle = '{OLD}' AND {}",
                u8::from(ignores)
            ),
        ] {
            scene.target.pool.execute(&sql).await.unwrap();
        }
        let said: Value = document_of(&scene, &["import", &scene.path, "--as", "ida", "--offline", "--hold"]);
        let sql = format!(
            "SELECT COUNT(*) FROM comments c JOIN posts p ON p.id = c.commentable_id WHERE p.guid = '{parent}'"
        );
        assert_eq!(scene.number(&sql).await > 0, !ignores, "{said}");
    }
}

fn document_of(scene: &Scene, command: &[&str]) -> Value {
    document(&scene.target.run(command))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_shown_to_the_account_is_not_shown_through_it() {
    const LIMITED: &str = "11111111111111111111111111111111";
    const PUBLIC: &str = "22222222222222222222222222222222";
    const SHARED: &str = "33333333333333333333333333333333";
    const OWN: &str = "44444444444444444444444444444444";
    let scene = Scene::new().await;
    let mut document = json(&scene.archive, "diaspora.json");
    let (host, at) = ("greta@closing.example", "2019-05-04T10:00:00Z");
    let posts = document["user"]["posts"].as_array_mut().unwrap();
    for (root, author) in [(LIMITED, host), (PUBLIC, host), (OWN, OLD)] {
        posts.push(serde_json::json!({ "entity_type": "reshare", "entity_data": {
            "author": OLD, "guid": format!("reshare0of0{root}"), "created_at": at, "root_author": author, "root_guid": root,
        }}));
    }
    posts.push(serde_json::json!({ "entity_type": "status_message", "entity_data": {
        "author": OLD, "guid": OWN, "created_at": at, "public": false, "text": "For friends", "photos": [],
    }}));
    document["user"]["post_subscriptions"] = serde_json::json!([LIMITED, PUBLIC, SHARED]);
    for target in Target::on_each("not_shown").await {
        target.introduce(&document).await;
        target.settle(host).await;
        for (guid, public) in [(LIMITED, false), (PUBLIC, true), (SHARED, false)] {
            target.post(host, guid, public).await;
        }
        let path = target.path("archive.json");
        std::fs::write(&path, document.to_string()).unwrap();
        let command = ["import", &path, "--as", "ida", "--offline", "--hold"];
        let planned = self::document(&target.run(&[&command[..], &["--dry-run"]].concat()));
        let done = self::document(&target.run(&command));
        assert_eq!(planned["kinds"], done["kinds"]);
        let hidden = |kind: &str| done["kinds"][kind]["left_out"]["parent_not_visible"].clone();
        assert_eq!((hidden("reshares"), hidden("subscriptions")), (2.into(), 2.into()), "{done}");
        let roots =
            format!("SELECT root_guid FROM posts WHERE root_guid IN ('{LIMITED}', '{PUBLIC}', '{OWN}')");
        assert_eq!(target.pool.texts(&roots).await.unwrap(), [PUBLIC]);
        let subscribed = "SELECT p.guid FROM participations a JOIN posts p ON p.id = a.target_id \
                          JOIN people h ON h.id = p.author_id WHERE h.diaspora_handle = 'greta@closing.example' ORDER BY p.guid";
        assert_eq!(target.pool.texts(subscribed).await.unwrap(), [PUBLIC]);
        // Once it is shared with the account here, it may.
        let share = format!(
            "INSERT INTO share_visibilities (shareable_id, shareable_type, user_id) SELECT p.id, 'Post', u.id \
             FROM posts p, users u WHERE p.guid = '{SHARED}' AND u.username = 'ida'"
        );
        target.pool.execute(&share).await.unwrap();
        target.run(&command);
        assert_eq!(target.pool.texts(subscribed).await.unwrap(), [PUBLIC, SHARED]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_from_people_whom_they_ignore() {
    let scene = Scene::new().await;
    let (document, extras) = (json(&scene.archive, "diaspora.json"), json(&scene.archive, "extras.json"));
    let data = |record: &Value, name: &str| record["entity_data"][name].as_str().unwrap().to_owned();
    // A like of ida's comment under a post of somebody else.
    let own = document["user"]["posts"].as_array().unwrap();
    let comments = document["user"]["relayables"].as_array().unwrap().iter();
    let parents: Vec<(String, String)> = comments
        .filter(|record| record["entity_type"] == "comment")
        .map(|record| (data(record, "guid"), data(record, "parent_guid")))
        .filter(|(_, parent)| own.iter().all(|post| data(post, "guid") != *parent))
        .collect();
    let likes = extras["likes_on_comments"].as_array().unwrap();
    let (like, post) = likes
        .iter()
        .find_map(|like| {
            let (_, post) = parents.iter().find(|(comment, _)| *comment == data(like, "parent_guid"))?;
            Some((like, post.clone()))
        })
        .unwrap();
    let (fan, like) = (data(like, "author"), data(like, "guid"));
    let talks = extras["conversations"].as_array().unwrap();
    let talk = talks.iter().find(|talk| talk["author"] == OLD).unwrap()["guid"].as_str().unwrap();
    let host = "greta@closing.example";
    for ignores in [true, false] {
        for target in Target::on_each(&format!("ignored_{ignores}")).await {
            target.introduce(&document).await;
            target.settle(host).await;
            target.settle("jonas@closing.example").await;
            target.post(host, &post, true).await;
            let people = format!("diaspora_handle IN ('{OLD}', 'jonas@closing.example')");
            for sql in [
                format!(
                    "INSERT INTO conversations (guid, author_id, subject, created_at, updated_at) SELECT '{talk}', id, 'Hi', \
                     '2026-01-01', '2026-01-01' FROM people WHERE diaspora_handle = '{OLD}'"
                ),
                format!(
                    "INSERT INTO conversation_visibilities (conversation_id, person_id, unread, created_at, updated_at) \
                     SELECT (SELECT MAX(id) FROM conversations), id, 0, '2026-01-01', '2026-01-01' FROM people WHERE {people}"
                ),
            ] {
                target.pool.execute(&sql).await.unwrap();
            }
            if ignores {
                target.ignore(host, &fan).await;
                target.ignore("jonas@closing.example", OLD).await;
            }
            let done = target.import(&scene.archive, "ida", &[]);
            let likes = format!("SELECT COUNT(*) FROM likes WHERE guid = '{like}'");
            let messages = format!(
                "SELECT COUNT(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.guid = '{talk}'"
            );
            for (kind, sql) in [("likes_on_comments", likes), ("messages", messages)] {
                assert_eq!(target.pool.number(&sql).await.unwrap() > 0, !ignores, "{kind}: {done}");
                let said = done["kinds"][kind]["left_out"]["author_ignored"].as_u64().unwrap_or(0);
                assert_eq!(said > 0, ignores, "{kind}: {done}");
            }
        }
    }
}
