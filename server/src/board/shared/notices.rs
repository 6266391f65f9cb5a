//! Notices: mails from the podmin to many people, one to each person.

use chrono::{DateTime, Utc};
use pappus_engine::pod::people::Seen;
use pappus_engine::store::{StoreError, StoreRow};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Actor;
use super::letter::{Languages, NoticeMail, PlaceholderValues};
use crate::app::App;
use crate::error::WebError;
use crate::mail::{Mail, queue};

/// Maximum lengths of subject and body, in characters.
const MAX_SUBJECT_CHARS: usize = 200;
const MAX_BODY_CHARS: usize = 20_000;
/// Number of notices listed.
const MAX_LISTED: i64 = 20;
/// The columns of [`Notice`].
const NOTICE_COLUMNS: &str = "id, subject, audience, begun_at, written_by, state, queued, finished_at";

/// The recipients of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    Seen(Seen),
    /// People who have not downloaded an archive.
    NotDownloaded,
}

impl Audience {
    pub(crate) const ALL: [&'static str; 5] = ["all", "year", "half-year", "month", "not-fetched"];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::Seen(Seen::Ever),
            "year" => Self::Seen(Seen::Year),
            "half-year" => Self::Seen(Seen::HalfYear),
            "month" => Self::Seen(Seen::Month),
            "not-fetched" => Self::NotDownloaded,
            _ => return None,
        })
    }
}

/// A notice as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) audience: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    /// The language of subject and text, and the translations.
    pub(crate) languages: Languages,
}

/// A notice that was sent, or is being sent.
pub(crate) struct Notice {
    pub(crate) id: i64,
    pub(crate) subject: String,
    pub(crate) audience: String,
    pub(crate) begun_at: DateTime<Utc>,
    pub(crate) written_by: String,
    /// `queueing`, `stopped` or `queued`.
    pub(crate) state: String,
    /// The number of people whose mail has been queued.
    pub(crate) queued: i64,
    /// The time when all mails had been queued.
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Delivery of the queued mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) waiting: i64,
    pub(crate) failed: i64,
    pub(crate) sent: i64,
}

impl Notice {
    fn read(row: &StoreRow) -> Result<Self, StoreError> {
        let time = |millis: i64| DateTime::from_timestamp_millis(millis).unwrap_or_default();
        Ok(Self {
            id: row.get("id")?,
            subject: row.get("subject")?,
            audience: row.get("audience")?,
            begun_at: time(row.get("begun_at")?),
            written_by: row.get("written_by")?,
            state: row.get("state")?,
            queued: row.get("queued")?,
            finished_at: row.get::<Option<i64>>("finished_at")?.map(time),
        })
    }

    /// Returns the delivery status of its mails.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn progress(&self, app: &App) -> Result<Progress, StoreError> {
        let sql = "SELECT state, COUNT(*) AS mails FROM pappus_outbox WHERE key LIKE ? GROUP BY state";
        let key = format!("notice-{}-%", self.id);
        let (mut waiting, mut failed) = (0, 0);
        for row in app.store.rows("counting mails", sql, &[key.into()]).await? {
            match row.get::<String>("state")?.as_str() {
                "queued" | "sending" => waiting += row.get::<i64>("mails")?,
                "failed" => failed += row.get::<i64>("mails")?,
                _ => {}
            }
        }
        // Sent mails are deleted from the outbox after a while. Mails enter it before `queued` is updated.
        Ok(Progress { waiting, failed, sent: (self.queued - waiting - failed).max(0) })
    }
}

/// Returns the latest notices, newest first.
///
/// # Errors
/// [`WebError::Unavailable`].
pub(crate) async fn latest(app: &App) -> Result<Vec<Notice>, WebError> {
    let sql = format!("SELECT {NOTICE_COLUMNS} FROM pappus_notices WHERE pod = ? ORDER BY id DESC LIMIT ?");
    let values = [app.config.pod_url.as_str().into(), MAX_LISTED.into()];
    let rows = app.store.rows("listing notices", &sql, &values).await?;
    Ok(rows.iter().map(Notice::read).collect::<Result<_, StoreError>>()?)
}

/// Returns the notice with this number.
///
/// # Errors
/// [`WebError::NotFound`].
pub(crate) async fn by_id(app: &App, id: i64) -> Result<Notice, WebError> {
    let sql = format!("SELECT {NOTICE_COLUMNS} FROM pappus_notices WHERE pod = ? AND id = ?");
    let values = [app.config.pod_url.as_str().into(), id.into()];
    let row = app.store.first("looking for a notice", &sql, &values).await?.ok_or(WebError::NotFound)?;
    Ok(Notice::read(&row)?)
}

/// Returns whether notices can be sent at all.
pub(crate) fn can_send(app: &App) -> bool {
    app.config.pod.is_some() && app.config.mail.is_sent()
}

/// Returns the mail as the podmin would receive it.
///
/// # Errors
/// [`WebError::BadRequest`] for an invalid notice, [`WebError::Conflict`] while none can be sent.
pub(crate) async fn preview(app: &App, actor: &Actor, draft: &Draft) -> Result<NoticeMail, WebError> {
    check(app, draft)?;
    let values = PlaceholderValues::of(app).await?;
    Ok(values.mail(app, draft, &draft.languages.main, &actor.podmin.username))
}

/// Sends a notice to its author alone, in each language. Returns the address.
///
/// # Errors
/// [`WebError::Conflict`] when the author has no address.
pub(crate) async fn test(app: &App, actor: &Actor, draft: &Draft) -> Result<String, WebError> {
    let now = app.now_millis();
    let person = app.sign_in.accounts().by_row(actor.podmin.user_id, now).await?.person();
    let address = person.map(|person| person.email).filter(|email| !email.is_empty());
    let no_address = || WebError::Conflict("your account on the pod has no e-mail address".to_owned());
    let to = address.ok_or_else(no_address)?;
    let values = PlaceholderValues::of(app).await?;
    for code in std::iter::once(&draft.languages.main).chain(draft.languages.texts.keys()) {
        let NoticeMail { subject, body } = values.mail(app, draft, code, &actor.podmin.username);
        let key = format!("test-{}-{now}-{code}", actor.podmin.user_id);
        queue(app, &Mail { key, to: to.clone(), subject, body }).await?;
    }
    actor.log_action(app, "notice-test", &draft.subject, None).await;
    Ok(to)
}

/// Starts to send a notice.
///
/// # Errors
/// As [`preview`].
pub(crate) async fn send(app: &App, actor: &Actor, draft: &Draft) -> Result<Notice, WebError> {
    check(app, draft)?;
    let languages = serde_json::to_string(&draft.languages).unwrap_or_default();
    let sql = format!(
        "INSERT INTO pappus_notices (pod, audience, subject, body, written_by, begun_at, translations, state) \
         VALUES (?, ?, ?, ?, ?, ?, ?, 'queueing') RETURNING {NOTICE_COLUMNS}"
    );
    let values = [
        app.config.pod_url.as_str().into(),
        (&draft.audience).into(),
        (&draft.subject).into(),
        (&draft.body).into(),
        (&actor.podmin.account).into(),
        app.now_millis().into(),
        languages.into(),
    ];
    let row = app.store.first("saving a notice", &sql, &values).await?;
    let row = row.ok_or_else(|| {
        WebError::Internal("a notice was saved, but the database did not return it".to_owned())
    })?;
    let details = json!({ "audience": draft.audience });
    actor.log_action(app, "notice", &draft.subject, Some(&details)).await;
    Ok(Notice::read(&row)?)
}

/// Stops (`stop`) or resumes (`go-on`) a notice. Mails already in the outbox are still sent; a notice that is in that
/// state already, or finished, does not change.
///
/// # Errors
/// [`WebError::NotFound`], [`WebError::BadRequest`] for another action.
pub(crate) async fn change(app: &App, actor: &Actor, id: i64, act: &str) -> Result<Notice, WebError> {
    let (from, to, act) = match act {
        "stop" => ("queueing", "stopped", "notice-stop"),
        "go-on" => ("stopped", "queueing", "notice-go-on"),
        _ => return Err(WebError::BadRequest("there is no such action".to_owned())),
    };
    let sql = "UPDATE pappus_notices SET state = ? WHERE pod = ? AND id = ? AND state = ?";
    let values = [to.into(), app.config.pod_url.as_str().into(), id.into(), from.into()];
    if app.store.execute("changing a notice", sql, &values).await? > 0 {
        actor.log_action(app, act, &id.to_string(), None).await;
    }
    by_id(app, id).await
}

fn check(app: &App, draft: &Draft) -> Result<(), WebError> {
    if !can_send(app) {
        let reason = "no mail can be sent: it needs the pod's database, and mail.server in the configuration";
        return Err(WebError::Conflict(reason.to_owned()));
    }
    match problems(draft).into_iter().next() {
        Some((_, DraftProblem::Audience)) => Err(WebError::BadRequest("there is no such group".to_owned())),
        Some((_, DraftProblem::Subject)) => Err(WebError::BadRequest(
            "a notice needs a subject of one line, of at most 200 characters".to_owned(),
        )),
        Some((_, DraftProblem::Body)) => {
            Err(WebError::BadRequest("a notice needs a text, of at most 20,000 characters".to_owned()))
        }
        None => Ok(()),
    }
}

/// A problem with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DraftProblem {
    Audience,
    Subject,
    Body,
}

/// Returns the problems of a notice, each with its language, in the order of the form.
pub(crate) fn problems(draft: &Draft) -> Vec<(String, DraftProblem)> {
    let (main, mut problems) = (&draft.languages.main, Vec::new());
    if Audience::parse(&draft.audience).is_none() {
        problems.push((main.clone(), DraftProblem::Audience));
    }
    let first = (main, draft.subject.as_str(), draft.body.as_str());
    let others = draft.languages.texts.iter().map(|(code, text)| (code, &*text.subject, &*text.body));
    for (code, subject, body) in std::iter::once(first).chain(others) {
        let (subject, body) = (subject.trim(), body.trim());
        if subject.is_empty()
            || subject.chars().count() > MAX_SUBJECT_CHARS
            || subject.contains(char::is_control)
        {
            problems.push((code.clone(), DraftProblem::Subject));
        }
        if body.is_empty() || body.chars().count() > MAX_BODY_CHARS || body.contains('\0') {
            problems.push((code.clone(), DraftProblem::Body));
        }
    }
    problems
}
