//! Built-in files: styles, small scripts, images. Their URLs contain part of their digest, so browsers may cache
//! them forever.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::app::App;
use crate::error::WebError;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// Returns the URL of a file.
pub fn asset(name: &str) -> String {
    let digest = Files::get(name).map(|file| hex::encode(file.metadata.sha256_hash())).unwrap_or_default();
    format!("/assets/{}/{name}", digest.get(..16).unwrap_or("none"))
}

/// Returns whether a path is that of a built-in file, as pages name it.
pub(crate) fn is_asset(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or("", |(_, name)| name);
    // `asset` returns a path for every name.
    path.starts_with("/assets/") && Files::get(name).is_some() && asset(name) == path
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/assets/{digest}/{name}", get(file)).route("/favicon.ico", get(icon))
}

async fn file(Path((_, name)): Path<(String, String)>) -> Result<Response, WebError> {
    respond(&name, "public, max-age=31536000, immutable")
}

async fn icon() -> Result<Response, WebError> {
    respond("pappus.svg", "public, max-age=86400")
}

fn respond(name: &str, cache_control: &'static str) -> Result<Response, WebError> {
    let file = Files::get(name).ok_or(WebError::NotFound)?;
    let content_type = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    Ok(([(CONTENT_TYPE, content_type), (CACHE_CONTROL, cache_control)], file.data.into_owned())
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::{asset, is_asset};

    #[test]
    fn only_files_that_exist_are_assets() {
        assert!(is_asset(&asset("pappus.css")));
        for path in
            [&asset("nothing"), "/assets/none/nothing", "/assets/none/pappus.css", "/assets/", "/archive"]
        {
            assert!(!is_asset(path), "{path}");
        }
    }
}
