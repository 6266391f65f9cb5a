//! Encrypts plain text that earlier versions stored: once, at startup. No plain copy remains in the database file.

use chrono::{DateTime, Utc};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::depot::sealed::seal_text;
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::Value;
use pappus_engine::store::Store;

use crate::mail::OutboxError;

/// The marker in the store that this is done. Its number grows when more texts are encrypted than before.
const DONE: &str = "sealed 2";
/// Rows per transaction.
const BATCH: i64 = 500;

/// A column whose values are encrypted, and whether its table has a `pod` column.
struct Column {
    table: &'static str,
    name: &'static str,
    of_pod: bool,
}

/// All of these columns: sign-in links, addresses, password hashes.
const COLUMNS: [Column; 6] = [
    Column { table: "pappus_outbox", name: "recipient", of_pod: false },
    Column { table: "pappus_outbox", name: "subject", of_pod: false },
    Column { table: "pappus_outbox", name: "body", of_pod: false },
    Column { table: "pappus_newcomers", name: "encrypted_password", of_pod: true },
    Column { table: "pappus_newcomers", name: "mail_to", of_pod: true },
    Column { table: "pappus_requests", name: "mail_to", of_pod: true },
];

/// Encrypts values stored as plain text, then rewrites the database file; does nothing if already done.
///
/// # Errors
/// [`OutboxError`]. A file that cannot be rewritten because another program uses it is retried at the next start.
pub(crate) async fn seal(
    store: &Store,
    keys: &CampaignKeys,
    pod: &PodUrl,
    now: DateTime<Utc>,
) -> Result<(), OutboxError> {
    let what = "looking what is sealed";
    let pod = pod.as_str();
    let name = format!("{DONE} {pod}");
    let done = store.first(what, "SELECT name FROM pappus_once WHERE name = ?", &[(&name).into()]).await?;
    if done.is_some() {
        return Ok(());
    }
    let key = keys.current(now.into()).await?.recipient;
    for column in &COLUMNS {
        while seal_batch(store, &key, pod, column).await? > 0 {}
    }
    if let Err(error) = store.scrub().await {
        tracing::warn!("traces of what was in clear stay in the store until the next start: {error}");
        return Ok(());
    }
    let sql = "INSERT INTO pappus_once (name, done_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
    store.execute("recording what is sealed", sql, &[(&name).into(), now.timestamp_millis().into()]).await?;
    Ok(())
}

/// Encrypts a batch of a column's values in one transaction; returns the number that were still plain text.
async fn seal_batch(store: &Store, key: &str, pod: &str, column: &Column) -> Result<usize, OutboxError> {
    let Column { table, name, of_pod } = column;
    let (of_pod, values): (_, Vec<Value<'_>>) =
        if *of_pod { (" AND pod = ?", vec![pod.into()]) } else { ("", Vec::new()) };
    let sql = format!(
        "SELECT id, {name} FROM {table} WHERE {name} <> '' AND {name} NOT LIKE 'sealed:%'{of_pod} ORDER BY id LIMIT {BATCH}"
    );
    let mut transaction = store.begin().await?;
    let rows = transaction.rows("looking for texts in clear", &sql, &values).await?;
    let update = format!("UPDATE {table} SET {name} = ? WHERE id = ? AND {name} = ?");
    for row in &rows {
        let (id, clear): (i64, String) = (row.get("id")?, row.get(name)?);
        let sealed = seal_text(key, &clear)?;
        let values = [(&sealed).into(), id.into(), (&clear).into()];
        transaction.execute("sealing a text", &update, &values).await?;
    }
    transaction.commit().await?;
    Ok(rows.len())
}
