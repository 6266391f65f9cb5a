//! Pod keys that podmins trust, for podmins.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use pappus_engine::arrivals::TrustedPod;
use pappus_engine::import::PodPin;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problems::{BadRequest, Conflict, Forbidden, NotFound, Unauthenticated};
use crate::api::{Caller, ProblemDocument, body};
use crate::app::App;
use crate::error::WebError;
use crate::newcomers::trusted_pods;
use crate::security::Address;

/// The trusted pod keys. Each proves archives of its own pod's people only.
#[derive(Serialize, ToSchema)]
pub(super) struct TrustedPods {
    /// Those in the configuration file, which only change there.
    configured: Vec<PinDocument>,
    /// Those added on the board, by host.
    added: Vec<TrustedPodDocument>,
}

/// A pod and its archive key.
#[derive(Serialize, ToSchema)]
#[schema(as = PodKey)]
pub(super) struct PinDocument {
    /// The host in the people's diaspora* IDs, with a port if they have one.
    host: String,
    /// Fingerprint of its archive key: `SHA256:` and hexadecimal digits.
    fingerprint: String,
}

impl From<PodPin> for PinDocument {
    fn from(PodPin { host, fingerprint }: PodPin) -> Self {
        Self { host, fingerprint }
    }
}

/// A pod key that was added on the board.
#[derive(Serialize, ToSchema)]
#[schema(as = TrustedPod)]
pub(super) struct TrustedPodDocument {
    /// Number of the key.
    id: i64,
    /// The host in the people's diaspora* IDs, with a port if they have one.
    host: String,
    /// Fingerprint of the pod's archive key: `SHA256:` and hexadecimal digits.
    fingerprint: String,
    /// The diaspora* ID of the podmin who added it.
    added_by: String,
    /// The time at which they did.
    added_at: DateTime<Utc>,
}

impl From<TrustedPod> for TrustedPodDocument {
    fn from(trusted: TrustedPod) -> Self {
        let TrustedPod { id, pin: PodPin { host, fingerprint }, added_by, added_at } = trusted;
        Self { id, host, fingerprint, added_by, added_at }
    }
}

/// A pod key to trust.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTrustedPod {
    /// The host in the people's diaspora* IDs; or, without `fingerprint`, both: `HOST=SHA256:…`.
    host: String,
    /// Fingerprint of the pod's archive key: `SHA256:` and hexadecimal digits.
    #[serde(default)]
    fingerprint: String,
}

/// Lists the trusted pod keys. For podmins.
#[utoipa::path(get, path = "/api/v1/board/trusted-pods", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = TrustedPods),
        Unauthenticated, Forbidden,
        (status = 404, description = "This pod accepts no newcomers", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn list(Shared(app): Shared<App>, caller: Caller) -> Result<Json<TrustedPods>, WebError> {
    caller.check_board_read(&app).await?;
    let (configured, added) = trusted_pods::list(&app).await?;
    Ok(Json(TrustedPods {
        configured: configured.into_iter().map(Into::into).collect(),
        added: added.into_iter().map(Into::into).collect(),
    }))
}

/// Trusts a pod's archive key: archives that it signed prove themselves, for people of that pod only. For podmins.
#[utoipa::path(post, path = "/api/v1/board/trusted-pods", tag = "board", security(("token" = []), ("session" = [])),
    request_body = NewTrustedPod,
    responses((status = 201, body = TrustedPodDocument),
        BadRequest, Unauthenticated, Forbidden,
        (status = 404, description = "This pod accepts no newcomers", body = ProblemDocument, content_type = "application/problem+json"),
        Conflict))]
pub(super) async fn add(
    Shared(app): Shared<App>,
    caller: Caller,
    address: Address,
    request: Result<Json<NewTrustedPod>, JsonRejection>,
) -> Result<(StatusCode, Json<TrustedPodDocument>), WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let request = body(request)?;
    let added = trusted_pods::add(&app, &actor, &request.host, &request.fingerprint).await?;
    Ok((StatusCode::CREATED, Json(added.into())))
}

/// Ceases to trust a pod key that was added on the board. The next step of a move whose archive nothing else proves waits
/// for a podmin. For podmins.
#[utoipa::path(delete, path = "/api/v1/board/trusted-pods/{id}", tag = "board", security(("token" = []), ("session" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 204, description = "Trusted no longer"),
        Unauthenticated, Forbidden, NotFound))]
pub(super) async fn remove(
    Shared(app): Shared<App>,
    caller: Caller,
    address: Address,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let Path(id) = id.map_err(|_| WebError::NotFound)?;
    if trusted_pods::remove(&app, &actor, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(WebError::NotFound)
    }
}
