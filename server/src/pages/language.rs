//! Language choice: the chosen language takes precedence over the browser's.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::{accepted, cookie};
use crate::app::App;
use crate::error::WebError;
use crate::words::Words;

/// The cookie that stores the choice.
pub const LANGUAGE_COOKIE: &str = "pappus-language";
/// Lifetime of the cookie in seconds: a year.
const COOKIE_SECONDS: u32 = 365 * 24 * 3600;

/// Returns the texts for a request.
pub(super) fn request_words(headers: &HeaderMap, app: &App) -> Words {
    let chosen = cookie(headers, LANGUAGE_COOKIE).and_then(|code| app.translations.named(code));
    chosen.cloned().unwrap_or_else(|| app.translations.accepted(accepted(headers)))
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/language/{code}", get(choose))
}

#[derive(Deserialize)]
struct LanguageQuery {
    #[serde(default)]
    to: String,
}

async fn choose(
    State(app): State<App>,
    Path(code): Path<String>,
    Query(query): Query<LanguageQuery>,
) -> Result<Response, WebError> {
    let words = app.translations.named(&code).ok_or(WebError::NotFound)?;
    let secure = if app.config.web.is_secure() { "; Secure" } else { "" };
    let cookie = format!(
        "{LANGUAGE_COOKIE}={}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}",
        words.code()
    );
    let cookie = HeaderValue::from_str(&cookie).map_err(|error| WebError::Internal(error.to_string()))?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&own_path(&query.to))).into_response())
}

/// Returns the path if it is on this service, otherwise `/`: a link must not lead to another host.
pub fn own_path(path: &str) -> String {
    let is_own = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_hosts_are_rejected() {
        for path in ["/", "/archive", "/archive?x=1#y"] {
            assert_eq!(own_path(path), path);
        }
        for other in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "\t//evil"]
        {
            assert_eq!(own_path(other), "/", "{other:?}");
        }
    }
}
