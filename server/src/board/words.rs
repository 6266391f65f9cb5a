//! The podmin's message to people: a note, and recommended pods.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::shared::Actor;
use super::shared::words::keep as keep_words;
use crate::app::App;
use crate::error::{WebError, keep_body};
use crate::pages::{CheckedForm, FieldProblems, Page};
use crate::podmin_words::{PodminMessage, WordsProblem};
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
    let words = PodminMessage::of(&app).await?;
    let problems = FieldProblems::default();
    page.show(StatusCode::OK, &WordsPage { page: &page, note: words.note, pods: words.lines, problems })
}

/// The form, as typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    note: String,
    #[serde(default)]
    pods: String,
}

/// Saves the message.
pub(super) async fn keep(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    CheckedForm(typed): CheckedForm<Typed>,
) -> Result<Response, WebError> {
    let (field, text) = match PodminMessage::parse(&typed.note, &typed.pods) {
        Ok(words) => {
            keep_words(&app, &actor, &words).await?;
            return Ok(Redirect::to("/board/words?done=saved").into_response());
        }
        Err(WordsProblem::Note) => ("note", page.words.say("words-note-long")),
        Err(WordsProblem::ManyPods) => ("pods", page.words.say("words-pods-many")),
        Err(WordsProblem::Pod(line)) => ("pods", page.words.one("words-pod-wrong", "line", line)),
    };
    let problems = FieldProblems::one(field, text);
    let template = WordsPage { page: &page, note: typed.note, pods: typed.pods, problems };
    Ok(keep_body(page.show(StatusCode::UNPROCESSABLE_ENTITY, &template)?))
}
