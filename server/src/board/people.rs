//! One account: what it has asked for, what is there, and what can be done.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use pappus_engine::campaign::SignIn;
use serde::Deserialize;

use crate::app::App;
use crate::audit::audit;
use crate::error::WebError;
use crate::pages::{CheckedForm, Page};
use crate::portal;
use crate::security::Address;
use crate::sessions::{Person, Podmin};

/// Lines of a history.
const HISTORY: u32 = 50;

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
    let person = match name.as_str() {
        "" => None,
        name => app.sign_in.accounts().find(name, app.now_millis()).await?,
    };
    let found = match &person {
        Some(person) => Some(look(&app, &page, person).await?),
        None => None,
    };
    let template = PeoplePage {
        failed: failed(&app, &page).await?,
        can_make: app.config.pod.is_some(),
        found,
        name,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

async fn look(app: &App, page: &Page, person: &SignIn) -> Result<Found, WebError> {
    let (requests, words) = (&app.portal.requests, &page.words);
    let history = requests.history(person.user_id, HISTORY).await?;
    let archives = requests.archives(person.user_id).await?;
    let fetched = requests.downloads(person.user_id).await?;
    let size = |bytes: i64| words.size(u64::try_from(bytes).unwrap_or(0));
    Ok(Found {
        username: person.username.clone(),
        account: person.account.clone(),
        email: person.email.clone(),
        locked: person.locked,
        closed: person.closed,
        requests: history
            .iter()
            .map(|request| {
                let state = words.say(&format!("request-{}", request.state.as_str()));
                (words.moment(request.requested_at), state, request.reason.clone())
            })
            .collect(),
        archives: archives
            .iter()
            .map(|made| {
                (words.moment(made.created_at), size(made.bytes), made.expires_at.map(|at| words.day(at)))
            })
            .collect(),
        fetched: fetched.map(|fetched| (words.moment(fetched.last_at), fetched.times)),
    })
}

/// The last ones whose newest request has failed.
async fn failed(app: &App, page: &Page) -> Result<Vec<Failed>, WebError> {
    let sql = "SELECT r.username, r.finished_at, r.reason FROM pappus_requests r WHERE r.pod = ? \
               AND r.state = 'failed' AND NOT EXISTS (SELECT 1 FROM pappus_requests n WHERE n.pod = r.pod \
               AND n.user_id = r.user_id AND n.id > r.id) ORDER BY r.id DESC LIMIT 50";
    let rows = app.store.rows("looking for what failed", sql, &[app.config.pod_url.as_str().into()]).await?;
    let read = |row: &pappus_engine::store::StoreRow| {
        let at = chrono::DateTime::from_timestamp_millis(row.get::<Option<i64>>(1)?.unwrap_or(0));
        let username: String = row.get(0)?;
        Ok(Failed {
            link: in_link(&username),
            username,
            at: page.words.moment(at.unwrap_or_default()),
            reason: row.get::<Option<String>>(2)?.unwrap_or_default(),
        })
    };
    rows.iter().map(read).collect::<Result<_, pappus_engine::store::StoreError>>().map_err(WebError::from)
}

/// Has an archive made for somebody, who is told by mail as if they had asked.
pub(super) async fn make(
    State(app): State<App>,
    Podmin(podmin): Podmin,
    page: Page,
    address: Address,
    CheckedForm(wanted): CheckedForm<Wanted>,
) -> Result<Redirect, WebError> {
    let found = app.sign_in.accounts().find(wanted.name.trim(), app.now_millis()).await?;
    let found = found.ok_or(WebError::NotFound)?;
    let person = Person {
        user_id: found.user_id,
        username: found.username,
        account: found.account,
        podmin: found.admin,
    };
    portal::request(&app, &person, None, true, page.words.code()).await?;
    audit(&app, Some(&podmin), "archive-for", Some(&person.account), None, Some(address)).await;
    Ok(Redirect::to(&format!("/board/people?name={}", in_link(&person.username))))
}

fn in_link(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}
