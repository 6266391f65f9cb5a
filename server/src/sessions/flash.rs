//! Values for the next page. A processed form redirects, so that a reload does not repeat it; the next page
//! shows the value. It waits in the session, encrypted: it may be a secret.

use pappus_engine::depot::sealed::{open_text, seal_text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_sessions::Session;

use crate::app::App;
use crate::error::WebError;

fn unavailable(error: &impl ToString) -> WebError {
    WebError::Unavailable(error.to_string())
}

/// Stores a value for the next page.
///
/// # Errors
/// [`WebError::Unavailable`] if the store or its key cannot be used.
pub(crate) async fn put<T: Serialize>(
    app: &App,
    session: &Session,
    name: &'static str,
    value: &T,
) -> Result<(), WebError> {
    let key = app.keys.current(app.now().into()).await.map_err(|error| unavailable(&error))?;
    let text = serde_json::to_string(value).map_err(|error| WebError::Internal(error.to_string()))?;
    let sealed = seal_text(&key.recipient, &text).map_err(|error| WebError::Internal(error.to_string()))?;
    session.insert(name, sealed).await.map_err(|error| unavailable(&error))
}

/// Returns the value and leaves it in the session: a reload shows it again.
///
/// # Errors
/// [`WebError::Unavailable`] if the store or its key cannot be used.
pub(crate) async fn get<T: DeserializeOwned>(
    app: &App,
    session: &Session,
    name: &'static str,
) -> Result<Option<T>, WebError> {
    open(app, session.get::<String>(name).await.map_err(|error| unavailable(&error))?)
}

/// Takes the value out of the session, if there is one.
///
/// # Errors
/// [`WebError::Unavailable`] if the store or its key cannot be used.
pub(crate) async fn take<T: DeserializeOwned>(
    app: &App,
    session: &Session,
    name: &'static str,
) -> Result<Option<T>, WebError> {
    open(app, session.remove::<String>(name).await.map_err(|error| unavailable(&error))?)
}

fn open<T: DeserializeOwned>(app: &App, sealed: Option<String>) -> Result<Option<T>, WebError> {
    let Some(sealed) = sealed else { return Ok(None) };
    let Some(unlock) = app.keys.unlock().map_err(|error| unavailable(&error))? else { return Ok(None) };
    let text = open_text(&unlock, sealed).map_err(|error| WebError::Internal(error.to_string()))?;
    // Another version may have stored it.
    Ok(serde_json::from_str(&text).ok())
}
