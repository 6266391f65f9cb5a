//! Photo files in a bucket on S3.

mod access;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
};

use super::{Held, NewPhotoFile, PhotoBytes, PhotoFile, UploadsError, is_original, is_plain_file_name};
use crate::pod::config::S3Settings;
use crate::s3::{Readers, client, is_denied, is_missing, is_refused, lacks_conditional_put, list, why};

/// The largest object in bytes that is fetched ahead; for larger ones only the request is sent.
const FETCHED_AHEAD: u64 = 512 << 10;
/// Concurrent requests.
const AT_ONCE: usize = 8;
/// diaspora*'s header for stored photos unless `s3.cache` is off.
const CACHE_CONTROL: &str = "max-age=31536000";

/// The objects under `images/` in a bucket.
#[derive(Clone)]
pub struct PhotoBucket {
    store: Arc<AmazonS3>,
    images: String,
    place: String,
    public_address: String,
    cache: bool,
    /// The object that was read last, by any clone.
    known: Arc<Mutex<Option<Path>>>,
}

impl PhotoBucket {
    /// Opens a bucket and checks that it can be listed, and its objects read.
    pub(super) async fn open(settings: &S3Settings) -> Result<Self, UploadsError> {
        let place = settings.to_string();
        let failed = |error| UploadsError::Bucket { place: place.clone(), what: "read", why: why(&error) };
        let bucket = Self {
            store: Arc::new(client(&settings.access, Readers::Everybody).map_err(failed)?),
            images: format!("{}/images/", settings.prefix),
            public_address: settings.public_address(),
            cache: settings.cache,
            place: place.clone(),
            known: Arc::default(),
        };
        // Without the right to list, S3 answers for a missing photo as for a refused one.
        let one = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        let page = bucket.store.list_paginated(Some(&bucket.images), one).await.map_err(failed)?;
        if let Some(first) = page.result.objects.first() {
            bucket.expect_access(&first.location).await?;
        }
        Ok(bucket)
    }

    /// Returns the bucket's address for display.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Returns the photos' public address.
    pub(super) fn public_address(&self) -> &str {
        &self.public_address
    }

    /// Opens the first nonempty object of these names.
    pub(super) async fn find(&self, names: Vec<String>) -> Result<PhotoFile, UploadsError> {
        let (mut refused, mut missing) = (None, PhotoFile::Missing);
        for path in names.iter().filter_map(|name| self.path(name)) {
            match self.store.get(&path).await {
                Ok(found) if found.meta.size == 0 => missing = PhotoFile::Empty,
                Ok(found) => {
                    let size = found.meta.size;
                    let place = self.place.clone();
                    let bytes = if size <= FETCHED_AHEAD {
                        let bytes = found.bytes().await.map_err(|error| self.failed("read", &error))?;
                        stream::once(async move { Ok(bytes.into()) }).boxed()
                    } else {
                        found.into_stream().map_ok(Vec::from).boxed()
                    };
                    self.remember(path);
                    return Ok(PhotoFile::Found(PhotoBytes::Object(ObjectBytes { bytes, place }), size));
                }
                Err(error) if is_missing(&error) => {}
                Err(error) if is_refused(&error) => {
                    if is_denied(&error) {
                        self.check_refusal(&path, &error).await?;
                    }
                    refused = Some(why(&error));
                }
                Err(error) => return Err(self.failed("read", &error)),
            }
        }
        Ok(refused.map_or(missing, PhotoFile::Unreadable))
    }

    pub(super) async fn original_sizes(&self) -> Result<BTreeMap<String, u64>, UploadsError> {
        let objects = list(Arc::clone(&self.store), self.images.clone());
        let names = objects.try_filter_map(|object| async move {
            let name = object.location.filename().filter(|name| is_original(name));
            Ok(name.map(|name| (name.to_owned(), object.size)))
        });
        names.try_collect().await.map_err(|error| self.failed("read", &error))
    }

    pub(super) async fn compare(&self, name: &str, bytes: &[u8]) -> Result<Held, UploadsError> {
        let Some(path) = self.path(name) else { return Ok(Held::Nothing) };
        let found = match self.store.get(&path).await {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Ok(Held::Nothing),
            Err(error) => return Err(self.failed("read", &error)),
        };
        if found.meta.size != bytes.len() as u64 {
            return Ok(Held::Another);
        }
        let (mut rest, mut stream) = (bytes, found.into_stream());
        while let Some(read) = stream.try_next().await.map_err(|error| self.failed("read", &error))? {
            match rest.strip_prefix(read.as_ref()) {
                Some(more) => rest = more,
                None => return Ok(Held::Another),
            }
        }
        Ok(if rest.is_empty() { Held::TheSame } else { Held::Another })
    }

    pub(super) async fn have(&self, names: &[String]) -> Result<Vec<bool>, UploadsError> {
        let asked = names.iter().map(|name| async move {
            let Some(path) = self.path(name) else { return Ok(false) };
            Ok(!self.is_free(&path).await?)
        });
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    /// Stores objects; returns the names that different ones have.
    pub(super) async fn put(&self, photos: Vec<NewPhotoFile>) -> Result<Vec<String>, UploadsError> {
        let put = photos.into_iter().map(|photo| async move {
            let NewPhotoFile { name, bytes, kind } = photo;
            let is_stored = self.put_new(&name, PutPayload::from(bytes), kind).await?;
            Ok::<_, UploadsError>((!is_stored).then_some(name))
        });
        let taken: Vec<Option<String>> = stream::iter(put).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(taken.into_iter().flatten().collect())
    }

    /// Stores an object on the condition that there is none of its name; false if there is a different one.
    async fn put_new(
        &self,
        name: &str,
        payload: PutPayload,
        kind: &'static str,
    ) -> Result<bool, UploadsError> {
        let Some(path) = self.path(name) else { return Ok(true) };
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, kind.into());
        if self.cache {
            attributes.insert(Attribute::CacheControl, CACHE_CONTROL.into());
        }
        let options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
        let mut stored = self.store.put_opts(&path, payload.clone(), options.clone()).await;
        if stored.as_ref().is_err_and(lacks_conditional_put) && self.is_free(&path).await? {
            let options = PutOptions { mode: PutMode::Overwrite, ..options };
            stored = self.store.put_opts(&path, payload.clone(), options).await;
        }
        let Err(error) = stored else { return Ok(true) };
        // The response may have been lost, or another import has stored the same.
        let bytes = payload.iter().next().map(|bytes| &**bytes).unwrap_or_default();
        match self.compare(name, bytes).await {
            Ok(Held::TheSame) => Ok(true),
            Ok(Held::Another) => Ok(false),
            _ => Err(self.failed("written", &error)),
        }
    }

    async fn is_free(&self, path: &Path) -> Result<bool, UploadsError> {
        match self.store.head(path).await {
            Ok(_) => Ok(false),
            Err(error) if is_missing(&error) => Ok(true),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    pub(super) async fn remove(&self, names: &[String]) -> Result<(), UploadsError> {
        let paths: Vec<_> = names.iter().filter_map(|name| self.path(name)).map(Ok).collect();
        let mut removed = self.store.delete_stream(stream::iter(paths).boxed());
        loop {
            match removed.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(self.failed("removed", &error)),
            }
        }
    }

    fn path(&self, name: &str) -> Option<Path> {
        is_plain_file_name(name).then(|| Path::parse(format!("{}{name}", self.images)).ok())?
    }

    fn failed(&self, what: &'static str, error: &object_store::Error) -> UploadsError {
        UploadsError::Bucket { place: self.place.clone(), what, why: why(error) }
    }
}

impl fmt::Debug for PhotoBucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PhotoBucket").field(&self.place).finish()
    }
}

/// An object being read.
pub struct ObjectBytes {
    bytes: BoxStream<'static, object_store::Result<Vec<u8>>>,
    place: String,
}

impl ObjectBytes {
    /// Returns the next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`UploadsError::Bucket`], when reading failed for good.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, UploadsError> {
        self.bytes.try_next().await.map_err(|error| UploadsError::Bucket {
            place: self.place.clone(),
            what: "read",
            why: why(&error),
        })
    }
}

impl fmt::Debug for ObjectBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ObjectBytes").field(&self.place).finish()
    }
}

#[cfg(test)]
mod tests {
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

    fn say(connection: &mut TcpStream, status: &str, headers: &str, body: &str) {
        let length = if headers.contains("Content-Length") { String::new() } else { body.len().to_string() };
        let length = if length.is_empty() { length } else { format!("Content-Length: {length}\r\n") };
        let text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{length}{headers}\r\n{body}");
        connection.write_all(text.as_bytes()).unwrap();
    }

    fn empty_list(connection: &mut TcpStream) {
        let list = "<ListBucketResult><Name>pictures</Name><KeyCount>0</KeyCount></ListBucketResult>";
        say(connection, "200 OK", "", list);
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
    async fn a_silent_server_is_not_waited_for_long() {
        let started = Instant::now();
        let error = PhotoBucket::open(&server(|_, _| ())).await.unwrap_err();
        assert_clear(&error, "the server did not answer, or broke off: operation timed out");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn a_photo_that_stops_coming_is_a_failure() {
        let settings = server(|request, connection| {
            if request.contains("list-type") {
                return empty_list(connection);
            }
            let headers =
                "Content-Length: 1000000\r\nETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n";
            say(connection, "200 OK", headers, "only the beginning");
        });
        let bucket = PhotoBucket::open(&settings).await.unwrap();
        assert!(!format!("{bucket:?}").contains("hunter2"));
        let found = bucket.find(vec!["a.png".to_owned()]).await.unwrap();
        let PhotoFile::Found(PhotoBytes::Object(mut bytes), 1_000_000) = found else { panic!("{found:?}") };
        assert_eq!(bytes.next().await.unwrap().unwrap(), b"only the beginning");
        let error = loop {
            match bytes.next().await {
                Ok(more) => assert!(more.is_some(), "not the end"),
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
        say(connection, "200 OK", "", &list);
    }

    /// Answers with a photo, or refuses it.
    fn photo_or_not(connection: &mut TcpStream, refuses: bool) {
        if refuses {
            let error = "<Error><Code>AccessDenied</Code><Message>No</Message></Error>";
            return say(connection, "403 Forbidden", "", error);
        }
        let headers = "ETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n";
        say(connection, "200 OK", headers, "photo");
    }

    #[tokio::test]
    async fn a_key_that_only_lists_is_not_one_omission_for_each_photo() {
        let settings = server(|request, connection| {
            if request.contains("list-type") {
                return list_of(connection, &["a.png", "b.png", "c.png"]);
            }
            photo_or_not(connection, true);
        });
        let error = PhotoBucket::open(&settings).await.unwrap_err();
        assert_clear(&error, "the access key does not allow it (AccessDenied); let the key read");
    }

    #[tokio::test]
    async fn rights_that_are_lost_meanwhile_are_a_failure_of_the_bucket() {
        static LOST: AtomicBool = AtomicBool::new(false);
        let settings = server(|request, connection| {
            if request.contains("list-type") {
                return list_of(connection, &["a.png", "b.png", "closed.png", "d.png"]);
            }
            photo_or_not(connection, request.contains("closed.png") || LOST.load(Ordering::Relaxed));
        });
        let bucket = PhotoBucket::open(&settings).await.unwrap();
        let find = async |name: &str| bucket.find(vec![name.to_owned()]).await;
        // One that is refused is one that is refused, whatever was read before.
        for _ in 0..2 {
            let closed = find("closed.png").await.unwrap();
            assert!(
                matches!(&closed, PhotoFile::Unreadable(why) if why.contains("AccessDenied")),
                "{closed:?}"
            );
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
    async fn answers_are_told_apart() {
        let settings = server(|request, connection| {
            let error =
                |code: &str| format!("<Error><Code>{code}</Code><Message>So\nit is</Message></Error>");
            let path = request.split_whitespace().nth(1).unwrap();
            match path.rsplit('/').next().unwrap() {
                "gone.png" => say(connection, "404 Not Found", "", &error("NoSuchKey")),
                "closed.png" => say(connection, "403 Forbidden", "", &error("AccessDenied")),
                "late.png" => say(connection, "403 Forbidden", "", &error("ExpiredToken")),
                "odd.png" => say(connection, "418 Teapot", "", &error("Strange")),
                "bare.png" => say(connection, "301 Moved Permanently", "", ""),
                "nobucket.png" => say(connection, "404 Not Found", "", &error("NoSuchBucket")),
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

    /// Answers requests for `mine.png`, which is free, and for `other.png`, which came in between.
    fn store_or_refuse(request: &str, connection: &mut TcpStream, refuses: bool) {
        let is_conditional = request.to_ascii_lowercase().contains("if-none-match: *");
        let there = "ETag: \"1\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n";
        let method = request.split_whitespace().next().unwrap();
        match (method, request.contains("/other.png")) {
            ("PUT", _) if is_conditional && refuses => {
                let error = "<Error><Code>NotImplemented</Code><Message>A header</Message></Error>";
                say(connection, "501 Not Implemented", "", error);
            }
            ("PUT", true) if is_conditional => say(connection, "412 Precondition Failed", "", ""),
            ("PUT", is_other) => {
                assert!(!is_other, "written over");
                say(connection, "200 OK", "ETag: \"2\"\r\n", "");
            }
            ("GET", true) => say(connection, "200 OK", there, "another's"),
            ("HEAD", true) => say(connection, "200 OK", &format!("Content-Length: 9\r\n{there}"), ""),
            ("HEAD", false) => say(connection, "404 Not Found", "", ""),
            _ => empty_list(connection),
        }
    }

    #[tokio::test]
    async fn an_object_that_came_in_between_is_not_written_over() {
        for settings in [
            server(|request, connection| store_or_refuse(request, connection, false)),
            // Servers without conditional writes are asked before.
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
}
