//! Random sequences of what podmins, programs and people do around a move, from the first import to the last friend:
//! nothing that was deleted returns, no identity changes its key, every friend is a friend, and reports count what the
//! database holds. `PAPPUS_TEST_SEQUENCES=100` tries more of them.

mod steps;

use crate::support::setting;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use pappus_engine::delivery::{Ledger, Options, Scope, TargetPod, deliver};
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::Store;
use pappus_tests::program::programs;
use pappus_tests::schema::Pool;
use pappus_tests::twin::clock::TwinClock;
use pappus_tests::twin::pod::{Delays, Software};
use pappus_tests::twin::scene::{FriendsPod, NAME, Scene, TIMES};
use pappus_tests::twin::transport::TwinTransport;
use pappus_tests::watched::watch as watch_program;
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use tokio_util::sync::CancellationToken;

use steps::{Record, Step, step};

const URL: &str = "https://haven.example/";
/// Somebody else of the closing pod, who moves as well.
const OTHER: &str = "jonas";

fn pods() -> Vec<FriendsPod> {
    let pod =
        |host: &str, friends| FriendsPod { host: host.to_owned(), software: Software::Diaspora, friends };
    vec![pod("large.example", 5), pod("small.example", 2)]
}

/// What is known of the run so far.
struct Run {
    // Removed when the run is over.
    _folder: tempfile::TempDir,
    scene: Scene,
    clock: TwinClock,
    target: SqlitePool,
    archive: PathBuf,
    exports: usize,
    /// Whether the import has been announced.
    is_announced: bool,
    deleted: Vec<(Record, String)>,
    identity: Option<(String, String)>,
    unshared: BTreeSet<(String, String)>,
    edited: bool,
}

impl Run {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("target.sqlite3");
        let database = format!("sqlite:{}", file.display());
        let pappus = programs().join("pappus");
        let scene = Scene::prepare(&pappus, folder.path(), &database, URL, &pods()).await.unwrap();
        for pod in scene.world.inner().pods.values_mut() {
            pod.delays = Delays { urgent: 2_000, high: 90_000, race: false };
        }
        let export = scene.export(OTHER, TIMES[0]).output().unwrap();
        assert!(matches!(export.status.code(), Some(0 | 10)), "{export:?}");
        Self {
            clock: TwinClock::new("2026-12-01T00:00:00Z".parse().unwrap(), &scene.world, &scene.home),
            target: SqlitePool::connect(&database).await.unwrap(),
            archive: scene.archive_of(NAME, TIMES[0]),
            exports: 1,
            is_announced: false,
            deleted: Vec::new(),
            identity: None,
            unshared: BTreeSet::new(),
            edited: false,
            scene,
            _folder: folder,
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Import => self.import().await,
            Step::KilledImport(time) => self.killed_import(time),
            Step::ImportOther => self.import_other(),
            Step::UndoOther => _ = self.undo(OTHER),
            Step::Undo => self.undo_own(),
            Step::Announce => self.announce().await,
            Step::Deliver => self.deliver().await,
            Step::NewerArchive => self.newer_archive().await,
            Step::Delete(record) => self.delete(record).await,
            Step::EditProfile => self.edit_profile().await,
            Step::Comment => self.comment().await,
            Step::Unshare(friend) => self.unshare(friend),
        }
        self.check_deleted(step).await;
        self.check_identity().await;
    }

    async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.target).await.unwrap()
    }

    /// The account's person and user, when they are there.
    async fn account(&self) -> Option<(i64, i64)> {
        let sql = "SELECT id, owner_id FROM people WHERE diaspora_handle = 'ida@haven.example'";
        let row = sqlx::query(sql).fetch_optional(&self.target).await.unwrap()?;
        Some((row.get(0), row.get(1)))
    }

    async fn import(&mut self) {
        let first = self.account().await.is_none();
        let output = good(self.scene.import_of(NAME, &self.archive).unwrap());
        let report = json(&output);
        if first {
            self.check_counts(&report).await;
        }
        self.scene.publish().await.unwrap();
    }

    /// What the first import says came in is what the database holds.
    async fn check_counts(&self, report: &Value) {
        let (person, user) = self.account().await.unwrap();
        for (kind, sql) in [
            (
                "status_messages",
                format!("SELECT COUNT(*) FROM posts WHERE author_id = {person} AND type = 'StatusMessage'"),
            ),
            ("comments", format!("SELECT COUNT(*) FROM comments WHERE author_id = {person}")),
            ("contacts", format!("SELECT COUNT(*) FROM contacts WHERE user_id = {user}")),
            ("followed_tags", format!("SELECT COUNT(*) FROM tag_followings WHERE user_id = {user}")),
        ] {
            let tally = &report["kinds"][kind];
            if tally.is_null() {
                continue;
            }
            let came = tally["imported"].as_i64().unwrap() + tally["adopted"].as_i64().unwrap();
            assert_eq!(came, self.number(&sql).await, "{kind}: {report}");
        }
    }

    fn killed_import(&self, time: u16) {
        let started = Instant::now();
        let moment = Duration::from_millis(time.into());
        let command = self.scene.import_of(NAME, &self.archive).unwrap();
        watch_program(command, &self.scene.folder, || started.elapsed() > moment).unwrap();
    }

    fn import_other(&self) {
        let archive = self.scene.archive_of(OTHER, TIMES[0]);
        good(self.scene.import_of(OTHER, &archive).unwrap());
    }

    /// Undoes the import of somebody; whether there was one.
    fn undo(&self, name: &str) -> Option<Output> {
        let imports = json(&good(self.scene.command(&["imports"])));
        let imports = imports["imports"].as_array().unwrap().clone();
        let open =
            imports.iter().find(|import| import["new_username"] == name && import["state"] != "undone")?;
        let id = open["import"].as_str().unwrap().to_owned();
        Some(self.scene.command(&["undo", &id]).output().unwrap())
    }

    fn undo_own(&mut self) {
        let Some(output) = self.undo(NAME) else { return };
        if self.is_announced {
            assert_eq!(output.status.code(), Some(1), "{output:?}");
        } else {
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            self.deleted.clear();
            self.edited = false;
        }
    }

    async fn announce(&mut self) {
        let output = self.scene.announce_from(&self.archive).output().unwrap();
        // One that was killed is not complete, and one that was undone is not there.
        if matches!(output.status.code(), Some(0 | 10)) {
            self.is_announced = true;
            self.scene.publish().await.unwrap();
        } else {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(error.contains("not complete") || error.contains("not been imported"), "{error}");
            assert!(!self.is_announced, "{error}");
        }
    }

    async fn store(&self) -> Store {
        Store::open(&DatabaseUrl::from_file(&self.scene.store()).unwrap()).await.unwrap()
    }

    /// Delivers what is due; says whether anything is left for the friends' pods.
    async fn deliver_once(&self) -> bool {
        let store = self.store().await;
        let host = self.scene.host().to_owned();
        let (world, home, clock) = (&self.scene.world, &self.scene.home, &self.clock);
        let transport = TwinTransport { world, home, home_host: &host, clock };
        let database = DatabaseUrl::parse(&self.scene.database).unwrap();
        let target = TargetPod::new(&database, &PodUrl::parse(URL).unwrap());
        let never = CancellationToken::new();
        deliver(&store, &transport, Some(&target), clock, &Options::default(), never).await.unwrap();
        let ledger = Ledger::new(&store);
        let mut open = 0;
        for pod in pods() {
            open += ledger.counts(Scope::Pod(&pod.host)).await.unwrap().queued;
        }
        store.close().await;
        open > 0
    }

    async fn deliver(&self) {
        // Nothing has been imported yet.
        if !self.scene.store().exists() {
            return;
        }
        self.deliver_once().await;
        self.clock.pass(TimeDelta::minutes(3)).await;
    }

    async fn newer_archive(&mut self) {
        let Some(time) = TIMES.get(self.exports) else { return };
        let pool = Pool::connect(&self.scene.source()).await.unwrap();
        let number = self.exports;
        let sql = format!(
            "INSERT INTO posts (author_id, type, guid, public, text, created_at, updated_at, interacted_at) \
             SELECT id, 'StatusMessage', 'anewerpostofida0{number}', (1 = 1), 'newer {number}', \
             '2026-11-22 12:00:00', '2026-11-22 12:00:00', '2026-11-22 12:00:00' FROM people \
             WHERE diaspora_handle = 'ida@closing.example'"
        );
        pool.execute(&sql).await.unwrap();
        pool.close().await;
        good(self.scene.export(NAME, time));
        self.archive = self.scene.archive_of(NAME, time);
        self.exports += 1;
    }

    async fn delete(&mut self, record: Record) {
        let Some((person, _)) = self.account().await else { return };
        let (which, statements) = record.sql();
        let sql = which.replace("{}", &person.to_string());
        let found: Option<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_optional(&self.target).await.unwrap();
        let Some(name) = found else { return };
        for sql in statements {
            sqlx::query(*sql).bind(&name).execute(&self.target).await.unwrap();
        }
        self.deleted.push((record, name));
    }

    async fn edit_profile(&mut self) {
        if let Some((person, _)) = self.account().await {
            let sql = format!("UPDATE profiles SET first_name = 'Edited' WHERE person_id = {person}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&self.target).await.unwrap();
            self.edited = true;
        }
    }

    async fn comment(&self) {
        let Some((person, _)) = self.account().await else { return };
        let sql = format!(
            "INSERT INTO comments (text, commentable_id, commentable_type, author_id, guid, created_at, updated_at) \
             SELECT 'hello', MIN(p.id), 'Post', (SELECT MIN(id) FROM people WHERE owner_id IS NULL), \
             lower(hex(randomblob(16))), '2026-12-01', '2026-12-01' FROM posts p WHERE p.author_id = {person} \
             HAVING MIN(p.id) IS NOT NULL"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&self.target).await.unwrap();
    }

    fn unshare(&mut self, friend: u8) {
        let mut inner = self.scene.world.inner();
        let mut users = inner.pods.iter_mut().flat_map(|(host, pod)| {
            pod.users.iter_mut().map(move |(guid, user)| (host.clone(), guid.clone(), user))
        });
        let Some((host, guid, user)) = users.nth(usize::from(friend % 7)) else { return };
        for relation in user.relations.values_mut() {
            relation.receiving = false;
            relation.aspects.clear();
        }
        self.unshared.insert((host, guid));
    }

    async fn check_deleted(&self, step: Step) {
        for (record, name) in &self.deleted {
            let there: i64 =
                sqlx::query_scalar(record.there()).bind(name).fetch_one(&self.target).await.unwrap();
            assert_eq!(there, 0, "after {step:?}, the {record:?} {name} is back");
        }
        if self.edited
            && let Some((person, _)) = self.account().await
        {
            let sql =
                format!("SELECT COUNT(*) FROM profiles WHERE person_id = {person} AND first_name = 'Edited'");
            assert_eq!(self.number(&sql).await, 1, "after {step:?}, the name is as before");
        }
    }

    /// Once others can know it, it stays.
    async fn check_identity(&mut self) {
        let sql = "SELECT guid, serialized_public_key FROM people WHERE diaspora_handle = 'ida@haven.example' \
                   AND serialized_public_key <> ''";
        let Some(row) = sqlx::query(sql).fetch_optional(&self.target).await.unwrap() else { return };
        let found: (String, String) = (row.get(0), row.get(1));
        let known = self.identity.get_or_insert_with(|| found.clone());
        assert_eq!(*known, found, "the identity has changed");
    }

    /// The move is brought to its end; every friend is one.
    async fn end(&mut self) {
        self.import().await;
        self.announce().await;
        assert!(self.is_announced);
        while self.deliver_once().await {
            self.clock.pass(TimeDelta::minutes(10)).await;
        }
        while !self.scene.world.is_idle() {
            self.clock.pass(TimeDelta::minutes(10)).await;
        }
        self.take(Step::Import).await;
        let friends = pods().iter().map(|pod| pod.friends).sum::<usize>() - self.unshared.len();
        let (kept, lost) = self.scene.kept();
        assert_eq!(kept, friends, "{lost:?}");
        assert_eq!(self.scene.back().await.unwrap().0, i64::try_from(friends).unwrap());
    }
}

fn good(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 10)),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn run(steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut run = Run::begin().await;
        for step in steps {
            run.take(*step).await;
        }
        run.end().await;
    });
}

#[test]
fn nothing_deleted_returns_and_every_friend_stays() {
    let cases = setting("PAPPUS_TEST_SEQUENCES", 4);
    let config = Config { cases, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let result = runner.run(&vec(step(), 4..12), |steps| {
        std::panic::catch_unwind(|| run(&steps)).map_err(|panic| {
            let reason = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            TestCaseError::fail(reason)
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// What people do most: come, look around, go back, come again, delete, and move.
#[test]
fn undone_and_come_again_with_deletions() {
    run(&[
        Step::Import,
        Step::Comment,
        Step::Undo,
        Step::Import,
        Step::Delete(Record::Post),
        Step::Delete(Record::Comment),
        Step::Import,
        Step::ImportOther,
        Step::Announce,
        Step::Delete(Record::Like),
        Step::Import,
        Step::NewerArchive,
        Step::Deliver,
        Step::Import,
        Step::Delete(Record::Tag),
        Step::Import,
    ]);
}
