//! The files are whole: somebody shall look at them.

use std::io;

use axum::extract::State as Shared;
use axum::response::Redirect;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::failed;
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::enter::Mine;
use crate::newcomers::files::Part;
use crate::newcomers::records::Newcomer;
use crate::newcomers::upload::handed_in;
use crate::pages::CheckedForm;

/// What was handed in, in a form that comes after the files.
#[derive(Deserialize)]
pub(in crate::newcomers) struct Whole {
    #[serde(default)]
    passphrase: String,
    /// Whether photos belong to it.
    photos: Option<String>,
}

/// Has somebody look at the files.
pub(in crate::newcomers) async fn look(
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
pub(in crate::newcomers) async fn look_at(
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
