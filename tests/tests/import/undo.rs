//! After `undo`, the same account comes back with the same GUID and key, for other pods may have learned them; and
//! nobody else comes under that name.

use std::path::{Path, PathBuf};

use crate::support::target::{Target, fingerprint};
use crate::support::{Pod, document, json};
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::program::Ended;
use pappus_tests::rows::{Rows, text};
use serde_json::Value;

/// Two accounts of a pod, and where they go.
struct Scene {
    source: Pod,
    target: Target,
    trust: String,
    /// Of Pappus's own, where it is not in its folder.
    store: Option<String>,
}

/// By what other pods know somebody.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    guid: String,
    public_key: String,
    private_key: String,
}

impl Scene {
    async fn on(target: Target, store: Option<String>) -> Self {
        let source = Pod::sqlite().await;
        source.export(&["ida", "emil"], "out", &[]);
        let trust = fingerprint(&source.archive("out", "ida"));
        Self { source, target, trust, store }
    }

    async fn sqlite() -> Self {
        Self::on(Target::sqlite().await, None).await
    }

    fn archive(&self, name: &str) -> PathBuf {
        self.source.archive("out", name)
    }

    fn run(&self, command: &[&str]) -> Ended {
        let store: Vec<&str> = self.store.iter().flat_map(|store| ["--store", store.as_str()]).collect();
        self.target.run(&[command, &store].concat())
    }

    fn try_import(&self, archive: &Path, name: &str, more: &[&str]) -> Ended {
        let archive = archive.display().to_string();
        let command = ["import", &archive, "--as", name, "--offline", "--hold", "--trust-pod", &self.trust];
        self.run(&[&command[..], more].concat())
    }

    /// Announces the move of ida.
    fn announce(&self) -> Ended {
        let archive = self.archive("ida").display().to_string();
        self.run(&["announce", &archive, "--trust-pod", &self.trust])
    }

    /// Imports ida under a name.
    fn import(&self, name: &str) -> Value {
        let ended = self.try_import(&self.archive("ida"), name, &[]);
        assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
        document(&ended)
    }

    fn undo(&self, import: &Value) -> Value {
        let ended = self.run(&["undo", import["import"].as_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        document(&ended)
    }

    async fn identity(&self, name: &str) -> Identity {
        let rows = Rows::read(&self.target.pool).await.unwrap();
        let person = rows.by("people", "diaspora_handle")[format!("{name}@haven.example").as_str()];
        let user = rows.by("users", "username")[name];
        Identity {
            guid: text(person, "guid").to_owned(),
            public_key: text(person, "serialized_public_key").to_owned(),
            private_key: text(user, "serialized_private_key").to_owned(),
        }
    }

    /// Refused, as a plan and for good, with a reason and a way out; nothing is written.
    async fn refuses(&self, archive: &Path, name: &str, why: &str) {
        let before = self.target.rows().await;
        for more in [&["--dry-run"][..], &[]] {
            let ended = self.try_import(archive, name, &[&["--accept-unproven"], more].concat());
            assert_eq!(document(&ended)["code"], "username_known_elsewhere", "{ended:?}");
            assert!(
                ended.stderr.contains(why) && ended.stderr.contains("another name with --as"),
                "{ended:?}"
            );
        }
        assert_eq!(self.target.rows().await, before);
    }

    async fn fails_at(&self, what: &str, table: &str) {
        let sql = format!(
            "CREATE TRIGGER broken BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'broken off here'); END"
        );
        self.target.pool.execute(&sql).await.unwrap();
    }

    async fn mended(&self) {
        self.target.pool.execute("DROP TRIGGER broken").await.unwrap();
    }
}

/// Bytes of every file below a folder.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(bytes_below(&path));
        } else {
            bytes.extend(std::fs::read(&path).unwrap());
        }
    }
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn comes_back_as_who_they_were(scene: &Scene) {
    let first = scene.import("ida");
    let before = scene.identity("ida").await;
    assert!(before.private_key.contains("PRIVATE KEY"));
    let undone = scene.undo(&first);
    assert_eq!(undone["keeps_key"], true);
    let planned = scene.try_import(&scene.archive("ida"), "ida", &["--dry-run"]);
    assert!(matches!(planned.code, Some(0 | 10)), "{planned:?}");

    let second = scene.import("ida");
    assert_ne!(second["import"], first["import"], "it is another import");
    assert_eq!(scene.identity("ida").await, before);
    scene.target.is_sound().await;
    scene.undo(&second);
    let third = scene.import("ida");
    assert_eq!(scene.identity("ida").await, before, "as often as it takes");
    // Everything else goes by the GUID, too.
    let again = scene.import("ida");
    assert_eq!(again["import"], third["import"]);
    assert_eq!(again["kinds"], third["kinds"]);
    let announced = scene.announce();
    assert!(matches!(announced.code, Some(0 | 10)), "{announced:?}");
}

#[tokio::test]
async fn the_same_account_gets_its_guid_and_key_back() {
    let scene = Scene::sqlite().await;
    comes_back_as_who_they_were(&scene).await;
}

#[tokio::test]
async fn also_on_postgresql() {
    let server = shared_postgres().await.unwrap();
    let pod = server.create_database("import_undo").await.unwrap();
    let store = server.create_database("import_undo_store").await.unwrap();
    let target = Target::on(tempfile::tempdir().unwrap(), pod).await;
    comes_back_as_who_they_were(&Scene::on(target, Some(store)).await).await;
}

#[tokio::test]
async fn also_on_mariadb() {
    let pod = shared_mariadb().await.unwrap().create_database("import_undo").await.unwrap();
    let target = Target::on(tempfile::tempdir().unwrap(), pod).await;
    comes_back_as_who_they_were(&Scene::on(target, None).await).await;
}

#[tokio::test]
async fn the_key_lies_nowhere_in_clear() {
    let scene = Scene::sqlite().await;
    let first = scene.import("ida");
    let key = scene.identity("ida").await.private_key;
    let ended = scene.run(&["undo", first["import"].as_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let body = key.lines().nth(1).unwrap();
    let state = bytes_below(&scene.target.folder.path().join("state"));
    assert!(holds(&state, "age-encryption.org"), "it is kept");
    assert!(!holds(&state, body) && !holds(&state, "PRIVATE KEY"));
    assert!(!ended.stdout.contains(body) && !ended.stderr.contains(body));
    // And not at all once the account has it again.
    scene.import("ida");
    let store = format!("sqlite:{}", scene.target.path("state/pods/haven.example/pappus.sqlite3"));
    let store = pappus_tests::schema::Pool::connect(&store).await.unwrap();
    assert_eq!(store.number("SELECT COUNT(*) FROM pappus_former_identities").await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_else_gets_the_name() {
    let scene = Scene::sqlite().await;
    let first = scene.import("newname");
    let before = scene.identity("newname").await;
    scene.undo(&first);
    scene.refuses(&scene.archive("emil"), "newname", "another account").await;
    // The same ID with another key is somebody else.
    let mut forged = json(&scene.archive("ida"), "diaspora.json");
    forged["user"]["private_key"] = include_str!("../../fixtures/keys/4096-0.private.pem").into();
    let path = PathBuf::from(scene.target.path("forged.json"));
    std::fs::write(&path, forged.to_string()).unwrap();
    scene.refuses(&path, "newname", "with another key").await;
    // Other names are free, to everybody.
    let emil = scene.try_import(&scene.archive("emil"), "emil", &[]);
    assert!(matches!(emil.code, Some(0 | 10)), "{emil:?}");
    let other = scene.import("other");
    assert_ne!(scene.identity("other").await.public_key, before.public_key, "another name, another key");
    scene.undo(&other);
    scene.import("newname");
    assert_eq!(scene.identity("newname").await, before);
}

#[tokio::test]
async fn an_import_that_was_broken_off_keeps_what_is_known() {
    let scene = Scene::sqlite().await;
    let first = scene.import("ida");
    let before = scene.identity("ida").await;
    scene.undo(&first);
    // Broken off before the account has its key again, and taken back.
    scene.fails_at("INSERT", "messages").await;
    let broken = scene.try_import(&scene.archive("ida"), "ida", &[]);
    assert_eq!(document(&broken)["code"], "database", "{broken:?}");
    scene.mended().await;
    assert_eq!(scene.identity("ida").await.private_key, "", "it has none yet");
    let imports = document(&scene.run(&["imports"]));
    let id = imports["imports"][0]["import"].as_str().unwrap();
    assert_eq!(imports["imports"][0]["state"], "importing");
    let undone = scene.run(&["undo", id]);
    assert_eq!(document(&undone)["keeps_key"], true, "{undone:?}");
    scene.refuses(&scene.archive("emil"), "ida", "another account").await;
    scene.import("ida");
    assert_eq!(scene.identity("ida").await, before);
}

#[tokio::test]
async fn a_name_that_never_had_a_key_is_free() {
    let scene = Scene::sqlite().await;
    scene.fails_at("INSERT", "messages").await;
    let broken = scene.try_import(&scene.archive("ida"), "ida", &[]);
    assert_eq!(document(&broken)["code"], "database", "{broken:?}");
    scene.mended().await;
    let imports = document(&scene.run(&["imports"]));
    let undone = scene.run(&["undo", imports["imports"][0]["import"].as_str().unwrap()]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert_eq!(document(&undone)["keeps_key"], false);
    let emil = scene.try_import(&scene.archive("emil"), "ida", &[]);
    assert!(matches!(emil.code, Some(0 | 10)), "{emil:?}");
    assert!(scene.identity("ida").await.private_key.contains("PRIVATE KEY"));
}

#[tokio::test]
async fn an_undo_that_was_broken_off_ends_first() {
    let scene = Scene::sqlite().await;
    let empty = scene.target.rows().await;
    let first = scene.import("ida");
    let before = scene.identity("ida").await;
    let id = first["import"].as_str().unwrap();
    scene.fails_at("DELETE", "profiles").await;
    assert_eq!(scene.run(&["undo", id]).code, Some(1));
    scene.mended().await;
    for more in [&["--dry-run"][..], &[]] {
        let ended = scene.try_import(&scene.archive("ida"), "ida", more);
        assert_eq!(document(&ended)["code"], "being_undone", "{ended:?}");
    }
    let announced = scene.announce();
    assert_eq!(announced.code, Some(1), "{announced:?}");
    scene.undo(&first);
    let mut after = scene.target.rows().await;
    for lookup in ["tags", "signature_orders", "pods"] {
        after.insert(lookup, empty[lookup]);
    }
    assert_eq!(after, empty);
    scene.import("ida");
    assert_eq!(scene.identity("ida").await, before);
}
