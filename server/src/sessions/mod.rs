//! Who is signed in. What a session holds lies in Pappus's own database; the browser has its name only.

mod signed_in;
mod store;

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::app::App;
use crate::error::WebError;

pub(crate) use signed_in::is_podmin;
pub use signed_in::{Podmin, SignedIn};
pub use store::StoredSessions;

/// Under what name the session holds who is signed in.
const PERSON: &str = "person";

/// Somebody who has signed in: an account of the pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The row number of the account on the pod.
    pub user_id: i64,
    /// Its username.
    pub username: String,
    /// Its diaspora* ID.
    pub account: String,
    /// Whether it is a podmin's: an administrator of the pod.
    pub podmin: bool,
    /// A keyed digest of the password hash and second factor it was signed in to with. Empty in sessions of versions that
    /// did not note it: they have to sign in anew.
    #[serde(default)]
    pub stamp: String,
}

/// Finds the session of every request.
pub(crate) fn layer(app: &App) -> SessionManagerLayer<StoredSessions> {
    let web = &app.config.web;
    let idle = i64::try_from(web.session.as_secs()).unwrap_or(i64::MAX);
    SessionManagerLayer::new(StoredSessions::new(app.clone()))
        .with_name(if web.is_secure() { "__Host-pappus" } else { "pappus" })
        .with_secure(web.is_secure())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(tower_sessions::cookie::time::Duration::seconds(idle)))
}

/// The person of a session, unless the account was locked or closed meanwhile or has another password or second factor.
///
/// # Errors
/// [`WebError::Unavailable`] when that cannot be found out.
pub(crate) async fn person(parts: &Parts, app: &App) -> Result<Option<Person>, WebError> {
    let Some(session) = parts.extensions.get::<Session>() else { return Ok(None) };
    let found: Option<Person> =
        session.get(PERSON).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    let Some(person) = found else { return Ok(None) };
    if app.sign_in.still_stands(&person, app.now_millis()).await {
        return Ok(Some(person));
    }
    // Unlocked later, the account is signed in to anew: who had the old cookie may be why it was locked.
    session.flush().await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    Ok(None)
}

/// To the page where people sign in, and back afterwards.
pub(crate) fn to_sign_in(path: &str) -> Response {
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?next={next}")).into_response()
}

/// Notes who has signed in, under a new name of the session: an old one may be known to somebody else.
///
/// # Errors
/// When the store cannot be used.
pub async fn sign_in(session: &Session, person: &Person) -> Result<(), tower_sessions::session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(PERSON, person).await
}
