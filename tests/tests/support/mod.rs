//! What the end-to-end tests share.

pub mod again;
pub mod closing;
pub mod deletions;
pub mod http_scene;
pub mod living_pods;
pub mod reference;
pub mod target;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use pappus_engine::store::Store;
use pappus_tests::program::{Ended, pappus};
use pappus_tests::sample::{KeySize, POD_URL, build};
use pappus_tests::schema::Pool;
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

/// The time all archives of the tests are made at.
pub const TIME: &str = "2026-11-22T10:00:00Z";

/// What the environment asks of a test that can do more, such as `PAPPUS_TEST_KILLS=50`; if nothing, what every run does.
pub fn setting<T: std::str::FromStr>(name: &str, usual: T) -> T {
    let given = std::env::vars().find(|(given, _)| given == name);
    given.map_or(usual, |(_, text)| {
        text.parse().ok().unwrap_or_else(|| panic!("{name}: {text:?} is no number"))
    })
}

/// A sample pod in a folder of its own.
pub struct Pod {
    pub folder: TempDir,
    pub database: String,
    pub pool: Pool,
}

impl Pod {
    /// On SQLite.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
        Self::on(folder, database).await
    }

    /// In an empty database.
    pub async fn on(folder: TempDir, database: String) -> Self {
        let pool = Pool::connect(&database).await.unwrap();
        build(&pool, &folder.path().join("uploads"), KeySize::Small).await.unwrap();
        Self { folder, database, pool }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the pod is, and Pappus's own folder.
    pub fn arguments(&self) -> Vec<String> {
        let uploads = self.path("uploads").display().to_string();
        ["--database-url", &self.database, "--pod-url", POD_URL, "--uploads", &uploads]
            .map(str::to_owned)
            .into()
    }

    /// Exports accounts at [`TIME`] into a folder, with Pappus's own folder beside it.
    pub fn export(&self, names: &[&str], out: &str, more: &[&str]) -> Ended {
        let state = shared_state();
        let mut arguments: Vec<String> = vec!["export".to_owned()];
        arguments.extend(names.iter().map(ToString::to_string));
        arguments.extend(self.arguments());
        let out = self.path(out).display().to_string();
        arguments.extend(["--out", &out, "--state", &state, "--created-at", TIME].map(str::to_owned));
        arguments.extend(more.iter().map(ToString::to_string));
        pappus(arguments).unwrap()
    }

    /// The archive of an account in a folder.
    pub fn archive(&self, out: &str, name: &str) -> PathBuf {
        self.path(out).join(format!("{name}@closing.example-20261122T100000Z.zip"))
    }
}

/// One archive key for all tests: making one takes half a second.
pub fn shared_state() -> String {
    let folder = std::env::temp_dir().join("pappus-test-state");
    let key = include_str!("../../fixtures/keys/4096-0.private.pem");
    let pod = folder.join("pods/closing.example");
    let path = pod.join("archive-key.pem");
    if !path.exists() {
        std::fs::create_dir_all(&pod).unwrap();
        // Others may be at it too.
        let mut file = NamedTempFile::new_in(&pod).unwrap();
        file.write_all(key.as_bytes()).unwrap();
        file.persist(&path).unwrap();
    }
    folder.display().to_string()
}

/// Puts that key into Pappus's own folder.
pub fn put_key(state: &Path) {
    let key = "pods/closing.example/archive-key.pem";
    let place = state.join(key);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::copy(Path::new(&shared_state()).join(key), place).unwrap();
}

/// An entry of an archive.
pub fn entry(archive: &Path, name: &str) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    let mut bytes = Vec::new();
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// A JSON entry of an archive.
pub fn json(archive: &Path, name: &str) -> Value {
    serde_json::from_slice(&entry(archive, name)).unwrap()
}

/// The document of an archive with what it leaves out of posts for stock pods put back.
pub fn whole_posts(archive: &Path) -> Value {
    let (mut document, extras) = (json(archive, "diaspora.json"), json(archive, "extras.json"));
    for post in document["user"]["posts"].as_array_mut().unwrap() {
        let data = &mut post["entity_data"];
        let mut remainders = extras["post_remainders"].as_array().unwrap().iter();
        let Some(remainder) = remainders.find(|one| one["guid"] == data["guid"]) else { continue };
        for field in ["text", "location", "poll", "root_guid"] {
            if !remainder[field].is_null() {
                data[field] = remainder[field].clone();
            }
        }
    }
    document
}

/// The same with every relayable under the name that signed it: what a pod has that knows nothing of its author's move,
/// and what archives of the earlier form hold.
pub fn under_signers(archive: &Path) -> Value {
    let (mut document, extras) = (whole_posts(archive), json(archive, "extras.json"));
    for record in document["others_data"]["relayables"].as_array_mut().unwrap() {
        let data = &mut record["entity_data"];
        let mut signers = extras["signed_as"].as_array().unwrap().iter();
        if let Some(signer) = signers.find(|signer| signer["guid"] == data["guid"]) {
            data["author"] = signer["signed_as"].clone();
        }
    }
    document
}

/// What a program printed for programs.
pub fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Names of everything in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

/// Codes of the omissions an archive lists, with the kind of record.
pub fn omissions(archive: &Path) -> Vec<(String, String)> {
    let manifest = json(archive, "manifest.json");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = manifest["omissions"].as_array().unwrap().iter();
    list.map(|omission| (text(&omission["code"]), text(&omission["record"]["kind"]))).collect()
}

/// The number that a statement gives.
pub async fn number(store: &Store, sql: &str) -> i64 {
    let sql = format!("SELECT ({sql}) AS found");
    store.first("a test", &sql, &[]).await.unwrap().unwrap().get("found").unwrap()
}
