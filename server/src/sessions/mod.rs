//! Sessions. Their data is in Pappus's own database; the browser has only their ID.

pub(crate) mod flash;
mod signed_in;
mod store;

use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::app::App;
use crate::error::WebError;

pub(crate) use signed_in::is_podmin;
pub use signed_in::{Podmin, SignedIn};
pub use store::StoredSessions;

/// The key of the person in the session.
const PERSON_KEY: &str = "person";

/// A person who has signed in: an account of the pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The row number of the account on the pod.
    pub user_id: i64,
    /// Its username.
    pub username: String,
    /// Its diaspora* ID.
    pub account: String,
    /// True for a podmin: an administrator of the pod.
    #[serde(rename = "podmin")]
    pub is_podmin: bool,
    /// A keyed digest of the password hash and second factor at sign-in. Empty in sessions of versions that did not
    /// record it: they have to sign in again.
    #[serde(default)]
    pub stamp: String,
}

/// Returns the layer that finds the session of every request.
pub(crate) fn layer(app: &App) -> SessionManagerLayer<StoredSessions> {
    let web = &app.config.web;
    let idle = i64::try_from(web.session_lifetime.as_secs()).unwrap_or(i64::MAX);
    SessionManagerLayer::new(StoredSessions::new(app.clone()))
        .with_name(if web.is_secure() { "__Host-pappus" } else { "pappus" })
        .with_secure(web.is_secure())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(tower_sessions::cookie::time::Duration::seconds(idle)))
}

/// Returns the person of a session, unless the account has been locked or closed since, or has another password or
/// second factor.
///
/// # Errors
/// [`WebError::Unavailable`] when that cannot be checked.
pub(crate) async fn person(parts: &Parts, app: &App) -> Result<Option<Person>, WebError> {
    let Some(session) = parts.extensions.get::<Session>() else { return Ok(None) };
    let stored: Option<Person> =
        session.get(PERSON_KEY).await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    let Some(person) = stored else { return Ok(None) };
    if app.sign_in.is_current(&person, app.now_millis()).await {
        return Ok(Some(person));
    }
    // The account must sign in again after it is unlocked: it may have been locked because of a stolen cookie.
    session.flush().await.map_err(|error| WebError::Unavailable(error.to_string()))?;
    Ok(None)
}

/// Redirects to the sign-in page, which leads back to the requested page. A form that was sent without a session cannot
/// be sent again: the page says that nothing was done, and leads to the start page.
pub(crate) fn to_sign_in(method: &Method, uri: &Uri) -> Response {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let (next, note) = if method.is_safe() { (path, "") } else { ("/", "&over=yes") };
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?next={next}{note}")).into_response()
}

/// Stores the person in the session, under a new session ID: another person may know the old one.
///
/// # Errors
/// An error if the store cannot be used.
pub async fn sign_in(session: &Session, person: &Person) -> Result<(), tower_sessions::session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(PERSON_KEY, person).await
}
