//! Archives are kept the same way in a folder and in a bucket: whole or not at all, and never replaced.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt as _, TryStreamExt as _};
use pappus_engine::depot::{Depot, DepotAddress, DepotError, Stored, digest_of_file};
use pappus_tests::cluster::{S3Double, shared_s3};
use tempfile::TempDir;

const LARGE: usize = 20 << 20;

/// A folder or a bucket, and a folder with files to keep.
struct Place {
    depot: Depot,
    files: TempDir,
    bucket: Option<(&'static S3Double, &'static str)>,
}

pub(super) fn parse(address: &str, port: u16) -> DepotAddress {
    let environment = |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(format!("http://127.0.0.1:{port}")),
        "AWS_ALLOW_HTTP" => Some("true".to_owned()),
        "AWS_ACCESS_KEY_ID" => Some("AKIA".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("secret7".to_owned()),
        _ => None,
    };
    DepotAddress::parse(address, &environment).unwrap()
}

impl Place {
    async fn folder() -> Self {
        let files = tempfile::tempdir().unwrap();
        let address = parse(files.path().join("new/out").to_str().unwrap(), 0);
        Self { depot: Depot::open(&address).await.unwrap(), files, bucket: None }
    }

    async fn bucket(name: &'static str) -> Self {
        let s3 = shared_s3().await.unwrap();
        s3.create_bucket(name).await.unwrap();
        let depot = Depot::open(&parse(&format!("s3://{name}/some/pod"), s3.port())).await.unwrap();
        Self { depot, files: tempfile::tempdir().unwrap(), bucket: Some((s3, name)) }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Uploads in parts that are under way.
    async fn begun(&self) -> usize {
        let (s3, name) = self.bucket.unwrap();
        let address = format!("{}/{name}?uploads", s3.endpoint());
        let request = reqwest::Client::new().get(address).header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x",
        );
        request.send().await.unwrap().text().await.unwrap().matches("<UploadId>").count()
    }

    async fn names(&self) -> Vec<(String, u64)> {
        let listed: Vec<_> = self.depot.list().try_collect().await.unwrap();
        let mut listed: Vec<_> = listed.into_iter().map(|file| (file.name, file.bytes)).collect();
        listed.sort();
        listed
    }

    async fn read(&self, name: &str, begin: u64, length: Option<u64>) -> (u64, Vec<u8>) {
        let mut reading = self.depot.open_range(name, begin, length).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(more) = reading.next().await.unwrap() {
            assert!(!more.is_empty());
            bytes.extend(more);
        }
        (reading.size(), bytes)
    }
}

#[expect(clippy::disallowed_methods, reason = "the servers know no other clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Bytes that are nowhere the same.
pub(super) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(length)
    .collect()
}

async fn whole_and_never_replaced(place: Place) {
    let (depot, large) = (&place.depot, noise(LARGE, 1));
    assert!(place.names().await.is_empty());
    for (name, bytes) in [("empty.zip", &b""[..]), ("june/a@b-1.zip", b"small"), ("large.zip.age", &large)] {
        let file = place.file("file", bytes);
        let stored = depot.put(name, &file).await.unwrap();
        let (size, sha256) = digest_of_file(&file).unwrap();
        assert_eq!(stored, Stored { name: name.to_owned(), bytes: size, sha256 });
        assert_eq!(size, bytes.len() as u64);
        // Twice is as once.
        assert_eq!(depot.put(name, &file).await.unwrap(), stored);
        assert_eq!(depot.stored(name).await.unwrap(), Some(stored));
        assert_eq!(depot.stat(name).await.unwrap(), Some(size));
        assert!(file.exists());
        // Other bytes, of the same length or not, are refused.
        let mut other = bytes.to_vec();
        if let Some(last) = other.last_mut() {
            *last ^= 1;
        } else {
            other.push(0);
        }
        for refused in [other, b"else".to_vec(), noise(LARGE, 2)] {
            let error = depot.put(name, &place.file("other", &refused)).await.unwrap_err();
            assert!(matches!(&error, DepotError::Taken { .. }), "{error}");
            assert!(!error.is_of_the_depot());
        }
        assert!(place.read(name, 0, None).await == (size, bytes.to_vec()), "{name}");
        let copy = depot.local_copy(name, place.files.path()).await.unwrap();
        assert!(std::fs::read(copy.path()).unwrap() == bytes);
    }
    let all = [("empty.zip", 0), ("june/a@b-1.zip", 5), ("large.zip.age", LARGE as u64)]
        .map(|(name, bytes)| (name.to_owned(), bytes));
    assert_eq!(place.names().await, all);
    for (from, length, part) in
        [(1, Some(3), "mal"), (3, None, "ll"), (4, Some(100), "l"), (5, None, ""), (9, Some(1), "")]
    {
        assert_eq!(place.read("june/a@b-1.zip", from, length).await, (5, part.into()), "from {from}");
    }
    assert!(place.read("large.zip.age", LARGE as u64 / 2, None).await.1 == large[LARGE / 2..]);
    assert!(matches!(depot.open_read("none").await, Err(DepotError::Missing { .. })));
    assert_eq!(depot.stored("none").await.unwrap(), None);
    assert!(matches!(depot.put("../x", &place.file("x", b"")).await, Err(DepotError::Name(_))));
    assert!(matches!(depot.put("x", Path::new("/nowhere")).await, Err(DepotError::Local { .. })));

    // Lists are replaced, small and large.
    for bytes in [&b"first"[..], b"second", &large] {
        let stored = depot.replace("june/list", &place.file("list", bytes)).await.unwrap();
        assert_eq!(depot.stored("june/list").await.unwrap(), Some(stored));
        assert!(place.read("june/list", 0, None).await.1 == bytes);
    }
    depot.remove("june/list").await.unwrap();

    // Adopted, it is nowhere else any more; refused, it stays.
    let file = place.file("adopted", b"adopted");
    depot.adopt("july/adopted", &file).await.unwrap();
    assert!(!file.exists());
    let file = place.file("adopted", b"another");
    assert!(matches!(depot.adopt("july/adopted", &file).await, Err(DepotError::Taken { .. })));
    assert!(file.exists());
    depot.adopt("july/adopted", &place.file("adopted", b"adopted")).await.unwrap();
    assert!(place.read("july/adopted", 0, None).await.1 == b"adopted");
    for name in ["july/adopted", "july/adopted", "june/a@b-1.zip", "none"] {
        depot.remove(name).await.unwrap();
    }
    assert_eq!(place.names().await.len(), 2);
}

#[tokio::test]
async fn in_a_folder() {
    let place = Place::folder().await;
    let out = place.files.path().join("new/out");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&out), 0o700);
    let file = place.file("file", b"bytes");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    place.depot.put("in/put", &file).await.unwrap();
    assert_ne!(std::fs::metadata(out.join("in/put")).unwrap().ino(), std::fs::metadata(&file).unwrap().ino());
    place.depot.adopt("in/adopted", &file).await.unwrap();
    assert_eq!(
        [mode(&out.join("in")), mode(&out.join("in/put")), mode(&out.join("in/adopted"))],
        [0o700, 0o600, 0o600]
    );
    place.depot.expect_space(1).unwrap();
    assert!(matches!(place.depot.expect_space(u64::MAX), Err(DepotError::SmallDisk { .. })));
    assert_eq!(place.depot.folder().unwrap(), out);
    std::fs::remove_dir_all(out.join("in")).unwrap();
    whole_and_never_replaced(place).await;
}

#[tokio::test]
async fn in_a_bucket() {
    let place = Place::bucket("depot").await;
    let (s3, name) = place.bucket.unwrap();
    s3.put(name, "some/podium", b"not here".to_vec()).await.unwrap();
    let file = place.file("file", b"private");
    place.depot.put("private", &file).await.unwrap();
    let private = &s3.objects(name).await.unwrap()["some/pod/private"];
    assert!(!private.public && private.bytes == b"private");
    // What came there in another way counts as well.
    s3.put(name, "some/pod/copied", b"private".to_vec()).await.unwrap();
    let copied = place.depot.put("copied", &file).await.unwrap();
    assert_eq!(place.depot.stored("copied").await.unwrap(), Some(copied));
    for name in ["private", "copied"] {
        place.depot.remove(name).await.unwrap();
    }
    place.depot.expect_space(u64::MAX).unwrap();
    whole_and_never_replaced(place).await;
}

#[tokio::test]
async fn one_of_many_wins() {
    let place = Place::folder().await;
    let files: Vec<_> =
        (0..6).map(|writer| place.file(&writer.to_string(), &noise(100_000, writer / 2 * 2 + 7))).collect();
    let puts = files.iter().map(|file| place.depot.put("wanted", file));
    let done: Vec<_> = futures_util::stream::iter(puts).buffer_unordered(6).collect().await;
    let stored: Vec<_> = done.iter().flatten().collect();
    let there = place.depot.stored("wanted").await.unwrap().unwrap();
    // The same bytes were put twice, all others refused.
    assert_eq!(stored.len(), 2, "{done:?}");
    assert!(stored.iter().all(|stored| **stored == there));
    let refused = done.iter().filter_map(|done| done.as_ref().err());
    assert!(refused.into_iter().all(|error| matches!(error, DepotError::Taken { .. })));
}

#[tokio::test]
async fn an_upload_in_parts_replaces_nothing_that_came_meanwhile() {
    let place = Place::bucket("race").await;
    let (slow, quick) = (place.file("slow", &noise(4 * LARGE, 6)), place.file("quick", &noise(7 << 20, 7)));
    let began = std::time::Instant::now();
    let both = futures_util::future::join(place.depot.put("wanted", &slow), async {
        // Both have seen that there is nothing.
        while place.begun().await < 1 && began.elapsed() < Duration::from_mins(2) {}
        assert_eq!(place.names().await, []);
        place.depot.put("wanted", &quick).await
    });
    let (slow, quick) = both.await;
    let error = slow.unwrap_err();
    assert!(matches!(error, DepotError::Taken { .. }), "{error:?}");
    assert_eq!(place.depot.stored("wanted").await.unwrap().unwrap(), quick.unwrap());
    assert!(place.read("wanted", 0, None).await.1 == noise(7 << 20, 7));
}

/// Hands everything on to a server, and cuts a connection after so many bytes of what the client sends, so many times.
fn cutting(to: u16, after: usize, times: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let left = Arc::new(AtomicUsize::new(times));
    let cuts = Arc::clone(&left);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            let cuts = Arc::clone(&cuts);
            std::thread::spawn(move || hand_on(client, server, after, &cuts));
        }
    });
    (port, left)
}

fn hand_on(mut client: TcpStream, mut server: TcpStream, after: usize, cuts: &AtomicUsize) {
    let (mut buffer, mut sent) = (vec![0; 64 << 10], 0);
    while let Ok(read) = client.read(&mut buffer) {
        if read == 0 || server.write_all(&buffer[..read]).is_err() {
            break;
        }
        sent += read;
        let cut = |left: usize| left.checked_sub(1);
        if sent > after && cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, cut).is_ok() {
            break;
        }
    }
    _ = client.shutdown(Shutdown::Both);
    _ = server.shutdown(Shutdown::Both);
}

#[tokio::test]
async fn a_broken_connection_costs_a_part() {
    let place = Place::bucket("cut").await;
    let s3 = place.bucket.unwrap().0;
    let file = place.file("file", &noise(3 * LARGE, 3));
    let (port, left) = cutting(s3.port(), 3 << 20, 4);
    let through = Depot::open(&parse("s3://cut/some/pod", port)).await.unwrap();
    let stored = through.put("a.zip.age", &file).await.unwrap();
    assert_eq!(left.load(Ordering::SeqCst), 0, "all cuts were made");
    let (bytes, sha256) = digest_of_file(&file).unwrap();
    assert_eq!((stored.bytes, &stored.sha256), (bytes, &sha256));
    let copy = place.depot.local_copy("a.zip.age", place.files.path()).await.unwrap();
    assert_eq!(digest_of_file(copy.path()).unwrap(), (bytes, sha256));
    assert_eq!(place.depot.sweep(Duration::ZERO, now()).await.unwrap(), 0);
}

#[tokio::test]
async fn an_upload_that_cannot_go_on_leaves_nothing() {
    let place = Place::bucket("dead").await;
    let s3 = place.bucket.unwrap().0;
    let file = place.file("file", &noise(LARGE, 4));
    let (port, _) = cutting(s3.port(), 3 << 20, usize::MAX);
    let through = Depot::open(&parse("s3://dead/some/pod", port)).await.unwrap();
    let error = through.put("a.zip.age", &file).await.unwrap_err();
    assert!(error.is_of_the_depot(), "{error:?}");
    let shown = error.to_string();
    assert!(
        shown.contains("a.zip.age in s3://dead/some/pod at http://127.0.0.1") && !shown.contains("secret7"),
        "{shown}"
    );
    assert!(place.names().await.is_empty());
    assert_eq!(place.depot.sweep(Duration::ZERO, now()).await.unwrap(), 0, "given up, not left");
}

#[tokio::test]
async fn what_a_killed_program_leaves_is_swept() {
    let place = Place::bucket("swept").await;
    let file = place.file("file", &noise(LARGE, 5));
    // Broken off in the middle, as by a kill: nobody gives the upload up. Through cut lines it does not end before.
    let (port, _) = cutting(place.bucket.unwrap().0.port(), 3 << 20, usize::MAX);
    let through = Depot::open(&parse("s3://swept/some/pod", port)).await.unwrap();
    tokio::select! {
        ended = through.put("a.zip", &file) => panic!("it was not broken off: {ended:?}"),
        () = async { while place.begun().await < 1 {} } => {}
    }
    assert!(place.names().await.is_empty());
    assert_eq!(place.depot.sweep(Duration::from_hours(1), UNIX_EPOCH).await.unwrap(), 0, "too young");
    let swept = place.depot.sweep(Duration::from_hours(1), now()).await.unwrap();
    assert_eq!(swept, 1);
    assert_eq!(place.depot.sweep(Duration::from_hours(1), now()).await.unwrap(), 0);
    place.depot.put("a.zip", &file).await.unwrap();

    let place = Place::folder().await;
    let out = place.files.path().join("new/out");
    std::fs::create_dir(out.join("june")).unwrap();
    for left in [".a.zip.0123.part", "june/.b.part"] {
        std::fs::write(out.join(left), "half").unwrap();
    }
    let held = std::fs::File::create(out.join(".held.part")).unwrap();
    held.lock().unwrap();
    let young = Duration::from_hours(1);
    assert_eq!(place.depot.sweep(young, now()).await.unwrap(), 0);
    assert!(place.names().await.is_empty());
    assert_eq!(place.depot.sweep(Duration::ZERO, now()).await.unwrap(), 2);
    assert!(out.join(".held.part").exists());
}

#[tokio::test]
async fn what_is_wrong_with_a_place_is_said() {
    let s3 = shared_s3().await.unwrap();
    let error = Depot::open(&parse("s3://nobucket", s3.port())).await.unwrap_err();
    assert!(error.to_string().contains("there is no such bucket"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below"), folder.path().join("missing")] {
        let address = parse(path.to_str().unwrap(), 0);
        let error = Depot::open_existing(&address).await.unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(!path.ends_with("missing") || !path.exists());
    }
}
