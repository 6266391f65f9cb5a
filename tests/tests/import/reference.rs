//! Against pods that a real diaspora* has lived on, where they are at hand: a heavy account moves to a pod that
//! knows it, some of its people and one of them under another name. What came in is looked at record for record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::reference::{reference, restore, unpack_photos};
use crate::support::target::{Target, fingerprint};
use crate::support::{TIME, json, whole_posts};
use pappus_engine::domain::NEW_KEY_BITS;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::copy::copy_pod;
use pappus_tests::integrity::{Place, problems_of};
use pappus_tests::program::pappus;
use pappus_tests::rows::Rows;
use pappus_tests::schema::Pool;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

const OLD: &str = "alice@closing.pod.test:3001";
const NEW: &str = "alice@target.pod.test:3002";
/// Who has moved to the target pod before, and who they are there.
const MOVED: [(&str, &str); 2] = [
    ("mona@closing.pod.test:3001", "mona2@target.pod.test:3002"),
    ("carl005@contacts.pod.test:3003", "carl5moved@target.pod.test:3002"),
];
/// Whether a record of the archive came in is said by this part of it.
const LISTS: [&str; 4] = ["user.contacts", "user.posts", "user.relayables", "others_data.relayables"];

/// The two pods, and alice's archives.
struct Pods {
    folder: TempDir,
    files: PathBuf,
    ours: PathBuf,
}

impl Pods {
    /// Made once: alice's archive as we export it from the pod that closes, and the pod she comes to.
    async fn shared() -> Option<&'static Self> {
        static SHARED: OnceCell<Pods> = OnceCell::const_new();
        let files = reference()?;
        Some(SHARED.get_or_init(async || Self::new(files).await).await)
    }

    async fn new(files: PathBuf) -> Self {
        let cluster = shared_postgres().await.unwrap();
        let (a, b) = (cluster.create_database("pod_a").await, cluster.create_database("pod_b").await);
        let a = a.unwrap();
        restore(&files, "pod-a", &a);
        restore(&files, "pod-b", &b.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        unpack_photos(&files, &["alice"], &folder.path().join("a/images"));
        let (uploads, out, state) = (path("a"), path("out"), path("state"));
        let mut arguments = vec!["export", "alice", "--pod-url", "http://closing.pod.test:3001/"];
        arguments.extend(["--database-url", &a, "--uploads", &uploads, "--out", &out, "--state", &state]);
        arguments.extend(["--created-at", TIME]);
        let ended = pappus(arguments).unwrap();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let ours = folder.path().join("out/alice@closing.pod.test_3001-20261122T100000Z.zip");
        Self { folder, files, ours }
    }

    /// Fresh copies of the pod that alice comes to, on both kinds of database.
    async fn targets(&self, name: &str) -> [(&'static str, Target); 2] {
        let copy = shared_postgres().await.unwrap().copy_database("pod_b", name).await.unwrap();
        let other = shared_mariadb().await.unwrap().create_database(name).await.unwrap();
        let (from, to) = (Pool::connect(&copy).await.unwrap(), Pool::connect(&other).await.unwrap());
        copy_pod(&from, &to).await.unwrap();
        from.close().await;
        to.close().await;
        let url = "http://target.pod.test:3002/";
        [("postgresql", Target::at(copy, url).await), ("mariadb", Target::at(other, url).await)]
    }
}

/// What is wrong with the target's rows.
fn unsound(target: &Target, rows: &Rows) -> BTreeSet<String> {
    let uploads = target.folder.path().join("uploads");
    problems_of(rows, Place { url: target.url, uploads: &uploads, bits: NEW_KEY_BITS }).into_iter().collect()
}

/// What a real diaspora* has left is no news.
fn no_news(before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let new: Vec<&String> = after.difference(before).collect();
    assert!(new.is_empty(), "{} problems are new:\n{new:#?}", new.len());
}

fn sums_agree(report: &Value) {
    for (kind, tally) in report["kinds"].as_object().unwrap() {
        let left_out: u64 =
            tally["left_out"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        let number = |name: &str| tally[name].as_u64().unwrap();
        assert_eq!(number("in_archive"), number("imported") + number("adopted") + left_out, "{kind}");
    }
}

/// What a record is known by.
fn key(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match record.get("account_id") {
        Some(id) => text(id),
        None => text(&record["entity_data"]["guid"]),
    }
}

fn list<'a>(document: &'a Value, name: &str) -> &'a Vec<Value> {
    name.split('.').fold(document, |value, name| &value[name]).as_array().unwrap()
}

/// A list without an order, of pods without their schemes, less those who are gone.
fn as_set(values: &mut Value, gone: &BTreeSet<String>) {
    let mut texts: Vec<String> = values
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap().replace(OLD, NEW))
        .map(|text| {
            text.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/').to_owned()
        })
        .filter(|text| !gone.contains(text))
        .collect();
    texts.sort();
    *values = texts.into();
}

/// A whole record as both pods must tell it: whose it is, and where its photos lie, changes with the move, and
/// whether somebody shares is for them to say. People who are not known here, and their pods, are gone.
fn told_alike(record: &Value, gone: &BTreeSet<String>) -> Value {
    fn walk(value: &mut Value, gone: &BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    match name.as_str() {
                        "subscribed_pods_uris"
                        | "subscribed_users_ids"
                        | "participants"
                        | "contact_groups_membership" => as_set(value, gone),
                        "author" if value == OLD => *value = NEW.into(),
                        "remote_photo_path" => *value = "PHOTOS".into(),
                        "sharing" | "following" => *value = false.into(),
                        _ => walk(value, gone),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| walk(value, gone)),
            _ => {}
        }
    }
    let mut record = record.clone();
    walk(&mut record, gone);
    record
}

fn left_out(report: &Value, reasons: &[&str]) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| reasons.contains(&finding["code"].as_str().unwrap()))
        .map(|finding| finding["record"].as_str().unwrap().to_owned())
        .collect()
}

/// Nothing whose place is there stays out, and nothing else comes in.
fn everything_with_a_place_came_in(rows: &Rows, original: &Value, report: &Value) {
    let missing = left_out(report, &["parent_missing"]);
    let guids = |table| -> BTreeSet<&str> { rows.of(table).iter().map(|row| row["guid"].as_str()).collect() };
    let (posts, polls, comments) = (guids("posts"), guids("polls"), guids("comments"));
    let mut with_place = 0;
    for record in list(original, "user.relayables") {
        let data = &record["entity_data"];
        let parent = data["parent_guid"].as_str().unwrap();
        let here = match (record["entity_type"].as_str(), data["parent_type"].as_str()) {
            (Some("poll_participation"), _) => polls.contains(parent),
            (_, Some("Comment")) => comments.contains(parent),
            _ => posts.contains(parent),
        };
        with_place += usize::from(here);
        assert_eq!(here, !missing.contains(&key(record)), "{record}");
    }
    assert!(with_place > 400, "{with_place}");
}

/// The account exported again where it is now, against the archive it came from.
fn comes_out_the_same(target: &Target, original: &Value, report: &Value) -> PathBuf {
    let back = target.export("alice");
    let document = whole_posts(&back);
    let reasons = ["parent_missing", "person_unknown", "key_unknown"];
    let missing = left_out(report, &reasons);
    assert_eq!(report["more_findings"], 0);
    let ids = || list(original, "user.contacts").iter().map(key);
    let host = |id: &str| id.split_once('@').unwrap().1.to_owned();
    let hosts: BTreeSet<String> = ids().filter(|id| !missing.contains(id)).map(|id| host(&id)).collect();
    let mut gone: BTreeSet<String> = ids().map(|id| host(&id)).filter(|host| !hosts.contains(host)).collect();
    gone.extend(ids().filter(|id| missing.contains(id)));
    gone.remove(&host(NEW));
    // What diaspora* writes does not say which aspects saw a limited post.
    if report["kinds"]["likes_on_comments"].is_null() {
        let posts = list(original, "user.posts").iter();
        gone.extend(
            posts
                .filter_map(|post| post["subscribed_users_ids"].as_array())
                .flatten()
                .map(|id| id.as_str().unwrap().to_owned()),
        );
    }
    let mut movers = BTreeSet::new();
    for name in LISTS {
        let imported: BTreeMap<String, &Value> =
            list(&document, name).iter().map(|record| (key(record), record)).collect();
        let mut expected = 0;
        for record in list(original, name).iter().filter(|record| !missing.contains(&key(record))) {
            expected += 1;
            let (mut was, is) = (told_alike(record, &gone), imported.get(&key(record)));
            assert!(is.is_some(), "{name}: {record} is missing");
            let mut is = told_alike(is.unwrap(), &gone);
            // Where the original of a reshare is not known, its author is not either.
            if was["entity_type"] == "reshare" && is["entity_data"]["root_author"].is_null() {
                was["entity_data"].as_object_mut().unwrap().shift_remove("root_author");
            }
            // Who is of this pod now speaks under the new name and with the new key, so what only the old signature
            // held is gone; and what the pod has known since before keeps its own time.
            let author = record["entity_data"]["author"].as_str().unwrap_or_default();
            if let Some((_, now)) = MOVED.iter().find(|(old, new)| [*old, *new].contains(&author)) {
                assert_eq!(is["entity_data"]["author"], *now);
                movers.insert(*now);
                for record in [&mut is, &mut was] {
                    record.as_object_mut().unwrap().shift_remove("property_order");
                    let data = record["entity_data"].as_object_mut().unwrap();
                    for field in
                        ["author", "author_signature", "created_at", "edited_at", "thread_parent_guid"]
                    {
                        data.shift_remove(field);
                    }
                }
            }
            assert_eq!(is, was, "{name}");
        }
        assert_eq!(imported.len(), expected, "{name}");
    }
    assert_eq!(movers.len(), MOVED.len(), "{movers:?}");
    // With nothing left out: all that the pod knew before has its signature now.
    // Only reshares of posts that this pod does not know have their originals elsewhere.
    let manifest = json(&back, "manifest.json");
    let others: Vec<&Value> =
        list(&manifest, "omissions").iter().filter(|omission| omission["code"] != "stock_limit").collect();
    assert_eq!(others, Vec::<&Value>::new());
    let ended = pappus(["verify", back.to_str().unwrap()]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    back
}

/// What only our own archives hold.
fn the_rest_comes_out_too(archive: &Path, back: &Path) {
    let (before, after) = (json(archive, "extras.json"), json(back, "extras.json"));
    for name in ["settings", "aspect_visibility", "loose_photos", "likes_on_comments", "hidden_posts"] {
        assert!(!before[name].is_null(), "{name}");
        let sorted = |extras: &Value| {
            let mut texts: Vec<String> = match told_alike(&extras[name], &BTreeSet::new()) {
                Value::Array(records) => records.iter().map(Value::to_string).collect(),
                other => vec![other.to_string()],
            };
            texts.sort();
            texts
        };
        assert_eq!(sorted(&after), sorted(&before), "{name}");
    }
    let talks = |extras: &Value| -> BTreeMap<String, Value> {
        let talks = extras["conversations"].as_array().unwrap().iter();
        talks.map(|talk| (talk["guid"].to_string(), told_alike(talk, &BTreeSet::new()))).collect()
    };
    assert_eq!(talks(&after), talks(&before));
}

/// Nothing points to who alice was, all of it to who she is.
async fn the_target_follows(target: &Target, archive: &str) {
    let person = |id: &str| format!("(SELECT id FROM people WHERE diaspora_handle = '{id}')");
    let (old, new) = (person(OLD), person(NEW));
    let tables = [
        ("posts", "author_id"),
        ("photos", "author_id"),
        ("comments", "author_id"),
        ("likes", "author_id"),
        ("poll_participations", "author_id"),
        ("participations", "author_id"),
        ("mentions", "person_id"),
        ("contacts", "person_id"),
        ("blocks", "person_id"),
        ("conversation_visibilities", "person_id"),
        ("notification_actors", "person_id"),
    ];
    let count = async |of: &str| {
        let mut counts = Vec::new();
        for (table, column) in tables {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} = {of}");
            counts.push(target.pool.number(&sql).await.unwrap());
        }
        counts
    };
    let (left, had) = (count(&old).await, count(&new).await);
    assert!(left.iter().sum::<i64>() > 0, "the pod knew something of her");
    let announced = target.announce(archive, &[]);
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
    assert_eq!(count(&old).await, vec![0; tables.len()]);
    // Likes and reshares that both have made are one now, and so are contacts; the rest adds up.
    for (((table, _), has), (left, had)) in tables.iter().zip(count(&new).await).zip(left.iter().zip(had)) {
        if matches!(*table, "comments" | "photos" | "mentions") {
            assert_eq!(has, left + had, "{table}");
        } else {
            assert!(has <= left + had && has >= had.max(*left).min(had + left) - 1, "{table}: {has}");
        }
    }
    let sql = format!(
        "SELECT COUNT(*) FROM account_migrations m JOIN people o ON o.id = m.old_person_id \
         WHERE m.old_person_id = {old} AND m.new_person_id = {new} AND o.closed_account"
    );
    assert_eq!(target.pool.number(&sql).await.unwrap(), 1);
}

async fn moves(archive: &Path, more: &[&str], targets: [(&'static str, Target); 2]) -> Value {
    let original = crate::support::reference::document(archive);
    let path = archive.display().to_string();
    let (mut kinds, mut before): (Option<Value>, Option<BTreeSet<String>>) = (None, None);
    let mut photos: Option<PathBuf> = None;
    for (database, target) in targets {
        // Pictures that are there already are not scaled again: four sizes of 33 take their time.
        let uploads = target.folder.path().join("uploads/images");
        if let Some(photos) = &photos {
            crate::support::reference::shell(&format!("cp {}/* {}/", photos.display(), uploads.display()));
        }
        if before.is_none() {
            before = Some(unsound(&target, &Rows::read(&target.pool).await.unwrap()));
        }
        let before = before.as_ref().unwrap();
        let done = target.import(archive, "alice", more);
        assert_eq!(done["proof"], "cached_person", "{database}");
        sums_agree(&done);
        let rows = Rows::read(&target.pool).await.unwrap();
        no_news(before, &unsound(&target, &rows));
        everything_with_a_place_came_in(&rows, &original, &done);
        let back = comes_out_the_same(&target, &original, &done);
        if !done["kinds"]["likes_on_comments"].is_null() {
            the_rest_comes_out_too(archive, &back);
        }
        the_target_follows(&target, &path).await;
        no_news(before, &unsound(&target, &Rows::read(&target.pool).await.unwrap()));
        assert_eq!(kinds.get_or_insert_with(|| done["kinds"].clone()), &done["kinds"], "{database}");
        if photos.is_none() {
            let written = crate::support::names(&uploads).len() as u64;
            let bytes: u64 = std::fs::read_dir(&uploads)
                .unwrap()
                .map(|file| file.unwrap().metadata().unwrap().len())
                .sum();
            assert_eq!(written, 33 * 5);
            assert!(bytes <= done["needs"]["photo_bytes"].as_u64().unwrap(), "{bytes}: {}", done["needs"]);
            let kept = archive.with_extension("photos");
            std::fs::create_dir_all(&kept).unwrap();
            crate::support::reference::shell(&format!("cp {}/* {}/", uploads.display(), kept.display()));
            photos = Some(kept);
        }
    }
    kinds.unwrap()
}

#[tokio::test]
async fn our_own_archive() {
    let Some(pods) = Pods::shared().await else { return };
    let trust = fingerprint(&pods.ours);
    let kinds = moves(&pods.ours, &["--trust-pod", &trust], pods.targets("ours").await).await;
    insta::assert_json_snapshot!("ours", kinds);
}

#[tokio::test]
async fn the_stock_archive() {
    let Some(pods) = Pods::shared().await else { return };
    let stock = pods.folder.path().join("alice.json.gz");
    std::fs::copy(pods.files.join("archives/alice.json.gz"), &stock).unwrap();
    let photos = pods.files.join("archives/alice_photos.zip").display().to_string();
    let kinds = moves(&stock, &["--photos", &photos], pods.targets("stock").await).await;
    insta::assert_json_snapshot!("stock", kinds);
}
