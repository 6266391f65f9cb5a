//! Who it is: somebody whose browser has the secret in a cookie.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use super::ledger::records::Newcomer;
use crate::app::App;
use crate::error::WebError;
use crate::pages::cookie;

/// The cookie's name.
fn name(app: &App) -> &'static str {
    if app.config.web.is_secure() { "__Host-pappus-newcomer" } else { "pappus-newcomer" }
}

/// The cookie, as long as what it is for; without a secret it is taken away.
pub(super) fn set_cookie(app: &App, secret: Option<&str>) -> Result<HeaderValue, WebError> {
    let secure = if app.config.web.is_secure() { "; Secure" } else { "" };
    let days = u64::from(app.config.newcomers.days.max(28));
    let seconds = if secret.is_some() { days * 24 * 3600 } else { 0 };
    let text = format!(
        "{}={}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        name(app),
        secret.unwrap_or_default()
    );
    HeaderValue::from_str(&text).map_err(|error| WebError::Internal(error.to_string()))
}

/// The secret of a browser, or of a program: it says `Authorization: Bearer SECRET`.
pub(super) fn secret<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    let said = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let bearer =
        said.filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer")).map(|(_, secret)| secret.trim());
    bearer.or_else(|| cookie(headers, name(app))).filter(|secret| !secret.is_empty())
}

/// Whoever has this secret.
pub(super) async fn find(app: &App, headers: &HeaderMap) -> Result<Option<Newcomer>, WebError> {
    super::is_there(app)?;
    match secret(app, headers) {
        Some(secret) => Ok(app.newcomers.table.with_secret(secret).await?),
        None => Ok(None),
    }
}

/// A newcomer; everybody else finds nothing.
pub(super) struct CurrentNewcomer(pub(super) Newcomer);

impl FromRequestParts<App> for CurrentNewcomer {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        find(app, &parts.headers).await?.map(Self).ok_or(WebError::NotFound)
    }
}
