//! The SHA-256 of an archive as downloaded: the file in the depot is encrypted, with another digest.

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use pappus_engine::departures::MadeArchive;

use super::made;
use crate::app::App;
use crate::error::WebError;
use crate::sessions::SignedIn;

/// Number of bytes read at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Returns the digest in hexadecimal: computed once per archive, then stored.
pub(super) async fn sha256(app: &App, archive: &MadeArchive) -> Result<String, WebError> {
    if !archive.is_sealed() {
        return Ok(archive.sha256.clone());
    }
    let requests = &app.portal.requests;
    if let Some(digest) = requests.digest(&archive.sha256).await? {
        return Ok(digest);
    }
    let mut opened = made::open(app, archive).await?;
    let mut context = Context::new(&SHA256);
    loop {
        let read =
            opened.piece(CHUNK_BYTES).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
        if read.1.is_empty() {
            break;
        }
        context.update(&read.1);
        opened = read.0;
    }
    let digest = hex::encode(context.finish().as_ref());
    requests.note_digest(&archive.sha256, &digest).await?;
    Ok(digest)
}

/// Returns the digest as a file for `sha256sum -c`.
pub(super) async fn file(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let archive = made::find_downloadable(&app, &person, &name).await?;
    let text = format!("{}  {}\n", sha256(&app, &archive).await?, archive.file_name());
    let head = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "private, no-store")];
    Ok((head, text).into_response())
}
