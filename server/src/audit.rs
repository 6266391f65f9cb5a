//! Who has done what, for the podmin.

use pappus_engine::store::{StoreError, Transaction, Value};
use serde::Serialize;

use crate::app::App;
use crate::security::Address;
use crate::sessions::Person;

const LINE: &str = "INSERT INTO pappus_audit (pod, done_at, actor, act, subject, details, address) \
                    VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Notes that somebody has done something. `act` is a stable name, such as `campaign-pause`; `subject` what it was done
/// to; `details` more about it. A failure is written to the log and stops nobody.
pub async fn audit(
    app: &App,
    actor: Option<&Person>,
    act: &'static str,
    subject: Option<&str>,
    details: Option<&serde_json::Value>,
    address: Option<Address>,
) {
    // No text of PostgreSQL holds NUL.
    let subject = subject.map(|subject| subject.replace('\0', ""));
    let values: [Value<'_>; 7] = [
        app.config.pod_url.as_str().into(),
        app.now_millis().into(),
        actor.map(|person| person.account.as_str()).into(),
        act.into(),
        subject.into(),
        details.map(ToString::to_string).into(),
        address.map(|address| address.0.to_string()).into(),
    ];
    if let Err(error) = app.store.execute("noting what was done", LINE, &values).await {
        tracing::error!(act, "{error}");
    }
}

/// Notes what the service itself has done, together with what else a transaction writes: both, or neither. For the names
/// see [`audit`].
///
/// # Errors
/// [`StoreError`].
pub async fn audit_with(
    transaction: &mut Transaction,
    pod: &str,
    now: i64,
    act: &'static str,
    subject: Option<&str>,
) -> Result<(), StoreError> {
    let none = || Value::Text(None);
    let values = [pod.into(), now.into(), none(), act.into(), subject.into(), none(), none()];
    transaction.execute("noting what was done", LINE, &values).await.map(drop)
}

/// Removes what was done longer ago than is kept.
///
/// # Errors
/// [`StoreError`].
pub async fn sweep(app: &App) -> Result<u64, StoreError> {
    let Some(kept) = app.config.audit_kept else { return Ok(0) };
    let before = app.now_millis() - i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
    let sql = "DELETE FROM pappus_audit WHERE pod = ? AND done_at < ?";
    let values = [app.config.pod_url.as_str().into(), before.into()];
    app.store.execute("removing old lines of the audit log", sql, &values).await
}

/// One line of what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Its number, for the next page.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub done_at: i64,
    /// The diaspora* ID of whoever did it.
    pub actor: Option<String>,
    /// What.
    pub act: String,
    /// What it was done to.
    pub subject: Option<String>,
    /// More about it, as JSON.
    pub details: Option<String>,
    /// From where.
    pub address: Option<String>,
}

/// Which lines are looked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those before this number.
    pub before: Option<i64>,
    /// The beginning of what was done: `campaign`, or a whole name.
    pub act: String,
    /// Whoever did it, or what it was done to: the whole text.
    pub who: String,
}

/// What was done, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn done(app: &App, wanted: &Wanted, limit: i64) -> Result<Vec<Done>, StoreError> {
    let sql = "SELECT id, done_at, actor, act, subject, details, address FROM pappus_audit \
               WHERE pod = ? AND id < ? AND act LIKE ? AND (? = '' OR actor = ? OR subject = ? OR actor = ?) \
               ORDER BY id DESC LIMIT ?";
    // No text of PostgreSQL holds NUL; names of acts are letters and hyphens.
    let act: String =
        wanted.act.chars().filter(|letter| letter.is_ascii_alphabetic() || *letter == '-').collect();
    let who = wanted.who.trim().replace('\0', "");
    // A username alone is that of anybody of this pod.
    let id = format!("{}@{}", who, app.config.pod_url.diaspora_host());
    let values = [
        app.config.pod_url.as_str().into(),
        wanted.before.unwrap_or(i64::MAX).into(),
        format!("{act}%").into(),
        (&who).into(),
        (&who).into(),
        (&who).into(),
        id.into(),
        limit.into(),
    ];
    let rows = app.store.rows("reading what was done", sql, &values).await?;
    let read = |row: &pappus_engine::store::StoreRow| {
        Ok(Done {
            id: row.get(0)?,
            done_at: row.get(1)?,
            actor: row.get(2)?,
            act: row.get(3)?,
            subject: row.get(4)?,
            details: row.get(5)?,
            address: row.get(6)?,
        })
    };
    rows.iter().map(read).collect()
}
