//! Accounts of the sample pod come to an empty pod on each of the three databases: what is written there, that
//! it comes out again the same, that doing it twice changes nothing, and that it can be taken back.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::{Ended, pappus};
use pappus_tests::schema::{Pool, create, quote, tables};
use serde_json::Value;
use support::{Pod, TIME, json};
use tempfile::TempDir;

const TARGET_URL: &str = "https://target.example/";
const EVERYBODY: [&str; 6] = ["ida", "yasmin", "emil", "clara", "greta", "jonas"];

/// An empty pod.
struct Target {
    folder: TempDir,
    database: String,
    pool: Pool,
}

impl Target {
    async fn on(folder: TempDir, database: String) -> Self {
        let pool = Pool::connect(&database).await.unwrap();
        create(&pool).await.unwrap();
        std::fs::create_dir_all(folder.path().join("uploads/images")).unwrap();
        Self { folder, database, pool }
    }

    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
        Self::on(folder, database).await
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, command: &[&str]) -> Ended {
        let (uploads, state) = (self.path("uploads"), self.path("state"));
        let mut arguments = command.to_vec();
        arguments.extend(["--database-url", &self.database, "--pod-url", TARGET_URL]);
        arguments.extend(["--uploads", &uploads, "--state", &state, "--json"]);
        pappus(arguments).unwrap()
    }

    fn import(&self, archive: &Path, name: &str, more: &[&str]) -> Value {
        let archive = archive.display().to_string();
        let mut command = vec!["import", &archive, "--as", name];
        command.extend(more);
        let ended = self.run(&command);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    fn export(&self, name: &str) -> PathBuf {
        let out = self.path("out");
        let ended = self.run(&["export", name, "--out", &out, "--created-at", TIME]);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
        Path::new(&out).join(format!("{name}@target.example-20261122T100000Z.zip"))
    }

    /// Rows of every table.
    async fn rows(&self) -> BTreeMap<&'static str, i64> {
        let mut rows = BTreeMap::new();
        for table in tables() {
            let sql = format!("SELECT COUNT(*) FROM {}", quote(self.pool.dialect(), table.name));
            rows.insert(table.name, self.pool.number(&sql).await.unwrap());
        }
        rows
    }

    /// What diaspora*'s models would not allow, or would have counted differently.
    async fn is_sound(&self) {
        for (what, sql) in UNSOUND {
            assert_eq!(self.pool.number(sql).await.unwrap(), 0, "{what}: {sql}");
        }
    }
}

/// Each must find nothing.
const UNSOUND: &[(&str, &str)] = &[
    (
        "comments count",
        "SELECT COUNT(*) FROM posts WHERE comments_count <> (SELECT COUNT(*) FROM comments c WHERE c.commentable_id = posts.id AND c.commentable_type = 'Post')",
    ),
    (
        "likes count",
        "SELECT COUNT(*) FROM posts WHERE likes_count <> (SELECT COUNT(*) FROM likes l WHERE l.target_id = posts.id AND l.target_type = 'Post')",
    ),
    (
        "reshares count",
        "SELECT COUNT(*) FROM posts p WHERE p.reshares_count <> (SELECT COUNT(*) FROM posts r WHERE r.root_guid = p.guid)",
    ),
    (
        "likes of comments",
        "SELECT COUNT(*) FROM comments WHERE likes_count <> (SELECT COUNT(*) FROM likes l WHERE l.target_id = comments.id AND l.target_type = 'Comment')",
    ),
    (
        "votes",
        "SELECT COUNT(*) FROM poll_answers WHERE vote_count <> (SELECT COUNT(*) FROM poll_participations v WHERE v.poll_answer_id = poll_answers.id)",
    ),
    (
        "tags",
        "SELECT COUNT(*) FROM tags WHERE taggings_count <> (SELECT COUNT(*) FROM taggings t WHERE t.tag_id = tags.id)",
    ),
    (
        "comments without post",
        "SELECT COUNT(*) FROM comments c LEFT JOIN posts p ON p.id = c.commentable_id WHERE p.id IS NULL",
    ),
    (
        "comments without author",
        "SELECT COUNT(*) FROM comments c LEFT JOIN people p ON p.id = c.author_id WHERE p.id IS NULL",
    ),
    (
        "people without profile",
        "SELECT COUNT(*) FROM people p LEFT JOIN profiles f ON f.person_id = p.id WHERE f.id IS NULL",
    ),
    (
        "users without person",
        "SELECT COUNT(*) FROM users u LEFT JOIN people p ON p.owner_id = u.id WHERE p.id IS NULL",
    ),
    ("people of no pod", "SELECT COUNT(*) FROM people WHERE owner_id IS NULL AND pod_id IS NULL"),
    (
        "signatures of local people only",
        "SELECT COUNT(*) FROM comments c JOIN people p ON p.id = c.author_id LEFT JOIN comment_signatures s ON s.comment_id = c.id WHERE p.owner_id IS NULL AND s.comment_id IS NULL",
    ),
    (
        "polls without answers",
        "SELECT COUNT(*) FROM polls q LEFT JOIN poll_answers a ON a.poll_id = q.id WHERE a.id IS NULL",
    ),
    (
        "votes for answers of other polls",
        "SELECT COUNT(*) FROM poll_participations v JOIN poll_answers a ON a.id = v.poll_answer_id WHERE a.poll_id <> v.poll_id",
    ),
    (
        "interacted before written",
        "SELECT COUNT(*) FROM posts WHERE interacted_at < created_at OR interacted_at IS NULL",
    ),
    ("photos without size", "SELECT COUNT(*) FROM photos WHERE pending"),
    (
        "public posts hidden in visibilities",
        "SELECT COUNT(*) FROM share_visibilities v JOIN posts p ON p.id = v.shareable_id AND v.shareable_type = 'Post' WHERE p.public",
    ),
    (
        "aspects of others",
        "SELECT COUNT(*) FROM aspect_visibilities v JOIN aspects a ON a.id = v.aspect_id JOIN posts p ON p.id = v.shareable_id AND v.shareable_type = 'Post' JOIN people o ON o.id = p.author_id WHERE o.owner_id <> a.user_id",
    ),
];

fn fingerprint(archive: &Path) -> String {
    let ended = pappus(["verify", archive.to_str().unwrap(), "--json"]).unwrap();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    report["origin"]["pod"]["signed_by"].as_str().unwrap().to_owned()
}

/// The parts of a document that must survive: by GUID, with the account's own name made the same.
fn records(archive: &Path, list: &str, name: &str) -> BTreeMap<String, String> {
    // Texts keep the old name: they may be signed, and links in them are for their readers.
    let owns = [format!("{name}@closing.example"), format!("{name}@target.example")];
    let document = json(archive, "diaspora.json");
    let list = list.split('.').fold(&document, |value, name| &value[name]);
    list.as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let mut record = record.clone();
            let fields = record.as_object_mut().unwrap();
            for name in ["subscribed_pods_uris", "subscribed_users_ids", "sharing", "following"] {
                fields.remove(name);
            }
            if let Some(data) = record.get_mut("entity_data").and_then(Value::as_object_mut) {
                // Known only where the original is.
                data.remove("root_author");
                if let Some(photos) = data.get_mut("photos").and_then(Value::as_array_mut) {
                    for photo in photos {
                        photo["entity_data"].as_object_mut().unwrap().remove("remote_photo_path");
                    }
                }
            }
            let guid =
                record["entity_data"]["guid"].as_str().or(record["account_id"].as_str()).unwrap().to_owned();
            let text = owns.iter().fold(record.to_string(), |text, own| text.replace(own, "OWN"));
            (guid, text)
        })
        .collect()
}

async fn moves(target: &Target, source: &Pod, names: &[&str]) {
    let before = target.rows().await;
    source.export(names, "out", &[]);
    let mut imports = Vec::new();
    for name in names {
        let archive = source.archive("out", name);
        let trust = ["--trust-pod", &fingerprint(&archive)].map(str::to_owned);
        let trust: Vec<&str> = trust.iter().map(String::as_str).collect();
        let untouched = target.rows().await;
        let mut dry: Vec<&str> = trust.clone();
        dry.push("--dry-run");
        let planned = target.import(&archive, name, &dry);
        assert_eq!(target.rows().await, untouched, "{name}: a dry run writes nothing");
        let done = target.import(&archive, name, &trust);
        // The later ones may be contacts of the earlier ones, and known here since.
        let first = name == &names[0];
        assert!(done["proof"] == "pinned_pod_key" || !first && done["proof"] == "cached_person", "{name}");
        sums_agree(&done);
        imports.push(done["import"].as_str().unwrap().to_owned());
        if first {
            // Later ones meet people whom the plan could not tell apart before they were there.
            assert_eq!(planned["kinds"], done["kinds"], "{name}: the plan says what happens");
        }
        target.is_sound().await;
        let rows = target.rows().await;
        let again = target.import(&archive, name, &trust);
        assert_eq!(again["kinds"], done["kinds"], "{name}: twice is the same as once");
        assert_eq!(target.rows().await, rows, "{name}");
        comes_out_the_same(target, &archive, name, &done);
    }
    // The last one first: people whom one import introduced stay while another one needs them.
    for import in imports.iter().rev() {
        let ended = target.run(&["undo", import]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        target.is_sound().await;
    }
    let mut after = target.rows().await;
    // Words and lists of words that everybody shares stay.
    for lookup in ["tags", "signature_orders", "pods"] {
        after.insert(lookup, before[lookup]);
    }
    assert_eq!(after, before);
    assert!(support::names(&target.folder.path().join("uploads/images")).is_empty());
}

fn sums_agree(report: &Value) {
    for (kind, tally) in report["kinds"].as_object().unwrap() {
        let number = |name: &str| tally[name].as_u64().unwrap();
        let left_out: u64 =
            tally["left_out"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(number("in_archive"), number("imported") + number("adopted") + left_out, "{kind}");
    }
}

fn comes_out_the_same(target: &Target, archive: &Path, name: &str, report: &Value) {
    let back = target.export(name);
    let left_out: BTreeSet<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| !matches!(finding["code"].as_str(), Some("shortened" | "file_missing")))
        .map(|finding| finding["record"].as_str().unwrap())
        .collect();
    for part in ["user.contacts", "user.posts", "user.relayables", "others_data.relayables"] {
        let mut original = records(archive, part, name);
        original.retain(|guid, _| !left_out.contains(guid.as_str()));
        let imported = records(&back, part, name);
        for (guid, record) in &original {
            assert_eq!(imported.get(guid), Some(record), "{name} {part} {guid}");
        }
        assert_eq!(imported.len(), original.len(), "{name} {part}");
    }
    let (before, after) = (json(archive, "extras.json"), json(&back, "extras.json"));
    assert_eq!(
        after["conversations"].as_array().unwrap().len(),
        before["conversations"].as_array().unwrap().len()
    );
    let verified = pappus(["verify", back.to_str().unwrap()]).unwrap();
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[tokio::test]
async fn on_sqlite() {
    let source = Pod::sqlite().await;
    moves(&Target::sqlite().await, &source, &EVERYBODY).await;
}

#[tokio::test]
async fn on_postgresql() {
    let database = shared_postgres().await.unwrap().create_database("import_target").await.unwrap();
    let source = Pod::sqlite().await;
    moves(&Target::on(tempfile::tempdir().unwrap(), database).await, &source, &EVERYBODY[..3]).await;
}

#[tokio::test]
async fn on_mariadb() {
    let database = shared_mariadb().await.unwrap().create_database("import_target").await.unwrap();
    let source = Pod::sqlite().await;
    moves(&Target::on(tempfile::tempdir().unwrap(), database).await, &source, &EVERYBODY[..3]).await;
}
