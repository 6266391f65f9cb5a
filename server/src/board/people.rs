//! Accounts: by name prefix, by state, as a list and as CSV; and one account with its requests, archives and actions.

use askama::Template;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Redirect, Response};
use futures_util::stream;
use serde::Deserialize;

use super::shared::accounts::{AccountState, Choice, Listed, list};
use super::shared::people::Standing;
use super::shared::{self, Actor};
use crate::app::App;
use crate::error::WebError;
use crate::failure_reason;
use crate::pages::{CheckedForm, Moment, Page};
use crate::sessions::Podmin;

/// The search form.
#[derive(Deserialize)]
pub(super) struct PeopleQuery {
    #[serde(default)]
    name: String,
    /// The state to list accounts by.
    #[serde(default)]
    state: String,
    /// The cursor of the next page.
    after: Option<i64>,
}

/// Accounts on a page of the list, and in a chunk of the CSV file.
const PAGE: usize = 100;
const PIECE: usize = 1_000;

#[derive(Template)]
#[template(path = "board/people.html")]
struct PeoplePage<'a> {
    page: &'a Page,
    name: String,
    /// The URL-encoded name.
    name_link: String,
    found: Option<PersonDetails>,
    /// The states with their names, and whether each is selected.
    states: Vec<(&'static str, String, bool)>,
    /// The selected state.
    state: Option<&'static str>,
    listed: Vec<Row>,
    /// The `after` cursor of the next page.
    more: Option<i64>,
    failed: Vec<Failed>,
    can_make: bool,
}

/// An account in the list.
struct Row {
    username: String,
    link: String,
    email: String,
    states: String,
}

struct PersonDetails {
    username: String,
    account: String,
    email: String,
    locked: bool,
    closed: bool,
    requests: Vec<PastRequest>,
    /// Time, size and expiry.
    archives: Vec<(Moment, String, Option<String>)>,
    fetched: Option<(Moment, i64)>,
}

/// An earlier request.
struct PastRequest {
    at: Moment,
    state: String,
    /// The reason for the failure: translated, and in the program's words.
    why: Option<(String, String)>,
}

struct Failed {
    username: String,
    /// The URL-encoded name.
    link: String,
    at: Moment,
    /// The reason, in the podmin's language.
    text: String,
    /// The reason, in the program's words.
    reason: String,
}

/// Shows one account, or accounts by name prefix or state; and the failed archives.
pub(super) async fn show(
    State(app): State<App>,
    _: Podmin,
    page: Page,
    Query(wanted): Query<PeopleQuery>,
) -> Result<Response, WebError> {
    super::is_closing(&app)?;
    let name = wanted.name.trim().to_owned();
    let standing = shared::people::look(&app, &name).await?;
    let state = AccountState::parse(&wanted.state);
    let (listed, more) = match (state, name.is_empty()) {
        (None, true) => (Vec::new(), None),
        (state, _) => {
            let beginning = Some(name.as_str()).filter(|name| !name.is_empty());
            let choice = Choice { state: state.unwrap_or(AccountState::All), beginning };
            list(&app, choice, wanted.after.unwrap_or(0), PAGE).await?
        }
    };
    let (failed, _) = shared::people::failed(&app, None).await?;
    let failed = failed.into_iter().map(|failed| Failed {
        link: in_link(&failed.username),
        username: failed.username,
        at: page.moment(failed.at),
        text: failure_reason::reason(&page.words, &failed.reason),
        reason: failed.reason,
    });
    let text = |state: AccountState| page.words.say(&format!("people-state-{}", state.as_str()));
    let template = PeoplePage {
        found: standing.map(|standing| found(&page, standing)),
        states: AccountState::ALL.map(|one| (one.as_str(), text(one), state == Some(one))).into(),
        state: state.map(AccountState::as_str),
        listed: listed.iter().map(|listed| row(&page, listed)).collect(),
        more,
        failed: failed.collect(),
        can_make: app.config.pod.is_some(),
        name_link: in_link(&name),
        name,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

fn row(page: &Page, listed: &Listed) -> Row {
    let words = &page.words;
    let states =
        AccountState::ALL.into_iter().filter(|state| *state != AccountState::All && listed.is(*state));
    let states = states.map(|state| words.say(&format!("people-is-{}", state.as_str())));
    Row {
        username: listed.row.username.clone(),
        link: in_link(&listed.row.username),
        email: listed.row.email.clone(),
        states: states.collect::<Vec<_>>().join(", "),
    }
}

/// Returns the list as a CSV file for spreadsheets.
pub(super) async fn csv(
    State(app): State<App>,
    _: Podmin,
    Query(wanted): Query<PeopleQuery>,
) -> Result<Response, WebError> {
    super::is_closing(&app)?;
    let state = AccountState::parse(&wanted.state).unwrap_or(AccountState::All);
    let name = wanted.name.trim().to_owned();
    let host = app.config.pod_url.diaspora_host();
    let head = "username,diaspora_id,email,last_seen,archive_made,downloaded,moved,failed,locked,closed\r\n"
        .to_owned();
    let begin = (Some(0_i64), Some(head));
    let lines = stream::unfold(begin, move |(after, head)| {
        let (app, name, host) = (app.clone(), name.clone(), host.clone());
        async move {
            if let Some(head) = head {
                return Some((Ok(head), (after, None)));
            }
            let choice = Choice { state, beginning: Some(name.as_str()).filter(|name| !name.is_empty()) };
            match list(&app, choice, after?, PIECE).await {
                Ok((found, next)) => {
                    let text: String = found.iter().map(|listed| csv_line(&host, listed)).collect();
                    Some((Ok(text), (next, None)))
                }
                Err(error) => Some((Err(std::io::Error::other(error.to_string())), (None, None))),
            }
        }
    });
    let file = format!("attachment; filename=\"accounts-{}.csv\"", state.as_str());
    let head = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (CONTENT_DISPOSITION, file),
    ];
    Ok((head, Body::from_stream(lines)).into_response())
}

fn csv_line(host: &str, listed: &Listed) -> String {
    let time = |millis: Option<i64>| {
        let time = millis.and_then(chrono::DateTime::from_timestamp_millis);
        time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
    };
    let yes = |is: bool| if is { "yes".to_owned() } else { String::new() };
    let row = &listed.row;
    let fields = [
        row.username.clone(),
        format!("{}@{host}", row.username),
        row.email.clone(),
        row.last_seen.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default(),
        time(listed.made_at),
        time(listed.fetched_at),
        yes(listed.moved),
        yes(listed.failed),
        yes(row.locked),
        yes(row.closed),
    ];
    let fields: Vec<String> = fields.iter().map(|field| csv_field(field)).collect();
    format!("{}\r\n", fields.join(","))
}

/// Returns a CSV field (RFC 4180). Text that spreadsheets would read as a formula starts with an apostrophe.
fn csv_field(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn found(page: &Page, standing: Standing) -> PersonDetails {
    let words = &page.words;
    let Standing { person, requests, archives, fetched } = standing;
    let size = |bytes: i64| words.size(u64::try_from(bytes).unwrap_or(0));
    PersonDetails {
        username: person.username,
        account: person.account,
        email: person.email,
        locked: person.locked,
        closed: person.closed,
        requests: requests
            .into_iter()
            .map(|request| {
                let state = words.say(&format!("request-{}", request.state.as_str()));
                let why = request.reason.map(|reason| (failure_reason::reason(words, &reason), reason));
                PastRequest { at: page.moment(request.requested_at), state, why }
            })
            .collect(),
        archives: archives
            .iter()
            .map(|made| {
                (page.moment(made.created_at), size(made.bytes), made.expires_at.map(|at| words.day(at)))
            })
            .collect(),
        fetched: fetched.map(|fetched| (page.moment(fetched.last_at), fetched.times)),
    }
}

/// Requests an archive for an account.
pub(super) async fn make(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    CheckedForm(wanted): CheckedForm<PeopleQuery>,
) -> Result<Redirect, WebError> {
    let language = page.words.code();
    let (person, _) = shared::people::make_archive(&app, &actor, &wanted.name, language).await?;
    let name = in_link(&person.username);
    Ok(Redirect::to(&format!("/board/people?name={name}&done=archive-asked")))
}

fn in_link(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::csv_field;

    #[test]
    fn spreadsheets_see_text() {
        for (text, field) in [
            ("ida", "ida"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(csv_field(text), field);
        }
    }
}
