//! The texts of mails.

use std::fmt::Write as _;
use std::time::Duration;

use pappus_engine::departures::{MadeArchive, Request};
use pappus_engine::depot::sealed::open_text;

use super::OutboxError;
use crate::app::App;
use crate::board::Closing;
use crate::words::Words;

/// A mail to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Unique key: at most one mail per key is ever sent.
    pub key: String,
    /// The recipient.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub body: String,
}

/// Queues a mail, unless mail is disabled.
///
/// # Errors
/// [`OutboxError`].
pub async fn queue(app: &App, mail: &Mail) -> Result<(), OutboxError> {
    if !app.config.mail.is_sent() {
        return Ok(());
    }
    app.outbox.put(mail, app.now_millis()).await.map(drop)
}

/// Returns the end of every mail: the days of the pod's shutdown, if decided, and the contact address.
///
/// # Errors
/// [`OutboxError`].
pub async fn signature(app: &App, words: &Words) -> Result<String, OutboxError> {
    let closing = if app.config.closing.enabled { Closing::of(app).await? } else { None };
    let mut text = String::new();
    for (event, day) in closing.map(|closing| closing.days(words)).unwrap_or_default() {
        _ = write!(text, "\n{event}: {day}");
    }
    if let Some(email) = &app.config.podmin_email {
        _ = write!(text, "\n{} {email}", words.say("podmin-address"));
    }
    Ok(if text.is_empty() { "\n".to_owned() } else { format!("\n{text}\n") })
}

/// Notifies a user that their archive is ready, or that the export failed.
///
/// # Errors
/// [`OutboxError`].
pub async fn archive_ended(app: &App, request: &Request) -> Result<(), OutboxError> {
    let Some(to) = request.mail_to.clone().filter(|_| app.config.mail.is_sent()) else { return Ok(()) };
    let unlock = app.keys.unlock()?.ok_or(OutboxError::KeyElsewhere)?;
    let to = open_text(&unlock, to)?.to_string();
    let Some(words) = app.translations.named(&request.language).or_else(|| app.translations.named("en"))
    else {
        return Ok(());
    };
    let base = app.config.web.public_url.as_str();
    let values = |link: String, until: String| {
        vec![
            ("account", request.account.clone().into()),
            ("link", link.into()),
            ("page", format!("{base}archive").into()),
            ("until", until.into()),
        ]
    };
    let (subject, body) = if let Some(archive) = MadeArchive::of_request(request) {
        let expires_at = archive.expires_at.unwrap_or_else(|| app.now());
        let lifetime = (expires_at - app.now()).to_std().unwrap_or(Duration::ZERO);
        let token = app.portal.links.make(request.id, lifetime).await?;
        let values = values(format!("{base}get/{token}"), words.day(expires_at));
        (words.say("mail-archive-subject"), words.with("mail-archive-body", values))
    } else {
        let values = values(String::new(), String::new());
        (words.say("mail-failed-subject"), words.with("mail-failed-body", values))
    };
    let body = format!("{body}{}", signature(app, words).await?);
    queue(app, &Mail { key: format!("request-{}", request.id), to, subject, body }).await
}
