//! In front of the service: who may stand between it and people, how many connections one address may hold, and how
//! slowly they may speak.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pappus_tests::program::program;
use pappus_tests::sample::PASSWORD;
use pappus_tests::service::{Browser, Service};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::Pod;
use crate::support::closing::{folder_with_key, sections};
use crate::web::newcomers::{Scene, begin_by_program, imported_by_program};

const SECOND: Duration = Duration::from_secs(1);

/// A service of which nothing is needed but that it is there.
fn serve(web: &str) -> (Service, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let sections = format!("{web}\n[pod]\nurl = \"https://closing.example\"\n[store]\nstate = \"state\"\n");
    (Service::start(folder.path(), &sections).unwrap(), folder)
}

fn address(service: &Service) -> std::net::SocketAddr {
    service.url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
}

/// Connects from an address of this machine.
async fn connect(service: &Service, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(address(service)).await.unwrap()
}

/// What a connection still says until it is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said)).await;
    reading.unwrap().unwrap_or_default();
    String::from_utf8_lossy(&said).into_owned()
}

/// The head of an answer to a request that is whole.
async fn health(stream: &mut TcpStream) -> String {
    _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    rest(stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_header_does_not_stand_for_long() {
    let (service, _folder) = serve("header_seconds = 1");
    for half in ["", "GET /health HTTP/1.1\r\nhost: lo"] {
        let mut stream = connect(&service, "127.0.0.1").await;
        stream.write_all(half.as_bytes()).await.unwrap();
        let begun = Instant::now();
        rest(&mut stream).await;
        assert!(begun.elapsed() > SECOND / 2, "{half:?} has some time");
    }
    // Who sends letter after letter has no more time.
    let mut stream = connect(&service, "127.0.0.1").await;
    let begun = Instant::now();
    while begun.elapsed() < 5 * SECOND && stream.write_all(b"G").await.is_ok() {
        tokio::time::sleep(SECOND / 10).await;
    }
    assert!(begun.elapsed() < 5 * SECOND);
    assert!(health(&mut connect(&service, "127.0.0.1").await).await.contains(" 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_holds_so_many_connections() {
    let (service, _folder) = serve("connections_per_address = 5\nheader_seconds = 3");
    let mut idle = Vec::new();
    for _ in 0..5 {
        idle.push(connect(&service, "127.0.0.1").await);
    }
    // Others are served at once, and it is said to this one.
    let mut refused = connect(&service, "127.0.0.1").await;
    let said = health(&mut refused).await;
    assert!(said.starts_with("HTTP/1.1 429 ") && said.contains("retry-after"), "{said}");
    let said = health(&mut connect(&service, "127.0.0.2").await).await;
    assert!(said.contains(" 200 "), "{said}");
    // Who says nothing makes room.
    rest(&mut idle[4]).await;
    let begun = Instant::now();
    while !health(&mut connect(&service, "127.0.0.1").await).await.contains(" 200 ") {
        assert!(begun.elapsed() < 5 * SECOND);
        tokio::time::sleep(SECOND / 10).await;
    }
}

/// The head of an answer to somebody behind a proxy on this machine.
async fn health_for(service: &Service, person: &str) -> String {
    let mut stream = connect(service, "127.0.0.1").await;
    let request = format!(
        "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-forwarded-for: {person}\r\n\r\n"
    );
    _ = stream.write_all(request.as_bytes()).await;
    rest(&mut stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_one_address_has_so_many_requests_in_progress() {
    let (service, _folder) = serve("connections_per_address = 5\ntrusted_proxies = [\"127.0.0.1\"]");
    // All addresses of an IPv6 network are one person's.
    for (people, same, other) in [
        (["198.51.100.7"; 5], "198.51.100.7", "198.51.100.8"),
        (
            ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:3::3", "2001:db8:1:2::4", "2001:db8:1:2::5"],
            "2001:db8:1:2:ffff::6",
            "2001:db8:1:3::1",
        ),
    ] {
        let mut trickling = Vec::new();
        for person in people {
            assert!(health_for(&service, same).await.contains(" 200 "), "{same}");
            let mut stream = connect(&service, "127.0.0.1").await;
            let head = format!(
                "POST /sign-in HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {person}\r\ncontent-length: 100\r\n\
                 content-type: application/x-www-form-urlencoded\r\n\r\nname=greta&"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            trickling.push(stream);
        }
        let begun = Instant::now();
        let said = loop {
            let said = health_for(&service, same).await;
            if !said.contains(" 200 ") || begun.elapsed() > 60 * SECOND {
                break said;
            }
            tokio::time::sleep(SECOND / 20).await;
        };
        assert!(said.starts_with("HTTP/1.1 429 ") && said.contains("retry-after: 5"), "{same}: {said}");
        assert!(health_for(&service, other).await.contains(" 200 "), "{other}");
        drop(trickling);
        let begun = Instant::now();
        while !health_for(&service, same).await.contains(" 200 ") {
            assert!(begun.elapsed() < 10 * SECOND);
            tokio::time::sleep(SECOND / 10).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_together_hold_so_many_connections() {
    let (service, _folder) = serve("connections = 6\nconnections_per_address = 5\nheader_seconds = 3");
    let mut idle = Vec::new();
    for from in ["127.0.0.1", "127.0.0.2"] {
        for _ in 0..3 {
            idle.push(connect(&service, from).await);
        }
    }
    let said = health(&mut connect(&service, "127.0.0.3").await).await;
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after"), "{said}");
    // More sockets than the service may open files: it is still there when they are gone.
    for number in 0..1200 {
        idle.push(connect(&service, &format!("127.0.1.{}", number % 200 + 1)).await);
    }
    drop(idle);
    let begun = Instant::now();
    while !health(&mut connect(&service, "127.0.0.3").await).await.contains(" 200 ") {
        assert!(begun.elapsed() < 10 * SECOND);
        tokio::time::sleep(SECOND / 10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_large_are_refused() {
    let (service, _folder) = serve("header_seconds = 20");
    let long = "y".repeat(1 << 20);
    for (lines, times) in
        [("x: y\r\n".to_owned(), 1000), (format!("x: {long}\r\n"), 1), ("y".repeat(4096), 10_000)]
    {
        let mut stream = connect(&service, "127.0.0.1").await;
        _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n").await;
        let mut sent = 0;
        // The service closes the connection, whatever else is sent.
        while sent < times && stream.write_all(lines.as_bytes()).await.is_ok() {
            sent += 1;
        }
        _ = stream.write_all(b"\r\n").await;
        let said = rest(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 431 ") || (said.is_empty() && times > 1000), "{times}: {said}");
        assert!(sent < 10_000, "40 megabytes of one head were taken");
    }
    assert!(health(&mut connect(&service, "127.0.0.1").await).await.contains(" 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_move_is_ended() {
    let (service, _folder) = serve("body_seconds = 1");
    let mut stream = connect(&service, "127.0.0.1").await;
    let head = "POST /sign-in HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 100\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\nname=greta&";
    stream.write_all(head.as_bytes()).await.unwrap();
    let said = rest(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_moves_may_take_its_time() {
    let scene = Scene::new().await;
    let folder = scene.folder.path();
    let pod = format!(
        "body_seconds = 1\n[pod]\ndatabase_url = {:?}\nurl = \"https://haven.example/\"\nuploads = {:?}\n\
         [store]\nstate = \"state\"\n[newcomers]\nenabled = true\nadmission = \"open\"\nkeep_free_megabytes = 1\n",
        scene.target.database,
        scene.target.path("uploads"),
    );
    let service = Service::start(folder, &pod).unwrap();
    let mut ida = begin_by_program(&service, json!({})).await;
    let made = ida.create(pappus_tests::door::ARCHIVE, 10).await.unwrap();
    let (_, secret) = &ida.headers[ida.headers.len() - 1];
    let mut stream = connect(&service, "127.0.0.1").await;
    let head = format!(
        "PATCH {} HTTP/1.1\r\nhost: localhost\r\nauthorization: {secret}\r\ntus-resumable: 1.0.0\r\nconnection: close\
         \r\ncontent-type: application/offset+octet-stream\r\nupload-offset: 0\r\ncontent-length: 10\r\n\r\n",
        made.location()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..10 {
        tokio::time::sleep(SECOND / 3).await;
        stream.write_all(b"x").await.unwrap();
    }
    let said = rest(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 204 ") && said.contains("upload-offset: 10"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_holds_so_many_streams_of_events() {
    let scene = Scene::new().await;
    let web = format!(
        "streams_per_address = 2\n[pod]\ndatabase_url = {:?}\nurl = \"https://haven.example/\"\nuploads = {:?}\n\
         [store]\nstate = \"state\"\n[newcomers]\nenabled = true\nadmission = \"open\"\nask_pods = false\n\
         keep_free_megabytes = 1\n{}\n",
        scene.target.database,
        scene.target.path("uploads"),
        scene.trusted(),
    );
    let service = Service::start(scene.folder.path(), &web).unwrap();
    let mut ida = imported_by_program(&service, &scene.archive, "ida").await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = ida.begin(Method::GET, "/newcomers/progress", &[], Vec::new()).await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        let first = stream.chunk().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("You can undo until"), "{first:?}");
        open.push(stream);
    }
    let refused = ida.get("/newcomers/progress").await.unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("retry-after").is_empty());
    open.pop();
    let begun = Instant::now();
    while let Ok(stream) = ida.begin(Method::GET, "/newcomers/progress", &[], Vec::new()).await {
        if stream.status() == StatusCode::OK {
            break;
        }
        assert!(begun.elapsed() < 20 * SECOND);
        tokio::time::sleep(SECOND / 10).await;
    }
    // Who watches hears of the end, whoever else has watched.
    assert_eq!(crate::web::newcomers::undo(&mut ida).await, StatusCode::ACCEPTED);
    let mut watching = open.pop().unwrap();
    let mut heard = String::new();
    while let Ok(Ok(Some(piece))) = tokio::time::timeout(10 * SECOND, watching.chunk()).await {
        heard.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(heard.contains("event: over"), "{heard}");
}

/// Runs `pappus serve` with these lines of `[web]`, and ends it when it serves for too long.
fn run(folder: &Path, web: &str, more: &[&str]) -> (Option<i32>, String) {
    let sections = "[pod]\nurl = \"https://closing.example\"\n[store]\nstate = \"state\"\n";
    run_with(folder, &format!("[web]\n{web}\n{sections}"), more)
}

/// The same with this configuration.
fn run_with(folder: &Path, text: &str, more: &[&str]) -> (Option<i32>, String) {
    let config = folder.join("pappus.toml");
    std::fs::write(&config, text).unwrap();
    let mut limited = Command::new("timeout");
    limited.arg("30").arg(program("pappus").get_program()).arg("serve").arg("--config").arg(&config);
    let ended = limited.args(more).env_remove("PAPPUS_STATE").env_remove("PAPPUS_STORE").output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_proxy_that_is_not_named_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = "public_url = \"https://move.example/\"\nlisten = \"127.0.0.1:0\"";
    for more in [&[] as &[&str], &["--check"]] {
        let (code, said) = run(folder.path(), open, more);
        assert!(code.is_some_and(|code| code != 0), "{more:?}: {said}");
        assert!(said.contains("trusted_proxies = [\"127.0.0.1\"]"), "{more:?}: {said}");
    }
    // A proxy elsewhere is not the one in front of this address.
    let elsewhere = format!("{open}\ntrusted_proxies = [\"10.0.0.9\"]");
    for more in [&[] as &[&str], &["--check"]] {
        let (code, said) = run(folder.path(), &elsewhere, more);
        assert!(code.is_some_and(|code| code != 0 && code != 124), "{more:?}: {code:?} {said}");
        assert!(said.contains("Add \"127.0.0.1\" to trusted_proxies"), "{more:?}: {said}");
    }
    for web in [
        &format!("{open}\ntrusted_proxies = [\"127.0.0.1\"]"),
        "public_url = \"https://move.example/\"\nlisten = \"unix:web.sock\"",
        "public_url = \"http://localhost:8090/\"",
    ] {
        let (code, said) = run(folder.path(), web, &["--check"]);
        assert_eq!(code, Some(0), "{web}: {said}");
    }
}

/// Whether there is a proxy cannot be seen from here: the port of a container is mapped.
#[test]
fn a_service_that_listens_to_everybody_and_knows_no_proxy_warns() {
    let folder = tempfile::tempdir().unwrap();
    let open = "public_url = \"https://move.example/\"\nlisten = \"0.0.0.0:0\"";
    let warns = |said: &str| {
        said.contains("everybody counts as that proxy's address")
            && said.contains("set trusted_proxies in [web]")
            && said.contains("passwords cross the network in clear")
    };
    let (code, said) = run(folder.path(), open, &["--check"]);
    assert!(code == Some(0) && warns(&said), "{code:?} {said}");
    // It runs until its time is up.
    let (code, said) = run(folder.path(), open, &[]);
    assert!(code == Some(124) && warns(&said), "{code:?} {said}");
    for web in [
        &format!("{open}\ntrusted_proxies = [\"192.0.2.7\"]"),
        "public_url = \"https://move.example/\"\nlisten = \"unix:web.sock\"",
        "public_url = \"http://localhost:8090/\"\nlisten = \"0.0.0.0:8090\"",
    ] {
        let (code, said) = run(folder.path(), web, &["--check"]);
        assert!(code == Some(0) && !warns(&said), "{web}: {code:?} {said}");
    }
}

/// Newcomers would be told for ever that the disk is full just now.
#[tokio::test]
async fn a_disk_that_is_smaller_than_what_stays_free_is_refused() {
    let (target, folder) = (crate::support::target::Target::sqlite().await, tempfile::tempdir().unwrap());
    let config = |megabytes: u64| {
        format!(
            "[web]\npublic_url = \"http://localhost:8090/\"\nlisten = \"127.0.0.1:0\"\n[pod]\ndatabase_url = {:?}\n\
             url = \"https://haven.example/\"\nuploads = {:?}\n[store]\nstate = \"state\"\n\
             [newcomers]\nenabled = true\nask_pods = false\nkeep_free_megabytes = {megabytes}\n",
            target.database,
            target.path("uploads")
        )
    };
    for more in [&[] as &[&str], &["--check"]] {
        let (code, said) = run_with(folder.path(), &config(1_000_000_000), more);
        assert!(code.is_some_and(|code| code != 0 && code != 124), "{more:?}: {code:?} {said}");
        assert!(
            said.contains("newcomers.keep_free_megabytes") && said.contains("the whole disk of"),
            "{said}"
        );
    }
    let (code, said) = run_with(folder.path(), &config(1), &["--check"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_socket_is_for_a_group_only() {
    let folder = tempfile::tempdir().unwrap();
    let own = Command::new("id").arg("-g").output().unwrap();
    let group: u32 = String::from_utf8_lossy(&own.stdout).trim().parse().unwrap();
    let name = Command::new("id").arg("-gn").output().unwrap();
    let name = String::from_utf8_lossy(&name.stdout).trim().to_owned();
    for said in [name, group.to_string()] {
        let socket = folder.path().join("web.sock");
        let config = folder.path().join("pappus.toml");
        let text = format!(
            "[web]\npublic_url = \"https://move.example/\"\nlisten = \"unix:web.sock\"\nsocket_group = {said:?}\n\
             [pod]\nurl = \"https://closing.example\"\n[store]\nstate = \"state\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut serving = program("pappus");
        serving.arg("serve").arg("--config").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let mut serving = serving.spawn().unwrap();
        let begun = Instant::now();
        let file = loop {
            let file = std::fs::metadata(&socket).ok();
            let is_ready = |file: &std::fs::Metadata| file.permissions().mode() & 0o777 == 0o660;
            match file {
                Some(file) if is_ready(&file) || begun.elapsed() > 20 * SECOND => break file,
                None if begun.elapsed() > 30 * SECOND => panic!("there is no socket"),
                _ => std::thread::sleep(SECOND / 20),
            }
        };
        serving.kill().unwrap();
        serving.wait().unwrap();
        assert!(file.file_type().is_socket());
        assert_eq!((file.permissions().mode() & 0o777, file.gid()), (0o660, group), "{said}");
    }
}

/// Where neither archives nor imports are served, tokens are the first page.
#[tokio::test]
async fn who_signs_in_for_tokens_alone_gets_to_them() {
    let (pod, folder) = (Pod::sqlite().await, folder_with_key());
    let sections = sections(&pod, None, "").replace("[closing]\nenabled = true\n", "");
    let service = Service::start(folder.path(), &sections).unwrap();
    let mut browser = Browser::new(&service.url).unwrap();
    browser.sign_in("ida", PASSWORD).await.unwrap();
    assert_eq!(browser.get("/").await.unwrap().location(), "/tokens");
    assert_eq!(browser.get("/tokens").await.unwrap().status, StatusCode::OK);
}
