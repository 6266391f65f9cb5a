//! Moves to this pod: newcomers upload their archive, view the import plan, choose a name and a password, and are
//! imported. After a pause for undo the move is announced automatically: until then, comments of their friends are
//! lost.
//!
//! ```text
//! uploading ──▶ checking ──▶ checked ──▶ (waiting) ──▶ importing ──▶ imported ──▶ announcing ──▶ announced
//!     ▲            ▼            │           ▼              ▼ ▲           │
//!     └───────  refused ◀───────┘        declined         failed ──▶ undoing ──▶ undone
//! ```
//!
//! The rows are the queue: workers acquire those with a step to take under a [lease](pappus_engine::store::lease), as
//! the [requests](pappus_engine::requests) of a closing pod. Newcomers have no account yet: a secret in a cookie, and in
//! a private link, authenticates them.

mod admission;
mod api;
mod auth;
mod clock;
mod decisions;
mod invitations;
mod key_comparison;
mod ledger;
mod mails;
mod pages;
mod steps;
mod strength;
mod tus;
mod uploads;
mod work;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, head, post};
use pappus_engine::http::{AllowedNetworks, Client, ClientOptions};
use pappus_engine::store::Store;

use crate::app::{App, StartError};
use crate::config::Config;
use crate::error::WebError;
use crate::watched::Watched;

pub use api::described;
pub use ledger::records::{Newcomer, State};
pub use ledger::table::Newcomers;
pub use steps::{StepError, take_step};
pub use uploads::files::{Files, NoSpace, Part};
pub use work::start;

/// The shared state of this module.
#[derive(Clone)]
pub struct NewcomersService {
    /// The newcomers.
    pub table: Newcomers,
    /// Their uploads.
    pub files: Files,
    /// Disk space reserved for uploads.
    space: uploads::space::Space,
    /// HTTP client that notifies other pods of moves and checks this pod from outside.
    announcer: Option<Client>,
    turns: tus::WriterLocks,
    watched: Watched<pages::progress::AllProgress>,
}

impl NewcomersService {
    /// Opens the service, with its HTTP client.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(config: &Config, store: &Store) -> Result<Self, StartError> {
        let section = &config.newcomers;
        let mut announcer = None;
        if section.enabled {
            if config.pod.is_none() {
                return Err(StartError::NoPod);
            }
            // On its own machine the pod's name may resolve to a private address.
            let own = config.pod_url.origin();
            let own = own.strip_prefix("http://").unwrap_or(&own).to_owned();
            announcer = Some(client_to(&[section.allow_hosts.as_slice(), &[own]].concat())?);
        }
        let files = Files::new(config);
        Ok(Self {
            table: Newcomers::new(store, &config.pod_url),
            space: uploads::space::Space::new(store, config.pod_url.as_str(), &files),
            files,
            announcer,
            turns: tus::WriterLocks::default(),
            watched: Watched::default(),
        })
    }
}

fn client_to(hosts: &[String]) -> Result<Client, StartError> {
    let allowed = AllowedNetworks::new(hosts)?;
    Ok(Client::new(ClientOptions { allowed, ..ClientOptions::default() })?)
}

/// Returns the routes of this module.
pub fn routes() -> Router<App> {
    // These limit the size of their requests themselves.
    let large = Router::new()
        .route("/newcomers/upload", post(uploads::form::form))
        .route("/newcomers/uploads/{name}", head(tus::offset).patch(tus::piece).delete(tus::give_up))
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/newcomers", get(pages::overview::show))
        .route("/newcomers/begin", post(pages::start::begin))
        .route("/newcomers/back/{secret}", get(pages::start::link).post(pages::start::back))
        .route("/newcomers/leave", post(pages::start::leave))
        .route("/newcomers/choose", get(pages::start::to_the_page).post(pages::confirm::choose))
        .route("/newcomers/again", post(pages::confirm::again))
        .route("/newcomers/announce", post(pages::confirm::announce))
        .route("/newcomers/undo", post(pages::confirm::undo))
        .route("/newcomers/progress", get(pages::progress::events))
        .route("/newcomers/told", get(pages::delivery_status::show))
        .route("/newcomers/restart", post(pages::start::restart))
        .route("/newcomers/uploads/end", post(pages::start::end_uploads))
        .route("/newcomers/look", post(tus::look))
        .route("/newcomers/uploads", post(tus::create).options(tus::options))
        .route("/board/newcomers", get(pages::queue::show))
        .route("/board/newcomers/{id}", post(pages::queue::decide))
        .route("/board/invitations", post(pages::queue::invite))
        .route("/board/invitations/{id}", post(pages::queue::withdraw))
        .merge(large)
}

/// Returns [`WebError::NotFound`] if this pod accepts no newcomers.
fn is_there(app: &App) -> Result<(), WebError> {
    if app.config.newcomers.enabled { Ok(()) } else { Err(WebError::NotFound) }
}

/// Returns the time after which the uploads of an inactive move expire.
fn good_for(app: &App) -> Duration {
    Duration::from_hours(24) * app.config.newcomers.days.max(1)
}
