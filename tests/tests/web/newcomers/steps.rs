//! Whatever a stranger's file does to the process that works on it, the service stays up and others come in.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::pause::store;
use super::{
    PASSWORD, Scene, announce, begin_by_program, choose_by_program, come, hand_in_by_program, state,
};
use crate::support::closing::{until, until_right};
use crate::support::living_pods::LivingPods;
use crate::support::{json, number};
use pappus_tests::door::Mover;
use pappus_tests::service::{Answer, Browser, Service};
use reqwest::Method;
use serde_json::{Value, json as value};

/// Ida's archive as a stock pod writes it, with other posts.
fn with_posts(
    scene: &Scene,
    name: &str,
    posts: impl Fn(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> PathBuf {
    let mut document = json(&scene.archive, "diaspora.json");
    document["user"]["posts"] = value!(["POSTS"]);
    let text = document.to_string();
    let (before, after) = text.split_once("\"POSTS\"").unwrap();
    let path = scene.folder.path().join(name);
    let file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packed.write_all(before.as_bytes()).unwrap();
    posts(&mut packed).unwrap();
    packed.write_all(after.as_bytes()).unwrap();
    packed.finish().unwrap().flush().unwrap();
    path
}

/// Posts that are no posts, so many that looking at them takes long.
pub(super) fn endless(scene: &Scene) -> PathBuf {
    with_posts(scene, "endless.json.gz", |file| {
        for _ in 0..3_000 {
            file.write_all("{},".repeat(1_000).as_bytes())?;
        }
        file.write_all(b"{}")
    })
}

/// Posts just below the longest that is read.
fn heavy(scene: &Scene, count: usize) -> PathBuf {
    with_posts(scene, "heavy.json.gz", |file| {
        let text = "all work and no play ".repeat(700_000);
        for number in 0..count {
            let comma = if number == 0 { "" } else { "," };
            let post = value!({
                "entity_type": "status_message",
                "entity_data": {
                    "author": "ida@closing.example", "guid": format!("{number:032x}"),
                    "created_at": "2024-01-01T00:00:00Z", "public": true, "text": text, "photos": [],
                },
            });
            write!(file, "{comma}{post}")?;
        }
        Ok(())
    })
}

/// The processes that this one has begun.
fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let of = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        if of.is_some_and(|of| of.trim() == parent.to_string()) && !status.contains("State:\tZ") {
            found.push(id);
        }
    }
    found
}

pub(super) async fn child_of(service: &Service) -> u32 {
    let begun = Instant::now();
    loop {
        if let [child] = children(service.id())[..] {
            return child;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no process works on the archive");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn kill(process: u32) {
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}

pub(super) async fn is_gone(process: u32) {
    let begun = Instant::now();
    let place = format!("/proc/{process}");
    while Path::new(&place).exists()
        && !std::fs::read_to_string(format!("{place}/status")).unwrap_or_default().contains("State:\tZ")
    {
        assert!(begun.elapsed() < Duration::from_secs(10), "process {process} stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(super) async fn hand_in(service: &Service, archive: &Path) -> Mover {
    let mut browser = begin_by_program(service, value!({})).await;
    hand_in_by_program(&mut browser, archive).await;
    browser
}

async fn now(browser: &mut Browser) -> Value {
    let answer = browser.send(Method::GET, "/api/v1/newcomers/me", &[], Vec::new()).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

/// The most memory a process has ever had, in megabytes.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1000
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_a_process_with_limits_that_ends_with_the_service() {
    let scene = Scene::new().await;
    let limits = "admission = \"approval\"\nstep_megabytes = 200\nstep_processor_minutes = 3";
    let mut service = scene.serve(None, limits);
    let mut ida = hand_in(&service, &endless(&scene)).await;

    let child = child_of(&service).await;
    let begun = Instant::now();
    loop {
        // It sets its limits itself, as the first thing.
        let limits = std::fs::read_to_string(format!("/proc/{child}/limits")).unwrap();
        let limit = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            (words[0].clone(), words[1].clone())
        };
        if limit("Max cpu time").0 == "180" {
            assert_eq!(limit("Max data size"), ("200000000".to_owned(), "200000000".to_owned()));
            assert_eq!(limit("Max core file size").1, "0");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{limits}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let arguments = std::fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap();
    assert_eq!(arguments, "pappus\0newcomer-step\0", "nothing secret stands there");
    service.kill_and_start().unwrap();
    is_gone(child).await;

    // A process that is killed is no reason to refuse the archive, three of them are.
    for _ in 0..3 {
        assert_eq!(now(&mut ida).await["state"], "checking");
        let next = child_of(&service).await;
        kill(next);
        is_gone(next).await;
    }
    let refused = state(&mut ida, "refused").await;
    assert_eq!(refused["problem"], "too_heavy", "{refused}");
    let page = ida.open("/newcomers").await.unwrap().text();
    assert!(page.contains("failed several times"), "{page}");
    assert_eq!(children(service.id()), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_heavy_is_refused_while_others_come_in() {
    let scene = Scene::new().await;
    let service =
        scene.serve(None, &format!("admission = \"open\"\nstep_megabytes = 64\n{}", scene.trusted()));
    let mut heavy = hand_in(&service, &heavy(&scene, 5)).await;
    let mut ida = hand_in(&service, &scene.archive).await;
    let checked = state(&mut ida, "checked").await;
    assert_eq!(checked["old_account"], "ida@closing.example");
    let refused = state(&mut heavy, "refused").await;
    assert_eq!(refused["problem"], "too_heavy", "{refused}");
    assert!(refused["reason"].as_str().unwrap().contains("3 times"), "{refused}");
    assert!(peak(service.id()) < 200, "the service itself reads no archive: {} MB", peak(service.id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_archives_were_too_heavy_has_fewer_tries_and_in_the_end_none() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"open\"\nstep_megabytes = 64");
    let mut mover = hand_in(&service, &heavy(&scene, 5)).await;
    state(&mut mover, "refused").await;
    let store = store(&scene).await;
    // The same file, then three others.
    for (posts, deaths, reason) in
        [(5, 3, "the same files"), (6, 4, "died 4 times"), (7, 5, "died 5 times"), (8, 5, "none is checked")]
    {
        hand_in_by_program(&mut mover, &heavy(&scene, posts)).await;
        let refused = state(&mut mover, "refused").await;
        assert_eq!(refused["problem"], "too_heavy", "{refused}");
        assert!(refused["reason"].as_str().unwrap().contains(reason), "{reason}: {refused}");
        assert_eq!(number(&store, "SELECT deaths FROM pappus_newcomers").await, deaths, "{posts} posts");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_archives_of_a_newcomer_together_ask_no_more_pods_than_allowed() {
    let scene = Scene::new().await;
    let limits = format!("admission = \"open\"\nmax_hosts = 2\n{}", scene.trusted());
    let sections = scene.sections(None, &limits).replace("ask_pods = false", "ask_pods = true");
    let service = Service::start(scene.folder.path(), &sections).unwrap();
    let mut mover = hand_in(&service, &scene.archive).await;
    state(&mut mover, "checked").await;
    let store = store(&scene).await;
    let asked = async || {
        let sql = "SELECT host FROM pappus_newcomer_hosts ORDER BY host";
        let rows = store.rows("a test", sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get("host").unwrap()).collect::<Vec<String>>()
    };
    let first = asked().await;
    assert_eq!(first.len(), 2, "{first:?}");
    hand_in_by_program(&mut mover, &scene.source.archive("out", "greta")).await;
    state(&mut mover, "checked").await;
    assert_eq!(asked().await, first);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_checks_ask_the_same_pod_only_so_often() {
    let (scene, pods) = (Scene::new().await, LivingPods::start().await);
    let archive = pods.export("ida");
    let near = format!("allow_hosts = [{:?}, {:?}, ", pods.closing, pods.contacts);
    let sections = scene.sections(None, "admission = \"open\"");
    let sections = sections.replace("ask_pods = false", "ask_pods = true").replace("allow_hosts = [", &near);
    let service = Service::start(scene.folder.path(), &sections).unwrap();
    let mut mover = hand_in(&service, &archive).await;
    let (mut contacts, mut old) = (Vec::new(), Vec::new());
    for check in 1..=7 {
        if check > 1 {
            hand_in_by_program(&mut mover, &archive).await;
        }
        assert_eq!(state(&mut mover, "checked").await["proof"], "hcard", "whose archive it is, is asked");
        contacts.push(pods.asked_for(&pods.contacts).len());
        old.push(pods.asked_for(&format!("resource=acct:ida@{}", pods.closing)).len());
    }
    assert!(contacts[0] > 0 && contacts[..5].is_sorted_by(|one, next| one < next), "{contacts:?}");
    assert_eq!((contacts[4], contacts[4]), (contacts[5], contacts[6]), "{contacts:?}");
    assert!(old.is_sorted_by(|one, next| one < next), "{old:?}");
    let store = store(&scene).await;
    let sql = format!("SELECT checks FROM pappus_newcomer_hosts WHERE host = '{}'", pods.contacts);
    assert_eq!(number(&store, &sql).await, 5);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_posts_take_little_memory() {
    let scene = Scene::new().await;
    let service = scene.serve(None, "admission = \"approval\"\nstep_megabytes = 300");
    let mut ida = hand_in(&service, &heavy(&scene, 24)).await;
    let checked = state(&mut ida, "checked").await;
    assert_eq!(checked["plan"]["kinds"]["status_messages"]["in_archive"], 24, "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn before_a_podmin_has_seen_a_move_not_too_many_pods_are_called() {
    let scene = Scene::new().await;
    {
        let service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
        let greta = scene.source.archive("out", "greta");
        let mut greta = come(&service, &greta, "greta").await;
        until(&mut greta, "/newcomers", "Import complete").await;
        scene.make_podmin("greta").await;
    }
    let limits = format!("admission = \"open\"\nmax_hosts = 2\nundo_minutes = 0\n{}", scene.trusted());
    let service = scene.serve(None, &limits);
    let mut ida = hand_in(&service, &scene.archive).await;
    state(&mut ida, "checked").await;
    choose_by_program(&mut ida, "ida").await;
    let waits = until_right(&mut ida, "/api/v1/newcomers/me", |me| me["problem"] == "many_pods").await;
    assert_eq!(waits["state"], "imported");
    // Nobody gets round the podmin.
    announce(&mut ida).await;
    until_right(&mut ida, "/api/v1/newcomers/me", |me| me["problem"] == "many_pods").await;
    assert_eq!(scene.received.load(Ordering::SeqCst), 0, "nobody was called");

    let mut podmin = Browser::new(&service.url).unwrap();
    podmin.sign_in("greta", PASSWORD).await.unwrap();
    let page = podmin.open("/board/newcomers").await.unwrap();
    assert!(page.text().contains("Tell all these pods"), "{}", page.text());
    let number = scene_number(&page);
    let path = format!("/board/newcomers/{number}");
    let page = podmin.submit(&path, &[("act", "announce")]).await.unwrap().text();
    assert!(page.contains("The pods are being told of the move."), "{page}");
    state(&mut ida, "announced").await;
}

/// The number of whose announcement waits.
fn scene_number(page: &Answer) -> String {
    let text = page.text();
    let (before, _) = text.split_once("value=\"announce\"").unwrap();
    let (_, place) = before.rsplit_once("action=\"/board/newcomers/").unwrap();
    place.split_once('"').unwrap().0.to_owned()
}
