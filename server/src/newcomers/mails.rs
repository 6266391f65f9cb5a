//! Mails about moves: to podmins when a newcomer awaits their decision; to newcomers when the podmin has decided,
//! when the move is done, and when they have to act.
//!
//! The row records sent mails; a mail's key in the outbox consists of the row's number and the time of the change, so
//! a crash in between duplicates nothing.

use std::time::Duration;

use pappus_engine::depot::sealed::open_text;
use pappus_engine::pod::database::{DatabaseError, Snapshot};
use pappus_engine::pod::people::{Recipient, podmins};
use pappus_engine::store::{StoreError, StoreRow, Value};

use super::ledger::records::State;
use crate::app::App;
use crate::mail::{Mail, OutboxError, queue, signature};
use crate::words::Words;

/// Interval between queries for pending mails.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Interval of deleting addresses where no mail is sent.
const FORGET: Duration = Duration::from_mins(1);
/// Rows per query.
const PAGE: u32 = 50;

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
            if let Err(error) = app.newcomers.table.forget_addresses().await {
                tracing::warn!("addresses of newcomers are not deleted yet: {error}");
            }
            tokio::time::sleep(FORGET).await;
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
    let sql = format!(
        "SELECT id, changed_at, old_account, username, proof, archive_bytes + photos_bytes FROM pappus_newcomers \
         WHERE pod = ? AND state = 'waiting' AND podmins_told = 0 ORDER BY id LIMIT {PAGE}"
    );
    let rows = app.store.rows("looking who waits", &sql, &[app.config.pod_url.as_str().into()]).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let addressees = addressees(app).await?;
    for row in &rows {
        let (id, changed): (i64, i64) = (row.get(0)?, row.get(1)?);
        for (number, podmin) in addressees.iter().enumerate() {
            let (subject, body) = waiting(app, &words(app, podmin.language.as_deref()), row)?;
            let key = format!("newcomer-{id}-waits-{changed}-{number}");
            queue(app, &Mail { key, to: podmin.email.clone(), subject, body }).await?;
        }
        let sql = "UPDATE pappus_newcomers SET podmins_told = 1 WHERE id = ? AND state = 'waiting' AND changed_at = ?";
        app.store.execute("recording who was told", sql, &[id.into(), changed.into()]).await?;
    }
    Ok(())
}

/// Returns the pod's administrators, or else the address that the configuration names.
async fn addressees(app: &App) -> Result<Vec<Recipient>, MailsError> {
    let Some(pod) = &app.config.pod else { return Ok(Vec::new()) };
    let mut snapshot = Snapshot::open(&pod.database).await?;
    let mut found = podmins(&mut snapshot).await?;
    if found.is_empty() {
        let named = app.config.podmin_email.iter().map(|email| Recipient {
            user_id: 0,
            username: String::new(),
            email: email.clone(),
            language: None,
            locked: false,
        });
        found.extend(named);
    }
    if found.is_empty() {
        tracing::warn!(
            "somebody waits for a decision, and no podmin has an e-mail address: set pod.podmin_email"
        );
    }
    Ok(found)
}

fn waiting(app: &App, words: &Words, row: &StoreRow) -> Result<(String, String), StoreError> {
    let host = app.config.pod_url.diaspora_host();
    let old = row.get::<Option<String>>(2)?.unwrap_or_default();
    let new = row.get::<Option<String>>(3)?.map(|name| format!("{name}@{host}")).unwrap_or_default();
    let unproven = row.get::<Option<String>>(4)?.as_deref() == Some("unproven");
    let proof = words.say(if unproven { "mail-waiting-unproven" } else { "mail-waiting-proven" });
    let size = words.size(u64::try_from(row.get::<i64>(5)?).unwrap_or(0));
    let link = format!("{}board/newcomers", app.config.web.public_url);
    let values = vec![
        ("old", old.clone().into()),
        ("new", new.into()),
        ("size", size.into()),
        ("proof", proof.into()),
        ("link", link.into()),
        ("pod", host.into()),
    ];
    Ok((words.one("mail-waiting-subject", "old", old), words.with("mail-waiting-body", values)))
}

/// Notifies newcomers of changes of their move.
async fn to_newcomers(app: &App) -> Result<(), MailsError> {
    let sql = format!(
        "SELECT id, state, changed_at, old_account, username, language, mail_to, approved, decision_told, announce_at, \
         decided_at FROM pappus_newcomers WHERE pod = ? AND mail_to IS NOT NULL \
         AND ((approved IS NOT NULL AND decision_told = 0) OR ((state IN ('failed', 'announced', 'undone') \
         OR (state = 'imported' AND announce_at IS NULL)) AND COALESCE(state_told, '') <> state)) \
         ORDER BY id LIMIT {PAGE}"
    );
    let rows =
        app.store.rows("looking whom to write to", &sql, &[app.config.pod_url.as_str().into()]).await?;
    for row in &rows {
        to_newcomer(app, row).await?;
    }
    Ok(())
}

async fn to_newcomer(app: &App, row: &StoreRow) -> Result<(), MailsError> {
    let (id, changed): (i64, i64) = (row.get(0)?, row.get(2)?);
    let word: String = row.get(1)?;
    let state = word.parse().unwrap_or(State::Waiting);
    let approved = row.get::<Option<i64>>(7)?.map(|approved| approved != 0);
    let decision = approved.filter(|_| row.get::<i64>(8).is_ok_and(|told| told == 0));
    // During the pause for undo nobody has to act, and nothing is final.
    let in_pause = state == State::Imported && row.get::<Option<i64>>(9)?.is_some();
    let became = match state {
        State::Announced => Some("done"),
        State::Undone => Some("undone"),
        State::Failed | State::Imported if !in_pause => Some("stopped"),
        _ => None,
    };
    let unlock = app.keys.unlock().map_err(OutboxError::from)?.ok_or(OutboxError::KeyElsewhere)?;
    let to = open_text(&unlock, row.get(6)?).map_err(OutboxError::from)?.to_string();
    let words = words(app, row.get::<Option<String>>(5)?.as_deref());
    let decided = decision.map(|yes| if yes { "approved" } else { "declined" });
    for what in decided.into_iter().chain(became) {
        let (subject, body) = letter(app, &words, what, row).await?;
        // A decision is made once; a state may recur.
        let key = if became == Some(what) {
            format!("newcomer-{id}-{what}-{changed}")
        } else {
            format!("newcomer-{id}-{what}-{}", row.get::<Option<i64>>(10)?.unwrap_or_default())
        };
        queue(app, &Mail { key, to: to.clone(), subject, body }).await?;
    }
    let over = matches!(state, State::Announced | State::Undone | State::Declined);
    let wiped = if over { ", mail_to = NULL" } else { "" };
    // During the pause no mail about the state was sent: it is evaluated again when the pause ends.
    let told: Option<&str> = (!in_pause && became.is_some()).then_some(word.as_str());
    let sql = format!(
        "UPDATE pappus_newcomers SET decision_told = CASE WHEN approved IS NULL THEN 0 ELSE 1 END, \
         state_told = COALESCE(?, state_told){wiped} WHERE id = ? AND state = ? AND changed_at = ?"
    );
    let values: [Value<'_>; 4] = [told.into(), id.into(), word.as_str().into(), changed.into()];
    app.store.execute("recording who was told", &sql, &values).await?;
    Ok(())
}

async fn letter(
    app: &App,
    words: &Words,
    what: &str,
    row: &StoreRow,
) -> Result<(String, String), MailsError> {
    let host = app.config.pod_url.diaspora_host();
    let old = row.get::<Option<String>>(3)?.unwrap_or_default();
    let name = row.get::<Option<String>>(4)?;
    let new = name.map_or_else(|| host.clone(), |name| format!("{name}@{host}"));
    let sign_in = format!("{}/users/sign_in", app.config.pod_url.as_str().trim_end_matches('/'));
    let values = vec![
        ("old", old.into()),
        ("new", new.into()),
        ("pod", host.clone().into()),
        ("page", format!("{}newcomers", app.config.web.public_url).into()),
        ("link", sign_in.into()),
        ("minutes", app.config.newcomers.undo_pause().as_secs().div_ceil(60).into()),
    ];
    let subject = words.one(&format!("mail-{what}-subject"), "pod", host);
    let body = words.with(&format!("mail-{what}-body"), values);
    Ok((subject, format!("{body}{}", signature(app, words).await?)))
}

/// Returns the texts for a user's language on the pod.
fn words(app: &App, language: Option<&str>) -> Words {
    app.translations.accepted(&language.unwrap_or("en").replace('_', "-"))
}
