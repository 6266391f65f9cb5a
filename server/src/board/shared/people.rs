//! One account with its requests, archives and actions; and the failed archives.

use chrono::{DateTime, Utc};
use pappus_engine::campaign::SignIn;
use pappus_engine::departures::{Asked, Downloads, MadeArchive, Request};
use pappus_engine::store::{StoreError, StoreRow};

use super::Actor;
use crate::app::App;
use crate::error::WebError;
use crate::portal;
use crate::sessions::Person;

/// Number of requests shown in the history.
const MAX_HISTORY: u32 = 50;
/// Number of failures per page.
const PAGE_ROWS: i64 = 50;

/// An account and its status.
pub(crate) struct AccountStatus {
    pub(crate) person: SignIn,
    /// The requests, newest first.
    pub(crate) requests: Vec<Request>,
    /// The existing archives, newest first.
    pub(crate) archives: Vec<MadeArchive>,
    /// The downloads, if any.
    pub(crate) downloads: Option<Downloads>,
}

/// An account whose latest request failed.
pub(crate) struct FailedArchive {
    pub(crate) username: String,
    pub(crate) account: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) reason: String,
}

/// Returns the account with this username, e-mail address or diaspora* ID; `None` for an empty name.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn status(app: &App, name: &str) -> Result<Option<AccountStatus>, WebError> {
    let Some(person) = find(app, name).await? else { return Ok(None) };
    let requests = &app.portal.requests;
    Ok(Some(AccountStatus {
        requests: requests.history(person.user_id, MAX_HISTORY).await?,
        archives: requests.archives(person.user_id).await?,
        downloads: requests.downloads(person.user_id).await?,
        person,
    }))
}

async fn find(app: &App, name: &str) -> Result<Option<SignIn>, WebError> {
    let name = name.trim();
    // Database text cannot contain NUL.
    if name.is_empty() || name.contains('\0') {
        return Ok(None);
    }
    app.sign_in.accounts().find(name, app.now_millis()).await
}

/// Returns accounts whose latest request failed, latest first: a page after the request `after`, and the next cursor,
/// if there may be more.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn failed(
    app: &App,
    after: Option<i64>,
) -> Result<(Vec<FailedArchive>, Option<i64>), WebError> {
    let sql = "SELECT r.username, r.account, r.finished_at, r.reason, r.id FROM pappus_requests r WHERE r.pod = ? \
               AND r.id < ? AND r.state = 'failed' AND NOT EXISTS (SELECT 1 FROM pappus_requests n \
               WHERE n.pod = r.pod AND n.user_id = r.user_id AND n.id > r.id) ORDER BY r.id DESC LIMIT ?";
    let values = [app.config.pod_url.as_str().into(), after.unwrap_or(i64::MAX).into(), PAGE_ROWS.into()];
    let rows = app.store.rows("listing failed requests", sql, &values).await?;
    let is_full = i64::try_from(rows.len()).unwrap_or(0) == PAGE_ROWS;
    let next = rows.last().filter(|_| is_full).map(|row| row.get("id")).transpose()?;
    let read = |row: &StoreRow| {
        let at = DateTime::from_timestamp_millis(row.get::<Option<i64>>("finished_at")?.unwrap_or(0));
        Ok(FailedArchive {
            username: row.get("username")?,
            account: row.get("account")?,
            at: at.unwrap_or_default(),
            reason: row.get::<Option<String>>("reason")?.unwrap_or_default(),
        })
    };
    Ok((rows.iter().map(read).collect::<Result<_, StoreError>>()?, next))
}

/// Requests an archive for an account. Its owner is notified by mail, in `language`, as if they had asked.
///
/// # Errors
/// [`WebError::NotFound`] when no account has this name; the errors of a request for one's own archive.
pub(crate) async fn make_archive(
    app: &App,
    actor: &Actor,
    name: &str,
    language: &str,
) -> Result<(Person, Asked), WebError> {
    let account = find(app, name).await?.ok_or(WebError::NotFound)?;
    let person = Person {
        stamp: app.sign_in.stamp(&account),
        user_id: account.user_id,
        username: account.username,
        account: account.account,
        is_podmin: account.admin,
    };
    let outcome = portal::request(app, &person, None, true, language, None).await?;
    actor.log_action(app, "archive-for", &person.account, None).await;
    Ok((person, outcome))
}
