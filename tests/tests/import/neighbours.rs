//! Several people of one pod come to the same target, whose words stand under each other's posts: in any order, some
//! going again and coming back in between, before anybody is told.

use std::path::PathBuf;

use crate::support::target::{Target, fingerprint, sums_agree};
use crate::support::{Pod, document, json};
use pappus_tests::rows::Rows;
use serde_json::Value;

const PEOPLE: [&str; 3] = ["ida", "jonas", "greta"];

/// What one has said under the post of another.
fn comment(author: &str, host: &str) -> String {
    format!("c0mment0{author}under{host}0000")
}

fn like(author: &str, host: &str) -> String {
    format!("l1ke0000{author}of{host}0000")
}

const CONVERSATION: &str = "c0nversat10n0ftheth1ree0";

/// `created_at` and `updated_at` of all that they have written.
const AT: &str = "'2026-03-03 10:00:00', '2026-03-03 10:00:00'";

/// Who has hidden a post that goes with its author keeps its number, as on a diaspora* pod.
const HIDDEN: &str = "hidden_shareables is no hash";

/// Three who have said something under each other's posts, and talk to each other.
struct Scene {
    source: Pod,
    trust: String,
}

impl Scene {
    async fn new() -> Self {
        let source = Pod::sqlite().await;
        for sql in posts_with_reactions().into_iter().chain(conversation()) {
            source.pool.execute(&sql).await.unwrap();
        }
        source.export(&PEOPLE, "out", &[]);
        let trust = fingerprint(&source.archive("out", "ida"));
        Self { source, trust }
    }

    fn archive(&self, name: &str) -> PathBuf {
        self.source.archive("out", name)
    }

    fn import(&self, target: &Target, name: &str) -> Value {
        let report = target.import(&self.archive(name), name, &["--trust-pod", &self.trust]);
        sums_agree(&report);
        let taken =
            report["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "guid_taken");
        assert!(taken.is_none(), "{name}: nothing here is somebody else's: {taken:?}");
        report
    }

    fn announce(&self, target: &Target, name: &str) {
        let ended = target.announce(self.archive(name), &[]);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
    }

    /// Takes back what somebody's import has brought.
    fn undo(target: &Target, name: &str) {
        let imports = document(&target.run(&["imports"]));
        let of_them = |import: &&Value| import["new_username"] == name && import["state"] != "undone";
        let import = imports["imports"].as_array().unwrap().iter().find(of_them).unwrap();
        let ended = target.run(&["undo", import["import"].as_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
    }

    /// Broken off in the middle, and gone on with.
    async fn import_in_two(&self, target: &Target, name: &str) {
        let broken =
            "CREATE TRIGGER broken BEFORE INSERT ON posts BEGIN SELECT RAISE(ABORT, 'broken off'); END";
        target.pool.execute(broken).await.unwrap();
        let archive = self.archive(name).display().to_string();
        let ended = target.run(&[
            "import",
            &archive,
            "--as",
            name,
            "--offline",
            "--hold",
            "--trust-pod",
            &self.trust,
        ]);
        assert_eq!(document(&ended)["code"], "database", "{ended:?}");
        target.pool.execute("DROP TRIGGER broken").await.unwrap();
        self.import(target, name);
    }

    /// A pod that knows the three and their posts by federation.
    async fn pod_that_knows_them(&self) -> Target {
        let target = Target::sqlite().await;
        let at = "'2026-01-01 00:00:00', '2026-01-01 00:00:00'";
        let mut sql = vec![format!(
            "INSERT INTO pods (host, port, ssl, created_at, updated_at) VALUES ('closing.example', -1, 1, {at})"
        )];
        for name in PEOPLE {
            let account = &json(&self.archive(name), "manifest.json")["account"];
            let (guid, key) = (account["guid"].as_str().unwrap(), account["public_key"].as_str().unwrap());
            sql.push(format!(
                "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) \
                 SELECT '{guid}', '{name}@closing.example', '{key}', MIN(id), {at} FROM pods"
            ));
            sql.push(format!(
                "INSERT INTO profiles (person_id, full_name, created_at, updated_at) SELECT MAX(id), '', {at} FROM people"
            ));
            sql.push(format!(
                "INSERT INTO posts (author_id, public, guid, type, text, likes_count, comments_count, reshares_count, created_at, \
                 updated_at, interacted_at) SELECT MAX(id), 1, '{}', 'StatusMessage', 'Between friends', 0, 0, 0, {at}, \
                 '2026-03-03 10:00:00' FROM people",
                first_post(name)
            ));
        }
        for sql in sql {
            target.pool.execute(&sql).await.unwrap();
        }
        target
    }
}

fn first_post(name: &str) -> String {
    format!("p0st0000of{name}00000000")
}

/// The ID of one of the three on their old pod.
fn person(name: &str) -> String {
    format!("(SELECT id FROM people WHERE diaspora_handle = '{name}@closing.example')")
}

/// Statements that write a post by each, with a comment and a like by each of the others.
fn posts_with_reactions() -> Vec<String> {
    let post = |name: &str| format!("(SELECT id FROM posts WHERE guid = '{}')", first_post(name));
    let mut sql = Vec::new();
    for name in PEOPLE {
        sql.push(format!(
            "INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at, interacted_at, likes_count, \
             comments_count, reshares_count) VALUES ({}, 1, '{}', 'StatusMessage', 'Between friends', {AT}, \
             '2026-03-03 10:00:00', 0, 0, 0)",
            person(name),
            first_post(name)
        ));
    }
    for (author, host) in pairs() {
        sql.push(format!(
            "INSERT INTO comments (guid, author_id, commentable_id, commentable_type, text, likes_count, created_at, updated_at) \
             VALUES ('{}', {}, {}, 'Post', 'Hello', 0, {AT})",
            comment(author, host),
            person(author),
            post(host)
        ));
        sql.push(format!(
            "INSERT INTO likes (guid, author_id, target_id, target_type, positive, created_at, updated_at) \
             VALUES ('{}', {}, {}, 'Post', 1, {AT})",
            like(author, host),
            person(author),
            post(host)
        ));
    }
    sql.push(
        "UPDATE posts SET comments_count = (SELECT COUNT(*) FROM comments c WHERE c.commentable_type = 'Post' AND \
         c.commentable_id = posts.id), likes_count = (SELECT COUNT(*) FROM likes l WHERE l.target_type = 'Post' AND \
         l.target_id = posts.id AND l.positive)"
            .to_owned(),
    );
    sql
}

/// Statements that write a conversation with a message by each.
fn conversation() -> Vec<String> {
    let mut sql = vec![format!(
        "INSERT INTO conversations (guid, author_id, subject, created_at, updated_at) VALUES ('{CONVERSATION}', {}, \
         'The three of us', {AT})",
        person("ida")
    )];
    let conversation = format!("(SELECT id FROM conversations WHERE guid = '{CONVERSATION}')");
    for name in PEOPLE {
        sql.push(format!(
            "INSERT INTO conversation_visibilities (conversation_id, person_id, unread, created_at, updated_at) \
             VALUES ({conversation}, {}, 0, {AT})",
            person(name)
        ));
        sql.push(format!(
            "INSERT INTO messages (conversation_id, author_id, guid, text, created_at, updated_at) \
             VALUES ({conversation}, {}, 'message0of{name}0000000', 'Hi', {AT})",
            person(name)
        ));
    }
    sql
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PEOPLE.into_iter().flat_map(|author| {
        PEOPLE.into_iter().filter(move |host| *host != author).map(move |host| (author, host))
    })
}

async fn number(target: &Target, sql: &str) -> i64 {
    target.pool.number(sql).await.unwrap()
}

/// How often a comment stands here, by somebody with this ID.
async fn said(target: &Target, author: &str, host: &str, id: &str) -> i64 {
    let sql = format!(
        "SELECT COUNT(*) FROM comments c JOIN people p ON p.id = c.author_id WHERE c.guid = '{}' \
         AND p.diaspora_handle = '{id}'",
        comment(author, host)
    );
    number(target, &sql).await
}

/// Everything is there once, and theirs under their new names.
async fn all_is_theirs(target: &Target, steps: &str) {
    for (author, host) in pairs() {
        assert_eq!(
            said(target, author, host, &format!("{author}@haven.example")).await,
            1,
            "{steps}: {author} {host}"
        );
        let sql = format!(
            "SELECT COUNT(*) FROM likes l JOIN people p ON p.id = l.author_id WHERE l.guid = '{}' \
             AND p.diaspora_handle = '{author}@haven.example'",
            like(author, host)
        );
        assert_eq!(number(target, &sql).await, 1, "{steps}: {author} {host}");
    }
    for (table, column) in [
        ("posts", "author_id"),
        ("photos", "author_id"),
        ("comments", "author_id"),
        ("likes", "author_id"),
        ("poll_participations", "author_id"),
        ("contacts", "person_id"),
        ("conversation_visibilities", "person_id"),
        ("conversations", "author_id"),
        ("messages", "author_id"),
        ("mentions", "person_id"),
    ] {
        let sql = format!(
            "SELECT COUNT(*) FROM {table} t JOIN people p ON p.id = t.{column} WHERE p.diaspora_handle IN \
             ('ida@closing.example', 'jonas@closing.example', 'greta@closing.example')"
        );
        assert_eq!(number(target, &sql).await, 0, "{steps}: {table}");
    }
    let sql = format!(
        "SELECT COUNT(*) FROM conversation_visibilities v JOIN conversations c ON c.id = v.conversation_id JOIN people p \
         ON p.id = v.person_id WHERE c.guid = '{CONVERSATION}' AND p.owner_id IS NOT NULL"
    );
    assert_eq!(number(target, &sql).await, 3, "{steps}: the three talk");
}

#[tokio::test]
async fn in_every_order_and_with_second_thoughts() {
    let scene = Scene::new().await;
    let mut whole: Option<Vec<i64>> = None;
    for (known, steps) in [
        (false, "+ida +jonas +greta !ida !jonas !greta"),
        (true, "+jonas +greta +ida !greta !ida !jonas"),
        (true, "+ida +jonas -ida +greta !jonas +ida !ida !greta"),
        (false, "+jonas +ida +greta -ida +ida !greta -ida +ida !ida !jonas"),
        (true, "+greta ~jonas +ida -greta +jonas -jonas ~greta +ida ~jonas !jonas !ida !greta"),
    ] {
        let target = if known { scene.pod_that_knows_them().await } else { Target::sqlite().await };
        for step in steps.split(' ') {
            let (what, name) = step.split_at(1);
            match what {
                "+" => _ = scene.import(&target, name),
                "~" => scene.import_in_two(&target, name).await,
                "-" => Scene::undo(&target, name),
                _ => scene.announce(&target, name),
            }
            target.is_sound_but(HIDDEN).await;
        }
        // Whoever came before the others gets what had no place then.
        for name in PEOPLE {
            let again = scene.import(&target, name);
            assert_eq!(again["deleted_since"], 0, "{steps}: nobody has deleted anything: {again}");
        }
        target.is_sound_but(HIDDEN).await;
        all_is_theirs(&target, steps).await;
        let mut counts = Vec::new();
        for table in
            ["posts", "photos", "comments", "likes", "poll_participations", "conversations", "messages"]
        {
            counts.push(number(&target, &format!("SELECT COUNT(*) FROM {table}")).await);
        }
        assert_eq!(whole.get_or_insert_with(|| counts.clone()), &counts, "{steps}: in every order the same");
    }
}

#[tokio::test]
async fn what_one_has_brought_stays_for_the_other() {
    let scene = Scene::new().await;
    let target = scene.pod_that_knows_them().await;
    let before = Rows::read(&target.pool).await.unwrap();
    // Ida's archive brings what jonas said under her post, which was here before her; jonas makes it his own.
    scene.import(&target, "ida");
    assert_eq!(said(&target, "jonas", "ida", "jonas@closing.example").await, 1);
    scene.import(&target, "jonas");
    assert_eq!(said(&target, "jonas", "ida", "jonas@haven.example").await, 1);
    Scene::undo(&target, "ida");
    target.is_sound().await;
    assert_eq!(said(&target, "jonas", "ida", "jonas@haven.example").await, 1, "it is his");
    let talk = format!(
        "SELECT COUNT(*) FROM conversations c JOIN messages m ON m.conversation_id = c.id JOIN people a ON a.id = c.author_id \
         JOIN conversation_visibilities v ON v.conversation_id = c.id JOIN people p ON p.id = v.person_id \
         WHERE c.guid = '{CONVERSATION}' AND p.diaspora_handle = 'jonas@haven.example' \
         AND a.diaspora_handle = 'ida@closing.example'"
    );
    assert_eq!(number(&target, &talk).await, 3, "and they still talk");
    let again = scene.import(&target, "jonas");
    assert_eq!(again["deleted_since"], 0, "{again}");
    // When he goes as well, all is as it was.
    Scene::undo(&target, "jonas");
    target.is_sound().await;
    let shared = ["tags", "signature_orders", "pods"];
    let bare = |rows: Rows| shared.iter().fold(rows, |rows, table| rows.without(table));
    let after = bare(Rows::read(&target.pool).await.unwrap());
    let differences = bare(before).differences(&after);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn what_one_has_deleted_is_not_brought_by_the_other() {
    let scene = Scene::new().await;
    for (first, second, deleted) in [
        // Jonas deletes his own words before ida brings them, and ida those under her post before jonas does.
        ("jonas", "ida", "others_comments"),
        ("ida", "jonas", "own_comments"),
    ] {
        let target = scene.pod_that_knows_them().await;
        scene.import(&target, first);
        let words = comment("jonas", "ida");
        let here = format!("SELECT COUNT(*) FROM comments WHERE guid = '{words}'");
        assert_eq!(number(&target, &here).await, 1);
        for sql in [
            format!(
                "DELETE FROM comment_signatures WHERE comment_id IN (SELECT id FROM comments WHERE guid = '{words}')"
            ),
            format!("DELETE FROM comments WHERE guid = '{words}'"),
        ] {
            target.pool.execute(&sql).await.unwrap();
        }
        let archive = scene.archive(second).display().to_string();
        let command =
            ["import", &archive, "--as", second, "--offline", "--hold", "--trust-pod", &scene.trust];
        let planned = document(&target.run(&[&command[..], &["--dry-run"]].concat()));
        let done = scene.import(&target, second);
        assert_eq!(done["kinds"][deleted]["left_out"]["deleted_since"], 1, "{first} {second}: {done}");
        assert_eq!(planned["kinds"][deleted], done["kinds"][deleted], "the plan says so too");
        assert_eq!(number(&target, &here).await, 0, "{first} {second}");
        // Whoever goes takes that along: nobody is bound by what an account did that is gone.
        Scene::undo(&target, first);
        let done = scene.import(&target, second);
        let again = done["kinds"][deleted]["left_out"]["deleted_since"].as_u64().unwrap_or(0);
        assert_eq!(again, 0, "{first} {second}: {done}");
        assert_eq!(number(&target, &here).await, 1, "{first} {second}");
    }
}
