//! One account: what it has asked for, what is there, and what can be done; and whose archives could not be made.

use chrono::{DateTime, Utc};
use pappus_engine::campaign::SignIn;
use pappus_engine::requests::{Asked, Downloads, MadeArchive, Request};
use pappus_engine::store::{StoreError, StoreRow};

use super::Actor;
use crate::app::App;
use crate::error::WebError;
use crate::portal;
use crate::sessions::Person;

/// Lines of a history.
const HISTORY: u32 = 50;
/// Failures of a page.
const FAILURES: i64 = 50;

/// An account, and how it stands.
pub(crate) struct Standing {
    pub(crate) person: SignIn,
    /// What was asked for, the newest first.
    pub(crate) requests: Vec<Request>,
    /// What is there, the newest first.
    pub(crate) archives: Vec<MadeArchive>,
    /// Whether and when an archive was fetched.
    pub(crate) fetched: Option<Downloads>,
}

/// Somebody whose newest request has failed.
pub(crate) struct Failed {
    pub(crate) username: String,
    pub(crate) account: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) reason: String,
}

/// Whoever has this username, e-mail address or diaspora* ID; nobody has an empty one.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn look(app: &App, name: &str) -> Result<Option<Standing>, WebError> {
    let Some(person) = find(app, name).await? else { return Ok(None) };
    let requests = &app.portal.requests;
    Ok(Some(Standing {
        requests: requests.history(person.user_id, HISTORY).await?,
        archives: requests.archives(person.user_id).await?,
        fetched: requests.downloads(person.user_id).await?,
        person,
    }))
}

async fn find(app: &App, name: &str) -> Result<Option<SignIn>, WebError> {
    let name = name.trim();
    // No text of a database holds NUL.
    if name.is_empty() || name.contains('\0') {
        return Ok(None);
    }
    app.sign_in.accounts().find(name, app.now_millis()).await
}

/// Those whose newest request has failed, the last ones first: a page behind the request `after`. When there may be
/// more, also what `after` is for the next page.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn failed(app: &App, after: Option<i64>) -> Result<(Vec<Failed>, Option<i64>), WebError> {
    let sql = "SELECT r.username, r.account, r.finished_at, r.reason, r.id FROM pappus_requests r WHERE r.pod = ? \
               AND r.id < ? AND r.state = 'failed' AND NOT EXISTS (SELECT 1 FROM pappus_requests n \
               WHERE n.pod = r.pod AND n.user_id = r.user_id AND n.id > r.id) ORDER BY r.id DESC LIMIT ?";
    let values = [app.config.pod_url.as_str().into(), after.unwrap_or(i64::MAX).into(), FAILURES.into()];
    let rows = app.store.rows("looking for what failed", sql, &values).await?;
    let full = i64::try_from(rows.len()).unwrap_or(0) == FAILURES;
    let next = rows.last().filter(|_| full).map(|row| row.get(4)).transpose()?;
    let read = |row: &StoreRow| {
        let at = DateTime::from_timestamp_millis(row.get::<Option<i64>>(2)?.unwrap_or(0));
        Ok(Failed {
            username: row.get(0)?,
            account: row.get(1)?,
            at: at.unwrap_or_default(),
            reason: row.get::<Option<String>>(3)?.unwrap_or_default(),
        })
    };
    Ok((rows.iter().map(read).collect::<Result<_, StoreError>>()?, next))
}

/// Has an archive made for somebody, who is told by mail, in `language`, as if they had asked.
///
/// # Errors
/// [`WebError::NotFound`] when there is nobody of this name; what asking for one's own can end with.
pub(crate) async fn make_archive(
    app: &App,
    actor: &Actor,
    name: &str,
    language: &str,
) -> Result<(Person, Asked), WebError> {
    let found = find(app, name).await?.ok_or(WebError::NotFound)?;
    let person = Person {
        stamp: app.sign_in.stamp(&found),
        user_id: found.user_id,
        username: found.username,
        account: found.account,
        podmin: found.admin,
    };
    let asked = portal::request(app, &person, None, true, language).await?;
    actor.has_done(app, "archive-for", &person.account, None).await;
    Ok((person, asked))
}
