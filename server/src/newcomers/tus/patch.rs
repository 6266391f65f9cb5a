//! Receives the next chunk of an upload.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path as FilePath;
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use axum::extract::{Path, Request, State as Shared};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures_util::StreamExt as _;
use pappus_engine::arrivals::space::{Claim, Kind, Stop, Watch};
use pappus_engine::arrivals::{Newcomer, Part};
use tokio::sync::mpsc;

use super::{failed, find, header, http_date, no_space, number, other_version, remove, respond};
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::auth::CurrentNewcomer;

/// Time without data after which a connection is considered lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum number of chunks that wait for the disk.
const QUEUED_CHUNKS: usize = 16;

/// Receives data until the connection ends.
pub(in crate::newcomers) async fn patch(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, WebError> {
    let headers = request.headers();
    if let Some(other) = other_version(headers) {
        return Ok(other);
    }
    if header(headers, CONTENT_TYPE.as_str()) != Some("application/offset+octet-stream") {
        return Ok(respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, &[]));
    }
    let Some(offset) = number(headers, "upload-offset") else {
        return Ok(respond(StatusCode::BAD_REQUEST, &[]));
    };
    find(&app, &newcomer, &name).await?;
    if !newcomer.state.takes_files() {
        return Ok(respond(StatusCode::CONFLICT, &[]));
    }
    let Some(lock) = app.newcomers.writer_locks.acquire(newcomer.id, &name) else {
        return Ok(respond(StatusCode::LOCKED, &[("retry-after", "5".to_owned())]));
    };
    // Looked up again, since a deletion stops this writer only from here on.
    let upload = find(&app, &newcomer, &name).await?;
    let (path, bytes) = (app.newcomers.files.chunked_path(newcomer.id, &name), upload.bytes);
    let expires = http_date(upload.expires_at);
    let headers = |length: u64| [("upload-offset", length.to_string()), ("upload-expires", expires.clone())];
    // It was completed and renamed, with its space: the previous response was lost.
    let Some(arrived) = length(&path).await? else {
        let status = if offset == bytes { StatusCode::NO_CONTENT } else { StatusCode::CONFLICT };
        return Ok(respond(status, &headers(bytes)));
    };
    let claim = Claim { name: &name, newcomer: newcomer.id, kind: Kind::Part(upload.part), bytes, arrived };
    let space = app.newcomers.space.clone();
    if let Err(reason) = space.reserve(&claim, app.now_millis()).await? {
        return Ok(no_space(reason));
    }
    let stopped = lock.stopped();
    let (sender, receiver) = mpsc::channel::<Bytes>(QUEUED_CHUNKS);
    let writing = tokio::task::spawn_blocking(move || {
        // Released when everything is on the disk, even if the reader is gone.
        let _lock = lock;
        write(&path, offset, bytes, receiver)
    });
    let mut body = request.into_body().into_data_stream();
    let mut watch = Watch::new(&space, claim);
    let ended = tokio::select! {
        ended = receive(&app, &mut body, &sender, &mut watch) => ended?,
        () = stopped => Err(Stop::Ended),
    };
    drop(sender);
    let written = writing.await.map_err(|error| WebError::Internal(error.to_string()))?;
    match ended {
        Ok(()) => {}
        Err(Stop::Ended) => return Ok(respond(StatusCode::GONE, &[])),
        Err(Stop::NoSpace(reason)) => return Ok(no_space(reason)),
    }
    let length = match written.map_err(|error| failed(&error))? {
        Written::Length(length) => length,
        Written::WrongOffset => return Ok(respond(StatusCode::CONFLICT, &[])),
        Written::TooLong => return Ok(respond(StatusCode::PAYLOAD_TOO_LARGE, &[])),
    };
    if length == bytes && !finish(&app, &newcomer, &name, (upload.part, bytes)).await? {
        return Ok(respond(StatusCode::CONFLICT, &[]));
    }
    Ok(respond(StatusCode::NO_CONTENT, &headers(length)))
}

/// Returns the length of an incomplete file; none if there is none.
async fn length(path: &FilePath) -> Result<Option<u64>, WebError> {
    match tokio::fs::metadata(path).await {
        Ok(file) => Ok(Some(file.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

/// Passes data on while the connection lasts and the upload may continue.
async fn receive(
    app: &App,
    body: &mut BodyDataStream,
    sender: &mpsc::Sender<Bytes>,
    watch: &mut Watch<'_>,
) -> Result<Result<(), Stop>, WebError> {
    // Received data is kept in any case.
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(IDLE_TIMEOUT, body.next()).await {
        if let Err(stop) = watch.count(chunk.len(), app.now_millis()).await? {
            return Ok(Err(stop));
        }
        if sender.send(chunk).await.is_err() {
            break;
        }
    }
    Ok(Ok(()))
}

/// The result of writing a chunk.
enum Written {
    /// The length of the file.
    Length(u64),
    /// The chunk does not start at the end of the file.
    WrongOffset,
    /// More data than announced.
    TooLong,
}

fn write(path: &FilePath, offset: u64, bytes: u64, mut chunks: mpsc::Receiver<Bytes>) -> io::Result<Written> {
    let mut file: File = OpenOptions::new().append(true).open(path)?;
    let mut length = file.metadata()?.len();
    if length != offset {
        return Ok(Written::WrongOffset);
    }
    while let Some(chunk) = chunks.blocking_recv() {
        if length.saturating_add(chunk.len() as u64) > bytes {
            file.sync_all()?;
            return Ok(Written::TooLong);
        }
        file.write_all(&chunk)?;
        length += chunk.len() as u64;
    }
    file.sync_all()?;
    Ok(Written::Length(length))
}

/// Renames a complete file, unless the state no longer allows replacement; returns whether it did.
async fn finish(
    app: &App,
    newcomer: &Newcomer,
    name: &str,
    (part, bytes): (Part, u64),
) -> Result<bool, WebError> {
    let (service, id, now) = (&app.newcomers, newcomer.id, app.now_millis());
    let Some(mut transaction) = service.table.lock_files(id, now).await? else {
        remove(app, id, name).await?;
        return Ok(false);
    };
    if !service.table.has_upload(&mut transaction, name).await? {
        return Ok(false);
    }
    service.space.keep(&mut transaction, id, part, (name, bytes)).await?;
    service.table.file_replaced(&mut transaction, id, now).await?;
    let (files, file) = (service.files.clone(), name.to_owned());
    let keeping = tokio::task::spawn_blocking(move || files.save_chunked(id, part, &file));
    let result = keeping.await.map_err(|error| WebError::Internal(error.to_string()))?;
    result.map_err(|error| failed(&error))?;
    // The row stays for a while: if the last response is lost, the client asks for the offset.
    transaction.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_continue_at_the_end_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pieces");
        std::fs::write(&path, b"abc").unwrap();
        let put = |offset, text: &'static [u8]| {
            let (sender, receiver) = mpsc::channel(1);
            sender.try_send(Bytes::from_static(text)).unwrap();
            drop(sender);
            write(&path, offset, 6, receiver).unwrap()
        };
        assert!(matches!(put(2, b"d"), Written::WrongOffset));
        assert!(matches!(put(3, b"de"), Written::Length(5)));
        assert!(matches!(put(5, b"fg"), Written::TooLong));
        assert!(matches!(put(5, b"f"), Written::Length(6)));
        assert_eq!(std::fs::read(&path).unwrap(), b"abcdef");
    }
}
