//! Accounts: by name prefix, by state, as a list and as CSV; and one account with its requests, archives and actions.

use askama::Template;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Redirect, Response};
use futures_util::stream;
use serde::Deserialize;

use super::shared::accounts::{AccountFilter, AccountState, ListedAccount, list};
use super::shared::people::AccountStatus;
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

/// Number of accounts on a page of the list, and in a chunk of the CSV file.
const PAGE_ROWS: usize = 100;
const CSV_CHUNK_ROWS: usize = 1_000;

#[derive(Template)]
#[template(path = "board/people.html")]
struct PeoplePage<'a> {
    page: &'a Page,
    name: String,
    /// The URL-encoded name.
    name_link: String,
    person: Option<PersonDetails>,
    /// The states with their names, and whether each is selected.
    states: Vec<(&'static str, String, bool)>,
    /// The selected state.
    state: Option<&'static str>,
    accounts: Vec<ListRow>,
    /// The `after` cursor of the next page.
    next_after: Option<i64>,
    failures: Vec<FailedRow>,
    can_request: bool,
}

/// An account in the list.
struct ListRow {
    username: String,
    link: String,
    email: String,
    states: String,
}

struct PersonDetails {
    username: String,
    account: String,
    email: String,
    is_locked: bool,
    is_closed: bool,
    requests: Vec<PastRequest>,
    /// Time, size and expiry.
    archives: Vec<(Moment, String, Option<String>)>,
    /// Time of the last download, and number of downloads.
    downloads: Option<(Moment, i64)>,
}

/// An earlier request.
struct PastRequest {
    at: Moment,
    state: String,
    /// The reason for the failure: translated, and the original.
    reason: Option<(String, String)>,
}

struct FailedRow {
    username: String,
    /// The URL-encoded name.
    link: String,
    at: Moment,
    /// The translated reason.
    text: String,
    /// The original reason.
    reason: String,
}

/// Shows one account, or accounts by name prefix or state; and the failed archives.
pub(super) async fn show(
    State(app): State<App>,
    _: Podmin,
    page: Page,
    Query(query): Query<PeopleQuery>,
) -> Result<Response, WebError> {
    super::require_closing(&app)?;
    let name = query.name.trim().to_owned();
    let status = shared::people::status(&app, &name).await?;
    let state = AccountState::parse(&query.state);
    let (accounts, next_after) = match (state, name.is_empty()) {
        (None, true) => (Vec::new(), None),
        (state, _) => {
            let prefix = Some(name.as_str()).filter(|name| !name.is_empty());
            let filter = AccountFilter { state: state.unwrap_or(AccountState::All), prefix };
            list(&app, filter, query.after.unwrap_or(0), PAGE_ROWS).await?
        }
    };
    let (failures, _) = shared::people::failed(&app, None).await?;
    let failures = failures.into_iter().map(|failed| FailedRow {
        link: url_encoded(&failed.username),
        username: failed.username,
        at: page.moment(failed.at),
        text: failure_reason::reason(&page.words, &failed.reason),
        reason: failed.reason,
    });
    let text = |state: AccountState| page.words.say(&format!("people-state-{}", state.as_str()));
    let template = PeoplePage {
        person: status.map(|status| person_details(&page, status)),
        states: AccountState::ALL.map(|each| (each.as_str(), text(each), state == Some(each))).into(),
        state: state.map(AccountState::as_str),
        accounts: accounts.iter().map(|account| row(&page, account)).collect(),
        next_after,
        failures: failures.collect(),
        can_request: app.config.pod.is_some(),
        name_link: url_encoded(&name),
        name,
        page: &page,
    };
    page.show(StatusCode::OK, &template)
}

fn row(page: &Page, account: &ListedAccount) -> ListRow {
    let words = &page.words;
    let states =
        AccountState::ALL.into_iter().filter(|state| *state != AccountState::All && account.is_in(*state));
    let states = states.map(|state| words.say(&format!("people-is-{}", state.as_str())));
    ListRow {
        username: account.row.username.clone(),
        link: url_encoded(&account.row.username),
        email: account.row.email.clone(),
        states: states.collect::<Vec<_>>().join(", "),
    }
}

/// Returns the list as a CSV file for spreadsheets.
pub(super) async fn csv(
    State(app): State<App>,
    _: Podmin,
    Query(query): Query<PeopleQuery>,
) -> Result<Response, WebError> {
    super::require_closing(&app)?;
    let state = AccountState::parse(&query.state).unwrap_or(AccountState::All);
    let name = query.name.trim().to_owned();
    let host = app.config.pod_url.diaspora_host();
    let head = "username,diaspora_id,email,last_seen,archive_made,downloaded,moved,failed,locked,closed\r\n"
        .to_owned();
    let initial = (Some(0_i64), Some(head));
    let lines = stream::unfold(initial, move |(after, head)| {
        let (app, name, host) = (app.clone(), name.clone(), host.clone());
        async move {
            if let Some(head) = head {
                return Some((Ok(head), (after, None)));
            }
            let filter = AccountFilter { state, prefix: Some(name.as_str()).filter(|name| !name.is_empty()) };
            match list(&app, filter, after?, CSV_CHUNK_ROWS).await {
                Ok((accounts, next)) => {
                    let text: String = accounts.iter().map(|account| csv_line(&host, account)).collect();
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

fn csv_line(host: &str, account: &ListedAccount) -> String {
    let time = |millis: Option<i64>| {
        let time = millis.and_then(chrono::DateTime::from_timestamp_millis);
        time.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
    };
    let yes = |is_set: bool| if is_set { "yes".to_owned() } else { String::new() };
    let row = &account.row;
    let fields = [
        row.username.clone(),
        format!("{}@{host}", row.username),
        row.email.clone(),
        row.last_seen.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default(),
        time(account.made_at),
        time(account.downloaded_at),
        yes(account.has_moved),
        yes(account.has_failed),
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

fn person_details(page: &Page, status: AccountStatus) -> PersonDetails {
    let words = &page.words;
    let AccountStatus { person, requests, archives, downloads } = status;
    let size = |bytes: i64| words.size(u64::try_from(bytes).unwrap_or(0));
    PersonDetails {
        username: person.username,
        account: person.account,
        email: person.email,
        is_locked: person.locked,
        is_closed: person.closed,
        requests: requests
            .into_iter()
            .map(|request| {
                let state = words.say(&format!("request-{}", request.state.as_str()));
                let reason = request.reason.map(|reason| (failure_reason::reason(words, &reason), reason));
                PastRequest { at: page.moment(request.requested_at), state, reason }
            })
            .collect(),
        archives: archives
            .iter()
            .map(|archive| {
                (
                    page.moment(archive.created_at),
                    size(archive.bytes),
                    archive.expires_at.map(|at| words.day(at)),
                )
            })
            .collect(),
        downloads: downloads.map(|downloads| (page.moment(downloads.last_at), downloads.times)),
    }
}

/// Requests an archive for an account.
pub(super) async fn make(
    State(app): State<App>,
    actor: Actor,
    page: Page,
    CheckedForm(query): CheckedForm<PeopleQuery>,
) -> Result<Redirect, WebError> {
    let language = page.words.code();
    let (person, _) = shared::people::make_archive(&app, &actor, &query.name, language).await?;
    let name = url_encoded(&person.username);
    Ok(Redirect::to(&format!("/board/people?name={name}&done=archive-asked")))
}

fn url_encoded(name: &str) -> String {
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
