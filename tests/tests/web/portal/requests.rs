//! People ask for their archive: one each whatever they click, nothing lost over kills, nothing kept too long.

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Pod, TIME, put_key};
use pappus_engine::departures::{
    ArchiveWorker, ArchiveWorkerSetup, Asked, JobOutcome, Links, MadeArchive, NewRequest, OpenedArchive,
    Origin, Request, RequestState, Requests,
};
use pappus_engine::depot::sealed::open_text;
use pappus_engine::depot::{CampaignKeys, Depot, DepotAddress};
use pappus_engine::pod::config::{PodUrl, Uploads};
use pappus_engine::sql::DatabaseUrl;
use pappus_engine::store::{StateFolder, Store};
use pappus_tests::cluster::shared_postgres;
use pappus_tests::sample::POD_URL;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

struct Scene {
    pod: Pod,
    root: TempDir,
    state: StateFolder,
    store: Store,
    requests: Requests,
    keys: CampaignKeys,
    depot: Depot,
    stop: CancellationToken,
}

impl Scene {
    async fn new(store: Option<&str>) -> Self {
        let pod = Pod::sqlite().await;
        let url = PodUrl::parse(POD_URL).unwrap();
        let root = tempfile::tempdir().unwrap();
        let state = StateFolder::open(root.path(), &url).unwrap();
        put_key(root.path());
        let database = store.map_or_else(|| state.database(), DatabaseUrl::parse).unwrap();
        let store = Store::open(&database).await.unwrap();
        let requests = Requests::new(&store, &url);
        let keys = CampaignKeys::new(&state, &store, &url);
        let depot = Depot::open(&DepotAddress::Folder(root.path().join("archives"))).await.unwrap();
        Self { pod, root, state, store, requests, keys, depot, stop: CancellationToken::new() }
    }

    fn workshop(&self) -> Arc<ArchiveWorker> {
        self.workshop_on(&self.pod.database)
    }

    fn workshop_on(&self, database: &str) -> Arc<ArchiveWorker> {
        let setup = ArchiveWorkerSetup {
            requests: self.requests.clone(),
            database: DatabaseUrl::parse(database).unwrap(),
            pod: PodUrl::parse(POD_URL).unwrap(),
            photos: Uploads::Folder(self.pod.path("uploads")),
            state: self.state.clone(),
            depot: self.depot.clone(),
            keys: self.keys.clone(),
            created_by: "test".to_owned(),
            keep_for: Duration::from_hours(24),
            reserve: 0,
            observer: Box::new(|_, _| {}),
        };
        Arc::new(ArchiveWorker::open(setup, self.stop.clone()).unwrap())
    }

    async fn user(&self, name: &str) -> i64 {
        let sql = format!("SELECT id FROM users WHERE username = '{name}'");
        self.pod.pool.number(&sql).await.unwrap()
    }

    async fn ask(&self, name: &str, passphrase: Option<&str>) -> Asked {
        let account = format!("{name}@closing.example");
        let new = NewRequest {
            user_id: self.user(name).await,
            username: name,
            account: &account,
            key_passphrase: passphrase,
            mail: true,
            language: "de",
            most: None,
        };
        self.requests.ask(&new, &self.keys, TIME.parse().unwrap()).await.unwrap()
    }

    async fn get(&self, id: i64) -> Request {
        self.requests.by_id(id).await.unwrap().unwrap()
    }

    async fn sql(&self, sql: &str) {
        self.store.execute("a test", sql, &[]).await.unwrap();
    }

    async fn open(&self, request: &Request) -> OpenedArchive {
        let made = MadeArchive::of_request(request).unwrap();
        let unlock = self.keys.unlock().unwrap();
        OpenedArchive::open(&self.depot, &made.file, made.is_sealed(), unlock).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_archive_each_encrypted_at_rest_and_for_a_time() {
    let scene = Scene::new(None).await;
    let workshop = scene.workshop();
    let asked = scene.ask("greta", None).await;
    let id = asked.request().id;
    assert!(matches!(asked, Asked::New(_)));
    for _ in 0..3 {
        assert!(matches!(scene.ask("greta", None).await, Asked::UnderWay(open) if open.id == id));
    }
    let other = scene.ask("jonas", None).await.request().clone();
    assert_eq!(scene.requests.position(&other).await.unwrap().unwrap().ahead, 1);
    assert_eq!(workshop.work_on_next().await.unwrap(), JobOutcome::Done);
    assert_eq!(scene.requests.position(&other).await.unwrap().unwrap().ahead, 0);
    assert!(scene.requests.cancel(other.user_id, other.id).await.unwrap());
    assert_eq!(workshop.work_on_next().await.unwrap(), JobOutcome::Nothing);
    let done = scene.get(id).await;
    assert_eq!(done.state, RequestState::Done);
    assert!(done.advanced == done.total && done.total > 10, "{done:?}");

    let file = scene.root.path().join("archives").join(done.file.as_ref().unwrap());
    assert!(std::fs::read(&file).unwrap().starts_with(b"age-encryption.org/"));
    let mut opened = scene.open(&done).await;
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"PK") && bytes.len() as u64 == opened.size());
    let middle = opened.size() / 2;
    let (opened, piece) = opened.go_to(middle).await.unwrap().piece(1000).await.unwrap();
    let from = usize::try_from(middle).unwrap();
    assert_eq!(piece, bytes[from..(from + 1000).min(bytes.len())]);
    let manifest = opened.manifest().await.unwrap();
    assert_eq!(manifest.account.diaspora_id.to_string(), "greta@closing.example");
    let records: u64 = manifest.counts.values().sum();
    assert_eq!(i64::try_from(records).unwrap(), done.records.unwrap());

    // A link for the mail opens this one, and only as long as it is there.
    let links = Links::new(&scene.requests);
    let token = links.make(id, Duration::from_hours(1)).await.unwrap();
    assert_eq!(links.find(&token).await.unwrap().unwrap().id, id);
    assert_eq!(links.find(&token[1..]).await.unwrap(), None);
    let kept = scene.store.rows("a test", "SELECT token_sha256 FROM pappus_links", &[]).await.unwrap();
    assert!(!kept[0].get::<String>("token_sha256").unwrap().contains(&token));

    // Nobody else gets it, whatever number they name.
    let jonas = scene.user("jonas").await;
    assert_eq!(scene.requests.of(jonas, id).await.unwrap(), None);
    assert_eq!(scene.requests.archive(jonas, &Origin::Request(id)).await.unwrap(), None);
    assert!(!scene.requests.cancel(jonas, id).await.unwrap());

    assert_eq!(scene.requests.sweep(&scene.depot).await.unwrap(), 0);
    scene.sql("UPDATE pappus_requests SET expires_at = 1 WHERE state = 'done'").await;
    assert_eq!(scene.requests.sweep(&scene.depot).await.unwrap(), 1);
    assert!(!file.exists());
    let expired = scene.get(id).await;
    assert_eq!((expired.state, expired.file), (RequestState::Expired, None));
    assert_eq!(links.find(&token).await.unwrap(), None);
    assert!(matches!(scene.ask("greta", None).await, Asked::New(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passphrase_is_sealed_used_and_wiped() {
    let scene = Scene::new(None).await;
    let workshop = scene.workshop();
    let id = scene.ask("greta", Some("a long passphrase")).await.request().id;
    let sql = "SELECT key_passphrase FROM pappus_requests";
    let sealed = async || {
        let rows = scene.store.rows("a test", sql, &[]).await.unwrap();
        rows[0].get::<Option<Vec<u8>>>("key_passphrase").unwrap()
    };
    let before = sealed().await.unwrap();
    assert!(!String::from_utf8_lossy(&before).contains("passphrase"));
    assert_eq!(workshop.work_on_next().await.unwrap(), JobOutcome::Done);
    assert_eq!(sealed().await, None);
    let mut bytes = Vec::new();
    scene.open(&scene.get(id).await).await.read_to_end(&mut bytes).unwrap();
    let path = scene.root.path().join("greta.zip");
    std::fs::write(&path, bytes).unwrap();
    let document = crate::support::json(&path, "diaspora.json");
    let key = document["user"]["private_key"].as_str().unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{}", &key[..40]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_given_up_changes_nothing_any_more() {
    let scene = Scene::new(None).await;
    let (slow, quick) = (scene.workshop(), scene.workshop());
    let id = scene.ask("greta", None).await.request().id;
    // Cancelled in the middle, or before.
    let greta = scene.user("greta").await;
    assert!(scene.requests.cancel(greta, id).await.unwrap());
    assert_eq!(slow.work_on_next().await.unwrap(), JobOutcome::Nothing);
    assert_eq!(scene.get(id).await.state, RequestState::Cancelled);

    let id = scene.ask("greta", None).await.request().id;
    let working = tokio::spawn(async move { slow.work_on_next().await });
    // As if it had slept beyond its lease: somebody else takes over.
    let begun = Instant::now();
    while scene.get(id).await.state != RequestState::Running && begun.elapsed() < Duration::from_mins(2) {
        tokio::task::yield_now().await;
    }
    scene.sql("UPDATE pappus_requests SET lease_until = 1 WHERE state = 'running'").await;
    let second = quick.work_on_next().await.unwrap();
    let first = working.await.unwrap().unwrap();
    let done = [&first, &second].into_iter().filter(|worked| **worked == JobOutcome::Done).count();
    assert_eq!(done, 1, "{first:?} {second:?}");
    let request = scene.get(id).await;
    assert_eq!(request.state, RequestState::Done);
    let stored = scene.depot.stored(request.file.as_ref().unwrap()).await.unwrap().unwrap();
    assert_eq!(Some(stored.sha256), request.sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_away_is_waited_for() {
    let scene = Scene::new(None).await;
    let id = scene.ask("greta", None).await.request().id;
    let away = scene.workshop_on("postgres://nobody@127.0.0.1:1/nothing");
    let JobOutcome::Rescheduled(reason) = away.work_on_next().await.unwrap() else { panic!() };
    assert!(!reason.is_empty());
    let waiting = scene.get(id).await;
    assert_eq!((waiting.state, waiting.reason.as_deref()), (RequestState::Queued, Some(reason.as_str())));
    assert_eq!(away.work_on_next().await.unwrap(), JobOutcome::Nothing, "not before its time");
    scene.sql("UPDATE pappus_requests SET due_at = 1").await;
    assert_eq!(scene.workshop().work_on_next().await.unwrap(), JobOutcome::Done);

    // Somebody who is not there any more is told so at once.
    let gone = NewRequest {
        user_id: 4711,
        username: "nobody",
        account: "nobody@closing.example",
        key_passphrase: None,
        mail: false,
        language: "en",
        most: None,
    };
    scene.requests.ask(&gone, &scene.keys, TIME.parse().unwrap()).await.unwrap();
    assert!(matches!(scene.workshop().work_on_next().await.unwrap(), JobOutcome::Failed(_)));
}

/// Workers are dropped in the middle: each person has one archive in the end.
async fn nobody_is_lost(scene: Scene) {
    const NAMES: [&str; 6] = ["greta", "jonas", "ida", "yasmin", "emil", "clara"];
    let mut asked = Vec::new();
    for name in NAMES {
        asked.push(scene.ask(name, None).await.request().id);
    }
    // A program that dies in the middle: its task is aborted, its words stay in the tables.
    let stop = CancellationToken::new();
    let killed = tokio::spawn({
        let (queue, workshop, stop) = (scene.requests.queue().clone(), scene.workshop(), stop.clone());
        async move { queue.work(2, workshop, stop).await }
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    killed.abort();
    _ = killed.await;
    stop.cancel();
    scene.sql("UPDATE pappus_requests SET lease_until = 1 WHERE state = 'running'").await;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (queue, workshop, stop) = (scene.requests.queue().clone(), scene.workshop(), stop.clone());
        async move { queue.work(2, workshop, stop).await }
    });
    let begun = Instant::now();
    let open = "SELECT COUNT(*) AS found FROM pappus_requests WHERE state IN ('queued', 'running')";
    loop {
        let row = scene.store.first("a test", open, &[]).await.unwrap().unwrap();
        if row.get::<i64>("found").unwrap() == 0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "still open");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_mins(2), running).await.unwrap().unwrap();
    for id in &asked {
        let request = scene.get(*id).await;
        assert_eq!(request.state, RequestState::Done, "{request:?}");
        let archives = scene.requests.archives(request.user_id).await.unwrap();
        assert_eq!(archives.len(), 1);
    }
    assert_eq!(scene.requests.unnotified(100).await.unwrap().len(), asked.len());
    let address = scene.get(asked[0]).await.mail_to.unwrap();
    assert!(address.starts_with("sealed:"), "{address}");
    let unlock = scene.keys.unlock().unwrap().unwrap();
    assert_eq!(*open_text(&unlock, address).unwrap(), "greta@mail.example");
    for id in &asked {
        scene.requests.mark_notified(*id).await.unwrap();
    }
    assert!(scene.requests.unnotified(100).await.unwrap().is_empty());
    let files = crate::support::names(&scene.root.path().join("archives/requests"));
    assert_eq!(files.len(), asked.len(), "{files:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_lost_on_sqlite() {
    nobody_is_lost(Scene::new(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_lost_on_postgres() {
    let url = shared_postgres().await.unwrap().create_database("portal_requests").await.unwrap();
    nobody_is_lost(Scene::new(Some(&url)).await).await;
}

/// A clock that was set back: neither requests nor leases wait until their time comes again.
#[tokio::test(flavor = "multi_thread")]
async fn times_that_are_still_to_come() {
    let scene = Scene::new(None).await;
    let ahead = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + 31536000000";
    let waiting = scene.ask("greta", None).await.request().id;
    let in_hand = scene.ask("ida", None).await.request().id;
    scene.sql(&format!("UPDATE pappus_requests SET due_at = {ahead} WHERE id = {waiting}")).await;
    let hand = format!("UPDATE pappus_requests SET state = 'running', fence = 'dead', lease_until = {ahead}");
    scene.sql(&format!("{hand}, due_at = {ahead} WHERE id = {in_hand}")).await;
    let workshop = scene.workshop();
    for id in [waiting, in_hand] {
        assert_eq!(workshop.work_on_next().await.unwrap(), JobOutcome::Done);
        assert_eq!(scene.get(id).await.state, RequestState::Done);
    }
}

/// Whoever asks is served at once, not when idle workers look again.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_the_same_process_is_woken() {
    let scene = Scene::new(None).await;
    let running = tokio::spawn({
        let (queue, workshop) = (scene.requests.queue().clone(), scene.workshop());
        let stop = scene.stop.clone();
        async move { queue.work(1, workshop, stop).await }
    });
    let mut waited = Vec::new();
    for name in ["greta", "jonas", "ida", "yasmin"] {
        // In the middle of the worker's pause.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = Instant::now();
        let id = scene.ask(name, None).await.request().id;
        while scene.get(id).await.state == RequestState::Queued {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        waited.push(begun.elapsed());
        while scene.get(id).await.state != RequestState::Done {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", scene.get(id).await);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    waited.sort();
    assert!(waited[1] < Duration::from_millis(300), "{waited:?}");
    scene.stop.cancel();
    running.await.unwrap();
}

/// A request that ends every program that works on it is given up, whatever the others are.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_kills_its_workers_is_given_up() {
    let scene = Scene::new(None).await;
    let id = scene.ask("greta", None).await.request().id;
    let killed = "UPDATE pappus_requests SET state = 'running', fence = 'dead', lease_until = 1";
    scene.sql(&format!("{killed}, deaths = 3")).await;
    let workshop = scene.workshop();
    assert_eq!(workshop.work_on_next().await.unwrap(), JobOutcome::Done, "four may have had other causes");
    let again = scene.ask("greta", None).await.request().id;
    assert_ne!(again, id);
    scene.sql(&format!("{killed}, deaths = 4 WHERE id = {again}")).await;
    let JobOutcome::Failed(reason) = workshop.work_on_next().await.unwrap() else { panic!() };
    assert!(reason.contains("5 programs"), "{reason}");
    let failed = scene.get(again).await;
    assert_eq!((failed.state, failed.reason), (RequestState::Failed, Some(reason)));
    assert_eq!(workshop.work_on_next().await.unwrap(), JobOutcome::Nothing);
}
