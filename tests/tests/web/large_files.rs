//! A large archive comes in over a line that breaks and past a service that is killed, and goes out again in the same
//! way, while the service needs no more memory than for a small one.
//!
//! `PAPPUS_TEST_MEGABYTES` says how large it is.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::closing::{Closing, archive_on};
use crate::support::{Pod, names};
use crate::web::newcomers::{Scene, begin};
use pappus_tests::program::pappus;
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};

/// How often the line breaks, each way.
const BREAKS: u64 = 5;
/// What the service may take at most, in kB: a development build needs some 60 MB by itself.
const MEMORY: u64 = 160_000;
/// Longest time anything here may take.
const PATIENCE: Duration = Duration::from_mins(20);

fn megabytes() -> u64 {
    std::env::vars()
        .find(|(name, _)| name == "PAPPUS_TEST_MEGABYTES")
        .map_or(24, |(_, number)| number.parse().unwrap())
}

/// Makes the photos of a pod so large that each account has about so many bytes; they stay pictures, as nobody reads what
/// comes behind one.
fn make_large(pod: &Pod) {
    let images = pod.path("uploads/images");
    let originals: Vec<PathBuf> = names(&images)
        .into_iter()
        .filter(|name| !["thumb_", "scaled_"].iter().any(|size| name.starts_with(size)))
        .map(|name| images.join(name))
        .filter(|path| path.is_file())
        .collect();
    let mut noise = File::open("/dev/urandom").unwrap();
    let mut block = vec![0; 1 << 20];
    for _ in 0..megabytes() {
        noise.read_exact(&mut block).unwrap();
        let photo = &originals[usize::from(block[0]) % originals.len()];
        OpenOptions::new().append(true).open(photo).unwrap().write_all(&block).unwrap();
    }
}

/// The most memory a service had so far, in kB.
fn memory(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends what lies between two places of a file, having promised everything up to its end, and hangs up.
fn send_some(service: &Service, browser: &Browser, place: &str, archive: &Path, from: u64, to: u64) {
    let host = service.url.trim_start_matches("http://").trim_end_matches('/');
    let mut file = File::open(archive).unwrap();
    let rest = file.metadata().unwrap().len() - from;
    file.seek(SeekFrom::Start(from)).unwrap();
    let mut line = TcpStream::connect(host).unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {from}\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {rest}\r\n\r\n",
        browser.cookie_header()
    );
    line.write_all(head.as_bytes()).unwrap();
    std::io::copy(&mut file.take(to - from), &mut line).unwrap();
    if to - from == rest {
        let mut answer = [0; 12];
        line.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 204");
    }
}

/// Where an upload goes on, when nothing more of it comes.
async fn offset(browser: &mut Browser, place: &str) -> u64 {
    let mut last = None;
    loop {
        let headers = [("tus-resumable", "1.0.0")];
        let answer = browser.send(Method::HEAD, place, &headers, Vec::new()).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        let there: u64 = answer.header("upload-offset").parse().unwrap();
        if last == Some(there) {
            return there;
        }
        last = Some(there);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_over_broken_lines() {
    let scene = Scene::with(make_large).await;
    let size = scene.archive.metadata().unwrap().len();
    let mut service = scene.serve(None, &format!("admission = \"open\"\n{}", scene.trusted()));
    let mut browser = begin(&service).await;
    let length = size.to_string();
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", length.as_str()),
        ("upload-metadata", "part YXJjaGl2ZQ=="),
    ];
    let made = browser.send(Method::POST, "/newcomers/uploads", &headers, Vec::new()).await.unwrap();
    assert_eq!(made.status, StatusCode::CREATED);
    let place = made.header("location").to_owned();
    let mut most = 0;
    for broken in 1..=BREAKS {
        let from = offset(&mut browser, &place).await;
        assert!(from <= size * (broken - 1) / (BREAKS + 1), "more is there than was sent");
        send_some(&service, &browser, &place, &scene.archive, from, size * broken / (BREAKS + 1));
        most = most.max(memory(&service));
        if broken == 3 {
            service.kill_and_start().unwrap();
        }
    }
    let from = offset(&mut browser, &place).await;
    assert!(from > 0, "nothing is kept of what came over broken lines");
    send_some(&service, &browser, &place, &scene.archive, from, size);
    browser.open("/newcomers").await.unwrap();
    browser.submit("/newcomers/look", &[]).await.unwrap();
    let begun = Instant::now();
    while !browser.open("/newcomers").await.unwrap().text().contains("Your archive is valid") {
        assert!(begun.elapsed() < PATIENCE, "it is never looked at");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    most = most.max(memory(&service));
    println!("in: {} MB, {most} kB of memory", size >> 20);
    assert!(most < MEMORY, "{most} kB");
}

#[tokio::test(flavor = "multi_thread")]
async fn out_over_broken_lines() {
    let pod = Pod::sqlite().await;
    make_large(&pod);
    let mut scene = Closing::on(pod, None, "");
    let mut ida = scene.signed_in("ida").await;
    ida.submit("/archive/ask", &[]).await.unwrap();
    let begun = Instant::now();
    let path = loop {
        let page = ida.open("/archive").await.unwrap();
        if page.text().contains("/file/") {
            break archive_on(&page);
        }
        assert!(begun.elapsed() < PATIENCE, "{}", page.text());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let head = ida.send(Method::HEAD, &path, &[], Vec::new()).await.unwrap();
    let (size, tag) = (head.header("content-length").parse::<u64>().unwrap(), head.header("etag").to_owned());
    let target = scene.folder.path().join("ida.zip");
    let mut file = File::create(&target).unwrap();
    let (mut most, mut there) = (0, 0_u64);
    for part in 1..=BREAKS + 1 {
        let range = format!("bytes={there}-");
        let headers = [("range", range.as_str()), ("if-range", tag.as_str())];
        let mut answer = ida.begin(Method::GET, &path, &headers, Vec::new()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
        // The answer is dropped, and the line with it, before all of it is read; but for the last.
        while there < size * part / (BREAKS + 1) {
            let piece = answer.chunk().await.unwrap().unwrap();
            file.write_all(&piece).unwrap();
            there += piece.len() as u64;
        }
        drop(answer);
        most = most.max(memory(&scene.service));
        if part == 3 {
            scene.service.kill_and_start().unwrap();
        }
    }
    println!("out: {} MB, {most} kB of memory", size >> 20);
    assert!(most < MEMORY, "{most} kB");
    let ended = pappus(["verify", target.to_str().unwrap()]).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
