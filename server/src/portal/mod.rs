//! "My archive": people of a closing pod request their archive, follow its progress, download it, and read what to do
//! next.

mod act;
mod contents;
mod digest;
mod download;
mod made;
mod page;
mod progress;
mod ranges;
mod two_files;
mod watch;
mod work;

use axum::Router;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{get, post};
use pappus_engine::archive::manifest::Manifest;
use pappus_engine::departures::{Links, MadeArchive, Origin, Requests};
use pappus_engine::depot::{Depot, DepotAddress};
use pappus_engine::store::Store;

use crate::app::App;
use crate::config::Config;
use crate::error::WebError;
use crate::sessions::Person;

pub(crate) use act::{PASSPHRASE_CHARS, request, request_own};
pub(crate) use download::stock_file;
pub(crate) use work::until;
pub use work::{BackgroundTasks, start};

/// State of the portal.
#[derive(Clone)]
pub struct Portal {
    /// The requests for archives.
    pub requests: Requests,
    /// The links in mails.
    pub links: Links,
    queue: watch::Queue,
    converted: two_files::Converted,
}

impl Portal {
    /// Returns the portal of a pod.
    pub fn new(config: &Config, store: &Store) -> Self {
        let requests = Requests::new(store, &config.pod_url);
        Self {
            links: Links::new(&requests),
            queue: watch::Queue::new(&requests),
            converted: two_files::Converted::new(&config.state),
            requests,
        }
    }
}

/// Returns the routes of the portal.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/archive", get(page::show))
        .route("/archive/ask", post(act::ask))
        .route("/archive/{id}/cancel", post(act::cancel))
        .route("/archive/{id}/progress", get(progress::events))
        .route("/archive/made/{origin}", get(contents::show))
        .route("/archive/made/{origin}/delete", post(act::delete))
        .route("/archive/made/{origin}/sha256", get(digest::file))
        .route("/archive/made/{origin}/file/{name}", get(download::archive_file))
        .route("/archive/made/{origin}/stock/{part}", get(download::stock))
        .route("/get/{token}", get(download::link_page))
        .route("/get/{token}/{name}", get(download::link))
}

/// Returns the depot that stores an archive: that of the service, or that of its campaign.
async fn depot_of(app: &App, location: Option<&str>) -> Option<Depot> {
    let service_depot = app.config.depot.to_string();
    let Some(location) = location.filter(|location| *location != service_depot) else {
        return Some(app.depot.clone());
    };
    let address = match (location.strip_prefix("s3://"), &app.config.depot) {
        (None, _) => DepotAddress::Folder(location.into()),
        // Another prefix in the same bucket is opened with the same access keys.
        (Some(path), DepotAddress::S3 { access, .. }) => {
            let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
            if bucket != access.bucket {
                return None;
            }
            DepotAddress::S3 { access: access.clone(), prefix: prefix.trim_matches('/').to_owned() }
        }
        (Some(_), DepotAddress::Folder(_)) => return None,
    };
    Depot::open_existing(&address).await.inspect_err(|error| tracing::warn!("{error}")).ok()
}

/// Returns the name of an archive in URLs.
pub(crate) fn archive_name(archive: &MadeArchive) -> String {
    made::Name(archive.origin.clone()).to_string()
}

/// Returns the manifest of one of a person's own archives.
pub(crate) async fn manifest(app: &App, person: &Person, name: &str) -> Result<Manifest, WebError> {
    let archive = made::find_downloadable(app, person, name).await?;
    Ok(made::open(app, &archive).await?.manifest().await?)
}

/// Sends one of a person's own archives as one file.
pub(crate) async fn archive_file(
    app: &App,
    person: &Person,
    name: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let archive = made::find_downloadable(app, person, name).await?;
    download::send_archive(app, &archive, method, headers).await
}

/// Returns whether an archive belongs to one of the podmin's campaigns.
pub(crate) fn is_by_podmin(archive: &MadeArchive) -> bool {
    matches!(archive.origin, Origin::Campaign(_))
}
