//! Handing in piece by piece over lines that break: tus 1.0 (<https://tus.io/protocols/resumable-upload>), with creation,
//! termination and expiration. Where to go on, the file itself says; what the answer to a piece says is on the disk.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Request, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use pappus_engine::store::{StoreError, random_id};
use serde::Deserialize;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::enter::Mine;
use super::files::{NoRoom, Part};
use super::records::Newcomer;
use super::upload::handed_in;
use crate::app::App;
use crate::error::{WebError, as_it_is};
use crate::pages::CheckedForm;

/// The version of the protocol.
const VERSION: &str = "1.0.0";
/// What of the protocol is here.
const EXTENSIONS: &str = "creation,termination,expiration";
/// How long somebody may take for a file.
const GOOD_FOR: Duration = Duration::from_hours(72);
/// A line on which nothing comes for so long is broken.
const SILENCE: Duration = Duration::from_secs(30);
/// Pieces that may wait for the disk.
const AHEAD: usize = 16;

/// Which files are written to just now: two writers would mix their bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashSet<String>>>);

/// As long as this is there, nobody else writes.
struct Turn {
    turns: Turns,
    name: String,
}

impl Turns {
    fn take(&self, name: &str) -> Option<Turn> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(name.to_owned()).then(|| Turn { turns: self.clone(), name: name.to_owned() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// A file that comes piece by piece.
struct Upload {
    part: Part,
    bytes: u64,
    expires_at: i64,
    path: PathBuf,
}

async fn find(app: &App, newcomer: &Newcomer, name: &str) -> Result<Upload, WebError> {
    // Names become parts of paths.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(WebError::NotFound);
    }
    let sql = "SELECT part, bytes, expires_at FROM pappus_uploads WHERE name = ? AND newcomer_id = ? AND expires_at > ?";
    let values = [name.into(), newcomer.id.into(), app.now_millis().into()];
    let row = app.store.first("looking for an upload", sql, &values).await?.ok_or(WebError::NotFound)?;
    Ok(Upload {
        part: Part::parse(&row.get::<String>(0)?).ok_or(WebError::NotFound)?,
        bytes: u64::try_from(row.get::<i64>(1)?).unwrap_or(0),
        expires_at: row.get(2)?,
        path: app.newcomers.files.pieces(newcomer.id, name),
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    header(headers, name).and_then(|text| text.parse().ok())
}

/// An answer as the protocol has it.
fn answer(status: StatusCode, headers: &[(&'static str, String)]) -> Response {
    let mut response = status.into_response();
    let head = response.headers_mut();
    head.insert("tus-resumable", HeaderValue::from_static(VERSION));
    head.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            head.insert(HeaderName::from_static(name), value);
        }
    }
    as_it_is(response)
}

/// The client speaks another version.
fn other_version(headers: &HeaderMap) -> Option<Response> {
    let same = header(headers, "tus-resumable") == Some(VERSION);
    (!same).then(|| answer(StatusCode::PRECONDITION_FAILED, &[("tus-version", VERSION.to_owned())]))
}

fn until(millis: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default();
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn failed(error: &io::Error) -> WebError {
    WebError::Away(format!("an upload cannot be kept: {error}"))
}

/// What is possible.
pub(super) async fn options(Shared(app): Shared<App>) -> Response {
    let most = app.newcomers.files.most().to_string();
    let headers = [
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-max-size", most),
    ];
    answer(StatusCode::NO_CONTENT, &headers)
}

/// The part that the metadata names: `part YXJjaGl2ZQ==`.
fn part(metadata: &str) -> Option<Part> {
    let value = metadata.split(',').find_map(|pair| pair.trim().strip_prefix("part "))?;
    let word = STANDARD.decode(value.trim()).ok()?;
    Part::parse(std::str::from_utf8(&word).ok()?)
}

/// Begins a file.
pub(super) async fn create(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if let Some(other) = other_version(&headers) {
        return Ok(other);
    }
    let (Some(bytes), Some(part)) =
        (number(&headers, "upload-length"), header(&headers, "upload-metadata").and_then(part))
    else {
        return Ok(answer(StatusCode::BAD_REQUEST, &[]));
    };
    let (room, now) = (&app.newcomers, app.now_millis());
    if !newcomer.state.takes_files() || !room.table.has_files(newcomer.id, now).await? {
        return Ok(answer(StatusCode::CONFLICT, &[]));
    }
    forget(&app, newcomer.id, part).await?;
    let (name, files, id) = (random_id()?, room.files.clone(), newcomer.id);
    let path = files.pieces(id, &name);
    let making = tokio::task::spawn_blocking(move || {
        // The other file, when it is there already or on its way, counts as well.
        let before = others(&files, id, part);
        if let Err(full) = files.room(before, bytes)? {
            return Ok(Err(full));
        }
        files.make(id)?;
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok::<_, io::Error>(Ok(()))
    });
    let made = making.await.map_err(|error| WebError::Broken(error.to_string()))?;
    match made.map_err(|error| failed(&error))? {
        Ok(()) => {}
        Err(NoRoom::TooLarge) => return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, &[])),
        Err(NoRoom::Full) => return Ok(answer(StatusCode::INSUFFICIENT_STORAGE, &[])),
    }
    let expires = now + super::table::millis(GOOD_FOR);
    let sql = "INSERT INTO pappus_uploads (name, newcomer_id, part, bytes, begun_at, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?)";
    let values = [
        (&name).into(),
        id.into(),
        part.word().into(),
        i64::try_from(bytes).unwrap_or(i64::MAX).into(),
        now.into(),
        expires.into(),
    ];
    app.store.execute("beginning an upload", sql, &values).await?;
    let headers = [("location", format!("/newcomers/uploads/{name}")), ("upload-expires", until(expires))];
    Ok(answer(StatusCode::CREATED, &headers))
}

/// Bytes of the other part that is there.
fn others(files: &super::Files, id: i64, part: Part) -> u64 {
    let other = if part == Part::Archive { Part::Photos } else { Part::Archive };
    std::fs::metadata(files.path(id, other)).map_or(0, |file| file.len())
}

/// Says how much is there.
pub(super) async fn offset(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if let Some(other) = other_version(&headers) {
        return Ok(other);
    }
    let upload = find(&app, &newcomer, &name).await?;
    let (path, bytes) = (upload.path, upload.bytes);
    let looking = tokio::task::spawn_blocking(move || match on_disk(&path) {
        // It was whole, and has its name.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(bytes),
        there => there,
    });
    let there = looking.await.map_err(|error| WebError::Broken(error.to_string()))?;
    let there = there.map_err(|error| failed(&error))?;
    let headers = [
        ("upload-offset", there.to_string()),
        ("upload-length", bytes.to_string()),
        ("upload-expires", until(upload.expires_at)),
    ];
    Ok(answer(StatusCode::OK, &headers))
}

/// Bytes that a power cut does not take away.
fn on_disk(path: &FilePath) -> io::Result<u64> {
    let file = OpenOptions::new().append(true).open(path)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// Takes the next piece, as long as the line holds.
pub(super) async fn piece(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, WebError> {
    let headers = request.headers();
    if let Some(other) = other_version(headers) {
        return Ok(other);
    }
    if header(headers, CONTENT_TYPE.as_str()) != Some("application/offset+octet-stream") {
        return Ok(answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &[]));
    }
    let Some(begin) = number(headers, "upload-offset") else {
        return Ok(answer(StatusCode::BAD_REQUEST, &[]));
    };
    let upload = find(&app, &newcomer, &name).await?;
    if !newcomer.state.takes_files() {
        return Ok(answer(StatusCode::CONFLICT, &[]));
    }
    let Some(turn) = app.newcomers.turns.take(&name) else {
        return Ok(answer(StatusCode::LOCKED, &[("retry-after", "5".to_owned())]));
    };
    let (sender, receiver) = mpsc::channel::<Bytes>(AHEAD);
    let (path, bytes) = (upload.path.clone(), upload.bytes);
    let writing = tokio::task::spawn_blocking(move || {
        // Let go when everything is on the disk, also when the reader is gone.
        let _turn = turn;
        write(&path, begin, bytes, receiver)
    });
    let mut body = request.into_body().into_data_stream();
    // What has come is kept, however it ends.
    while let Ok(Some(Ok(piece))) = tokio::time::timeout(SILENCE, body.next()).await {
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    let written = writing.await.map_err(|error| WebError::Broken(error.to_string()))?;
    let there = match written.map_err(|error| failed(&error))? {
        Written::There(there) => there,
        Written::Elsewhere => return Ok(answer(StatusCode::CONFLICT, &[])),
        Written::TooMuch => return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, &[])),
    };
    if there == bytes {
        finish(&app, &newcomer, &name, upload.part).await?;
    }
    let headers = [("upload-offset", there.to_string()), ("upload-expires", until(upload.expires_at))];
    Ok(answer(StatusCode::NO_CONTENT, &headers))
}

/// What became of a piece.
enum Written {
    /// So much is there now.
    There(u64),
    /// The file ends elsewhere than where the piece begins.
    Elsewhere,
    /// It is more than was said.
    TooMuch,
}

fn write(path: &FilePath, begin: u64, bytes: u64, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<Written> {
    let mut file: File = OpenOptions::new().append(true).open(path)?;
    let mut there = file.metadata()?.len();
    if there != begin {
        return Ok(Written::Elsewhere);
    }
    while let Some(piece) = pieces.blocking_recv() {
        if there.saturating_add(piece.len() as u64) > bytes {
            file.sync_all()?;
            return Ok(Written::TooMuch);
        }
        file.write_all(&piece)?;
        there += piece.len() as u64;
    }
    file.sync_all()?;
    Ok(Written::There(there))
}

/// The file is whole.
async fn finish(app: &App, newcomer: &Newcomer, name: &str, part: Part) -> Result<(), WebError> {
    let (files, id, file) = (app.newcomers.files.clone(), newcomer.id, name.to_owned());
    let keeping = tokio::task::spawn_blocking(move || files.keep_pieces(id, part, &file));
    let kept = keeping.await.map_err(|error| WebError::Broken(error.to_string()))?;
    // The row stays for a while: the answer to the last piece may be lost, and then it is asked how much is there.
    kept.map_err(|error| failed(&error))
}

/// Forgets a file that is not whole.
pub(super) async fn give_up(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if let Some(other) = other_version(&headers) {
        return Ok(other);
    }
    let upload = find(&app, &newcomer, &name).await?;
    remove(&app, &name, upload.path).await?;
    Ok(answer(StatusCode::NO_CONTENT, &[]))
}

async fn remove(app: &App, name: &str, path: PathBuf) -> Result<(), WebError> {
    let files = app.newcomers.files.clone();
    let removing = tokio::task::spawn_blocking(move || files.remove(&path));
    let removed = removing.await.map_err(|error| WebError::Broken(error.to_string()))?;
    removed.map_err(|error| failed(&error))?;
    let sql = "DELETE FROM pappus_uploads WHERE name = ?";
    app.store.execute("ending an upload", sql, &[name.into()]).await?;
    Ok(())
}

/// Forgets what somebody has begun for a part: one at a time.
async fn forget(app: &App, id: i64, part: Part) -> Result<(), WebError> {
    let sql = "SELECT name FROM pappus_uploads WHERE newcomer_id = ? AND part = ?";
    let rows = app.store.rows("looking for uploads", sql, &[id.into(), part.word().into()]).await?;
    for row in rows {
        let name: String = row.get(0)?;
        let path = app.newcomers.files.pieces(id, &name);
        remove(app, &name, path).await?;
    }
    Ok(())
}

/// Removes files that were not gone on with.
pub(super) async fn sweep(app: &App) -> Result<(), StoreError> {
    let sql = "SELECT name, newcomer_id FROM pappus_uploads WHERE expires_at <= ? LIMIT 100";
    for row in app.store.rows("looking for old uploads", sql, &[app.now_millis().into()]).await? {
        let (name, id): (String, i64) = (row.get(0)?, row.get(1)?);
        if let Err(error) = remove(app, &name, app.newcomers.files.pieces(id, &name)).await {
            tracing::warn!("an old upload stays for now: {error}");
        }
    }
    Ok(())
}

/// What was handed in, in a form that comes after the files.
#[derive(Deserialize)]
pub(super) struct Whole {
    #[serde(default)]
    passphrase: String,
    /// Whether photos belong to it.
    photos: Option<String>,
}

/// Has somebody look at the files.
pub(super) async fn look(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    CheckedForm(whole): CheckedForm<Whole>,
) -> Result<Redirect, WebError> {
    let passphrase = Zeroizing::new(whole.passphrase);
    if !newcomer.state.takes_files() || look_at(&app, &newcomer, &passphrase, whole.photos.is_some()).await? {
        return Ok(Redirect::to("/newcomers"));
    }
    Ok(Redirect::to("/newcomers?problem=empty#hand-in"))
}

/// Has somebody look at what has come piece by piece; says whether an archive has.
pub(super) async fn look_at(
    app: &App,
    newcomer: &Newcomer,
    passphrase: &str,
    with_photos: bool,
) -> Result<bool, WebError> {
    let (files, id) = (app.newcomers.files.clone(), newcomer.id);
    let looking = tokio::task::spawn_blocking(move || {
        if !with_photos {
            files.remove(&files.path(id, Part::Photos))?;
        }
        let size = |part| std::fs::metadata(files.path(id, part)).map_or(0, |file| file.len());
        Ok::<_, io::Error>((size(Part::Archive), size(Part::Photos)))
    });
    let sizes = looking.await.map_err(|error| WebError::Broken(error.to_string()))?;
    let sizes = sizes.map_err(|error| failed(&error))?;
    if sizes.0 > 0 {
        handed_in(app, id, sizes, passphrase).await?;
    }
    Ok(sizes.0 > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_stands_in_the_metadata() {
        assert_eq!(part("filename eA==,part YXJjaGl2ZQ=="), Some(Part::Archive));
        assert_eq!(part("part cGhvdG9z"), Some(Part::Photos));
        for other in ["", "part", "part !", "part bm90aGluZw==", "filename YXJjaGl2ZQ=="] {
            assert_eq!(part(other), None, "{other}");
        }
    }

    #[test]
    fn one_writes_at_a_time() {
        let turns = Turns::default();
        let first = turns.take("a");
        assert!(first.is_some() && turns.take("a").is_none() && turns.take("b").is_some());
        drop(first);
        assert!(turns.take("a").is_some());
    }

    #[test]
    fn pieces_go_on_where_the_file_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pieces");
        std::fs::write(&path, b"abc").unwrap();
        let put = |begin, text: &'static [u8]| {
            let (sender, receiver) = mpsc::channel(1);
            sender.try_send(Bytes::from_static(text)).unwrap();
            drop(sender);
            write(&path, begin, 6, receiver).unwrap()
        };
        assert!(matches!(put(2, b"d"), Written::Elsewhere));
        assert!(matches!(put(3, b"de"), Written::There(5)));
        assert!(matches!(put(5, b"fg"), Written::TooMuch));
        assert!(matches!(put(5, b"f"), Written::There(6)));
        assert_eq!(std::fs::read(&path).unwrap(), b"abcdef");
    }
}
