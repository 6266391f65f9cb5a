//! A pod that accounts come to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pappus_engine::domain::NEW_KEY_BITS;
use pappus_tests::cluster::{shared_mariadb, shared_postgres};
use pappus_tests::integrity::{Place, problems};
use pappus_tests::program::{Ended, pappus};
use pappus_tests::schema::{Pool, create, quote, tables};
use serde_json::Value;
use tempfile::TempDir;

use super::TIME;

pub const TARGET_URL: &str = "https://haven.example/";

/// An empty pod.
pub struct Target {
    pub folder: TempDir,
    pub database: String,
    pub pool: Pool,
    pub url: &'static str,
}

impl Target {
    pub async fn on(folder: TempDir, database: String) -> Self {
        let pool = Pool::connect(&database).await.unwrap();
        create(&pool).await.unwrap();
        std::fs::create_dir_all(folder.path().join("uploads/images")).unwrap();
        Self { folder, database, pool, url: TARGET_URL }
    }

    /// A pod that is there already.
    pub async fn at(database: String, url: &'static str) -> Self {
        let (folder, pool) = (tempfile::tempdir().unwrap(), Pool::connect(&database).await.unwrap());
        std::fs::create_dir_all(folder.path().join("uploads/images")).unwrap();
        Self { folder, database, pool, url }
    }

    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
        Self::on(folder, database).await
    }

    /// An empty pod on each kind of database.
    pub async fn on_each(name: &str) -> [Self; 3] {
        let [postgres, mariadb] = [
            shared_postgres().await.unwrap().create_database(name).await.unwrap(),
            shared_mariadb().await.unwrap().create_database(name).await.unwrap(),
        ];
        [
            Self::sqlite().await,
            Self::on(tempfile::tempdir().unwrap(), postgres).await,
            Self::on(tempfile::tempdir().unwrap(), mariadb).await,
        ]
    }

    /// Gives somebody whom the pod knows an account on it.
    pub async fn settle(&self, id: &str) {
        let at = "'2026-01-01', '2026-01-01'";
        let name = id.split_once('@').unwrap().0;
        for sql in [
            format!(
                "INSERT INTO users (username, email, created_at, updated_at) VALUES ('{name}', '{id}', {at})"
            ),
            format!(
                "UPDATE people SET owner_id = (SELECT id FROM users WHERE username = '{name}') WHERE diaspora_handle = '{id}'"
            ),
        ] {
            self.pool.execute(&sql).await.unwrap();
        }
    }

    /// Writes a post of somebody whom the pod knows.
    pub async fn post(&self, author: &str, guid: &str, public: bool) {
        let sql = format!(
            "INSERT INTO posts (author_id, public, guid, type, text, created_at, updated_at) SELECT id, (1 = {}), \
             '{guid}', 'StatusMessage', 'Hello', '2026-01-01', '2026-01-01' FROM people WHERE diaspora_handle = '{author}'",
            u8::from(public)
        );
        self.pool.execute(&sql).await.unwrap();
    }

    /// Lets somebody of this pod ignore somebody.
    pub async fn ignore(&self, id: &str, ignored: &str) {
        let sql = format!(
            "INSERT INTO blocks (user_id, person_id) SELECT p.owner_id, b.id FROM people p, people b \
             WHERE p.diaspora_handle = '{id}' AND b.diaspora_handle = '{ignored}'"
        );
        self.pool.execute(&sql).await.unwrap();
    }

    /// The same pod once more, with Pappus's own folder; on SQLite.
    pub async fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder.path(), folder.path());
        let database = format!("sqlite:{}", folder.path().join("db.sqlite3").display());
        let pool = Pool::connect(&database).await.unwrap();
        Self { folder, database, pool, url: self.url }
    }

    /// The part of its diaspora* IDs behind the @.
    pub fn host(&self) -> &'static str {
        self.url.split_once("://").unwrap().1.trim_end_matches('/')
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn run(&self, command: &[&str]) -> Ended {
        let (uploads, state) = (self.path("uploads"), self.path("state"));
        let mut arguments = command.to_vec();
        arguments.extend(["--database-url", &self.database, "--pod-url", self.url]);
        arguments.extend(["--uploads", &uploads, "--state", &state, "--json"]);
        pappus(arguments).unwrap()
    }

    /// Imports an account and holds the announcement back.
    pub fn import(&self, archive: &Path, name: &str, more: &[&str]) -> Value {
        let archive = archive.display().to_string();
        let mut command = vec!["import", &archive, "--as", name, "--offline", "--hold"];
        command.extend(more);
        let ended = self.run(&command);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// Announces the move of an account that came with this archive, whose pod is trusted as for the import.
    pub fn announce(&self, archive: impl AsRef<Path>, more: &[&str]) -> Ended {
        let archive = archive.as_ref().display().to_string();
        let trust = pod_key(Path::new(&archive));
        let mut command = vec!["announce", &archive];
        command.extend(trust.iter().flat_map(|trust| ["--trust-pod", trust]));
        command.extend(more);
        self.run(&command)
    }

    /// Refuses a command with this code, as a plan and for good, and writes nothing.
    pub async fn refuses(&self, command: &[&str], code: &str) {
        let before = self.rows().await;
        for more in [&["--dry-run"][..], &[]] {
            let ended = self.run(&[command, more].concat());
            assert_eq!(ended.code, Some(1), "{code}: {ended:?}");
            assert_eq!(super::document(&ended)["code"], code, "{ended:?}");
            assert_eq!(self.rows().await, before, "{code}");
        }
    }

    pub fn export(&self, name: &str) -> PathBuf {
        let out = self.path("out");
        let ended = self.run(&["export", name, "--out", &out, "--created-at", TIME]);
        assert!(matches!(ended.code, Some(0 | 10)), "{name}: {ended:?}");
        Path::new(&out).join(format!("{name}@{}-20261122T100000Z.zip", self.host().replace(':', "_")))
    }

    /// Writes the account of a document, its contacts and the other authors into the pod's people, as after look-ups.
    pub async fn introduce(&self, document: &Value) {
        let mut people: Vec<Value> = document["user"]["contacts"].as_array().unwrap().clone();
        people.extend(document["others_data"]["non_contact_authors"].as_array().unwrap().iter().cloned());
        let own: pappus_engine::domain::PrivateKey =
            serde_json::from_value(document["user"]["private_key"].clone()).unwrap();
        let own = own.signing_key().unwrap().public_key().unwrap();
        people.push(serde_json::json!({
            "account_id": document["user"]["profile"]["entity_data"]["author"],
            "person_guid": "0123456789abcdef0123456789abcdef", "public_key": own.as_pem(),
        }));
        for person in people {
            let host = person["account_id"].as_str().and_then(|id| id.split_once('@')).unwrap().1.to_owned();
            let ssl = quote(self.pool.dialect(), "ssl");
            let pod = format!(
                "INSERT INTO pods (host, port, {ssl}, created_at, updated_at) SELECT '{host}', -1, (1 = 1), '2026-01-01', \
                 '2026-01-01' WHERE NOT EXISTS (SELECT 1 FROM pods WHERE host = '{host}')"
            );
            self.pool.execute(&pod).await.unwrap();
            let text = |name: &str| person[name].as_str().unwrap_or_default().replace('\'', "''");
            let guid = if person["guid"].is_string() { text("guid") } else { text("person_guid") };
            let sql = format!(
                "INSERT INTO people (guid, diaspora_handle, serialized_public_key, pod_id, created_at, updated_at) \
                 SELECT '{guid}', '{0}', '{1}', (SELECT id FROM pods WHERE host = '{host}'), '2026-01-01', '2026-01-01' WHERE NOT EXISTS \
                 (SELECT 1 FROM people WHERE diaspora_handle = '{0}')",
                text("account_id"),
                text("public_key"),
            );
            self.pool.execute(&sql).await.unwrap();
        }
        let profiles = "INSERT INTO profiles (person_id, full_name, created_at, updated_at) SELECT id, '', '2026-01-01', '2026-01-01' \
                        FROM people WHERE id NOT IN (SELECT person_id FROM profiles)";
        self.pool.execute(profiles).await.unwrap();
    }

    /// Rows of every table.
    pub async fn rows(&self) -> BTreeMap<&'static str, i64> {
        let mut rows = BTreeMap::new();
        for table in tables() {
            let sql = format!("SELECT COUNT(*) FROM {}", quote(self.pool.dialect(), table.name));
            rows.insert(table.name, self.pool.number(&sql).await.unwrap());
        }
        rows
    }

    /// The account has as many rows of each kind as the report of its import says.
    pub async fn has_what_is_reported(&self, report: &Value, name: &str) {
        let user = format!("(SELECT id FROM users WHERE username = '{name}')");
        let person = format!("(SELECT id FROM people WHERE owner_id = {user})");
        let posts = |kind: &str| format!("posts WHERE author_id = {person} AND type = '{kind}'");
        let own = |table: &str| format!("{table} WHERE author_id = {person}");
        let of_user = |table: &str| format!("{table} WHERE user_id = {user}");
        let by_others =
            |from: &str| format!("{from} WHERE p.author_id = {person} AND r.author_id <> {person}");
        let polls = "JOIN posts p ON p.id = q.status_message_id";
        for (kind, from) in [
            ("status_messages", posts("StatusMessage")),
            ("reshares", posts("Reshare")),
            ("polls", format!("polls q {polls} WHERE p.author_id = {person}")),
            ("photos", own("photos")),
            ("own_comments", own("comments")),
            ("own_likes", own("likes")),
            ("own_poll_participations", own("poll_participations")),
            ("subscriptions", own("participations")),
            ("aspects", of_user("aspects")),
            ("contacts", of_user("contacts")),
            ("blocks", of_user("blocks")),
            ("followed_tags", of_user("tag_followings")),
            (
                "others_comments",
                by_others(
                    "comments r JOIN posts p ON p.id = r.commentable_id AND r.commentable_type = 'Post'",
                ),
            ),
            (
                "others_likes",
                by_others("likes r JOIN posts p ON p.id = r.target_id AND r.target_type = 'Post'"),
            ),
            (
                "others_poll_participations",
                by_others(&format!("poll_participations r JOIN polls q ON q.id = r.poll_id {polls}")),
            ),
        ] {
            let tally = &report["kinds"][kind];
            let number = |what: &str| tally[what].as_i64().unwrap_or_default();
            let rows = self.pool.number(&format!("SELECT COUNT(*) FROM {from}")).await.unwrap();
            assert_eq!(number("imported") + number("adopted"), rows, "{name}: {kind}: {tally}");
        }
    }

    /// What diaspora*'s models would not allow, or would have counted differently.
    pub async fn is_sound(&self) {
        self.is_sound_but("nothing").await;
    }

    /// The same without one rule that a test has broken itself.
    pub async fn is_sound_but(&self, rule: &str) {
        let uploads = self.folder.path().join("uploads");
        let place = Place { url: self.url, uploads: &uploads, bits: NEW_KEY_BITS };
        let mut found = problems(&self.pool, place).await.unwrap();
        found.retain(|problem| !problem.contains(rule));
        assert!(found.is_empty(), "{} problems:\n{}", found.len(), found.join("\n"));
    }
}

/// The archive key of the pod that made an archive.
pub fn fingerprint(archive: &Path) -> String {
    pod_key(archive).unwrap()
}

/// The same, if Pappus made the archive.
fn pod_key(archive: &Path) -> Option<String> {
    let ended = pappus(["verify", archive.to_str().unwrap(), "--json"]).unwrap();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let (_, host) = report["account"].as_str()?.split_once('@')?;
    Some(format!("{host}={}", report["origin"]["pod"]["signed_by"].as_str()?))
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

/// The numbers behind what is in the archive add up to it.
pub fn sums_agree(report: &Value) {
    for (kind, tally) in report["kinds"].as_object().unwrap() {
        let number = |name: &str| tally[name].as_u64().unwrap();
        let left_out: u64 =
            tally["left_out"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(number("in_archive"), number("imported") + number("adopted") + left_out, "{kind}");
    }
}
