//! Starts the check of completely uploaded files.

use std::io;

use axum::extract::State as Shared;
use axum::response::Redirect;
use pappus_engine::arrivals::{Newcomer, Part};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::failed;
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::auth::CurrentNewcomer;
use crate::newcomers::uploads::form::{ALREADY_UPLOADED, seal, start_check};
use crate::pages::CheckedForm;

/// The form sent after the files.
#[derive(Deserialize)]
pub(in crate::newcomers) struct CheckForm {
    #[serde(default)]
    passphrase: String,
    /// Present if photos belong to the archive.
    photos: Option<String>,
}

/// Starts the check from the form.
pub(in crate::newcomers) async fn check(
    Shared(app): Shared<App>,
    CurrentNewcomer(newcomer): CurrentNewcomer,
    CheckedForm(form): CheckedForm<CheckForm>,
) -> Result<Redirect, WebError> {
    let passphrase = Zeroizing::new(form.passphrase);
    if !newcomer.state.takes_files() {
        return Ok(Redirect::to("/newcomers"));
    }
    // Without the field, the form is for an archive alone.
    let with_photos = form.photos.is_some();
    match check_uploads(&app, &newcomer, &passphrase, Some(with_photos)).await? {
        Uploaded::Complete => Ok(Redirect::to("/newcomers")),
        Uploaded::NoArchive => Ok(Redirect::to("/newcomers?problem=empty")),
        Uploaded::NoPhotos => Ok(Redirect::to("/newcomers?problem=no-photos")),
    }
}

/// The files uploaded completely.
pub(in crate::newcomers) enum Uploaded {
    /// An archive, with the photos if expected.
    Complete,
    /// No archive.
    NoArchive,
    /// An archive, but not the expected photos.
    NoPhotos,
}

/// Starts the check of files uploaded in chunks. `with_photos` specifies whether photos belong to the archive; without
/// it, completely uploaded photos do.
pub(in crate::newcomers) async fn check_uploads(
    app: &App,
    newcomer: &Newcomer,
    passphrase: &str,
    with_photos: Option<bool>,
) -> Result<Uploaded, WebError> {
    let (service, id, now) = (&app.newcomers, newcomer.id, app.now_millis());
    let sealed = seal(app, passphrase).await?;
    let too_late = || WebError::Conflict(ALREADY_UPLOADED.to_owned());
    let mut transaction = service.table.lock_files(id, now).await?.ok_or_else(too_late)?;
    let files = service.files.clone();
    let measuring = tokio::task::spawn_blocking(move || {
        let size = |part| std::fs::metadata(files.path(id, part)).map_or(0, |file| file.len());
        if with_photos == Some(false) && size(Part::Archive) > 0 {
            files.remove(&files.path(id, Part::Photos))?;
        }
        Ok::<_, io::Error>((size(Part::Archive), size(Part::Photos)))
    });
    let sizes = measuring.await.map_err(|error| WebError::Internal(error.to_string()))?;
    match sizes.map_err(|error| failed(&error))? {
        (0, _) => return Ok(Uploaded::NoArchive),
        (_, 0) if with_photos == Some(true) => return Ok(Uploaded::NoPhotos),
        sizes => {
            if sizes.1 == 0 {
                service.space.release_complete(&mut transaction, id, Part::Photos).await?;
            }
            start_check(app, transaction, id, sizes, sealed.as_deref()).await?;
        }
    }
    Ok(Uploaded::Complete)
}
