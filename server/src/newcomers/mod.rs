//! The door of a pod that takes people in: they hand in their archive, look around in the plan, choose a name and a
//! password, and are brought in. After a pause for undo everybody is told by itself: until then the comments of their
//! friends are lost.
//!
//! ```text
//! uploading ──▶ checking ──▶ checked ──▶ (waiting) ──▶ importing ──▶ imported ──▶ announcing ──▶ announced
//!     ▲            ▼            │           ▼              ▼ ▲           │
//!     └───────  refused ◀───────┘        declined         failed ──▶ undoing ──▶ undone
//! ```
//!
//! The row is the truth, and a [job](pappus_engine::jobs) only says which row is to be looked at, as with the
//! [requests](pappus_engine::requests) of a closing pod. They have no account yet: a secret in a cookie, and in a link
//! to keep, is what says who they are.

mod admission;
mod api;
mod auth;
mod clock;
mod compared;
mod decisions;
mod invitations;
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
pub use uploads::files::{Files, NoRoom, Part};
pub use work::start;

/// The queue of jobs that say which newcomer to look at.
pub const QUEUE: &str = "newcomers";

/// What this room keeps.
#[derive(Clone)]
pub struct NewcomersService {
    /// Who comes.
    pub table: Newcomers,
    /// What they hand in.
    pub files: Files,
    /// Disk space reserved for that.
    space: uploads::space::Space,
    /// What tells other pods of moves, and looks at this pod from outside.
    announcer: Option<Client>,
    turns: tus::Turns,
    watched: Watched<pages::progress::AllProgress>,
}

impl NewcomersService {
    /// Makes what asks other pods.
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
            // On its own machine the pod's name may lead to a private address.
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
            turns: tus::Turns::default(),
            watched: Watched::default(),
        })
    }
}

fn client_to(hosts: &[String]) -> Result<Client, StartError> {
    let allowed = AllowedNetworks::new(hosts)?;
    Ok(Client::new(ClientOptions { allowed, ..ClientOptions::default() })?)
}

/// The pages of this room.
pub fn routes() -> Router<App> {
    // These count what they take themselves.
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

/// Nothing of this room is there while the pod takes nobody in.
fn is_there(app: &App) -> Result<(), WebError> {
    if app.config.newcomers.enabled { Ok(()) } else { Err(WebError::NotFound) }
}

/// How long what somebody has handed in is kept while nothing happens.
fn good_for(app: &App) -> Duration {
    Duration::from_hours(24) * app.config.newcomers.days.max(1)
}
