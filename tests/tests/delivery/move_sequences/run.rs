//! The steps themselves, on a target pod, a closing pod that still runs, and pods of friends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;
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
use pappus_tests::twin::scene::{ASPECT, FriendsPod, NAME, OLD, Scene, TIMES};
use pappus_tests::twin::transport::TwinTransport;
use pappus_tests::watched::watch as watch_program;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use tokio_util::sync::CancellationToken;

use super::steps::{Record, Step};
use crate::support::http_scene::good;
use crate::support::number;

const URL: &str = "https://haven.example/";
/// Somebody else of the closing pod, who moves as well.
const OTHER: &str = "jonas";

pub(super) fn pods() -> Vec<FriendsPod> {
    let pod = |host: &str, software, friends| FriendsPod { host: host.to_owned(), software, friends };
    vec![
        pod("large.example", Software::Diaspora, 5),
        pod("small.example", Software::Diaspora, 2),
        pod("hub.example", Software::Hubzilla, 2),
    ]
}

/// As many as there are friends.
pub(super) fn friends() -> usize {
    pods().iter().map(|pod| pod.friends).sum()
}

pub(super) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What is known of the run so far.
pub(super) struct Run {
    // Removed when the run is over.
    _folder: tempfile::TempDir,
    pub(super) scene: Scene,
    pub(super) clock: TwinClock,
    pub(super) target: SqlitePool,
    archive: PathBuf,
    exports: usize,
    /// Whether the import has been announced.
    pub(super) is_announced: bool,
    /// The same for somebody else.
    is_other_announced: bool,
    pub(super) deleted: Vec<(Record, String)>,
    /// GUID and key of those whom others can know, by diaspora* ID.
    pub(super) identities: BTreeMap<String, (String, String)>,
    /// Friends who share no longer.
    pub(super) unshared: BTreeSet<String>,
    /// Friends who have added the new account by hand.
    by_hand: BTreeSet<String>,
    /// Friends who did so before an undo, which has taken that from the target pod; nobody tells it again.
    pub(super) forgotten: BTreeSet<String>,
    pub(super) edited: bool,
}

impl Run {
    pub(super) async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("target.sqlite3");
        let database = format!("sqlite:{}", file.display());
        let pappus = programs().join("pappus");
        let scene = Scene::prepare(&pappus, folder.path(), &database, URL, &pods()).await.unwrap();
        for pod in scene.world.inner().pods.values_mut() {
            pod.delays = Delays { urgent: 2_000, high: 90_000, race: false };
        }
        scene.add_old_pod().await.unwrap();
        let target = SqlitePool::connect(&database).await.unwrap();
        introduce_paula(&target, &scene).await;
        let export = scene.export(OTHER, TIMES[0]).output().unwrap();
        assert!(matches!(export.status.code(), Some(0 | 10)), "{export:?}");
        Self {
            clock: TwinClock::new(&scene.world, &scene.home),
            target,
            archive: scene.archive_of(NAME, TIMES[0]),
            exports: 1,
            is_announced: false,
            is_other_announced: false,
            deleted: Vec::new(),
            identities: BTreeMap::new(),
            unshared: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            edited: false,
            scene,
            _folder: folder,
        }
    }

    pub(super) async fn take(&mut self, step: Step) {
        match step {
            Step::Import => self.import().await,
            Step::KilledImport(time) => self.killed_import(time),
            Step::ImportOther => self.import_other(),
            Step::UndoOther => self.undo_other(),
            Step::AnnounceOther => self.announce_other().await,
            Step::Undo => self.undo_own(),
            Step::Announce => self.announce().await,
            Step::Deliver => self.deliver().await,
            Step::NewerArchive => self.newer_archive().await,
            Step::Delete(record) => self.delete(record).await,
            Step::EditProfile => self.edit_profile().await,
            Step::Comment => self.comment().await,
            Step::Unshare(friend) => self.unshare(friend),
            Step::Share(friend) => self.share(friend).await,
        }
        self.check_deleted(step).await;
        self.check_identities().await;
    }

    pub(super) async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.target).await.unwrap()
    }

    /// The account's person and user, when they are there.
    pub(super) async fn account(&self) -> Option<(i64, i64)> {
        let sql = "SELECT id, owner_id FROM people WHERE diaspora_handle = 'ida@haven.example'";
        let row = sqlx::query(sql).fetch_optional(&self.target).await.unwrap()?;
        Some((row.get(0), row.get(1)))
    }

    pub(super) async fn import(&mut self) {
        let output = good(self.scene.import_of(NAME, &self.archive).unwrap());
        self.check_counts(&json(&output)).await;
        self.scene.publish().await.unwrap();
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

    /// Undoes the import of somebody, if there is one.
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
            self.forgotten.append(&mut self.by_hand);
        }
    }

    fn undo_other(&self) {
        let Some(output) = self.undo(OTHER) else { return };
        let expected = i32::from(self.is_other_announced);
        assert_eq!(output.status.code(), Some(expected), "{output:?}");
    }

    pub(super) async fn announce(&mut self) {
        let archive = self.archive.clone();
        self.is_announced = self.announced(&archive, self.is_announced).await;
    }

    async fn announce_other(&mut self) {
        let archive = self.scene.archive_of(OTHER, TIMES[0]);
        self.is_other_announced = self.announced(&archive, self.is_other_announced).await;
    }

    /// Announces the move of an archive's account; whether it has been announced then.
    async fn announced(&self, archive: &Path, before: bool) -> bool {
        let queued = self.deliveries().await;
        let output = self.scene.announce_from(archive).output().unwrap();
        // One that was killed is not complete, and one that was undone is not there.
        if !matches!(output.status.code(), Some(0 | 10)) {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(error.contains("not complete") || error.contains("not been imported"), "{error}");
            assert!(!before, "{error}");
            return false;
        }
        self.scene.publish().await.unwrap();
        let report = json(&output);
        assert_eq!(report["queued"], self.deliveries().await - queued, "{report}");
        if report["old"] == OLD {
            assert_eq!(report["friends"], friends(), "{report}");
        }
        true
    }

    /// Rows of the ledger.
    async fn deliveries(&self) -> i64 {
        // Nothing has been imported yet.
        if !self.scene.store().exists() {
            return 0;
        }
        let store = self.store().await;
        let rows = number(&store, "SELECT count(*) FROM pappus_deliveries").await;
        store.close().await;
        rows
    }

    async fn store(&self) -> Store {
        Store::open(&DatabaseUrl::from_file(&self.scene.store()).unwrap()).await.unwrap()
    }

    /// Delivers what is due; says whether anything is left for the friends' pods.
    pub(super) async fn deliver_once(&self) -> bool {
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
        if record == Record::Contact {
            // The target pod tells them; whoever does not know the new account has nothing to change.
            let (now, new) = (self.clock.millis(), self.scene.new_id());
            let mut inner = self.scene.world.inner();
            inner.pods.values_mut().for_each(|pod| pod.hear_that_nobody_shares(&name, &new, now));
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
             lower(hex(randomblob(16))), datetime('now'), datetime('now') FROM posts p WHERE p.author_id = {person} \
             HAVING MIN(p.id) IS NOT NULL"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&self.target).await.unwrap();
    }

    /// A friend on a diaspora* pod: their pod and ID.
    fn friend(&self, number: u8) -> (String, String) {
        let inner = self.scene.world.inner();
        let pods = inner.pods.iter().filter(|(_, pod)| pod.software == Software::Diaspora);
        let friends = pods
            .flat_map(|(host, pod)| pod.users.values().map(move |user| (host.clone(), user.id.to_string())));
        friends.cycle().nth(usize::from(number)).unwrap()
    }

    fn unshare(&mut self, friend: u8) {
        let (host, friend) = self.friend(friend);
        let now = self.clock.millis();
        self.scene.world.inner().pods.get_mut(&host).unwrap().share_with_nobody(&friend, now);
        self.unshared.insert(friend);
    }

    async fn share(&mut self, friend: u8) {
        let sql = "SELECT COUNT(*) FROM people WHERE diaspora_handle = 'ida@haven.example' \
                   AND serialized_public_key <> '' AND NOT closed_account";
        // Nobody finds who is not there.
        if self.number(sql).await == 0 {
            return;
        }
        let (host, friend) = self.friend(friend);
        if !self.add_by_hand(&host, &friend) {
            return;
        }
        self.unshared.remove(&friend);
        self.forgotten.remove(&friend);
        self.by_hand.insert(friend);
        // The target pod hears of it.
        self.clock.pass(TimeDelta::seconds(5)).await;
    }

    fn add_by_hand(&self, host: &str, friend: &str) -> bool {
        let mut inner = self.scene.world.inner();
        let pod = inner.pods.get_mut(host).unwrap();
        // Two who do so before their pod has processed the move look like friends who are back (docs/announcing.md).
        let is_second =
            self.by_hand.iter().any(|other| other != friend && other.ends_with(&format!("@{host}")));
        let may = !is_second || pod.performed.contains(OLD);
        if may {
            pod.add_by_hand(friend, &self.scene.new_id(), ASPECT, self.clock.millis());
        }
        may
    }
}

/// The target pod knows paula and two of her posts, which the account likes, answers and is subscribed to.
async fn introduce_paula(target: &SqlitePool, scene: &Scene) {
    let mut connection = target.acquire().await.unwrap();
    let source = scene.folder.join("source.sqlite3").display().to_string();
    sqlx::query("ATTACH DATABASE ? AS closing").bind(source).execute(&mut *connection).await.unwrap();
    let paula = "(SELECT id FROM closing.people WHERE diaspora_handle = 'paula@contacts.example')";
    for sql in [
        "INSERT INTO pods SELECT * FROM closing.pods WHERE host = 'contacts.example'".to_owned(),
        format!("INSERT INTO people SELECT * FROM closing.people WHERE id = {paula}"),
        format!("INSERT INTO profiles SELECT * FROM closing.profiles WHERE person_id = {paula}"),
        format!(
            "INSERT INTO posts SELECT * FROM closing.posts WHERE author_id = {paula} AND public \
             AND type = 'StatusMessage'"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
    }
}
