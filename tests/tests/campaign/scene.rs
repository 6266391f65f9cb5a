//! A pod, Pappus's own folder and store, and a place for archives.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::program::{Ended, pappus_in, program};
use pappus_tests::sample::{KeySize, POD_URL, build};
use pappus_tests::schema::Pool;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{document, names, put_key};

/// 2026-11-22T10:00:00Z and a little later: the time of all programs here.
const NOW: &str = "1795687200";

/// Everything a campaign needs.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) database: String,
    pub(crate) pod: Pool,
    /// Instead of the SQLite file in Pappus's own folder.
    pub(crate) store: Option<String>,
    /// Instead of the folder.
    pub(crate) bucket: Option<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) username: String,
    pub(crate) account: String,
    pub(crate) state: String,
    pub(crate) attempts: i64,
    pub(crate) file: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) omissions: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) finished_at: Option<i64>,
}

impl Scene {
    /// The sample pod, on SQLite or in an empty database.
    pub(crate) async fn sample(database: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database =
            database.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("db.sqlite3").display()));
        let pod = Pool::connect(&database).await.unwrap();
        build(&pod, &folder.path().join("uploads"), KeySize::Small).await.unwrap();
        Self::on(folder, database, pod)
    }

    /// A pod that is there already.
    pub(crate) async fn of(folder: TempDir, database: String) -> Self {
        let pod = Pool::connect(&database).await.unwrap();
        std::fs::create_dir_all(folder.path().join("uploads/images")).unwrap();
        Self::on(folder, database, pod)
    }

    fn on(folder: TempDir, database: String, pod: Pool) -> Self {
        put_key(&folder.path().join("state"));
        Self { folder, database, pod, store: None, bucket: None, environment: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// Where the pod and the store are.
    pub(crate) fn places(&self, state: &str) -> Vec<String> {
        let (uploads, state) = (self.path("uploads"), self.path(state));
        let (uploads, state) = (uploads.display().to_string(), state.display().to_string());
        let mut places = ["--database-url", &self.database, "--pod-url", POD_URL, "--uploads", &uploads]
            .map(str::to_owned)
            .to_vec();
        places.extend(["--state".to_owned(), state]);
        if let Some(store) = &self.store {
            places.extend(["--store".to_owned(), store.clone()]);
        }
        places
    }

    /// Options of an export of everybody.
    pub(crate) fn export(&self, more: &[&str]) -> Vec<String> {
        let out = self.bucket.clone().unwrap_or_else(|| self.out().display().to_string());
        let mut arguments = vec!["export".to_owned(), "--all".to_owned(), "--out".to_owned(), out];
        arguments.extend(self.places("state"));
        if !more.contains(&"--gentle") {
            arguments.push("--no-gentle".to_owned());
        }
        arguments.extend(more.iter().map(ToString::to_string));
        arguments
    }

    /// The same into another folder.
    pub(crate) fn export_to(&self, out: &std::path::Path, more: &[&str]) -> Vec<String> {
        let mut arguments = self.export(more);
        let own = self.out().display().to_string();
        let place = arguments.iter().position(|argument| *argument == own).unwrap();
        arguments[place] = out.display().to_string();
        arguments
    }

    /// The same with another folder of Pappus's own, as on another machine.
    pub(crate) fn export_from(&self, state: &str, more: &[&str]) -> Vec<String> {
        let (own, other) = (self.path("state").display().to_string(), self.path(state).display().to_string());
        let replaced = |argument: String| if argument == own { other.clone() } else { argument };
        self.export(more).into_iter().map(replaced).collect()
    }

    /// Exports everybody and waits for the end.
    pub(crate) fn run(&self, more: &[&str]) -> Ended {
        let mut environment = vec![("SOURCE_DATE_EPOCH", NOW.to_owned())];
        environment.extend(self.environment.iter().cloned());
        pappus_in(&environment, self.export(more)).unwrap()
    }

    /// The same, not yet begun.
    pub(crate) fn command(&self, arguments: Vec<String>) -> Command {
        let mut command = program("pappus");
        command.env("SOURCE_DATE_EPOCH", NOW).envs(self.environment.iter().cloned());
        command.args(arguments);
        command
    }

    /// Starts a program; [`words`](Self::words) are what it says.
    pub(crate) fn start(&self, arguments: Vec<String>) -> Child {
        let error = std::fs::File::create(self.path("stderr")).unwrap();
        self.command(arguments).stdout(Stdio::null()).stderr(error).spawn().unwrap()
    }

    /// What the program that was started last has said so far.
    pub(crate) fn words(&self) -> String {
        std::fs::read_to_string(self.path("stderr")).unwrap()
    }

    /// Another command about the same pod.
    pub(crate) fn pappus(&self, command: &str, more: &[&str]) -> Ended {
        let mut arguments = vec![command.to_owned()];
        arguments.extend(more.iter().map(ToString::to_string));
        arguments.extend(self.places("state"));
        pappus_in(&self.environment, arguments).unwrap()
    }

    /// What programs are told of a campaign.
    pub(crate) fn status(&self, name: &str) -> Value {
        document(&self.pappus("campaign", &[name, "--json"]))
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.pod.execute(sql).await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        match &self.pod {
            Pool::Sqlite(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
            Pool::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
            Pool::MySql(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
        }
    }

    pub(crate) async fn open_store(&self) -> Store {
        let url = match &self.store {
            Some(url) => DatabaseUrl::parse(url).unwrap(),
            None => DatabaseUrl::from_file(&self.path("state/pods/closing.example/pappus.sqlite3")).unwrap(),
        };
        Store::open(&url).await.unwrap()
    }

    /// The whole list of a campaign, by name.
    pub(crate) async fn accounts(&self, name: &str) -> Vec<Line> {
        let store = self.open_store().await;
        let sql = "SELECT a.username, a.account, a.state, a.attempts, a.file, a.sha256, a.omissions, a.reason, \
                   a.finished_at FROM pappus_campaign_accounts a JOIN pappus_campaigns c ON c.id = a.campaign_id \
                   WHERE c.name = ? ORDER BY a.username";
        let rows = store.rows("reading", sql, &[name.into()]).await.unwrap();
        let lines = rows
            .iter()
            .map(|row| Line {
                username: row.get("username").unwrap(),
                account: row.get("account").unwrap(),
                state: row.get("state").unwrap(),
                attempts: row.get("attempts").unwrap(),
                file: row.get("file").unwrap(),
                sha256: row.get("sha256").unwrap(),
                omissions: row.get("omissions").unwrap(),
                reason: row.get("reason").unwrap(),
                finished_at: row.get("finished_at").unwrap(),
            })
            .collect();
        store.close().await;
        lines
    }

    /// A finished campaign has so many archives, all of them verify, inside too, and nothing else is there.
    pub(crate) fn is_whole(&self, name: &str, archives: u64) {
        let ended = self.pappus("campaign", &["verify", name, "--json"]);
        let found = document(&ended);
        let list = &found["lists"][0];
        assert_eq!(list["totals"]["done"], archives, "{ended:?}");
        assert_eq!(list["verified"], archives, "{ended:?}");
        let problems: Vec<&Value> = found["problems"]
            .as_array()
            .unwrap()
            .iter()
            // Accounts that failed are known to have none.
            .filter(|problem| problem["kind"] != "incomplete")
            .collect();
        assert!(problems.is_empty(), "{problems:?}");
        if self.bucket.is_none() {
            let work = names(&self.out().join(".pappus-work"));
            assert!(work.iter().all(|name| name == "lock"), "{work:?}");
        }
    }
}

/// Nothing failed; records that could not be exported are findings.
pub(crate) fn ended_well(ended: &Ended) {
    assert!(matches!(ended.code, Some(0 | 10)), "{ended:?}");
}

/// Megabytes of the disk that a folder is on, but for some: more than are free, less than there are.
pub(super) fn all_but_a_little(folder: &Path) -> String {
    let found = std::process::Command::new("df").args(["-B1", "--output=size"]).arg(folder).output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    let bytes: u64 = found.lines().nth(1).unwrap().trim().parse().unwrap();
    (bytes / 1_000_000 - 1).to_string()
}

/// Waits until something is so, while the program is at work.
pub(super) async fn until(child: &mut Child, so: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_mins(2);
    while !so().await {
        assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "it was too late");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
