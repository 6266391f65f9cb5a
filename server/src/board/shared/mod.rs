//! Queries and actions that the board's pages and its API share. This module validates a podmin's actions, performs
//! them, and records them in the audit log.

pub(crate) mod accounts;
pub(crate) mod campaigns;
pub(crate) mod closing;
pub(crate) mod letter;
pub(crate) mod log;
pub(crate) mod notices;
pub(crate) mod people;
pub(crate) mod words;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::Value;

use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::security::Address;
use crate::sessions::{Person, Podmin};

/// A podmin who acts, and the client's address.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The podmin.
    pub(crate) podmin: Person,
    /// The client's address.
    pub(crate) address: Address,
}

impl Actor {
    /// Records an action in the audit log.
    pub(crate) async fn log_action(
        &self,
        app: &App,
        act: &'static str,
        subject: &str,
        details: Option<&Value>,
    ) {
        audit(app, Some(&self.podmin), act, Some(subject), details, Some(self.address)).await;
    }
}

impl FromRequestParts<App> for Actor {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, WebError> {
        let Podmin(podmin) = Podmin::from_request_parts(parts, app).await?;
        let Ok(address) = Address::from_request_parts(parts, app).await;
        Ok(Self { podmin, address })
    }
}
