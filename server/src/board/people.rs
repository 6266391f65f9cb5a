//! One account: what it has asked for, what is there, and what can be done.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use serde::Deserialize;

use super::shared::people::Standing;
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::sessions::Podmin;

/// Whom the podmin looks for.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    name: String,
}

#[derive(Template)]
#[template(path = "board/people.html")]
struct PeoplePage<'a> {
    page: &'a Page,
    name: String,
    found: Option<Found>,
    failed: Vec<Failed>,
    can_make: bool,
}

struct Found {
    username: String,
    account: String,
    email: String,
    locked: bool,
    closed: bool,
    /// When, what, why.
    requests: Vec<(String, String, Option<String>)>,
    /// When, how large, until when.
    archives: Vec<(String, String, Option<String>)>,
    fetched: Option<(String, i64)>,
}

struct Failed {
    username: String,
    /// The name as it stands in an address.
    link: String,
    at: String,
    reason: String,
}

/// Shows one account, and whose archives could not be made.
pub(super) async fn show(
    State(app): State<App>,
    _: Podmin,
    page: Page,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let name = wanted.name.trim().to_owned();
    let standing = shared::people::look(&app, &name).await?;
    let (failed, _) = shared::people::failed(&app, None).await?;
    let failed = failed.into_iter().map(|failed| Failed {
        link: in_link(&failed.username),
        username: failed.username,
        at: page.words.moment(failed.at),
        reason: failed.reason,
    });
    let template = PeoplePage {
        found: standing.map(|standing| found(&page, standing)),
        failed: failed.collect(),
        can_make: app.config.pod.is_some(),
        name,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

fn found(page: &Page, standing: Standing) -> Found {
    let words = &page.words;
    let Standing { person, requests, archives, fetched } = standing;
    let size = |bytes: i64| words.size(u64::try_from(bytes).unwrap_or(0));
    Found {
        username: person.username,
        account: person.account,
        email: person.email,
        locked: person.locked,
        closed: person.closed,
        requests: requests
            .into_iter()
            .map(|request| {
                let state = words.say(&format!("request-{}", request.state.as_str()));
                (words.moment(request.requested_at), state, request.reason)
            })
            .collect(),
        archives: archives
            .iter()
            .map(|made| {
                (words.moment(made.created_at), size(made.bytes), made.expires_at.map(|at| words.day(at)))
            })
            .collect(),
        fetched: fetched.map(|fetched| (words.moment(fetched.last_at), fetched.times)),
    }
}

/// Has an archive made for somebody.
pub(super) async fn make(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    CheckedForm(wanted): CheckedForm<Wanted>,
) -> Result<Redirect, WebError> {
    let language = page.words.code();
    let (person, _) = shared::people::make_archive(&app, &actor, &wanted.name, language).await?;
    Ok(Redirect::to(&format!("/board/people?name={}", in_link(&person.username))))
}

fn in_link(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}
