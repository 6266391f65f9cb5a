//! Handing an archive in by a plain form: what comes is written to disk as it comes, within the limits.

use std::io::{self, Write as _};

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::extract::multipart::{Field, Multipart};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Redirect;
use pappus_engine::requests::sealed;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::enter::Mine;
use super::files::{Files, NoRoom, Part};
use super::records::Newcomer;
use super::work::push_now;
use crate::app::App;
use crate::error::WebError;
use crate::pages::Page;

/// Pieces that may wait for the disk.
const AHEAD: usize = 16;
/// How often the disk is looked at, in bytes.
const LOOK: u64 = 16 << 20;
/// Largest text in a form.
const MAX_TEXT: usize = 8 << 10;
/// What a form may be larger than its files.
const ENVELOPE: u64 = 64 << 10;

/// Why nothing was kept.
enum Trouble {
    Web(WebError),
    Room(NoRoom),
}

impl From<WebError> for Trouble {
    fn from(error: WebError) -> Self {
        Self::Web(error)
    }
}

/// Takes archive and photos.
pub(super) async fn form(
    Shared(app): Shared<App>,
    Mine(newcomer): Mine,
    page: Page,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Redirect, WebError> {
    if !newcomer.state.takes_files() {
        return Err(WebError::Conflict("there is an archive of yours already".to_owned()));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > app.newcomers.files.most().saturating_add(ENVELOPE)) {
        return Ok(Redirect::to("/newcomers?problem=too-large#hand-in"));
    }
    match take(&app, &newcomer, &page, form).await {
        Ok(Some(taken)) => {
            keep(&app, &newcomer, taken).await?;
            Ok(Redirect::to("/newcomers"))
        }
        Ok(None) => Ok(Redirect::to("/newcomers?problem=empty#hand-in")),
        Err(Trouble::Room(NoRoom::TooLarge)) => Ok(Redirect::to("/newcomers?problem=too-large#hand-in")),
        Err(Trouble::Room(NoRoom::Full)) => {
            tracing::warn!("there is no room for archives of newcomers");
            Ok(Redirect::to("/newcomers?problem=full#hand-in"))
        }
        Err(Trouble::Web(error)) => Err(error),
    }
}

/// What a form held; it is whole.
struct Taken {
    archive: (NamedTempFile, u64),
    photos: Option<(NamedTempFile, u64)>,
    passphrase: Zeroizing<String>,
}

async fn take(
    app: &App,
    newcomer: &Newcomer,
    page: &Page,
    mut form: Multipart,
) -> Result<Option<Taken>, Trouble> {
    let (mut checked, mut archive, mut photos) = (false, None, None);
    let mut passphrase = Zeroizing::new(String::new());
    let mut before = 0;
    while let Some(mut field) = form.next_field().await.map_err(|error| broken_off(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "token" {
            page.check_token(&text(&mut field).await?)?;
            checked = true;
            app.newcomers.table.has_files(newcomer.id, app.now_millis()).await.map_err(WebError::from)?;
        } else if !checked {
            // It stands first in our own form; without it nothing is written.
            return Err(WebError::Form.into());
        } else if name == "passphrase" {
            passphrase = text(&mut field).await?;
        } else if let Some(part) = Part::parse(&name) {
            let file = write(&app.newcomers.files, newcomer.id, &mut field, before).await?;
            before += file.1;
            // A browser sends a field without a file as an empty one.
            let file = Some(file).filter(|(_, bytes)| *bytes > 0);
            match part {
                Part::Archive => archive = file,
                Part::Photos => photos = file,
            }
        }
    }
    Ok(archive.map(|archive| Taken { archive, photos, passphrase }))
}

fn broken_off(error: &axum::extract::multipart::MultipartError) -> WebError {
    WebError::Bad(format!("the upload broke off, or is no form: {}", error.body_text()))
}

async fn text(field: &mut Field<'_>) -> Result<Zeroizing<String>, WebError> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(piece) = field.chunk().await.map_err(|error| broken_off(&error))? {
        if bytes.len() + piece.len() > MAX_TEXT {
            return Err(WebError::Bad("a text in the form is too long".to_owned()));
        }
        bytes.extend_from_slice(&piece);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| WebError::Bad("a text is not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes a field to a file, piece by piece.
async fn write(
    files: &Files,
    id: i64,
    field: &mut Field<'_>,
    before: u64,
) -> Result<(NamedTempFile, u64), Trouble> {
    let (sender, receiver) = mpsc::channel::<Bytes>(AHEAD);
    let files = files.clone();
    let writing = tokio::task::spawn_blocking(move || write_all(&files, id, before, receiver));
    while let Some(piece) = field.chunk().await.map_err(|error| broken_off(&error))? {
        // Whoever writes has given up, and says below why.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    let written = writing.await.map_err(|error| WebError::Broken(error.to_string()))?;
    match written {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(full)) => Err(Trouble::Room(full)),
        Err(error) => Err(WebError::Away(format!("an upload cannot be written: {error}")).into()),
    }
}

fn write_all(
    files: &Files,
    id: i64,
    before: u64,
    mut pieces: mpsc::Receiver<Bytes>,
) -> io::Result<Result<(NamedTempFile, u64), NoRoom>> {
    let mut file = files.begin(id)?;
    let (mut written, mut looked) = (0_u64, None);
    while let Some(piece) = pieces.blocking_recv() {
        let more = piece.len() as u64;
        let is_time = looked.is_none_or(|at| written.saturating_sub(at) >= LOOK);
        if is_time {
            if let Err(full) = files.room(before.saturating_add(written), more)? {
                return Ok(Err(full));
            }
            looked = Some(written);
        } else if before.saturating_add(written).saturating_add(more) > files.most() {
            return Ok(Err(NoRoom::TooLarge));
        }
        file.write_all(&piece)?;
        written += more;
    }
    Ok(Ok((file, written)))
}

/// Gives the files their names, and has somebody look at them.
async fn keep(app: &App, newcomer: &Newcomer, taken: Taken) -> Result<(), WebError> {
    let (files, id) = (app.newcomers.files.clone(), newcomer.id);
    let Taken { archive: (archive, bytes), photos, passphrase } = taken;
    let photos_bytes = photos.as_ref().map_or(0, |(_, bytes)| *bytes);
    let keeping = tokio::task::spawn_blocking(move || {
        files.keep(id, Part::Archive, archive)?;
        match photos {
            Some((photos, _)) => files.keep(id, Part::Photos, photos),
            None => files.remove(&files.path(id, Part::Photos)),
        }
    });
    let kept = keeping.await.map_err(|error| WebError::Broken(error.to_string()))?;
    kept.map_err(|error| WebError::Away(format!("an upload cannot be kept: {error}")))?;
    handed_in(app, id, (bytes, photos_bytes), &passphrase).await
}

/// Notes that an archive is there.
pub(super) async fn handed_in(
    app: &App,
    id: i64,
    bytes: (u64, u64),
    passphrase: &str,
) -> Result<(), WebError> {
    let sealed = seal(app, passphrase).await?;
    let table = &app.newcomers.table;
    let noted = table.handed_in(id, bytes, sealed.as_deref(), app.now_millis(), super::good_for(app)).await?;
    if !noted {
        return Err(WebError::Conflict("there is an archive of yours already".to_owned()));
    }
    push_now(app, id).await;
    Ok(())
}

/// A passphrase under the key of the store; nothing when it is empty.
pub(super) async fn seal(app: &App, passphrase: &str) -> Result<Option<Vec<u8>>, WebError> {
    if passphrase.is_empty() {
        return Ok(None);
    }
    let key = app.keys.current(app.now().into()).await.map_err(|error| WebError::Away(error.to_string()))?;
    let sealed = sealed::seal(&key.recipient, passphrase);
    sealed.map(Some).map_err(|error| WebError::Broken(error.to_string()))
}
