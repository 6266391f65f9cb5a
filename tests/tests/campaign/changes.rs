//! Every kind of change that a live pod makes, and whether `--since` sees it: what is true is what a whole export of
//! everybody, of the same time, gives before and after.
//!
//! The changes leave no newer time anywhere unless they say so, as diaspora*'s API, federation and `update_all` do.

use std::collections::{BTreeMap, BTreeSet};

use pappus_tests::cluster::{shared_mariadb, shared_postgres};

use super::scene::{Scene, ended_well};

/// A time long before the campaigns.
const OLD: &str = "'2020-01-01 00:00:00'";
/// A time after the campaigns.
const NEW: &str = "'2026-11-26 12:00:00'";

/// A change: its name, and statements. `{OLD}` and `{NEW}` stand for times, `[…]` for the person of a username.
const SEEN: &[(&str, &[&str])] = &[
    (
        "a post with an old time, as one that was restored",
        &["INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at, interacted_at) \
         VALUES ([ida], true, 'oldpost0123456789', 'StatusMessage', 'old', {OLD}, {OLD}, {OLD})"],
    ),
    (
        "another's comment on a post",
        &[
            "INSERT INTO comments (text, commentable_id, commentable_type, author_id, guid, created_at, updated_at) \
         VALUES ('late', (post of ida), 'Post', [lotte], 'latecomment012345', {OLD}, {OLD})",
        ],
    ),
    (
        "a like on another's comment",
        &["INSERT INTO likes (positive, target_id, target_type, author_id, guid, created_at, updated_at) \
         SELECT true, id, 'Comment', [ruth], 'likeoncomment01234', {OLD}, {OLD} FROM comments \
         WHERE guid = 'latecomment012345'"],
    ),
    ("that like withdrawn", &["DELETE FROM likes WHERE guid = 'likeoncomment01234'"]),
    ("another's comment deleted", &["DELETE FROM comments WHERE guid = 'latecomment012345'"]),
    (
        "another's like on a post",
        &["INSERT INTO likes (positive, target_id, target_type, author_id, guid, created_at, updated_at) \
         VALUES (true, (post of clara), 'Post', [viktor], 'likeonpost01234567', {OLD}, {OLD})"],
    ),
    ("that like withdrawn as well", &["DELETE FROM likes WHERE guid = 'likeonpost01234567'"]),
    ("somebody blocked", &["INSERT INTO blocks (user_id, person_id) VALUES ((user of greta), [viktor])"]),
    (
        "the block taken back",
        &["DELETE FROM blocks WHERE user_id = (user of greta) AND person_id = [viktor]"],
    ),
    ("a post deleted through the API", &["DELETE FROM posts WHERE guid = 'oldpost0123456789'"]),
    (
        "a tag followed no longer",
        &["DELETE FROM tag_followings WHERE id IN (SELECT id FROM \
                                    (SELECT MIN(id) AS id FROM tag_followings GROUP BY user_id) x)"],
    ),
    (
        "a contact taken away by the other side",
        &["UPDATE contacts SET sharing = false WHERE id = (sharing contact)"],
    ),
    (
        "a contact gone",
        &[
            "DELETE FROM aspect_memberships WHERE contact_id = (any contact)",
            "DELETE FROM contacts WHERE id = (any contact)",
        ],
    ),
    (
        "a contact who has moved",
        &[
            "INSERT INTO people (guid, diaspora_handle, serialized_public_key, created_at, updated_at) \
         SELECT 'movedperson0123456', 'moved@elsewhere.example', serialized_public_key, {OLD}, {OLD} FROM people \
         WHERE id = (person of a contact)",
            "INSERT INTO profiles (person_id, first_name, searchable, created_at, updated_at) \
         SELECT id, 'Moved', true, {OLD}, {OLD} FROM people WHERE guid = 'movedperson0123456'",
            "UPDATE contacts SET person_id = (SELECT id FROM people WHERE guid = 'movedperson0123456') \
         WHERE id = (any contact)",
        ],
    ),
    (
        "a contact put into another aspect",
        &[
            "DELETE FROM aspect_memberships WHERE id IN (SELECT id FROM (SELECT MAX(id) AS id FROM aspect_memberships) x)",
        ],
    ),
    (
        "a message in a conversation",
        &["INSERT INTO messages (conversation_id, author_id, guid, text, created_at, updated_at) \
         SELECT MIN(conversation_id), MIN(person_id), 'newmessage01234567', 'hm', {OLD}, {OLD} \
         FROM conversation_visibilities WHERE conversation_id = (any conversation)"],
    ),
    (
        "a conversation left",
        &["DELETE FROM conversation_visibilities WHERE id IN (SELECT id FROM \
         (SELECT MIN(v.id) AS id FROM conversation_visibilities v JOIN people a ON a.id = v.person_id \
         WHERE a.owner_id IS NOT NULL) x)"],
    ),
    (
        "a mail preference taken back",
        &["INSERT INTO user_preferences (email_type, user_id, created_at, updated_at) \
         VALUES ('liked', (user of nils), {OLD}, {OLD})"],
    ),
    (
        "a photo deleted",
        &[
            "UPDATE photos SET status_message_guid = NULL WHERE id = (any photo)",
            "DELETE FROM photos WHERE id = (any photo)",
        ],
    ),
    (
        "the author of a reshared post has moved",
        &["UPDATE posts SET author_id = (SELECT id FROM people WHERE guid = 'movedperson0123456') \
         WHERE id = (reshared post)"],
    ),
    (
        "the author of a commented post has moved",
        &["UPDATE posts SET author_id = (SELECT id FROM people WHERE guid = 'movedperson0123456') \
         WHERE id = (commented post)"],
    ),
    (
        "the one who began a conversation has moved",
        &["UPDATE conversations SET author_id = (SELECT id FROM people WHERE guid = 'movedperson0123456') \
         WHERE id = (any conversation)"],
    ),
    (
        "somebody who has commented had moved from elsewhere",
        &[
            "INSERT INTO people (guid, diaspora_handle, serialized_public_key, created_at, updated_at) \
             SELECT 'earlierperson012345', 'earlier@elsewhere.example', serialized_public_key, {OLD}, {OLD} FROM people \
             WHERE id = (person of a contact)",
            "INSERT INTO account_migrations (old_person_id, new_person_id) SELECT id, (somebody who has commented) \
             FROM people WHERE guid = 'earlierperson012345'",
        ],
    ),
    (
        "a post hidden",
        &[
            "INSERT INTO posts (id, author_id, public, guid, type, text, created_at, updated_at, interacted_at) \
             SELECT 900001, id, true, 'hiddenpost01234567', 'StatusMessage', 'hidden', {OLD}, {OLD}, {OLD} FROM people \
             WHERE guid = 'movedperson0123456'",
            "UPDATE users SET hidden_shareables = '---\nPost:\n- ''900001''\n' WHERE username = 'nils'",
        ],
    ),
    ("a hidden post deleted by its author", &["DELETE FROM posts WHERE id = 900001"]),
];

/// Changes that leave times, of which each takes the last one's back.
const TIMED: &[(&str, &[&str])] = &[
    (
        "the key of somebody who has commented, and is nobody's contact there",
        &["UPDATE people SET updated_at = {NEW}, serialized_public_key = (another key) \
         WHERE id = (commenter who is no contact)"],
    ),
    (
        "a name changed",
        &[
            "UPDATE people SET updated_at = {OLD} WHERE updated_at = {NEW}",
            "UPDATE profiles SET first_name = 'Renamed', updated_at = {NEW} \
             WHERE person_id = (SELECT id FROM people WHERE guid = 'movedperson0123456')",
        ],
    ),
    (
        "a post",
        &["INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at, interacted_at) \
         VALUES ([clara], true, 'newpost0123456789', 'StatusMessage', 'new', {NEW}, {NEW}, {NEW})"],
    ),
];

/// Changes that leave nothing anywhere: the command and `docs/campaigns.md` name them.
const UNSEEN: &[(&str, &[&str])] = &[
    (
        "a text changed by hand",
        &[
            "UPDATE posts SET text = 'by hand' WHERE id = (SELECT id FROM (SELECT MIN(p.id) AS id FROM posts p \
         WHERE p.type = 'StatusMessage' AND p.author_id = [greta]) y)",
        ],
    ),
    ("other pods at another port", &["UPDATE pods SET port = 8443"]),
];

/// The original of a reshare, without a comment of the one who reshared it.
const RESHARED: &str = "(SELECT id FROM (SELECT MIN(p.id) AS id FROM posts r JOIN posts p ON p.guid = r.root_guid \
     JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM comments c \
     WHERE c.commentable_id = p.id AND c.commentable_type = 'Post' AND c.author_id = r.author_id)) y)";
/// A public post from elsewhere with a comment of somebody here, which nobody has reshared.
const COMMENTED: &str = "(SELECT id FROM (SELECT MIN(p.id) AS id FROM comments c \
     JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' JOIN people a ON a.id = c.author_id \
     JOIN people k ON k.id = p.author_id WHERE p.public AND a.owner_id IS NOT NULL AND k.owner_id IS NULL \
     AND k.guid <> 'movedperson0123456' AND NOT EXISTS (SELECT 1 FROM posts s WHERE s.root_guid = p.guid)) y)";
/// Somebody who has commented on another's post here.
const COMMENTER: &str = "(SELECT id FROM (SELECT MIN(c.author_id) AS id FROM comments c \
     JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' JOIN people a ON a.id = p.author_id \
     WHERE a.owner_id IS NOT NULL AND c.author_id <> p.author_id) y)";
/// Somebody elsewhere who has commented on the post of a person here, and is not among the contacts of that person.
const STRANGER: &str = "(SELECT id FROM (SELECT MIN(k.id) AS id FROM comments c \
     JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' JOIN people a ON a.id = p.author_id \
     JOIN people k ON k.id = c.author_id WHERE a.owner_id IS NOT NULL AND k.owner_id IS NULL AND NOT EXISTS \
     (SELECT 1 FROM contacts x WHERE x.user_id = a.owner_id AND x.person_id = k.id)) y)";
const ANOTHER_KEY: &str = "(SELECT found FROM (SELECT MIN(serialized_public_key) AS found FROM people \
     WHERE diaspora_handle = 'ida@closing.example') z)";

fn statement(template: &str, maria: bool) -> String {
    let mut sql = template.replace("{OLD}", OLD).replace("{NEW}", NEW);
    for name in ["clara", "ida", "lotte", "ruth", "viktor", "greta", "nils"] {
        let person = format!("(SELECT id FROM people WHERE diaspora_handle = '{name}@closing.example')");
        sql = sql.replace(&format!("[{name}]"), &person);
        sql = sql.replace(
            &format!("(post of {name})"),
            &format!(
                "(SELECT MIN(p.id) FROM posts p WHERE p.type = 'StatusMessage' AND p.author_id = {person})"
            ),
        );
        sql = sql.replace(
            &format!("(user of {name})"),
            &format!("(SELECT id FROM users WHERE username = '{name}')"),
        );
    }
    let contact = |more: &str| {
        format!(
            "(SELECT id FROM (SELECT MIN(c.id) AS id FROM contacts c JOIN people k ON k.id = c.person_id \
             JOIN profiles f ON f.person_id = k.id JOIN users u ON u.id = c.user_id WHERE k.owner_id IS NULL {more}) y)"
        )
    };
    sql = sql.replace("(sharing contact)", &contact("AND c.sharing"));
    sql = sql.replace("(any contact)", &contact(""));
    sql = sql.replace(
        "(person of a contact)",
        &format!("(SELECT person_id FROM (SELECT person_id FROM contacts WHERE id = {}) z)", contact("")),
    );
    sql = sql.replace(
        "(any conversation)",
        "(SELECT id FROM (SELECT MIN(v.conversation_id) AS id FROM conversation_visibilities v \
         JOIN people a ON a.id = v.person_id WHERE a.owner_id IS NOT NULL) y)",
    );
    sql = sql.replace(
        "(any photo)",
        "(SELECT id FROM (SELECT MAX(h.id) AS id FROM photos h JOIN people a ON a.id = h.author_id \
         WHERE a.owner_id IS NOT NULL AND h.status_message_guid IS NULL) y)",
    );
    sql = sql.replace("(reshared post)", RESHARED).replace("(commented post)", COMMENTED);
    sql = sql.replace("(somebody who has commented)", COMMENTER);
    sql = sql.replace("(commenter who is no contact)", STRANGER).replace("(another key)", ANOTHER_KEY);
    // Its optimiser would merge the inner tables and then refuse to change them.
    if maria { sql.replace("SELECT MIN(", "SELECT DISTINCT MIN(") } else { sql }
}

/// Digests of the archives of everybody.
async fn whole(scene: &Scene, name: &str) -> BTreeMap<String, String> {
    let arguments = scene.export_to(&scene.path(name), &["--plain", "--name", name]);
    let ended = scene.command(arguments).output().unwrap();
    assert!(matches!(ended.status.code(), Some(0 | 10)), "{ended:?}");
    let lines = scene.accounts(name).await.into_iter();
    lines.map(|line| (line.username, line.sha256.unwrap())).collect()
}

async fn table(database: Option<String>, maria: bool) {
    let scene = Scene::sample(database).await;
    ended_well(&scene.run(&["--plain", "--name", "delta0"]));
    let mut before = whole(&scene, "whole0").await;
    let (mut failures, mut number) = (Vec::new(), 0);
    for (changes, seen) in [(SEEN, true), (UNSEEN, false), (TIMED, true)] {
        for (change, statements) in changes {
            for template in *statements {
                scene.sql(&statement(template, maria)).await;
            }
            number += 1;
            let after = whole(&scene, &format!("whole{number}")).await;
            let differs = |name: &&String| before.get(*name) != after.get(*name);
            let truth: BTreeSet<String> = after.keys().filter(differs).cloned().collect();
            let (name, since) = (format!("delta{number}"), format!("delta{}", number - 1));
            let ended = scene.run(&["--plain", "--name", &name, "--since", &since]);
            ended_well(&ended);
            assert!(ended.stdout.contains("Not detected: values changed by hand"), "{ended:?}");
            let lines = scene.accounts(&name).await.into_iter();
            let done: BTreeSet<String> =
                lines.filter(|line| line.state == "done").map(|line| line.username).collect();
            println!("{change}: changed {truth:?}, made anew {done:?}");
            let right = if seen { done.is_superset(&truth) } else { !done.is_superset(&truth) };
            if truth.is_empty() || !right {
                failures.push(format!("{change}: changed {truth:?}, made anew {done:?}"));
            }
            before = after;
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test]
async fn on_sqlite() {
    table(None, false).await;
}

#[tokio::test]
async fn on_postgresql() {
    table(Some(shared_postgres().await.unwrap().create_database("campaign_changes").await.unwrap()), false)
        .await;
}

#[tokio::test]
async fn on_mariadb() {
    table(Some(shared_mariadb().await.unwrap().create_database("campaign_changes").await.unwrap()), true)
        .await;
}

/// The time in the archives may be any: what counts is when the campaign began.
#[tokio::test]
async fn with_a_time_that_is_still_to_come() {
    let scene = Scene::sample(None).await;
    ended_well(&scene.run(&["--plain", "--name", "first", "--created-at", "2099-01-01T00:00:00Z"]));
    let now = "strftime('%Y-%m-%d %H:%M:%S', 'now')";
    scene.sql(&format!("UPDATE users SET last_seen = {now} WHERE username = 'ruth'")).await;
    ended_well(&scene.run(&["--plain", "--name", "second", "--since", "first"]));
    let lines = scene.accounts("second").await.into_iter();
    let done: Vec<String> = lines.filter(|line| line.state == "done").map(|line| line.username).collect();
    assert_eq!(done, ["ruth"]);
}
