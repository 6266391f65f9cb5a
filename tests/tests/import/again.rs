//! The same import once more, after people have deleted and changed things: what they have deleted stays deleted, what
//! they have changed stays as they have it, and only what was not possible before comes in.

use std::collections::BTreeMap;

use crate::support::again::Again;
use crate::support::deletions::{DELETIONS, Deletion, OF_WHAT_WAS_HERE, recount};
use crate::support::target::{Target, sums_agree};
use crate::support::{Pod, document};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::rows::Rows;
use serde_json::Value;

/// How many records of each kind were left out for a reason.
fn left_out(report: &Value, code: &str) -> BTreeMap<String, u64> {
    let kinds = report["kinds"].as_object().unwrap().iter();
    kinds.filter_map(|(kind, tally)| Some((kind.clone(), tally["left_out"][code].as_u64()?))).collect()
}

/// The report of a run again says what was deleted, and nothing else has changed.
fn says_so(first: &Value, again: &Value, kinds: &[&str], what: &str) {
    sums_agree(again);
    let deleted = left_out(again, "deleted_since");
    for kind in kinds {
        assert!(deleted.contains_key(*kind), "{what}: {kind} were deleted: {deleted:?}");
    }
    if kinds.is_empty() {
        assert!(deleted.is_empty(), "{what}: {deleted:?}");
    }
    for (kind, tally) in again["kinds"].as_object().unwrap() {
        let number = |report: &Value, name: &str| report[name].as_u64().unwrap_or(0);
        let before = &first["kinds"][kind];
        let gone = deleted.get(kind).copied().unwrap_or(0);
        assert_eq!(
            number(tally, "imported") + number(tally, "adopted") + gone,
            number(before, "imported") + number(before, "adopted"),
            "{what}: {kind}"
        );
        let mut others = tally["left_out"].clone();
        others.as_object_mut().unwrap().remove("deleted_since");
        assert_eq!(others, before["left_out"], "{what}: {kind}");
    }
    let listed = again["findings"].as_array().unwrap().iter();
    let listed = listed.filter(|finding| finding["code"] == "deleted_since").count();
    assert_eq!(listed as u64, deleted.values().sum::<u64>(), "{what}: each is listed");
    assert_eq!(again["deleted_since"].as_u64().unwrap(), deleted.values().sum::<u64>(), "{what}");
    assert!(again["imported_before"].as_u64().unwrap() > 20, "{what}: {again}");
}

/// Deletes something, plans, and imports again: no row of any table changes.
async fn stays_deleted(scene: &Again, target: &Target, first: &Value, deletion: &Deletion) {
    deletion.run(target).await;
    let rows = Rows::read(&target.pool).await.unwrap();
    let planned = scene.import(target, &["--dry-run"]);
    let again = scene.import(target, &[]);
    let differences = rows.differences(&Rows::read(&target.pool).await.unwrap());
    assert!(differences.is_empty(), "{}:\n{}", deletion.name, differences.join("\n"));
    says_so(first, &again, deletion.kinds, deletion.name);
    assert_eq!(planned["kinds"], again["kinds"], "{}: the plan says so too", deletion.name);
    assert_eq!(planned["deleted_since"], again["deleted_since"], "{}", deletion.name);
}

#[tokio::test]
async fn what_people_have_deleted_stays_deleted() {
    let scene = Again::to_a_pod_that_knows_her(Target::sqlite().await).await;
    let first = scene.import(&scene.target, &[]);
    recount(&scene.target).await;
    for deletion in DELETIONS.iter().chain(OF_WHAT_WAS_HERE) {
        let target = scene.copy().await;
        stays_deleted(&scene, &target, &first, deletion).await;
    }
}

#[tokio::test]
async fn also_after_everybody_was_told() {
    let scene = Again::to_a_pod_that_knows_her(Target::sqlite().await).await;
    let first = scene.import(&scene.target, &[]);
    let announced = scene.target.announce(&scene.archive, &[]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    recount(&scene.target).await;
    let central = [
        "a public post",
        "a reshare",
        "an own comment",
        "somebody else's",
        "a contact",
        "a subscription",
        "a photo",
    ];
    let mut tried = 0;
    for deletion in DELETIONS.iter().chain(OF_WHAT_WAS_HERE) {
        if central.iter().any(|name| deletion.name.starts_with(name)) {
            stays_deleted(&scene, &scene.copy().await, &first, deletion).await;
            tried += 1;
        }
    }
    assert!(tried >= 8, "{tried}");
}

/// One thing after the other, on the databases that pods run on.
async fn one_after_the_other(database: String) {
    let target = Target::on(tempfile::tempdir().unwrap(), database).await;
    let scene = Again::to_an_empty_pod(target).await;
    let first = scene.import(&scene.target, &[]);
    let mut kinds = Vec::new();
    for name in [
        "an own vote",
        "somebody else's vote",
        "somebody else's like",
        "a contact",
        "a followed tag",
        "somebody who was ignored",
        "a conversation, which stays for the others",
    ] {
        let deletion = DELETIONS.iter().find(|deletion| deletion.name == name).unwrap();
        deletion.run(&scene.target).await;
        kinds.extend(deletion.kinds);
    }
    let rows = Rows::read(&scene.target.pool).await.unwrap();
    let again = scene.import(&scene.target, &[]);
    let differences = rows.differences(&Rows::read(&scene.target.pool).await.unwrap());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    says_so(&first, &again, &kinds, "one after the other");
    scene.target.is_sound().await;
    let undone = scene.target.run(&["undo", first["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    scene.target.is_sound().await;
}

#[tokio::test]
async fn on_postgresql() {
    one_after_the_other(shared_postgres().await.unwrap().create_database("import_again").await.unwrap())
        .await;
}

#[tokio::test]
async fn on_mariadb() {
    one_after_the_other(shared_mariadb().await.unwrap().create_database("import_again").await.unwrap()).await;
}

/// A statement of the pod's database that fails, as if it were killed there.
async fn break_at(target: &Target, table: &str) {
    let sql = format!(
        "CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken off here'); END"
    );
    target.pool.execute(&sql).await.unwrap();
}

async fn mend(target: &Target) {
    target.pool.execute("DROP TRIGGER broken").await.unwrap();
}

#[tokio::test]
async fn what_was_noted_and_never_written_still_comes() {
    let scene = Again::to_an_empty_pod(Target::sqlite().await).await;
    let whole = scene.copy().await;
    let first = scene.import(&whole, &[]);
    let expected = whole.rows().await;
    let archive = scene.archive.display().to_string();
    let command = ["import", &archive, "--as", "ida", "--offline", "--hold", "--trust-pod", &scene.trust];
    for table in ["profiles", "contacts", "taggings", "comment_signatures", "photos", "likes", "messages"] {
        let target = scene.copy().await;
        break_at(&target, table).await;
        let ended = target.run(&command);
        assert_eq!(document(&ended)["code"], "database", "{table}: {ended:?}");
        mend(&target).await;
        let planned = scene.import(&target, &["--dry-run"]);
        let done = scene.import(&target, &[]);
        assert_eq!(done["kinds"], first["kinds"], "{table}: nothing is taken for deleted");
        assert_eq!(planned["kinds"], first["kinds"], "{table}: the plan says so too");
        assert_eq!(target.rows().await, expected, "{table}");
        target.is_sound().await;
    }
}

#[tokio::test]
async fn what_was_written_and_deleted_before_the_end_stays_deleted() {
    let scene = Again::to_a_pod_that_knows_her(Target::sqlite().await).await;
    let target = &scene.target;
    let archive = scene.archive.display().to_string();
    let command = ["import", &archive, "--as", "ida", "--offline", "--hold", "--trust-pod", &scene.trust];
    // The batches before are on the pod: the posts, what others said, photos outside posts.
    break_at(target, "messages").await;
    assert_eq!(document(&target.run(&command))["code"], "database");
    mend(target).await;
    let count = async |sql: &str| target.pool.number(sql).await.unwrap();
    let (posts, comments) =
        (count("SELECT COUNT(*) FROM posts").await, count("SELECT COUNT(*) FROM comments").await);
    assert!(posts > 3 && comments > 3);
    // All of the last batch that was written: nothing is left of it to tell whether it was.
    let last = "SELECT COUNT(*) FROM participations";
    let subscriptions = count(last).await;
    assert!(subscriptions > 0);
    for sql in ["DELETE FROM participations", "DELETE FROM tag_followings"] {
        target.pool.execute(sql).await.unwrap();
    }
    let comment = DELETIONS.iter().find(|deletion| deletion.name == "somebody else's comment").unwrap();
    comment.run(target).await;
    let done = scene.import(target, &[]);
    let deleted = left_out(&done, "deleted_since");
    assert_eq!(deleted["subscriptions"], subscriptions.unsigned_abs(), "{deleted:?}");
    assert_eq!(deleted["others_comments"], 1, "{deleted:?}");
    assert!(deleted["followed_tags"] > 0, "{deleted:?}");
    for table in ["participations", "tag_followings"] {
        assert_eq!(count(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(count("SELECT COUNT(*) FROM comments").await, comments - 1);
    assert!(count("SELECT COUNT(*) FROM messages").await > 0, "and the rest has come");
    sums_agree(&done);
    target.is_sound().await;
}

/// Gives ida a new post with a comment and a new aspect, changes her profile, and takes her likes back.
async fn change_account(source: &Pod) {
    let ida = "(SELECT id FROM people WHERE diaspora_handle = 'ida@closing.example')";
    let user = "(SELECT id FROM users WHERE username = 'ida')";
    for sql in [
        format!(
            "INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at, interacted_at) VALUES ({ida}, 1, \
             'abcdef0123456789abcdef0123456789', 'StatusMessage', 'One more thing', '2026-10-01 00:00:00', \
             '2026-10-01 00:00:00', '2026-10-01 00:00:00')"
        ),
        format!(
            "INSERT INTO comments (guid, author_id, commentable_id, commentable_type, text, likes_count, created_at, updated_at) \
             SELECT 'abcdef0123456789abcdef0123456780', {ida}, id, 'Post', 'And another', 0, '2026-10-01 00:00:00', \
             '2026-10-01 00:00:00' FROM posts WHERE guid = 'abcdef0123456789abcdef0123456789'"
        ),
        format!(
            "INSERT INTO aspects (name, user_id, order_id, created_at, updated_at) VALUES ('Latecomers', {user}, 99, \
             '2026-10-01 00:00:00', '2026-10-01 00:00:00')"
        ),
        format!("UPDATE profiles SET bio = 'Written later' WHERE person_id = {ida}"),
        format!("DELETE FROM likes WHERE author_id = {ida}"),
    ] {
        source.pool.execute(&sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_newer_archive_brings_what_is_new() {
    let scene = Again::to_an_empty_pod(Target::sqlite().await).await;
    let (source, target) = (&scene.source, &scene.target);
    let first = scene.import(target, &[]);
    for name in [
        "an own comment",
        "a contact",
        "a followed tag",
        "an aspect, with whom it held and what it was shown",
    ] {
        DELETIONS.iter().find(|deletion| deletion.name == name).unwrap().run(target).await;
    }
    change_account(source).await;
    source.export(&["ida"], "newer", &[]);
    let newer = source.archive("newer", "ida");
    let before = Rows::read(&target.pool).await.unwrap();
    let done = target.import(&newer, "ida", &["--trust-pod", &scene.trust]);
    sums_agree(&done);
    assert_eq!(done["import"], first["import"]);
    // What stays here although the newer archive has it otherwise, or no more.
    let kept = |code: &str| {
        let findings = done["findings"].as_array().unwrap().iter();
        let of = findings.filter(|finding| finding["code"] == code);
        of.map(|finding| (finding["kind"].clone(), finding["record"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(kept("kept_as_here"), [("profile".into(), "bio".into())], "{done}");
    let own = "SELECT COUNT(*) FROM likes WHERE author_id = (SELECT id FROM people WHERE diaspora_handle = 'ida@haven.example')";
    let gone = kept("gone_from_archive");
    assert!(!gone.is_empty() && gone.iter().all(|(kind, _)| kind == "own_likes"), "{gone:?}");
    assert_eq!(i64::try_from(gone.len()).unwrap(), target.pool.number(own).await.unwrap());
    let deleted = left_out(&done, "deleted_since");
    // Somebody liked the comment.
    let expected = ["aspects", "contacts", "followed_tags", "likes_on_comments", "own_comments"];
    assert_eq!(deleted, expected.map(|kind| (kind.to_owned(), 1)).into());
    let differences = before.differences(&Rows::read(&target.pool).await.unwrap());
    let new = |table: &str, text: &str| {
        let begins = format!("{table} + ");
        differences.iter().filter(|line| line.starts_with(&begins) && line.contains(text)).count()
    };
    assert_eq!(
        (new("posts", "One more thing"), new("comments", "And another"), new("aspects", "Latecomers")),
        (1, 1, 1)
    );
    let others = differences.iter().filter(|line| {
        !["One more thing", "And another", "Latecomers"].iter().any(|text| line.contains(text))
    });
    let others: Vec<&String> = others.collect();
    assert!(others.is_empty(), "{others:#?}");
    target.is_sound().await;
}

#[tokio::test]
async fn a_newer_archive_names_everything_that_it_lacks() {
    let scene = Again::to_a_pod_that_knows_her(Target::sqlite().await).await;
    let (source, target) = (&scene.source, &scene.target);
    scene.import(target, &[]);
    let person = "(SELECT id FROM people WHERE diaspora_handle = 'ida@closing.example')";
    let user = "(SELECT id FROM users WHERE username = 'ida')";
    let polls = format!(
        "SELECT q.id FROM polls q JOIN posts p ON p.id = q.status_message_id WHERE p.author_id = {person}"
    );
    for sql in [
        format!("DELETE FROM tag_followings WHERE user_id = {user}"),
        format!("DELETE FROM participations WHERE author_id = {person}"),
        format!("DELETE FROM conversation_visibilities WHERE person_id = {person}"),
        format!("DELETE FROM poll_participations WHERE author_id = {person} OR poll_id IN ({polls})"),
        format!("DELETE FROM polls WHERE id IN ({polls})"),
    ] {
        source.pool.execute(&sql).await.unwrap();
    }
    source.export(&["ida"], "newer", &[]);
    let before = Rows::read(&target.pool).await.unwrap();
    let newer = source.archive("newer", "ida");
    let done = target.import(&newer, "ida", &["--trust-pod", &scene.trust]);
    let mut gone = BTreeMap::<&str, i64>::new();
    for finding in done["findings"].as_array().unwrap() {
        if finding["code"] == "gone_from_archive" {
            *gone.entry(finding["kind"].as_str().unwrap()).or_default() += 1;
        }
    }
    let (me, owner) = (person.replace("closing", "haven"), user);
    let own_polls = polls.replace("closing", "haven");
    let votes = "SELECT COUNT(*) FROM poll_participations WHERE author_id";
    for (kind, sql) in [
        ("followed_tags", format!("SELECT COUNT(*) FROM tag_followings WHERE user_id = {owner}")),
        ("subscriptions", format!("SELECT COUNT(*) FROM participations WHERE author_id = {me}")),
        ("conversations", format!("SELECT COUNT(*) FROM conversation_visibilities WHERE person_id = {me}")),
        ("own_poll_participations", format!("{votes} = {me}")),
        ("others_poll_participations", format!("{votes} <> {me} AND poll_id IN ({own_polls})")),
        ("polls", format!("SELECT COUNT(*) FROM polls WHERE id IN ({own_polls})")),
    ] {
        let here = target.pool.number(&sql).await.unwrap();
        assert!(here > 0, "{kind}: nothing to compare");
        assert_eq!(gone.remove(kind), Some(here), "{kind}: {done}");
    }
    assert!(gone.is_empty(), "{gone:?}");
    let differences = before.differences(&Rows::read(&target.pool).await.unwrap());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[tokio::test]
async fn nothing_comes_into_an_account_that_was_closed() {
    let scene = Again::to_an_empty_pod(Target::sqlite().await).await;
    let target = &scene.target;
    scene.import(target, &[]);
    target
        .pool
        .execute("UPDATE people SET closed_account = 1 WHERE diaspora_handle = 'ida@haven.example'")
        .await
        .unwrap();
    let archive = scene.archive.display().to_string();
    let command = ["import", &archive, "--as", "ida", "--offline", "--hold", "--trust-pod", &scene.trust];
    target.refuses(&command, "account_closed").await;
}
