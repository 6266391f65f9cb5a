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

use super::{answer, failed, find, header, no_space, number, other_version, remove, until};
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::auth::CurrentNewcomer;

/// Time without data after which a connection is considered lost.
const SILENCE: Duration = Duration::from_secs(30);
/// Maximum number of chunks that wait for the disk.
const AHEAD: usize = 16;

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
        return Ok(answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &[]));
    }
    let Some(begin) = number(headers, "upload-offset") else {
        return Ok(answer(StatusCode::BAD_REQUEST, &[]));
    };
    find(&app, &newcomer, &name).await?;
    if !newcomer.state.takes_files() {
        return Ok(answer(StatusCode::CONFLICT, &[]));
    }
    let Some(lock) = app.newcomers.writer_locks.acquire(newcomer.id, &name) else {
        return Ok(answer(StatusCode::LOCKED, &[("retry-after", "5".to_owned())]));
    };
    // Once more, now that a deletion stops this writer.
    let upload = find(&app, &newcomer, &name).await?;
    let (path, bytes) = (app.newcomers.files.chunked_path(newcomer.id, &name), upload.bytes);
    let headers =
        |there: u64| [("upload-offset", there.to_string()), ("upload-expires", until(upload.expires_at))];
    // It was completed and renamed, and its space is kept for good: the last answer was lost.
    let Some(arrived) = length(&path).await? else {
        let status = if begin == bytes { StatusCode::NO_CONTENT } else { StatusCode::CONFLICT };
        return Ok(answer(status, &headers(bytes)));
    };
    let claim = Claim { name: &name, newcomer: newcomer.id, kind: Kind::Part(upload.part), bytes, arrived };
    let space = app.newcomers.space.clone();
    if let Err(reason) = space.reserve(&claim, app.now_millis()).await? {
        return Ok(no_space(reason));
    }
    let stopped = lock.stopped();
    let (sender, receiver) = mpsc::channel::<Bytes>(AHEAD);
    let writing = tokio::task::spawn_blocking(move || {
        // Released when everything is on the disk, even if the reader is gone.
        let _lock = lock;
        write(&path, begin, bytes, receiver)
    });
    let mut body = request.into_body().into_data_stream();
    let mut watch = Watch::new(&space, claim);
    let ended = tokio::select! {
        ended = take(&app, &mut body, &sender, &mut watch) => ended?,
        () = stopped => Err(Stop::Ended),
    };
    drop(sender);
    let written = writing.await.map_err(|error| WebError::Internal(error.to_string()))?;
    match ended {
        Ok(()) => {}
        Err(Stop::Ended) => return Ok(answer(StatusCode::GONE, &[])),
        Err(Stop::NoSpace(reason)) => return Ok(no_space(reason)),
    }
    let there = match written.map_err(|error| failed(&error))? {
        Written::There(there) => there,
        Written::Elsewhere => return Ok(answer(StatusCode::CONFLICT, &[])),
        Written::TooMuch => return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, &[])),
    };
    if there == bytes && !finish(&app, &newcomer, &name, (upload.part, bytes)).await? {
        return Ok(answer(StatusCode::CONFLICT, &[]));
    }
    Ok(answer(StatusCode::NO_CONTENT, &headers(there)))
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
async fn take(
    app: &App,
    body: &mut BodyDataStream,
    sender: &mpsc::Sender<Bytes>,
    watch: &mut Watch<'_>,
) -> Result<Result<(), Stop>, WebError> {
    // Data received is kept, whatever ends the loop.
    while let Ok(Some(Ok(piece))) = tokio::time::timeout(SILENCE, body.next()).await {
        if let Err(stop) = watch.count(piece.len(), app.now_millis()).await? {
            return Ok(Err(stop));
        }
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    Ok(Ok(()))
}

/// The result of writing a chunk.
enum Written {
    /// The length of the file.
    There(u64),
    /// The chunk does not start at the end of the file.
    Elsewhere,
    /// More data than announced.
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
    let kept = keeping.await.map_err(|error| WebError::Internal(error.to_string()))?;
    kept.map_err(|error| failed(&error))?;
    // The row stays for a while: if the last response is lost, the client asks for the offset.
    transaction.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

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
