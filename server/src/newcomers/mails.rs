//! Mails about moves: to podmins when a newcomer awaits their decision; to newcomers when the podmin has decided,
//! when the move is done, and when they have to act.
//!
//! The newcomers' rows record sent mails; a mail's key in the outbox consists of the row's number and the time of the
//! change, so a crash in between duplicates nothing.

use std::time::Duration;

use pappus_engine::arrivals::{AwaitingDecision, MailDue, State};
use pappus_engine::depot::sealed::open_text;
use pappus_engine::pod::database::{DatabaseError, Snapshot};
use pappus_engine::pod::people::{Recipient, podmins};
use pappus_engine::store::StoreError;

use crate::app::App;
use crate::mail::{Mail, OutboxError, queue, signature};
use crate::words::Words;

/// Interval between queries for pending mails.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Interval between deletions of e-mail addresses if no mail is sent.
const DELETE_INTERVAL: Duration = Duration::from_mins(1);
/// Rows per query.
const PAGE_ROWS: u32 = 50;

/// The reason why mails are delayed.
#[derive(Debug, thiserror::Error)]
enum MailsError {
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error(transparent)]
    Pod(#[from] DatabaseError),
}

impl From<StoreError> for MailsError {
    fn from(error: StoreError) -> Self {
        Self::Outbox(error.into())
    }
}

/// Queues pending mails, in a loop.
pub(super) async fn write(app: App) {
    if !app.config.mail.is_sent() {
        loop {
            if let Err(error) = app.newcomers.table.delete_addresses().await {
                tracing::warn!("addresses of newcomers are not deleted yet: {error}");
            }
            tokio::time::sleep(DELETE_INTERVAL).await;
        }
    }
    loop {
        if let Err(error) = to_podmins(&app).await {
            tracing::warn!("mails to podmins wait: {error}");
        }
        if let Err(error) = to_newcomers(&app).await {
            tracing::warn!("mails to newcomers wait: {error}");
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Notifies podmins of newcomers who await a decision.
async fn to_podmins(app: &App) -> Result<(), MailsError> {
    let newcomers = app.newcomers.table.awaiting_decision(PAGE_ROWS).await?;
    if newcomers.is_empty() {
        return Ok(());
    }
    let recipients = recipients(app).await?;
    for newcomer in &newcomers {
        for (number, podmin) in recipients.iter().enumerate() {
            let (subject, body) = decision_mail(app, &words(app, podmin.language.as_deref()), newcomer);
            let key = format!("newcomer-{}-waits-{}-{number}", newcomer.id, newcomer.changed_at);
            queue(app, &Mail { key, to: podmin.email.clone(), subject, body }).await?;
        }
        app.newcomers.table.mark_podmins_notified(newcomer).await?;
    }
    Ok(())
}

/// Returns the pod's administrators; if there are none, the configured address.
async fn recipients(app: &App) -> Result<Vec<Recipient>, MailsError> {
    let Some(pod) = &app.config.pod else { return Ok(Vec::new()) };
    let mut snapshot = Snapshot::open(&pod.database).await?;
    let mut recipients = podmins(&mut snapshot).await?;
    if recipients.is_empty() {
        let configured = app.config.podmin_email.iter().map(|email| Recipient {
            user_id: 0,
            username: String::new(),
            email: email.clone(),
            language: None,
            locked: false,
        });
        recipients.extend(configured);
    }
    if recipients.is_empty() {
        tracing::warn!(
            "a newcomer awaits a decision, but no podmin has an e-mail address: set pod.podmin_email"
        );
    }
    Ok(recipients)
}

/// Returns subject and body of the mail to a podmin.
fn decision_mail(app: &App, words: &Words, newcomer: &AwaitingDecision) -> (String, String) {
    let host = app.config.pod_url.diaspora_host();
    let old = newcomer.old_account.clone().unwrap_or_default();
    let new = newcomer.username.as_ref().map(|name| format!("{name}@{host}")).unwrap_or_default();
    let proof = words.say(match newcomer.proof.as_deref() {
        Some("unproven") => "mail-waiting-unproven",
        _ if newcomer.key_lost => "queue-key-lost",
        _ => "mail-waiting-proven",
    });
    let size = words.size(newcomer.bytes);
    let link = format!("{}board/newcomers", app.config.web.public_url);
    let values = vec![
        ("old", old.clone().into()),
        ("new", new.into()),
        ("size", size.into()),
        ("proof", proof.into()),
        ("link", link.into()),
        ("pod", host.into()),
    ];
    (words.one("mail-waiting-subject", "old", old), words.with("mail-waiting-body", values))
}

/// Notifies newcomers of changes of their move.
async fn to_newcomers(app: &App) -> Result<(), MailsError> {
    for due in app.newcomers.table.mails_due(PAGE_ROWS).await? {
        to_newcomer(app, &due).await?;
    }
    Ok(())
}

async fn to_newcomer(app: &App, due: &MailDue) -> Result<(), MailsError> {
    let state_change = match due.state {
        State::Announced => Some("done"),
        State::Undone => Some("undone"),
        State::Failed | State::Imported if !due.is_in_pause => Some("stopped"),
        _ => None,
    };
    let unlock = app.keys.unlock().map_err(OutboxError::from)?.ok_or(OutboxError::KeyElsewhere)?;
    let to = open_text(&unlock, due.sealed_email.clone()).map_err(OutboxError::from)?.to_string();
    let words = words(app, due.language.as_deref());
    let decision = due.decision.map(|is_approved| if is_approved { "approved" } else { "declined" });
    for event in decision.into_iter().chain(state_change) {
        let (subject, body) = newcomer_mail(app, &words, event, due).await?;
        // A decision is made once; a state may recur.
        let happened_at =
            if state_change == Some(event) { due.changed_at } else { due.decided_at.unwrap_or_default() };
        let key = format!("newcomer-{}-{event}-{happened_at}", due.id);
        queue(app, &Mail { key, to: to.clone(), subject, body }).await?;
    }
    // During the pause no mail about the state was sent: it is evaluated again when the pause ends.
    Ok(app.newcomers.table.mail_written(due, !due.is_in_pause && state_change.is_some()).await?)
}

/// Returns subject and body of the mail to a newcomer about an event.
async fn newcomer_mail(
    app: &App,
    words: &Words,
    event: &str,
    due: &MailDue,
) -> Result<(String, String), MailsError> {
    let host = app.config.pod_url.diaspora_host();
    let old = due.old_account.clone().unwrap_or_default();
    let new = due.username.as_ref().map_or_else(|| host.clone(), |name| format!("{name}@{host}"));
    let sign_in = format!("{}/users/sign_in", app.config.pod_url.as_str().trim_end_matches('/'));
    let values = vec![
        ("old", old.into()),
        ("new", new.into()),
        ("pod", host.clone().into()),
        ("page", format!("{}newcomers", app.config.web.public_url).into()),
        ("link", sign_in.into()),
        ("minutes", app.config.newcomers.undo_pause().as_secs().div_ceil(60).into()),
    ];
    let subject = words.one(&format!("mail-{event}-subject"), "pod", host);
    let body = words.with(&format!("mail-{event}-body"), values);
    Ok((subject, format!("{body}{}", signature(app, words).await?)))
}

/// Returns the texts for a user's language on the pod.
fn words(app: &App, language: Option<&str>) -> Words {
    app.translations.accepted(&language.unwrap_or("en").replace('_', "-"))
}
