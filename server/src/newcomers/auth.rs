//! Authentication of newcomers by a secret in a cookie or header.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use pappus_engine::arrivals::Newcomer;

use crate::app::App;
use crate::error::WebError;
use crate::pages::cookie;

/// Returns the name of the cookie.
fn cookie_name(app: &App) -> &'static str {
    if app.config.web.is_secure() { "__Host-pappus-newcomer" } else { "pappus-newcomer" }
}

/// Returns the `Set-Cookie` header: the cookie is valid as long as the move. Without a secret, deletes the cookie.
pub(super) fn set_cookie(app: &App, secret: Option<&str>) -> Result<HeaderValue, WebError> {
    let secure = if app.config.web.is_secure() { "; Secure" } else { "" };
    let days = u64::from(app.config.newcomers.days.max(28));
    let seconds = if secret.is_some() { days * 24 * 3600 } else { 0 };
    let text = format!(
        "{}={}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        cookie_name(app),
        secret.unwrap_or_default()
    );
    HeaderValue::from_str(&text).map_err(|error| WebError::Internal(error.to_string()))
}

/// Returns the secret of a browser (cookie) or of a program (`Authorization: Bearer SECRET`).
pub(super) fn secret<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let bearer = authorization
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim());
    bearer.or_else(|| cookie(headers, cookie_name(app))).filter(|secret| !secret.is_empty())
}

/// Finds the newcomer with the secret in the headers.
pub(super) async fn find(app: &App, headers: &HeaderMap) -> Result<Option<Newcomer>, WebError> {
    super::require_enabled(app)?;
    match secret(app, headers) {
        Some(secret) => Ok(app.newcomers.table.with_secret(secret).await?),
        None => Ok(None),
    }
}

/// The authenticated newcomer; all other requests get "not found".
pub(super) struct CurrentNewcomer(pub(super) Newcomer);

impl FromRequestParts<App> for CurrentNewcomer {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        find(app, &parts.headers).await?.map(Self).ok_or(WebError::NotFound)
    }
}
