//! Numbers and flags in a pod's database that are none: exported around, listed in the archive, and foreseen by `check`.

use crate::support::{Pod, document, json};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::pappus;
use pappus_tests::schema::Dialect;

const IDA: &str = "(SELECT id FROM people WHERE diaspora_handle = 'ida@closing.example')";

/// Everything of the account that archives have as a number or a flag: table, column, whose rows, and whether the
/// column's type can be changed on PostgreSQL, where conditions accept booleans only.
const COLUMNS: [(&str, &str, &str, bool); 18] = [
    ("photos", "height", "author_id = PERSON", true),
    ("photos", "width", "author_id = PERSON", true),
    ("photos", "public", "author_id = PERSON", false),
    ("posts", "public", "author_id = PERSON", false),
    ("posts", "likes_count", "author_id = PERSON", true),
    ("likes", "positive", "author_id = PERSON", true),
    ("conversation_visibilities", "unread", "person_id = PERSON", true),
    ("contacts", "sharing", "user_id = (SELECT owner_id FROM people WHERE id = PERSON)", true),
    ("contacts", "receiving", "user_id = (SELECT owner_id FROM people WHERE id = PERSON)", true),
    ("aspects", "post_default", "user_id = (SELECT owner_id FROM people WHERE id = PERSON)", true),
    ("users", "disable_mail", "username = 'ida'", true),
    ("users", "show_community_spotlight_in_stream", "username = 'ida'", true),
    ("users", "auto_follow_back", "username = 'ida'", true),
    ("users", "post_default_public", "username = 'ida'", true),
    ("profiles", "searchable", "person_id = PERSON", true),
    ("profiles", "public_details", "person_id = PERSON", true),
    ("profiles", "nsfw", "person_id = PERSON", true),
    // Not the account's own likes: those of others under its posts.
    (
        "likes",
        "positive",
        "author_id <> PERSON AND target_type = 'Post' AND target_id IN \
     (SELECT id FROM posts WHERE author_id = PERSON)",
        true,
    ),
];

/// The columns of one database, with the condition for their rows.
fn columns(pod: &Pod) -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let all = pod.pool.dialect() != Dialect::Postgres;
    COLUMNS
        .into_iter()
        .filter(move |(.., changes)| all || *changes)
        .map(|(table, column, rows, _)| (table, column, rows.replace("PERSON", IDA)))
}

/// Gives the columns a type that holds texts.
async fn loosen(pod: &Pod) {
    let mut done = Vec::new();
    for (table, column, _) in columns(pod) {
        if done.contains(&(table, column)) {
            continue;
        }
        done.push((table, column));
        let changes = match pod.pool.dialect() {
            Dialect::Postgres => vec![
                format!("ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT"),
                format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE text USING CAST({column} AS text)"),
            ],
            Dialect::MySql => vec![format!("ALTER TABLE {table} MODIFY {column} VARCHAR(20)")],
            Dialect::Sqlite => Vec::new(),
        };
        for sql in changes {
            pod.pool.execute(&sql).await.unwrap();
        }
    }
}

/// Exports the account; gives the reasons of its archive's omissions with unreadable values.
fn unreadable(pod: &Pod, out: &str) -> Vec<String> {
    pod.export(&["ida"], out, &[]);
    let manifest = json(&pod.archive(out, "ida"), "manifest.json");
    let omissions = manifest["omissions"].as_array().unwrap().iter();
    omissions
        .filter(|omission| omission["code"] == "unreadable_number")
        .map(|omission| omission["reason"].as_str().unwrap().to_owned())
        .collect()
}

async fn values_that_are_none(pod: &Pod) {
    pod.export(&["ida"], "before", &[]);
    let before = json(&pod.archive("before", "ida"), "diaspora.json");
    loosen(pod).await;
    // Another type alone changes nothing: words are read as what they say.
    assert_eq!(unreadable(pod, "loosened"), Vec::<String>::new());
    assert_eq!(json(&pod.archive("loosened", "ida"), "diaspora.json"), before);

    let mut expected = 0;
    for (table, column, rows) in columns(pod) {
        expected += pod.pool.number(&format!("SELECT COUNT(*) FROM {table} WHERE {rows}")).await.unwrap();
        let sql = format!("UPDATE {table} SET {column} = 'ma''ybe' WHERE {rows}");
        pod.pool.execute(&sql).await.unwrap();
    }
    let report = document(
        &pappus(["check".to_owned(), "--json".to_owned()].into_iter().chain(pod.arguments())).unwrap(),
    );
    let reasons = unreadable(pod, "out");
    for (_, column, _) in columns(pod) {
        let name = match column {
            "height" | "width" => column.to_owned(),
            "likes_count" => "number of likes".to_owned(),
            "unread" => "number of unread messages".to_owned(),
            "post_default" => "\"post_default of the aspect".to_owned(),
            flag => format!("{flag:?}"),
        };
        let says = format!("its {name}");
        assert!(
            reasons.iter().any(|reason| reason.starts_with(&says) && reason.contains("is \"ma'ybe\" in")),
            "{says}: {reasons:?}"
        );
    }
    assert_eq!(i64::try_from(reasons.len()), Ok(expected), "{reasons:?}");
    let foreseen = report["forecast"]["omissions"].as_array().unwrap().iter();
    let foreseen: u64 = foreseen
        .filter(|one| one["code"] == "unreadable_number")
        .map(|one| one["count"].as_u64().unwrap())
        .sum();
    assert!(foreseen >= reasons.len() as u64, "{foreseen} {report}");

    // No record is lost, and nothing becomes visible to more people.
    let after = json(&pod.archive("out", "ida"), "diaspora.json");
    for list in ["posts", "contacts", "relayables"] {
        let count = |whole: &serde_json::Value| whole["user"][list].as_array().unwrap().len();
        assert_eq!(count(&after), count(&before), "{list}");
    }
    if pod.pool.dialect() != Dialect::Postgres {
        let posts = after["user"]["posts"].as_array().unwrap().iter();
        assert!(
            posts
                .filter(|post| post["entity_type"] == "status_message")
                .all(|post| post["entity_data"]["public"] == false)
        );
    }
    let talks = json(&pod.archive("out", "ida"), "extras.json")["conversations"].as_array().unwrap().clone();
    assert!(!talks.is_empty() && talks.iter().all(|talk| talk["state"]["unread"] == 0), "{talks:?}");
}

#[tokio::test]
async fn numbers_and_flags_that_are_none_are_listed() {
    values_that_are_none(&Pod::sqlite().await).await;
}

#[tokio::test]
async fn numbers_and_flags_that_are_none_are_listed_from_postgresql() {
    let url = shared_postgres().await.unwrap().create_database("odd_values").await.unwrap();
    values_that_are_none(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
}

#[tokio::test]
async fn numbers_and_flags_that_are_none_are_listed_from_mariadb() {
    let url = shared_mariadb().await.unwrap().create_database("odd_values").await.unwrap();
    values_that_are_none(&Pod::on(tempfile::tempdir().unwrap(), url).await).await;
}

/// A height of nine and a half pixels is none, whatever the column's type.
#[tokio::test]
async fn fractions_are_no_whole_numbers() {
    let url = shared_postgres().await.unwrap().create_database("fractions").await.unwrap();
    let pod = Pod::on(tempfile::tempdir().unwrap(), url).await;
    for sql in [
        "ALTER TABLE photos ALTER COLUMN height TYPE double precision".to_owned(),
        format!("UPDATE photos SET height = 9.5 WHERE author_id = {IDA}"),
    ] {
        pod.pool.execute(&sql).await.unwrap();
    }
    let photos =
        pod.pool.number(&format!("SELECT COUNT(*) FROM photos WHERE author_id = {IDA}")).await.unwrap();
    let reasons = unreadable(&pod, "out");
    let says = "its height is 9.5 in the pod's database, which is not a whole number";
    assert!(reasons.iter().all(|reason| reason.starts_with(says)), "{reasons:?}");
    assert_eq!(i64::try_from(reasons.len()), Ok(photos), "{reasons:?}");
}
