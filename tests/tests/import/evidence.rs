//! Who says so is asked for wherever it is used: whose archive it is, who wrote what, and who wants to hear it.

use std::path::{Path, PathBuf};

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json};
use serde_json::Value;

const OLD: &str = "ida@closing.example";

struct Scene {
    target: Target,
    _source: Pod,
    archive: PathBuf,
    path: String,
}

impl Scene {
    async fn new() -> Self {
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
        for sql in [
            format!("DELETE FROM people WHERE diaspora_handle = '{OLD}'"),
            "INSERT INTO pods (host, port, ssl, created_at, updated_at) VALUES ('closing.example', -1, 1, '2026-01-01', \
             '2026-01-01')"
                .to_owned(),
            format!(
                "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) VALUES \
                 ('00112233445566778899aabbccddeeff', '{OLD}', '{other}', (SELECT MAX(id) FROM pods), '2026-01-01', \
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
    let ended = scene.target.run(&["announce", &scene.path]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("pappus undo"), "{ended:?}");
    assert_eq!(scene.target.rows().await, before);
    // It can be taken back: it was never announced.
    let id = document(&done)["import"].as_str().unwrap().to_owned();
    assert_eq!(scene.target.run(&["undo", &id]).code, Some(0));
    assert_eq!(scene.number("SELECT COUNT(*) FROM users WHERE username = 'ida'").await, 0);
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
