//! Resumable uploads: tus 1.0 (<https://tus.io/protocols/resumable-upload>), with creation, termination and
//! expiration. The length of the file is the offset; data acknowledged in a response is on the disk.

mod check;
mod patch;
mod writer_locks;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path as FilePath;
use std::time::Duration;

use axum::extract::{Path, State as Shared};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pappus_engine::arrivals::space::{Claim, Kind};
use pappus_engine::arrivals::{ChunkedUpload, Newcomer, NoSpace, Part};
use pappus_engine::store::{StoreError, millis, random_id};

use super::auth::CurrentNewcomer;
use crate::app::App;
use crate::error::{WebError, keep_body};

pub(super) use check::{Uploaded, check, check_uploads};
pub(super) use patch::patch;
pub(super) use writer_locks::WriterLocks;

/// Version of the protocol.
const VERSION: &str = "1.0.0";
/// Supported extensions of the protocol.
const EXTENSIONS: &str = "creation,termination,expiration";
/// Time within which an upload has to be completed.
const UPLOAD_LIFETIME: Duration = Duration::from_hours(72);

async fn find(app: &App, newcomer: &Newcomer, name: &str) -> Result<ChunkedUpload, WebError> {
    // Names become parts of paths.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(WebError::NotFound);
    }
    app.newcomers.table.upload(newcomer.id, name, app.now_millis()).await?.ok_or(WebError::NotFound)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    header(headers, name).and_then(|text| text.parse().ok())
}

/// Builds a response with the headers of the protocol.
fn respond(status: StatusCode, headers: &[(&'static str, String)]) -> Response {
    let mut response = status.into_response();
    let head = response.headers_mut();
    head.insert("tus-resumable", HeaderValue::from_static(VERSION));
    head.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            head.insert(HeaderName::from_static(name), value);
        }
    }
    keep_body(response)
}

/// Returns an error response if the client uses another version.
fn other_version(headers: &HeaderMap) -> Option<Response> {
    let is_same = header(headers, "tus-resumable") == Some(VERSION);
    (!is_same).then(|| respond(StatusCode::PRECONDITION_FAILED, &[("tus-version", VERSION.to_owned())]))
}

/// Builds the response to an upload for which there is no space.
fn no_space(reason: NoSpace) -> Response {
    let status = match reason {
        NoSpace::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        NoSpace::Full => StatusCode::INSUFFICIENT_STORAGE,
    };
    respond(status, &[])
}

/// Formats a time, in milliseconds since 1970, for a header.
fn http_date(millis: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default();
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn failed(error: &io::Error) -> WebError {
    WebError::Unavailable(format!("an upload cannot be saved: {error}"))
}

/// Returns the supported features.
pub(super) async fn options(Shared(app): Shared<App>) -> Response {
    let max_bytes = app.newcomers.files.max_archive_bytes().to_string();
    let headers = [
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-max-size", max_bytes),
    ];
    respond(StatusCode::NO_CONTENT, &headers)
}

/// Parses the part in the metadata: `part YXJjaGl2ZQ==`.
fn part(metadata: &str) -> Option<Part> {
    let value = metadata.split(',').find_map(|pair| pair.trim().strip_prefix("part "))?;
    let name = STANDARD.decode(value.trim()).ok()?;
    Part::parse(std::str::from_utf8(&name).ok()?)
}

/// Creates an upload.
pub(super) async fn create(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if let Some(other) = other_version(&headers) {
        return Ok(other);
    }
    let (Some(bytes), Some(part)) =
        (number(&headers, "upload-length"), header(&headers, "upload-metadata").and_then(part))
    else {
        return Ok(respond(StatusCode::BAD_REQUEST, &[]));
    };
    let (service, now) = (&app.newcomers, app.now_millis());
    if !newcomer.state.takes_files() || !service.table.has_files(newcomer.id, now).await? {
        return Ok(respond(StatusCode::CONFLICT, &[]));
    }
    delete_incomplete(&app, newcomer.id, Some(part)).await?;
    let (name, id) = (random_id()?, newcomer.id);
    let claim = Claim { name: &name, newcomer: id, kind: Kind::Part(part), bytes, arrived: 0 };
    if let Err(reason) = service.space.reserve(&claim, now).await? {
        return Ok(no_space(reason));
    }
    let (files, path) = (service.files.clone(), service.files.chunked_path(id, &name));
    let making = tokio::task::spawn_blocking(move || {
        files.create_folder(id)?;
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
    });
    let result = making.await.map_err(|error| WebError::Internal(error.to_string()))?;
    if let Err(error) = result {
        service.space.release(&name).await?;
        return Err(failed(&error));
    }
    let upload = ChunkedUpload { name, part, bytes, expires_at: now + millis(UPLOAD_LIFETIME) };
    service.table.begin_upload(id, &upload, now).await?;
    let location = format!("/newcomers/uploads/{}", upload.name);
    let headers = [("location", location), ("upload-expires", http_date(upload.expires_at))];
    Ok(respond(StatusCode::CREATED, &headers))
}

/// Returns the current offset.
pub(super) async fn offset(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if let Some(other) = other_version(&headers) {
        return Ok(other);
    }
    let upload = find(&app, &newcomer, &name).await?;
    let (path, bytes) = (app.newcomers.files.chunked_path(newcomer.id, &name), upload.bytes);
    let looking = tokio::task::spawn_blocking(move || match on_disk(&path) {
        // It was completed and renamed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(bytes),
        result => result,
    });
    let received = looking.await.map_err(|error| WebError::Internal(error.to_string()))?;
    let received = received.map_err(|error| failed(&error))?;
    let headers = [
        ("upload-offset", received.to_string()),
        ("upload-length", bytes.to_string()),
        ("upload-expires", http_date(upload.expires_at)),
    ];
    Ok(respond(StatusCode::OK, &headers))
}

/// Returns the file's length after syncing it to disk.
fn on_disk(path: &FilePath) -> io::Result<u64> {
    let file = OpenOptions::new().append(true).open(path)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// A file of a newcomer, complete or in progress.
pub(super) struct NewcomerFile {
    pub(super) part: Part,
    /// Its total size in bytes.
    pub(super) bytes: u64,
    /// Number of bytes received.
    pub(super) received: u64,
}

/// Lists a newcomer's files, complete or in progress.
pub(super) async fn uploads(app: &App, id: i64) -> Result<Vec<NewcomerFile>, WebError> {
    let mut uploads = unfinished(app, id).await?;
    let files = app.newcomers.files.clone();
    let looking = tokio::task::spawn_blocking(move || {
        [Part::Archive, Part::Photos].map(|part| {
            let size = std::fs::metadata(files.path(id, part)).map_or(0, |file| file.len());
            NewcomerFile { part, bytes: size, received: size }
        })
    });
    let complete = looking.await.map_err(|error| WebError::Internal(error.to_string()))?;
    uploads.extend(complete.into_iter().filter(|file| file.received > 0));
    Ok(uploads)
}

/// Lists a newcomer's incomplete uploads in chunks.
pub(super) async fn unfinished(app: &App, id: i64) -> Result<Vec<NewcomerFile>, WebError> {
    let mut uploads = Vec::new();
    for ChunkedUpload { name, part, bytes, .. } in app.newcomers.table.uploads(id, app.now_millis()).await? {
        let path = app.newcomers.files.chunked_path(id, &name);
        // A complete one was renamed already.
        let Ok(file) = tokio::fs::metadata(&path).await else { continue };
        uploads.push(NewcomerFile { part, bytes, received: file.len() });
    }
    Ok(uploads)
}

/// Terminates an incomplete upload.
pub(super) async fn terminate(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if let Some(other) = other_version(&headers) {
        return Ok(other);
    }
    find(&app, &newcomer, &name).await?;
    remove(&app, newcomer.id, &name).await?;
    Ok(respond(StatusCode::NO_CONTENT, &[]))
}

/// Deletes an upload and stops its writer. The file of a complete upload stays.
async fn remove(app: &App, id: i64, name: &str) -> Result<(), WebError> {
    // The row is removed first, so that no writer can start after the others were stopped.
    app.newcomers.table.remove_upload(name).await?;
    app.newcomers.writer_locks.stop(name).await;
    let (files, path) = (app.newcomers.files.clone(), app.newcomers.files.chunked_path(id, name));
    let removing = tokio::task::spawn_blocking(move || files.remove(&path));
    let removed = removing.await.map_err(|error| WebError::Internal(error.to_string()))?;
    removed.map_err(|error| failed(&error))?;
    Ok(app.newcomers.space.release(name).await?)
}

/// Deletes a newcomer's incomplete uploads: for one part, which has one upload at a time, or all.
pub(super) async fn delete_incomplete(app: &App, id: i64, part: Option<Part>) -> Result<(), WebError> {
    for name in app.newcomers.table.incomplete_uploads(id, part).await? {
        remove(app, id, &name).await?;
    }
    Ok(())
}

/// Ends all uploads of a newcomer, in chunks and by form.
pub(super) async fn end_all(app: &App, id: i64) -> Result<(), WebError> {
    delete_incomplete(app, id, None).await?;
    app.newcomers.writer_locks.stop_all(id).await;
    Ok(())
}

/// Removes expired uploads, and releases the space that paused ones do not fill.
pub(super) async fn sweep(app: &App) -> Result<(), StoreError> {
    for (name, id) in app.newcomers.table.expired_uploads(app.now_millis()).await? {
        if let Err(error) = remove(app, id, &name).await {
            tracing::warn!("an expired upload is not deleted yet: {error}");
        }
    }
    for (name, id, until) in app.newcomers.table.paused_uploads(app.now_millis()).await? {
        // A writer reserves all of it again before it continues.
        app.newcomers.writer_locks.stop(&name).await;
        let path = app.newcomers.files.chunked_path(id, &name);
        let size = tokio::fs::metadata(&path).await.map_or(0, |file| file.len());
        app.newcomers.space.pause(&name, size, until, app.now_millis()).await?;
    }
    app.newcomers.space.release_expired(app.now_millis()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_is_read_from_the_metadata() {
        assert_eq!(part("filename eA==,part YXJjaGl2ZQ=="), Some(Part::Archive));
        assert_eq!(part("part cGhvdG9z"), Some(Part::Photos));
        for other in ["", "part", "part !", "part bm90aGluZw==", "filename YXJjaGl2ZQ=="] {
            assert_eq!(part(other), None, "{other}");
        }
    }
}
