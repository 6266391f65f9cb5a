//! The podmin's note and recommended pods.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problems::{BadRequest, Forbidden, Unauthenticated};
use crate::api::{Caller, body};
use crate::app::App;
use crate::board::shared::words::save;
use crate::error::WebError;
use crate::podmin_words::{MessageProblem, PodminMessage};
use crate::security::Address;

/// The podmin's note and recommended pods, shown to people who leave and to newcomers who cannot join.
#[derive(Serialize, ToSchema)]
#[schema(as = PodminMessage)]
pub(super) struct WordsDocument {
    /// The note; may be empty.
    note: String,
    /// The recommended pods.
    pods: Vec<PodDocument>,
}

/// A recommended pod.
#[derive(Serialize, ToSchema)]
#[schema(as = RecommendedPod)]
pub(super) struct PodDocument {
    /// URL of the pod.
    url: String,
    /// Description; may be empty.
    about: String,
}

impl From<PodminMessage> for WordsDocument {
    fn from(message: PodminMessage) -> Self {
        let pods = message.pods.into_iter().map(|pod| PodDocument { url: pod.url, about: pod.about });
        Self { note: message.note, pods: pods.collect() }
    }
}

/// A new note and new recommended pods; they replace the previous ones.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWords {
    /// The note, up to 4,000 characters; empty for none.
    #[serde(default)]
    #[schema(max_length = 4000)]
    note: String,
    /// Up to 30 pods.
    #[serde(default)]
    #[schema(max_items = 30)]
    pods: Vec<NewPod>,
}

/// A pod to recommend.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPod {
    /// Host or URL of the pod.
    url: String,
    /// Description, one line.
    #[serde(default)]
    about: String,
}

/// Returns the podmin's note and the recommended pods. For podmins.
#[utoipa::path(get, path = "/api/v1/board/words", tag = "board", security(("token" = []), ("session" = [])),
    responses((status = 200, body = WordsDocument),
        Unauthenticated, Forbidden))]
pub(super) async fn get(State(app): State<App>, caller: Caller) -> Result<Json<WordsDocument>, WebError> {
    caller.check_board_read(&app).await?;
    Ok(Json(PodminMessage::of(&app).await?.into()))
}

/// Replaces the podmin's note and the recommended pods. For podmins.
#[utoipa::path(put, path = "/api/v1/board/words", tag = "board", security(("token" = []), ("session" = [])),
    request_body = NewWords,
    responses((status = 200, body = WordsDocument),
        BadRequest, Unauthenticated, Forbidden))]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    request: Result<Json<NewWords>, JsonRejection>,
) -> Result<Json<WordsDocument>, WebError> {
    let actor = caller.check_board_write(&app, address).await?;
    let request = body(request)?;
    let mut lines = Vec::new();
    for pod in &request.pods {
        if pod.url.contains(char::is_whitespace) || pod.url.is_empty() || pod.about.contains(['\n', '\r']) {
            return Err(problem(MessageProblem::Pod(pod.url.clone())));
        }
        lines.push(format!("{} {}", pod.url, pod.about));
    }
    let message = PodminMessage::parse(&request.note, &lines.join("\n")).map_err(problem)?;
    save(&app, &actor, &message).await?;
    Ok(Json(message.into()))
}

fn problem(problem: MessageProblem) -> WebError {
    WebError::BadRequest(match problem {
        MessageProblem::Note => "the note is longer than 4,000 characters, or contains NUL".to_owned(),
        MessageProblem::ManyPods => "more than 30 pods are recommended".to_owned(),
        MessageProblem::Pod(line) => {
            format!("{line:?} is not a pod: specify its host or URL, and a description of one line")
        }
    })
}
