//! Extractors that require a sign-in: [`SignedIn`] for everyone, [`Podmin`] for podmins.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;

use super::{Person, person};
use crate::app::App;
use crate::error::WebError;

/// A person who has signed in. Others are redirected to the sign-in page; under `/api/` they get an error.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Person);

impl FromRequestParts<App> for SignedIn {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        person(parts, app).await?.map(Self).ok_or(WebError::Unauthenticated)
    }
}

impl OptionalFromRequestParts<App> for SignedIn {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, WebError> {
        Ok(person(parts, app).await?.map(Self))
    }
}

/// A podmin who has signed in, and still is one.
#[derive(Debug, Clone)]
pub struct Podmin(pub Person);

impl FromRequestParts<App> for Podmin {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        let SignedIn(person) = <SignedIn as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        // The role may have been revoked since the session started.
        if person.is_podmin && is_podmin(app, &person).await? {
            Ok(Self(person))
        } else {
            Err(WebError::Forbidden)
        }
    }
}

/// Returns whether the person is a podmin now.
///
/// # Errors
/// [`WebError::Unavailable`] when neither the pod nor its stored copy can be read.
pub(crate) async fn is_podmin(app: &App, person: &Person) -> Result<bool, WebError> {
    let account = app.sign_in.accounts().by_row(person.user_id, app.now_millis()).await?.person();
    Ok(account.is_some_and(|account| account.admin && !account.locked && !account.closed))
}
