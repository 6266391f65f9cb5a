//! The parts of the service that a step uses.

use chrono::{DateTime, Utc};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::http::Client;
use pappus_engine::store::Store;

use super::super::uploads::files::Files;
use super::super::{Newcomers, client_to};
use crate::app::{Clock, StartError};
use crate::config::Config;

/// The context of a step.
pub(super) struct StepContext {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) keys: CampaignKeys,
    pub(super) table: Newcomers,
    pub(super) files: Files,
    /// HTTP client for other pods.
    pub(super) client: Option<Client>,
    clock: Clock,
}

impl StepContext {
    pub(super) async fn open(config: Config, clock: Clock) -> Result<Self, StartError> {
        let store = Store::open(&config.store).await?;
        let section = &config.newcomers;
        let client = section.ask_pods.then(|| client_to(&section.allow_hosts)).transpose()?;
        Ok(Self {
            keys: CampaignKeys::new(&config.state, &store, &config.pod_url),
            table: Newcomers::new(&store, &config.pod_url),
            files: Files::new(&config),
            store,
            config,
            client,
            clock,
        })
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }
}
