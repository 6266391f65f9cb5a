//! Uploads by a plain form: data is written to disk as it arrives, within the reserved space.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::extract::multipart::{Field, Multipart};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Redirect;
use pappus_engine::arrivals::space::{Claim, Kind, Space};
use pappus_engine::arrivals::{ArrivalError, Files, Newcomer, NoSpace, Part};
use pappus_engine::depot::sealed;
use pappus_engine::store::{StoreError, Transaction, random_id};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::WebError;
use crate::newcomers::auth::CurrentNewcomer;
use crate::newcomers::tus;
use crate::pages::Page;

/// Maximum number of chunks that wait for the disk.
const QUEUED_CHUNKS: usize = 16;
/// Bytes reserved at a time for a form of unknown size.
const STEP_BYTES: u64 = 16 << 20;
/// Time after which a slow form renews its reservation, well before it expires.
const RENEW_AFTER: Duration = Duration::from_mins(1);
/// Maximum length of a text field in bytes.
const MAX_TEXT_BYTES: usize = 8 << 10;
/// Maximum size of a form without its files, in bytes.
const MAX_ENVELOPE_BYTES: u64 = 64 << 10;

/// Error for uploads while the archive is in use.
pub(in crate::newcomers) const ALREADY_UPLOADED: &str = "you have uploaded an archive already";

/// The reason why an upload was not saved.
enum UploadError {
    Web(WebError),
    NoSpace(NoSpace),
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::Web(error.into())
    }
}

impl From<ArrivalError> for UploadError {
    fn from(error: ArrivalError) -> Self {
        Self::Web(error.into())
    }
}

impl From<WebError> for UploadError {
    fn from(error: WebError) -> Self {
        Self::Web(error)
    }
}

/// Receives archive and photos.
pub(in crate::newcomers) async fn form(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    page: Page,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Redirect, WebError> {
    if !newcomer.state.takes_files() {
        return Err(WebError::Conflict(ALREADY_UPLOADED.to_owned()));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| {
        length > app.newcomers.files.max_archive_bytes().saturating_add(MAX_ENVELOPE_BYTES)
    }) {
        return Ok(Redirect::to("/newcomers?problem=too-large"));
    }
    let (lock_name, name) = (format!("form-{}", newcomer.id), random_id()?);
    // One form per newcomer at a time: a new one stops the previous, whose connection may be lost.
    app.newcomers.writer_locks.stop(&lock_name).await;
    let Some(lock) = app.newcomers.writer_locks.acquire(newcomer.id, &lock_name) else {
        return Err(WebError::Conflict("another of your uploads is in progress".to_owned()));
    };
    let _release = ReleaseOnDrop::new(&app.newcomers.space, &name);
    let (id, renewed) = (newcomer.id, Instant::now());
    let mut reservation =
        Reservation { app: &app, id, name: &name, length, reserved: 0, renewed, received: 0 };
    let form = tokio::select! {
        form = receive(&app, &newcomer, &page, form, &mut reservation) => form,
        () = lock.stopped() => Err(WebError::Conflict("this upload was stopped".to_owned()).into()),
    };
    finish(&app, &newcomer, form).await
}

/// Saves the files, or redirects to the page with the problem.
async fn finish(
    app: &App,
    newcomer: &Newcomer,
    form: Result<Option<UploadedForm>, UploadError>,
) -> Result<Redirect, WebError> {
    match form {
        Ok(Some(form)) => {
            save(app, newcomer, form).await?;
            Ok(Redirect::to("/newcomers"))
        }
        Ok(None) => Ok(Redirect::to("/newcomers?problem=empty")),
        Err(UploadError::NoSpace(NoSpace::TooLarge)) => Ok(Redirect::to("/newcomers?problem=too-large")),
        Err(UploadError::NoSpace(NoSpace::Full)) => {
            tracing::warn!("there is no disk space for archives of newcomers");
            Ok(Redirect::to("/newcomers?problem=full"))
        }
        Err(UploadError::Web(error)) => Err(error),
    }
}

/// Releases the space of an upload when dropped, even if the client disconnects before the response.
struct ReleaseOnDrop {
    space: Space,
    name: String,
}

impl ReleaseOnDrop {
    fn new(space: &Space, name: &str) -> Self {
        Self { space: space.clone(), name: name.to_owned() }
    }
}

impl Drop for ReleaseOnDrop {
    fn drop(&mut self) {
        let (space, name) = (self.space.clone(), std::mem::take(&mut self.name));
        // Without a runtime the program is exiting; the reservation expires.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = space.release(&name).await {
                tracing::warn!("{error}");
            }
        });
    }
}

/// The contents of a complete form.
struct UploadedForm {
    archive: (NamedTempFile, u64),
    photos: Option<(NamedTempFile, u64)>,
    passphrase: Zeroizing<String>,
}

async fn receive(
    app: &App,
    newcomer: &Newcomer,
    page: &Page,
    mut form: Multipart,
    reservation: &mut Reservation<'_>,
) -> Result<Option<UploadedForm>, UploadError> {
    let (mut is_token_checked, mut archive, mut photos) = (false, None, None);
    let mut passphrase = Zeroizing::new(String::new());
    while let Some(mut field) = form.next_field().await.map_err(|error| receive_error(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "token" {
            page.check_token(&text(&mut field).await?)?;
            is_token_checked = true;
            app.newcomers.table.has_files(newcomer.id, app.now_millis()).await.map_err(WebError::from)?;
        } else if !is_token_checked {
            // Our form sends it first; without it nothing is written.
            return Err(WebError::Form.into());
        } else if name == "passphrase" {
            passphrase = text(&mut field).await?;
        } else if let Some(part) = Part::parse(&name) {
            let file = write(&app.newcomers.files, newcomer.id, &mut field, reservation).await?;
            // Browsers send a field without a file as an empty one.
            let file = Some(file).filter(|(_, bytes)| *bytes > 0);
            match part {
                Part::Archive => archive = file,
                Part::Photos => photos = file,
            }
        }
    }
    Ok(archive.map(|archive| UploadedForm { archive, photos, passphrase }))
}

fn receive_error(error: &axum::extract::multipart::MultipartError) -> WebError {
    WebError::BadRequest(format!("the upload was interrupted, or is not a form: {}", error.body_text()))
}

async fn text(field: &mut Field<'_>) -> Result<Zeroizing<String>, WebError> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(chunk) = field.chunk().await.map_err(|error| receive_error(&error))? {
        if bytes.len() + chunk.len() > MAX_TEXT_BYTES {
            return Err(WebError::BadRequest("a text in the form is too long".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| WebError::BadRequest("a text is not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes a field to a file as it arrives.
async fn write(
    files: &Files,
    id: i64,
    field: &mut Field<'_>,
    reservation: &mut Reservation<'_>,
) -> Result<(NamedTempFile, u64), UploadError> {
    let (sender, receiver) = mpsc::channel::<Bytes>(QUEUED_CHUNKS);
    let files = files.clone();
    let writing = tokio::task::spawn_blocking(move || write_all(&files, id, receiver));
    while let Some(chunk) = field.chunk().await.map_err(|error| receive_error(&error))? {
        reservation.count(chunk.len() as u64).await?;
        // The writer failed; its error is returned below.
        if sender.send(chunk).await.is_err() {
            break;
        }
    }
    drop(sender);
    let written = writing.await.map_err(|error| WebError::Internal(error.to_string()))?;
    written.map_err(|error| WebError::Unavailable(format!("an upload cannot be written: {error}")).into())
}

fn write_all(files: &Files, id: i64, mut chunks: mpsc::Receiver<Bytes>) -> io::Result<(NamedTempFile, u64)> {
    let mut file = files.create_file(id)?;
    let mut written = 0_u64;
    while let Some(chunk) = chunks.blocking_recv() {
        file.write_all(&chunk)?;
        written += chunk.len() as u64;
    }
    file.as_file().sync_all()?;
    Ok((file, written))
}

/// Reservation for a form: of its size if that is known, otherwise step by step.
struct Reservation<'a> {
    app: &'a App,
    id: i64,
    name: &'a str,
    length: Option<u64>,
    reserved: u64,
    renewed: Instant,
    received: u64,
}

impl Reservation<'_> {
    /// Counts bytes before they are written, and extends the reservation.
    async fn count(&mut self, bytes: u64) -> Result<(), UploadError> {
        self.received = self.received.saturating_add(bytes);
        let is_step = self.received / STEP_BYTES != (self.received - bytes) / STEP_BYTES;
        if self.received <= self.reserved && !is_step && self.renewed.elapsed() < RENEW_AFTER {
            return Ok(());
        }
        let max_bytes = self.app.newcomers.files.max_archive_bytes();
        let reservation = match self.length {
            // Multipart boundaries are not part of the files.
            Some(length) => length.min(max_bytes),
            None => (self.received / STEP_BYTES + 1).saturating_mul(STEP_BYTES).min(max_bytes),
        };
        let now = self.app.now_millis();
        let (bytes, arrived) = (reservation.max(self.received), self.received);
        let claim = Claim { name: self.name, newcomer: self.id, kind: Kind::Form, bytes, arrived };
        (self.reserved, self.renewed) = (bytes, Instant::now());
        let reserved = self.app.newcomers.space.reserve(&claim, now).await?;
        reserved.map_err(UploadError::NoSpace)
    }
}

/// Renames the files, unless the state no longer allows it, and starts the check.
async fn save(app: &App, newcomer: &Newcomer, form: UploadedForm) -> Result<(), WebError> {
    let (service, id) = (&app.newcomers, newcomer.id);
    let UploadedForm { archive: (archive, bytes), photos, passphrase } = form;
    let photos_bytes = photos.as_ref().map_or(0, |(_, bytes)| *bytes);
    let sealed = seal(app, &passphrase).await?;
    let too_late = || WebError::Conflict(ALREADY_UPLOADED.to_owned());
    let mut transaction = service.table.lock_files(id, app.now_millis()).await?.ok_or_else(too_late)?;
    service.space.keep(&mut transaction, id, Part::Archive, (&format!("n{id}-archive"), bytes)).await?;
    match photos_bytes {
        0 => service.space.release_complete(&mut transaction, id, Part::Photos).await?,
        bytes => {
            service.space.keep(&mut transaction, id, Part::Photos, (&format!("n{id}-photos"), bytes)).await?;
        }
    }
    let files = service.files.clone();
    let keeping = tokio::task::spawn_blocking(move || {
        files.save(id, Part::Archive, archive)?;
        match photos {
            Some((photos, _)) => files.save(id, Part::Photos, photos),
            None => files.remove(&files.path(id, Part::Photos)),
        }
    });
    let result = keeping.await.map_err(|error| WebError::Internal(error.to_string()))?;
    result.map_err(|error| WebError::Unavailable(format!("an upload cannot be saved: {error}")))?;
    start_check(app, transaction, id, (bytes, photos_bytes), sealed.as_deref()).await
}

/// Starts the check while the files are locked, and ends other uploads of the newcomer.
pub(in crate::newcomers) async fn start_check(
    app: &App,
    mut transaction: Transaction,
    id: i64,
    bytes: (u64, u64),
    sealed: Option<&[u8]>,
) -> Result<(), WebError> {
    let (table, now) = (&app.newcomers.table, app.now_millis());
    if !table
        .start_check(&mut transaction, id, bytes, sealed, now, crate::newcomers::link_lifetime(app))
        .await?
    {
        return Err(WebError::Conflict(ALREADY_UPLOADED.to_owned()));
    }
    transaction.commit().await?;
    tus::delete_incomplete(app, id, None).await?;
    table.queue().wake();
    Ok(())
}

/// Encrypts a passphrase with the key of the store; `None` if it is empty.
pub(in crate::newcomers) async fn seal(app: &App, passphrase: &str) -> Result<Option<Vec<u8>>, WebError> {
    if passphrase.is_empty() {
        return Ok(None);
    }
    let key =
        app.keys.current(app.now().into()).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    let sealed = sealed::seal(&key.recipient, passphrase);
    sealed.map(Some).map_err(|error| WebError::Internal(error.to_string()))
}

/// Encrypts a text with the key of the store, for a text column.
pub(in crate::newcomers) async fn seal_text(app: &App, text: &str) -> Result<String, WebError> {
    let key =
        app.keys.current(app.now().into()).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    sealed::seal_text(&key.recipient, text).map_err(|error| WebError::Internal(error.to_string()))
}
