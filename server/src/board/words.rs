//! The podmin's message to people: a note, and recommended pods.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::shared::Actor;
use super::shared::words::save as save_message;
use crate::app::App;
use crate::error::{WebError, keep_body};
use crate::pages::{CheckedForm, FieldProblems, Page};
use crate::podmin_words::{MessageProblem, PodminMessage};
use crate::sessions::Podmin;

#[derive(Template)]
#[template(path = "board/words.html")]
struct WordsPage<'a> {
    page: &'a Page,
    note: String,
    pods: String,
    problems: FieldProblems,
}

/// Shows the form.
pub(super) async fn show(State(app): State<App>, _: Podmin, page: Page) -> Result<Response, WebError> {
    let message = PodminMessage::of(&app).await?;
    let problems = FieldProblems::default();
    page.show(StatusCode::OK, &WordsPage { page: &page, note: message.note, pods: message.lines, problems })
}

/// The form as typed.
#[derive(Deserialize)]
pub(super) struct MessageForm {
    #[serde(default)]
    note: String,
    #[serde(default)]
    pods: String,
}

/// Saves the message.
pub(super) async fn save(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    CheckedForm(form): CheckedForm<MessageForm>,
) -> Result<Response, WebError> {
    let (field, text) = match PodminMessage::parse(&form.note, &form.pods) {
        Ok(message) => {
            save_message(&app, &actor, &message).await?;
            return Ok(Redirect::to("/board/words?done=saved").into_response());
        }
        Err(MessageProblem::Note) => ("note", page.words.say("words-note-long")),
        Err(MessageProblem::ManyPods) => ("pods", page.words.say("words-pods-many")),
        Err(MessageProblem::Pod(line)) => ("pods", page.words.one("words-pod-wrong", "line", line)),
    };
    let problems = FieldProblems::one(field, text);
    let template = WordsPage { page: &page, note: form.note, pods: form.pods, problems };
    Ok(keep_body(page.show(StatusCode::UNPROCESSABLE_ENTITY, &template)?))
}
