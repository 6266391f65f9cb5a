//! What is uploaded stays within its limits, and nothing replaces an archive that is in use.

use std::path::PathBuf;
use std::time::Duration;

use super::by_program::call;
use super::pause::store;
use super::{Scene, begin, begin_by_program, choose_by_program, hand_in, hand_in_by_program, send, state};
use pappus_tests::cluster::shared_postgres;
use pappus_tests::door::{ARCHIVE, Mover, PHOTOS, TUS, send_piece};
use pappus_tests::service::{Answer, Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MANY: &str = "admission = \"open\"\nper_address = 1000\nper_day = 1000";

/// Two archives of this size fit below the limits of these tests, and three do not.
const BYTES: usize = 10_000_000;

/// Begins an upload of so many bytes.
async fn create(script: &mut Mover, part: &str, bytes: usize) -> Answer {
    script.create(part, bytes).await.unwrap()
}

async fn delete(script: &mut Browser, place: &str) -> StatusCode {
    script.send(Method::DELETE, place, &[TUS], Vec::new()).await.unwrap().status
}

/// A request whose body comes slowly.
struct Slow(TcpStream);

impl Slow {
    /// Begins a piece of `bytes` bytes at the beginning of a file, and sends the first of them.
    async fn patch(service: &Service, script: &Browser, place: &str, bytes: usize, first: &[u8]) -> Self {
        let address = service.url.trim_start_matches("http://").trim_end_matches('/');
        let (_, secret) = script.headers.iter().find(|(name, _)| *name == "authorization").unwrap();
        let head = format!(
            "PATCH {place} HTTP/1.1\r\nhost: {address}\r\nauthorization: {secret}\r\ntus-resumable: 1.0.0\r\n\
             content-type: application/offset+octet-stream\r\nupload-offset: 0\r\ncontent-length: {bytes}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(first).await.unwrap();
        Self(stream)
    }

    /// The status of the answer, within a few seconds.
    async fn status(&mut self) -> u16 {
        let mut head = [0; 12];
        let reading = tokio::time::timeout(Duration::from_secs(8), self.0.read_exact(&mut head));
        reading.await.unwrap().unwrap();
        std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
    }
}

impl Scene {
    fn folder_of(&self, id: i64) -> PathBuf {
        self.folder.path().join(format!("state/pods/haven.example/newcomers/n{id}"))
    }

    /// Waits until pieces of somebody's upload are being written.
    async fn is_written(&self, id: i64) {
        for _ in 0..500 {
            let files = self.files_of(id);
            let pieces = files.iter().find(|name| name.starts_with("pieces-"));
            let path = pieces.map(|name| self.folder_of(id).join(name));
            if path.is_some_and(|path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing is written");
    }

    fn files_of(&self, id: i64) -> Vec<String> {
        let folder = std::fs::read_dir(self.folder_of(id));
        let files = folder.into_iter().flatten();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promised_bytes_are_reserved() {
    promised_bytes(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promised_bytes_are_reserved_in_a_store_on_postgresql() {
    let server = shared_postgres().await.unwrap();
    promised_bytes(Some(&server.create_database("upload_space").await.unwrap())).await;
}

/// A last answer may be lost: a program that repeats its piece hears what is there, and the file counts as before.
#[tokio::test(flavor = "multi_thread")]
async fn a_piece_for_a_complete_file_changes_nothing() {
    let scene = Scene::new().await;
    let limits = format!("{MANY}\nmax_megabytes = 12\nmax_total_megabytes = 25");
    let service = scene.serve(None, &limits);
    let mut person = begin_by_program(&service, json!({})).await;
    let place = create(&mut person, ARCHIVE, BYTES).await.location().to_owned();
    let whole = send_piece(&mut person, &place, 0, vec![7; BYTES]).await.unwrap();
    assert_eq!(whole.status, StatusCode::NO_CONTENT);
    for (at, bytes, status) in [
        (BYTES, 0, StatusCode::NO_CONTENT),
        (BYTES, 5, StatusCode::NO_CONTENT),
        (0, 5, StatusCode::CONFLICT),
        (BYTES + 1, 5, StatusCode::CONFLICT),
    ] {
        let answer = send_piece(&mut person, &place, at, vec![8; bytes]).await.unwrap();
        assert_eq!(answer.status, status, "{at}: {}", answer.text());
        assert_eq!(answer.headers["upload-offset"], BYTES.to_string(), "{at}");
    }
    // Another archive is begun and given up; the first one is still there, and counts.
    let other = create(&mut person, ARCHIVE, BYTES).await;
    assert_eq!(other.status, StatusCode::CREATED);
    let other = other.location().to_owned();
    assert_eq!(delete(&mut person, &other).await, StatusCode::NO_CONTENT);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let mut next = begin_by_program(&service, json!({})).await;
        statuses.push(create(&mut next, ARCHIVE, BYTES).await.status);
    }
    assert_eq!(
        statuses,
        [StatusCode::CREATED, StatusCode::INSUFFICIENT_STORAGE],
        "25 MB are two archives of 10"
    );
}

/// A podmin may approve between the service's look at the state and its change. A trigger stands for them here.
#[tokio::test(flavor = "multi_thread")]
async fn cancelling_too_late_is_refused_and_ends_no_upload() {
    let scene = Scene::new().await;
    let service = scene.serve(None, MANY);
    let mut script = begin_by_program(&service, json!({})).await;
    let place = create(&mut script, ARCHIVE, 70_000).await.location().to_owned();
    let mut browser = begin(&service).await;
    let store = store(&scene).await;
    let trigger = "CREATE TRIGGER too_late BEFORE UPDATE ON pappus_newcomers WHEN NEW.state = 'expired' \
                   BEGIN SELECT RAISE(IGNORE); END";
    store.execute("a test", trigger, &[]).await.unwrap();
    let refused = call(&mut script, Method::DELETE, "", None).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    let upload = script.send(Method::HEAD, &place, &[TUS], Vec::new()).await.unwrap();
    assert_eq!(upload.status, StatusCode::OK);
    let refused = browser.fill("/newcomers", "/newcomers/leave", &[("confirmed", "yes")]).await.unwrap();
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    let page = browser.open("/newcomers").await.unwrap().text();
    assert!(page.contains("Upload your archive"), "the cookie is kept: {page}");

    store.execute("a test", "DROP TRIGGER too_late", &[]).await.unwrap();
    store.close().await;
    assert_eq!(call(&mut script, Method::DELETE, "", None).await.status, StatusCode::NO_CONTENT);
    let left = browser.fill("/newcomers", "/newcomers/leave", &[("confirmed", "yes")]).await.unwrap();
    assert_eq!(left.location(), "/newcomers?left=yes");
}

async fn promised_bytes(store: Option<&str>) {
    let scene = Scene::new().await;
    let limits = format!("{MANY}\nmax_megabytes = 12\nmax_total_megabytes = 25");
    let mut service = scene.serve(store, &limits);
    let mut people = Vec::new();
    for _ in 0..8 {
        people.push(begin_by_program(&service, json!({})).await);
    }
    let tries = people.into_iter().map(|mut script| async move {
        let answer = create(&mut script, ARCHIVE, 10_000_000).await;
        (script, answer)
    });
    let (mut taken, mut full) = (Vec::new(), Vec::new());
    for (script, answer) in futures_util::future::join_all(tries).await {
        match answer.status {
            StatusCode::CREATED => taken.push((script, answer.location().to_owned())),
            StatusCode::INSUFFICIENT_STORAGE => full.push(script),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!((taken.len(), full.len()), (2, 6), "25 MB are two archives of 10");

    // One person has 12 MB, in both files together, and the rest of a killed service's promises still stand.
    service.kill_and_start().unwrap();
    let mut late = full.pop().unwrap();
    let (mut first, place) = taken.pop().unwrap();
    let both = create(&mut first, PHOTOS, 3_000_000).await;
    assert_eq!(both.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(create(&mut late, ARCHIVE, 10_000_000).await.status, StatusCode::INSUFFICIENT_STORAGE);
    // A form counts like everything else.
    let mut form = begin(&service).await;
    let page = hand_in(&mut form, None, &vec![b'x'; 6_000_000]).await.text();
    assert!(page.contains("no space"), "{page}");
    // Who gives up makes room; who begins again for the same part has their old promise back.
    assert_eq!(delete(&mut first, &place).await, StatusCode::NO_CONTENT);
    let place = create(&mut late, ARCHIVE, 10_000_000).await;
    assert_eq!(place.status, StatusCode::CREATED);
    assert_eq!(create(&mut late, ARCHIVE, 11_000_000).await.status, StatusCode::CREATED);
    let page = hand_in(&mut form, None, &vec![b'x'; 3_000_000]).await.text();
    assert!(!page.contains("no space"), "{page}");
    // That file is whole; it keeps its place.
    assert_eq!(create(&mut first, ARCHIVE, 2_000_000).await.status, StatusCode::INSUFFICIENT_STORAGE);
    let left = call(&mut late, Method::DELETE, "", None).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    assert_eq!(create(&mut first, ARCHIVE, 2_000_000).await.status, StatusCode::CREATED);
}

/// An upload can be resumed for days, long after the space for its rest was given back: its bytes are on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_upload_counts_with_what_has_arrived() {
    let scene = Scene::new().await;
    let limits = format!("{MANY}\nmax_megabytes = 12\nmax_total_megabytes = 12");
    let mut service = scene.serve(None, &limits);
    let mut paused = begin_by_program(&service, json!({})).await;
    let place = create(&mut paused, ARCHIVE, BYTES).await.location().to_owned();
    let first = send_piece(&mut paused, &place, 0, vec![7; 4_000_000]).await.unwrap();
    assert_eq!(first.status, StatusCode::NO_CONTENT);
    // Nothing arrives for hours; the service looks at its start.
    let hours = "UPDATE pappus_upload_space SET expires_at = 1";
    let store = store(&scene).await;
    store.execute("a test", hours, &[]).await.unwrap();
    store.close().await;
    service.kill_and_start().unwrap();

    let mut other = begin_by_program(&service, json!({})).await;
    assert_eq!(create(&mut other, ARCHIVE, BYTES).await.status, StatusCode::INSUFFICIENT_STORAGE);
    let mut created = StatusCode::INSUFFICIENT_STORAGE;
    for _ in 0..200 {
        created = create(&mut other, ARCHIVE, 7_000_000).await.status;
        if created == StatusCode::CREATED {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(created, StatusCode::CREATED, "of 12 MB, 4 are taken");
    // No space for the rest now, but nothing is lost.
    let rest = vec![7; BYTES - 4_000_000];
    let full = send_piece(&mut paused, &place, 4_000_000, rest.clone()).await.unwrap();
    assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(call(&mut other, Method::DELETE, "", None).await.status, StatusCode::NO_CONTENT);
    let whole = send_piece(&mut paused, &place, 4_000_000, rest).await.unwrap();
    assert_eq!(whole.status, StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_fill_the_disk_is_not_promised() {
    let scene = Scene::new().await;
    let mut disk = std::process::Command::new("df");
    let disk = disk.args(["-B1", "--output=avail"]).arg(scene.folder.path()).output().unwrap();
    let free: u64 = String::from_utf8_lossy(&disk.stdout).lines().nth(1).unwrap().trim().parse().unwrap();
    // Two of them take nine tenths of what is free, without a byte of theirs being there.
    let (most, bytes) = (free / 1_000_000 * 2, usize::try_from(free / 100 * 45).unwrap());
    let service = scene.serve(None, &format!("{MANY}\nmax_megabytes = {most}\nmax_total_megabytes = {most}"));
    let (mut statuses, store) = (Vec::new(), store(&scene).await);
    for _ in 0..3 {
        let mut script = begin_by_program(&service, json!({})).await;
        statuses.push(create(&mut script, ARCHIVE, bytes).await.status.as_u16());
        // As if so much had arrived that the rest is reserved.
        let all = format!("UPDATE pappus_upload_space SET bytes = {bytes}");
        store.execute("a test", &all, &[]).await.unwrap();
    }
    assert_eq!(statuses, [201, 201, 507]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_upload_ends_what_is_being_written_to_it() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("{MANY}\nmax_megabytes = 12\nmax_total_megabytes = 12"));
    let mut ida = begin_by_program(&service, json!({})).await;
    for leaves in [false, true] {
        let place = create(&mut ida, ARCHIVE, 10_000_000).await.location().to_owned();
        let mut running = Slow::patch(&service, &ida, &place, 10_000_000, &vec![b'x'; 100_000]).await;
        scene.is_written(1).await;
        if leaves {
            assert_eq!(call(&mut ida, Method::DELETE, "", None).await.status, StatusCode::NO_CONTENT);
        } else {
            assert_eq!(delete(&mut ida, &place).await, StatusCode::NO_CONTENT);
        }
        assert_eq!(running.status().await, 410, "leaves: {leaves}");
        assert_eq!(scene.files_of(1), Vec::<String>::new(), "leaves: {leaves}");
    }
    let mut next = begin_by_program(&service, json!({})).await;
    assert_eq!(create(&mut next, ARCHIVE, 11_000_000).await.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_too_often_at_once() {
    begin_at_once(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_too_often_at_once_in_a_store_on_postgresql() {
    let server = shared_postgres().await.unwrap();
    begin_at_once(Some(&server.create_database("begin_at_once").await.unwrap())).await;
}

async fn begin_at_once(store: Option<&str>) {
    let scene = Scene::new().await;
    let service = scene.serve(store, "admission = \"open\"\nper_address = 5");
    let tries = (0..95).map(|_| {
        let mut script = Browser::new(&service.url).unwrap();
        async move {
            let headers = [("content-type", "application/json")];
            script.send(Method::POST, "/api/v1/newcomers", &headers, b"{}".to_vec()).await.unwrap().status
        }
    });
    let answers = futures_util::future::join_all(tries).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(StatusCode::CREATED), count(StatusCode::TOO_MANY_REQUESTS)), (5, 90), "{answers:?}");
}

/// Which moves have been announced, by the old account.
async fn announced(scene: &Scene) -> Vec<String> {
    let sql = "SELECT old_id FROM pappus_imports WHERE state = 'announced' ORDER BY old_id";
    let rows = store(scene).await.rows("looking at imports", sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get("old_id").unwrap()).collect()
}

/// Somebody comes, as far as the pause for undo.
async fn arrive(service: &Service, archive: &std::path::Path, name: &str) -> Mover {
    let mut script = begin_by_program(service, json!({})).await;
    hand_in_by_program(&mut script, archive).await;
    state(&mut script, "checked").await;
    choose_by_program(&mut script, name).await;
    state(&mut script, "imported").await;
    script
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_ends_after_the_hand_in_replaces_nothing() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("{MANY}\n{}", scene.trusted()));
    let others = scene.source.archive("out", "greta");
    arrive(&service, &others, "greta").await;

    let mut ida = begin_by_program(&service, json!({})).await;
    let own = std::fs::read(&scene.archive).unwrap();
    let place = create(&mut ida, ARCHIVE, own.len()).await.location().to_owned();
    assert_eq!(send(&mut ida, &place, 0, own.clone()).await.status, StatusCode::NO_CONTENT);
    let bytes = std::fs::read(&others).unwrap();
    let (last, first) = bytes.split_last().unwrap();
    let place = create(&mut ida, ARCHIVE, bytes.len()).await.location().to_owned();
    let mut running = Slow::patch(&service, &ida, &place, bytes.len(), first).await;
    scene.is_written(2).await;
    assert_eq!(call(&mut ida, Method::POST, "/look", Some("{}")).await.status, StatusCode::ACCEPTED);
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    state(&mut ida, "imported").await;
    // The last byte may come, or nobody may listen any more.
    _ = running.0.write_all(&[*last]).await;
    let status = running.status().await;
    assert!((400..500).contains(&status), "{status}");
    let kept = std::fs::read(scene.folder_of(2).join("archive")).unwrap();
    assert!(kept == own, "the archive of the hand-in is still there");
    assert_eq!(scene.files_of(2), ["archive"]);
    assert_eq!(call(&mut ida, Method::POST, "/announce", Some("{}")).await.status, StatusCode::ACCEPTED);
    state(&mut ida, "announced").await;
    assert_eq!(announced(&scene).await, ["ida@closing.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_announces_the_move_of_another() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("{MANY}\n{}", scene.trusted()));
    let others = scene.source.archive("out", "greta");
    arrive(&service, &others, "greta").await;
    let mut ida = arrive(&service, &scene.archive, "ida").await;
    std::fs::copy(&others, scene.folder_of(2).join("archive")).unwrap();
    assert_eq!(call(&mut ida, Method::POST, "/announce", Some("{}")).await.status, StatusCode::ACCEPTED);
    let stopped = state(&mut ida, "imported").await;
    assert_eq!(stopped["problem"], "changed", "{stopped}");
    assert_eq!(announced(&scene).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_takes_the_plan_of_the_old_one_back() {
    let scene = Scene::new().await;
    let service = scene.serve(None, &format!("{MANY}\n{}", scene.trusted()));
    let mut ida = begin_by_program(&service, json!({})).await;
    hand_in_by_program(&mut ida, &scene.archive).await;
    state(&mut ida, "checked").await;
    let bytes = std::fs::read(scene.source.archive("out", "greta")).unwrap();
    let place = create(&mut ida, ARCHIVE, bytes.len()).await.location().to_owned();
    assert_eq!(state(&mut ida, "checked").await["old_account"], "ida@closing.example");
    assert_eq!(send(&mut ida, &place, 0, bytes).await.status, StatusCode::NO_CONTENT);
    let now = state(&mut ida, "uploading").await;
    assert!(now["plan"].is_null() && now["old_account"].is_null(), "{now}");
    let choice = json!({ "username": "ida", "email": "i@mail.example", "password": super::PASSWORD });
    let chosen = call(&mut ida, Method::POST, "/choice", Some(&choice.to_string())).await;
    assert_eq!(chosen.status, StatusCode::CONFLICT);
    assert_eq!(call(&mut ida, Method::POST, "/look", Some("{}")).await.status, StatusCode::ACCEPTED);
    assert_eq!(state(&mut ida, "checked").await["old_account"], "greta@closing.example");
}
