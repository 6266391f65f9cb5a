//! Buckets that list their objects and refuse them: one object is left out, all of them are a matter of the key.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use super::{Variables, assert_refused, export, on_s3};
use crate::support::{Pod, json, names, omissions};
use pappus_tests::sample::POD_URL;

/// Whether the bucket refuses a file of this name.
type Refuses = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Starts a server for the bucket `pictures` with the files of a folder; returns how programs get there.
fn bucket_of(folder: &Path, refuses: Refuses) -> Variables {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (folder, refuses) = (folder.clone(), Arc::clone(&refuses));
            std::thread::spawn(move || answer(client, &folder, &refuses));
        }
    });
    vec![
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIA".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret7".to_owned()),
    ]
}

fn answer(mut client: TcpStream, folder: &Path, refuses: &Refuses) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read > 0) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let error = |status, code: &str| (status, format!("<Error><Code>{code}</Code></Error>").into_bytes());
    let (status, body) = if path.contains("list-type") {
        let objects = names(folder).into_iter().fold(String::new(), |objects, name| {
            objects + &format!("<Contents><Key>uploads/images/{name}</Key><Size>1</Size><LastModified>2026-11-22T10:00:00.000Z</LastModified><ETag>\"1\"</ETag></Contents>")
        });
        (
            "200 OK",
            format!("<ListBucketResult><Name>pictures</Name>{objects}</ListBucketResult>").into_bytes(),
        )
    } else {
        let name = path.rsplit('/').next().unwrap_or_default();
        match std::fs::read(folder.join(name)) {
            Ok(_) if refuses(name) => error("403 Forbidden", "AccessDenied"),
            Ok(bytes) => ("200 OK", bytes),
            Err(_) => error("404 Not Found", "NoSuchKey"),
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\nETag: \"1\"\r\n\
         Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n\r\n",
        body.len()
    );
    // Programs need not read to the end.
    _ = client.write_all(head.as_bytes()).and_then(|()| client.write_all(&body));
}

#[tokio::test]
async fn a_key_that_only_lists_makes_no_archives_without_photos() {
    let pod = Pod::sqlite().await;
    let environment = bucket_of(&pod.path("uploads/images"), Arc::new(|_: &str| true));
    let ended = export(&pod, "s3://pictures", &environment, &["ida"], "out");
    assert_refused(&ended, &["s3://pictures/uploads/images", "AccessDenied", "s3:GetObject"]);
    assert!(names(&pod.path("out")).is_empty());
    // The check says it before.
    let ended = on_s3(&pod.database, POD_URL, "s3://pictures", &environment, &["check"]);
    assert_refused(&ended, &["s3:GetObject"]);
    assert!(ended.stdout.contains("Its photos cannot be read"), "{ended:?}");
}

#[tokio::test]
async fn a_single_object_that_is_refused_is_left_out() {
    let pod = Pod::sqlite().await;
    pod.export(&["ida"], "folder", &[]);
    let manifest = json(&pod.archive("folder", "ida"), "manifest.json");
    let entries = manifest["entries"].as_array().unwrap().iter();
    let photos: Vec<String> = entries
        .filter_map(|entry| entry["path"].as_str().unwrap().strip_prefix("photos/").map(str::to_owned))
        .collect();
    let closed = photos[0].clone();
    let environment = bucket_of(&pod.path("uploads/images"), Arc::new(move |name: &str| name == closed));
    let ended = export(&pod, "s3://pictures", &environment, &["ida"], "out");
    assert_eq!(ended.code, Some(10), "{ended:?}");
    let archive = pod.archive("out", "ida");
    let unreadable = omissions(&archive).into_iter().filter(|(code, _)| code == "unreadable_file").count();
    assert_eq!(unreadable, 1);
    let count = &json(&archive, "manifest.json")["counts"]["photo_files"];
    assert_eq!(count.as_u64().unwrap_or_default(), photos.len() as u64 - 1, "{count}");
}
