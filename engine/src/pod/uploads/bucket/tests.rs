//! Faulty buckets, simulated by small servers on this machine.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use url::Url;
use zeroize::Zeroizing;

use super::*;
use crate::s3::S3Access;

/// Starts a server that reads a request and runs `answer`; connections stay open.
fn server(answer: fn(&str, &mut TcpStream)) -> S3Settings {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut connection in listener.incoming().flatten() {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && connection.read(&mut byte).is_ok_and(|read| read > 0) {
                head.push(byte[0]);
            }
            answer(&String::from_utf8_lossy(&head), &mut connection);
            open.push(connection);
        }
    });
    let access = S3Access {
        bucket: "pictures".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(Url::parse(&format!("http://127.0.0.1:{port}")).unwrap()),
        key: "AKIA".to_owned(),
        secret: Zeroizing::new("hunter2".to_owned()),
        token: None,
        patience: Duration::from_millis(200),
    };
    S3Settings { access, prefix: "uploads".to_owned(), cache: true }
}

fn respond(connection: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = if headers.contains("Content-Length") { String::new() } else { body.len().to_string() };
    let length = if length.is_empty() { length } else { format!("Content-Length: {length}\r\n") };
    let text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{length}{headers}\r\n{body}");
    connection.write_all(text.as_bytes()).unwrap();
}

fn empty_list(connection: &mut TcpStream) {
    let list = "<ListBucketResult><Name>pictures</Name><KeyCount>0</KeyCount></ListBucketResult>";
    respond(connection, "200 OK", "", list);
}

fn assert_clear(error: &UploadsError, words: &str) {
    let shown = error.to_string();
    assert!(
        shown.contains("s3://pictures/uploads/images at http://127.0.0.1") && shown.contains(words),
        "{shown}"
    );
    assert!(!shown.contains("hunter2") && !shown.contains('<') && !shown.contains('\n'), "{shown}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let started = Instant::now();
    let error = PhotoBucket::open(&server(|_, _| ())).await.unwrap_err();
    assert_clear(&error, "the server did not answer, or broke off: operation timed out");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_interrupted_download_is_an_error() {
    let settings = server(|request, connection| {
        if request.contains("list-type") {
            return empty_list(connection);
        }
        let headers =
            "Content-Length: 1000000\r\nETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n";
        respond(connection, "200 OK", headers, "only the beginning");
    });
    let bucket = PhotoBucket::open(&settings).await.unwrap();
    assert!(!format!("{bucket:?}").contains("hunter2"));
    let found = bucket.find(vec!["a.png".to_owned()]).await.unwrap();
    let PhotoFile::Found(PhotoBytes::Object(mut bytes), 1_000_000) = found else { panic!("{found:?}") };
    assert_eq!(bytes.next().await.unwrap().unwrap(), b"only the beginning");
    let error = loop {
        match bytes.next().await {
            Ok(bytes) => assert!(bytes.is_some(), "not the end"),
            Err(error) => break error,
        }
    };
    assert_clear(&error, "cannot be read");
}

fn list_of(connection: &mut TcpStream, names: &[&str]) {
    let objects = names.iter().fold(String::new(), |objects, name| {
        objects + &format!("<Contents><Key>uploads/images/{name}</Key><Size>5</Size><LastModified>2026-11-22T10:00:00.000Z</LastModified><ETag>\"1\"</ETag></Contents>")
    });
    let list = format!("<ListBucketResult><Name>pictures</Name>{objects}</ListBucketResult>");
    respond(connection, "200 OK", "", &list);
}

/// Answers with a photo, or refuses it.
fn photo_or_refusal(connection: &mut TcpStream, refuses: bool) {
    if refuses {
        let error = "<Error><Code>AccessDenied</Code><Message>No</Message></Error>";
        return respond(connection, "403 Forbidden", "", error);
    }
    let headers = "ETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n";
    respond(connection, "200 OK", headers, "photo");
}

#[tokio::test]
async fn a_key_without_read_access_is_an_error_of_the_bucket() {
    let settings = server(|request, connection| {
        if request.contains("list-type") {
            return list_of(connection, &["a.png", "b.png", "c.png"]);
        }
        photo_or_refusal(connection, true);
    });
    let error = PhotoBucket::open(&settings).await.unwrap_err();
    assert_clear(&error, "the access key does not allow it (AccessDenied); let the key read");
}

#[tokio::test]
async fn lost_rights_are_an_error_of_the_bucket() {
    static LOST: AtomicBool = AtomicBool::new(false);
    let settings = server(|request, connection| {
        if request.contains("list-type") {
            return list_of(connection, &["a.png", "b.png", "closed.png", "d.png"]);
        }
        photo_or_refusal(connection, request.contains("closed.png") || LOST.load(Ordering::Relaxed));
    });
    let bucket = PhotoBucket::open(&settings).await.unwrap();
    let find = async |name: &str| bucket.find(vec![name.to_owned()]).await;
    // A single object that the server refuses is unreadable, both before and after another was read.
    for _ in 0..2 {
        let closed = find("closed.png").await.unwrap();
        assert!(matches!(&closed, PhotoFile::Unreadable(why) if why.contains("AccessDenied")), "{closed:?}");
        assert!(matches!(find("d.png").await, Ok(PhotoFile::Found(_, 5))));
    }
    LOST.store(true, Ordering::Relaxed);
    for name in ["closed.png", "a.png", "d.png"] {
        assert_clear(&find(name).await.unwrap_err(), "(s3:GetObject)");
    }
    assert_clear(&PhotoBucket::open(&settings).await.unwrap_err(), "(s3:GetObject)");
    LOST.store(false, Ordering::Relaxed);
    PhotoBucket::open(&settings).await.unwrap();
    assert!(matches!(find("a.png").await, Ok(PhotoFile::Found(_, 5))));
}

#[tokio::test]
async fn error_responses_are_distinguished() {
    let settings = server(|request, connection| {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>So\nit is</Message></Error>");
        let path = request.split_whitespace().nth(1).unwrap();
        match path.rsplit('/').next().unwrap() {
            "gone.png" => respond(connection, "404 Not Found", "", &error("NoSuchKey")),
            "closed.png" => respond(connection, "403 Forbidden", "", &error("AccessDenied")),
            "late.png" => respond(connection, "403 Forbidden", "", &error("ExpiredToken")),
            "odd.png" => respond(connection, "418 Teapot", "", &error("Strange")),
            "bare.png" => respond(connection, "301 Moved Permanently", "", ""),
            "nobucket.png" => respond(connection, "404 Not Found", "", &error("NoSuchBucket")),
            _ => empty_list(connection),
        }
    });
    let bucket = PhotoBucket::open(&settings).await.unwrap();
    let find = |names: &[&str]| bucket.find(names.iter().map(ToString::to_string).collect());
    assert!(matches!(find(&["gone.png", "../x", "a/b"]).await, Ok(PhotoFile::Missing)));
    let closed = find(&["closed.png", "gone.png"]).await.unwrap();
    assert!(matches!(&closed, PhotoFile::Unreadable(why) if why.contains("AccessDenied")), "{closed:?}");
    for (name, words) in [
        ("late.png", "the access key is no longer valid (ExpiredToken)"),
        ("odd.png", "So it is (Strange)"),
        ("bare.png", "the bucket is in another region"),
        ("nobucket.png", "there is no such bucket (NoSuchBucket)"),
    ] {
        assert_clear(&find(&[name]).await.unwrap_err(), words);
    }
}

/// Answers requests for `mine.png`, which does not exist, and for `other.png`, which was created in the meantime.
fn store_or_refuse(request: &str, connection: &mut TcpStream, refuses: bool) {
    let is_conditional = request.to_ascii_lowercase().contains("if-none-match: *");
    let headers = "ETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n";
    let method = request.split_whitespace().next().unwrap();
    match (method, request.contains("/other.png")) {
        ("PUT", _) if is_conditional && refuses => {
            let error = "<Error><Code>NotImplemented</Code><Message>A header</Message></Error>";
            respond(connection, "501 Not Implemented", "", error);
        }
        ("PUT", true) if is_conditional => respond(connection, "412 Precondition Failed", "", ""),
        ("PUT", is_other) => {
            assert!(!is_other, "overwritten");
            respond(connection, "200 OK", "ETag: \"2\"\r\n", "");
        }
        ("GET", true) => respond(connection, "200 OK", headers, "another's"),
        ("HEAD", true) => respond(connection, "200 OK", &format!("Content-Length: 9\r\n{headers}"), ""),
        ("HEAD", false) => respond(connection, "404 Not Found", "", ""),
        _ => empty_list(connection),
    }
}

#[tokio::test]
async fn a_concurrently_created_object_is_not_overwritten() {
    for settings in [
        server(|request, connection| store_or_refuse(request, connection, false)),
        // Without conditional writes, the name is checked first.
        server(|request, connection| store_or_refuse(request, connection, true)),
    ] {
        let bucket = PhotoBucket::open(&settings).await.unwrap();
        let photos = ["mine.png", "other.png"].map(|name| NewPhotoFile {
            name: name.to_owned(),
            bytes: b"mine".to_vec(),
            kind: "image/png",
        });
        assert_eq!(bucket.put(Vec::from(photos)).await.unwrap(), ["other.png"]);
    }
}
