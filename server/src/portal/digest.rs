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

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// Returns the digest in hexadecimal: computed once per archive, then stored.
pub(super) async fn of(app: &App, made: &MadeArchive) -> Result<String, WebError> {
    if !made.is_sealed() {
        return Ok(made.sha256.clone());
    }
    let requests = &app.portal.requests;
    if let Some(known) = requests.digest(&made.sha256).await? {
        return Ok(known);
    }
    let mut opened = made::open(app, made).await?;
    let mut context = Context::new(&SHA256);
    loop {
        let read = opened.piece(PIECE).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
        if read.1.is_empty() {
            break;
        }
        context.update(&read.1);
        opened = read.0;
    }
    let digest = hex::encode(context.finish().as_ref());
    requests.note_digest(&made.sha256, &digest).await?;
    Ok(digest)
}

/// Returns the digest as a file for `sha256sum -c`.
pub(super) async fn file(
    State(app): State<App>,
    SignedIn(person): SignedIn,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let made = made::own(&app, &person, &name).await?;
    let text = format!("{}  {}\n", of(&app, &made).await?, made.file_name());
    let head = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "private, no-store")];
    Ok((head, text).into_response())
}
