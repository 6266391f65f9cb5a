//! Moves to this pod: the pages, API and uploads for [arrivals](pappus_engine::arrivals). Newcomers have no account
//! yet: a secret in a cookie, and in a private link, authenticates them.

mod api;
mod auth;
mod decisions;
mod invitations;
mod key_comparison;
mod key_passphrase;
mod mails;
mod pages;
mod steps;
mod strength;
mod trusted_pods;
mod tus;
mod uploads;
mod work;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, head, post};
use pappus_engine::arrivals::space::Space;
use pappus_engine::arrivals::{FileLimits, Files, Invitations, MoveProgress, Newcomers, TrustedPods};
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};
use pappus_engine::store::Store;
use tokio::sync::Semaphore;

use crate::app::{App, StartError};
use crate::config::Config;
use crate::error::WebError;
use crate::watched::Watched;

pub use api::documented_routes;
pub use steps::{StepError, run_step_process};
pub use work::start;

/// One megabyte in bytes, as in the configuration.
const MEGABYTE: u64 = 1_000_000;

/// The shared state of this module.
#[derive(Clone)]
pub struct NewcomersService {
    /// The newcomers.
    pub table: Newcomers,
    /// Their uploads.
    pub files: Files,
    /// Disk space reserved for uploads.
    space: Space,
    /// Invitations to this pod.
    invitations: Invitations,
    /// Pod keys that podmins trust.
    trusted_pods: TrustedPods,
    /// The HTTP client that notifies other pods of moves, and checks this pod from outside.
    announcer: Option<Client>,
    writer_locks: tus::WriterLocks,
    /// Limits how many passphrases of keys are tried at the same time.
    key_tries: Arc<Semaphore>,
    watched: Watched<HashMap<i64, MoveProgress>>,
}

impl NewcomersService {
    /// Opens the service, with its HTTP client.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(config: &Config, store: &Store) -> Result<Self, StartError> {
        let section = &config.newcomers;
        if section.enabled && config.pod.is_none() {
            return Err(StartError::NoPod);
        }
        // On its own machine the pod's name may resolve to a private address.
        let hosts = [section.allow_hosts.as_slice(), &[config.pod_url.origin()]].concat();
        let announcer = config.pod.is_some().then(|| client_for(&hosts)).transpose()?;
        let files = files(config);
        if section.enabled {
            check_disk(&files)?;
        }
        Ok(Self {
            table: Newcomers::new(store, &config.pod_url),
            space: Space::new(store, config.pod_url.as_str(), &files),
            files,
            invitations: Invitations::new(store, &config.pod_url),
            trusted_pods: TrustedPods::new(store, &config.pod_url),
            announcer,
            writer_locks: tus::WriterLocks::default(),
            key_tries: Arc::new(Semaphore::new(key_passphrase::MAX_CONCURRENT)),
            watched: Watched::default(),
        })
    }
}

/// Returns the folders of uploads, with the limits of the configuration.
fn files(config: &Config) -> Files {
    let section = &config.newcomers;
    let root = section.folder.as_ref().map_or_else(|| config.state.path().join("newcomers"), PathBuf::from);
    let limits = FileLimits {
        max_archive: section.max_megabytes.saturating_mul(MEGABYTE),
        max_total: section.max_total_megabytes.saturating_mul(MEGABYTE),
        keep_free: section.keep_free_megabytes.saturating_mul(MEGABYTE),
    };
    Files::new(root, limits)
}

/// Checks that the disk for uploads is larger than the space to keep free on it; returns the folder.
///
/// # Errors
/// [`StartError`].
pub fn check_upload_disk(config: &Config) -> Result<String, StartError> {
    let files = files(config);
    check_disk(&files).map(|()| files.root().display().to_string())
}

fn check_disk(files: &Files) -> Result<(), StartError> {
    let folder = files.root().display().to_string();
    match files.small_disk() {
        Ok(None) => Ok(()),
        Ok(Some(size)) => Err(StartError::SmallDisk(format!(
            "the whole disk of {folder} has {} MB, but {} MB must stay free on it, so nothing could be uploaded: use a \
             larger disk (newcomers.folder), or keep less space free (newcomers.keep_free_megabytes)",
            size / MEGABYTE,
            files.keep_free() / MEGABYTE
        ))),
        Err(source) => Err(StartError::Uploads { folder, source }),
    }
}

fn client_for(hosts: &[String]) -> Result<Client, StartError> {
    let allowed = AllowedNetworks::new(hosts)?;
    Ok(Client::new(ClientOptions { allowed, ..ClientOptions::default() })?)
}

/// Returns the routes of this module.
pub fn routes() -> Router<App> {
    // Uploads are larger than forms; these handlers limit their size themselves.
    let large = Router::new()
        .route("/newcomers/upload", post(uploads::form::form))
        .route("/newcomers/uploads/{name}", head(tus::offset).patch(tus::patch).delete(tus::terminate))
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/newcomers", get(pages::overview::show))
        .route("/newcomers/begin", post(pages::start::begin))
        .route("/newcomers/back/{secret}", get(pages::start::private_link).post(pages::start::resume))
        .route("/newcomers/leave", post(pages::start::leave))
        .route("/newcomers/choose", get(pages::start::redirect_to_page).post(pages::confirm::choose))
        .route("/newcomers/again", post(pages::confirm::retry))
        .route("/newcomers/announce", post(pages::confirm::announce))
        .route("/newcomers/undo", post(pages::confirm::undo))
        .route("/newcomers/progress", get(pages::progress::events))
        .route("/newcomers/told", get(pages::delivery_status::show))
        .route("/newcomers/restart", post(pages::start::restart))
        .route("/newcomers/uploads/end", post(pages::start::end_uploads))
        .route("/newcomers/look", post(tus::check))
        .route("/newcomers/uploads", post(tus::create).options(tus::options))
        .route("/board/newcomers", get(pages::queue::show))
        .route("/board/newcomers/{id}", post(pages::queue::decide))
        .route("/board/invitations", post(pages::queue::invite))
        .route("/board/invitations/{id}", post(pages::queue::withdraw))
        .route("/board/trusted-pods", get(pages::trusted_pods::show).post(pages::trusted_pods::add))
        .route("/board/trusted-pods/{id}", post(pages::trusted_pods::remove))
        .merge(large)
}

/// Returns [`WebError::NotFound`] if this pod accepts no newcomers.
fn require_enabled(app: &App) -> Result<(), WebError> {
    if app.config.newcomers.enabled { Ok(()) } else { Err(WebError::NotFound) }
}

/// Returns the time after which an inactive move expires, with its private link and its uploads.
fn link_lifetime(app: &App) -> Duration {
    Duration::from_hours(24) * app.config.newcomers.days.max(1)
}
