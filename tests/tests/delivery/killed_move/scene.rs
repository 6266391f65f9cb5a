//! An account on its way, an archive of it, and the pod it comes to, which knows the account already: somebody
//! there has it as a contact, and some of its posts and comments have come by federation before.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use pappus_tests::cluster::{PostgresCluster, shared_postgres};
use pappus_tests::program::program;
use pappus_tests::schema::{Pool, create};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::target::{TARGET_URL, fingerprint};
use crate::support::{Pod, json};

/// 2027-03-01, later than everything in an archive; later still with each attempt.
pub(crate) const RUN: u64 = 1_803_859_200;

/// The ID of the person who moves, under the old address.
const OLD: &str = "(SELECT id FROM people WHERE diaspora_handle = 'ida@closing.example')";

/// What is done with the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Importing, with the announcement held back.
    Import,
    Announce,
    /// Importing and announcing in one.
    Move,
}

/// Databases and uploads of the pod that the account comes to.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) pod: String,
    pub(crate) store: String,
}

impl Place {
    pub(crate) fn uploads(&self) -> PathBuf {
        self.folder.path().join("uploads")
    }
}

pub(crate) struct Scene {
    _source: Pod,
    pub(crate) archive: PathBuf,
    trust: String,
    template: Place,
    server: Option<&'static PostgresCluster>,
    copies: AtomicUsize,
}

impl Scene {
    pub(crate) async fn on_postgres() -> Self {
        let server = shared_postgres().await.unwrap();
        let pod = server.create_database("kill_pod").await.unwrap();
        let store = server.create_database("kill_store").await.unwrap();
        Self::on(Place { folder: tempfile::tempdir().unwrap(), pod, store }, Some(server)).await
    }

    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        let (pod, store) = (url("pod.sqlite3"), url("store.sqlite3"));
        Self::on(Place { folder, pod, store }, None).await
    }

    async fn on(template: Place, server: Option<&'static PostgresCluster>) -> Self {
        let source = Pod::sqlite().await;
        source.export(&["ida", "yasmin"], "out", &[]);
        let archive = source.archive("out", "ida");
        let trust = fingerprint(&archive);
        let copies = AtomicUsize::new(0);
        let scene = Self { _source: source, archive, trust, template, server, copies };
        let pool = Pool::connect(&scene.template.pod).await.unwrap();
        create(&pool).await.unwrap();
        std::fs::create_dir_all(scene.template.uploads().join("images")).unwrap();
        // Somebody else has moved here before.
        let other = scene.archive.with_file_name("yasmin@closing.example-20261122T100000Z.zip");
        for (step, name) in [(Step::Import, &["--as", "yasmin"][..]), (Step::Announce, &[])] {
            let mut yasmin = scene.command(&scene.template, step, None, 0);
            let before = (RUN - 86_400).to_string();
            let ended = yasmin.env("SOURCE_DATE_EPOCH", before).args(name).arg(&other).output().unwrap();
            assert!(matches!(ended.status.code(), Some(0 | 10)), "{ended:?}");
        }
        scene.known_before(&pool).await;
        pool.close().await;
        scene
    }

    /// Rows that the pod has got by federation.
    async fn known_before(&self, pool: &Pool) {
        let document = json(&self.archive, "diaspora.json");
        let posts = guids(&document, "posts", "status_message", "guid");
        let heard = heard_without_signature(&document);
        let photo = photo_of_a_post(&document);
        let (under, shows) =
            (heard["parent_guid"].as_str().unwrap(), photo["status_message_guid"].as_str().unwrap());
        let mut known: Vec<&str> = posts.iter().take(3).map(String::as_str).chain([under, shows]).collect();
        known.sort_unstable();
        known.dedup();
        let mut sql = String::new();
        for (number, guid) in (9000..).zip(known) {
            sql += &federated_post(number, guid, "ida");
        }
        let parents = self.parents_of_others(&document, &posts);
        for (number, guid) in (9100..).zip(&parents) {
            sql += &federated_post(number, guid, "jonas");
        }
        // What came of the old account before: a comment that is in the archive, and a like that is not.
        sql += &said_before(own_comment(&document, &parents));
        sql += &(heard_before(heard) + &shown_before(photo));
        let liked = guids(&document, "relayables", "like", "parent_guid");
        sql += &liked_before(liked.iter().find(|guid| parents.contains(guid)).unwrap());
        pool.execute(&sql).await.unwrap();
        if self.server.is_some() {
            for table in ["posts", "photos", "comments", "likes"] {
                pool.execute(&format!("SELECT setval('{table}_id_seq', 10000)")).await.unwrap();
            }
        }
    }

    /// GUIDs of other people's posts that the account has commented on, liked or hidden.
    fn parents_of_others(&self, document: &Value, own: &[String]) -> Vec<String> {
        let mut parents = guids(document, "relayables", "comment", "parent_guid");
        parents.extend(guids(document, "relayables", "like", "parent_guid"));
        let extras = json(&self.archive, "extras.json");
        let hidden = extras["hidden_posts"].as_array().into_iter().flatten().filter_map(Value::as_str);
        parents.extend(hidden.map(str::to_owned));
        parents.retain(|guid| !own.contains(guid));
        parents.sort();
        parents.dedup();
        parents
    }

    /// A fresh copy of the pod and of Pappus's store.
    pub(crate) async fn copy(&self) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let number = self.copies.fetch_add(1, Ordering::SeqCst);
        copy_files(&self.template.uploads().join("images"), &folder.path().join("uploads/images"));
        let Some(server) = self.server else {
            let copy = |name: &str| {
                let to = folder.path().join(name);
                std::fs::copy(self.template.folder.path().join(name), &to).unwrap();
                format!("sqlite:{}", to.display())
            };
            let (pod, store) = (copy("pod.sqlite3"), copy("store.sqlite3"));
            return Place { folder, pod, store };
        };
        let pod = server.copy_database("kill_pod", &format!("kill_pod_{number}")).await.unwrap();
        let store = server.copy_database("kill_store", &format!("kill_store_{number}")).await.unwrap();
        Place { folder, pod, store }
    }

    /// The port of the server, if there is one.
    pub(crate) fn port(&self) -> Option<u16> {
        self.server.map(PostgresCluster::port)
    }

    /// The program that does a step, by way of another port if need be. Each attempt is an hour later.
    pub(crate) fn command(&self, place: &Place, step: Step, port: Option<u16>, attempt: u64) -> Command {
        let by = |url: &str| match (self.port(), port) {
            (Some(server), Some(port)) => url.replace(&format!(":{server}/"), &format!(":{port}/")),
            _ => url.to_owned(),
        };
        let mut command = program("pappus");
        command.env("SOURCE_DATE_EPOCH", (RUN + attempt * 3600).to_string());
        match step {
            Step::Import => command.args(["import", "--offline", "--hold", "--trust-pod", &self.trust]),
            Step::Move => command.args(["import", "--offline", "--trust-pod", &self.trust]),
            Step::Announce => command.args(["announce", "--trust-pod", &self.trust]),
        };
        command.args(["--json", "--pod-url", TARGET_URL, "--uploads"]).arg(place.uploads());
        command.args(["--database-url", &by(&place.pod), "--store", &by(&place.store)]);
        command
    }
}

/// The GUIDs in a field of the account's records of one kind, without records under comments.
fn guids(document: &Value, list: &str, kind: &str, field: &str) -> Vec<String> {
    let list = document["user"][list].as_array().unwrap().iter();
    list.filter(|record| record["entity_type"] == kind && record["entity_data"]["parent_type"] != "Comment")
        .map(|record| record["entity_data"][field].as_str().unwrap().to_owned())
        .collect()
}

/// Writes a post that has come by federation.
fn federated_post(number: usize, guid: &str, author: &str) -> String {
    format!(
        "INSERT INTO posts (id, author_id, public, guid, type, text, created_at, updated_at, interacted_at) \
         SELECT {number}, id, (1 = 1), '{guid}', 'StatusMessage', 'federated', '2026-01-01 00:00:00', \
         '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM people WHERE diaspora_handle = '{author}@closing.example';"
    )
}

fn id_of_post(guid: &str) -> String {
    format!("(SELECT id FROM posts WHERE guid = '{guid}')")
}

/// A comment of the account's on one of these posts.
fn own_comment<'a>(document: &'a Value, parents: &[String]) -> &'a Value {
    let mut own = document["user"]["relayables"].as_array().unwrap().iter();
    let matches = |record: &&Value| {
        record["entity_type"] == "comment"
            && parents.iter().any(|guid| record["entity_data"]["parent_guid"] == guid.as_str())
    };
    &own.find(matches).unwrap()["entity_data"]
}

/// Writes that comment down.
fn said_before(comment: &Value) -> String {
    format!(
        "INSERT INTO comments (id, text, commentable_id, author_id, guid, created_at, updated_at) VALUES \
         (9000, 'federated', {}, {OLD}, '{}', '2026-01-01 00:00:00', '2026-01-01 00:00:00');",
        id_of_post(comment["parent_guid"].as_str().unwrap()),
        comment["guid"].as_str().unwrap()
    )
}

/// Writes down a like of the account's that is in no archive.
fn liked_before(parent: &str) -> String {
    format!(
        "INSERT INTO likes (id, positive, target_id, target_type, author_id, guid, created_at, updated_at) VALUES \
         (9000, (1 = 1), {}, 'Post', {OLD}, 'likedbeforethemove', '2026-01-01 00:00:00', '2026-01-01 00:00:00');",
        id_of_post(parent)
    )
}

/// A comment of somebody else under a post of the account's. The pod has it, but not its signature.
fn heard_without_signature(document: &Value) -> &Value {
    let mut others = document["others_data"]["relayables"].as_array().unwrap().iter();
    let theirs = |record: &&Value| {
        record["entity_type"] == "comment"
            && record["entity_data"]["author"].as_str().is_some_and(|author| author.starts_with("jonas@"))
    };
    &others.find(theirs).unwrap()["entity_data"]
}

/// Writes that comment down.
fn heard_before(heard: &Value) -> String {
    let [guid, author, under] = ["guid", "author", "parent_guid"].map(|field| heard[field].as_str().unwrap());
    format!(
        "INSERT INTO comments (id, text, commentable_id, author_id, guid, created_at, updated_at) SELECT \
         9001, 'federated', (SELECT id FROM posts WHERE guid = '{under}'), id, '{guid}', '2026-01-01 00:00:00', \
         '2026-01-01 00:00:00' FROM people WHERE diaspora_handle = '{author}';"
    )
}

/// A photo of a post of the account's. The pod has both, and shows the photo from the old pod.
fn photo_of_a_post(document: &Value) -> &Value {
    let mut posts = document["user"]["posts"].as_array().unwrap().iter();
    &posts.find_map(|post| post["entity_data"]["photos"].as_array()?.first()).unwrap()["entity_data"]
}

/// Writes that photo down.
fn shown_before(photo: &Value) -> String {
    let [guid, at, name, post] = ["guid", "remote_photo_path", "remote_photo_name", "status_message_guid"]
        .map(|field| photo[field].as_str().unwrap());
    format!(
        "INSERT INTO photos (id, author_id, public, guid, pending, remote_photo_path, remote_photo_name, \
         status_message_guid, created_at, updated_at) SELECT 9000, id, (1 = 1), '{guid}', (1 = 0), '{at}', '{name}', \
         '{post}', '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM people WHERE diaspora_handle = \
         'ida@closing.example';"
    )
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
