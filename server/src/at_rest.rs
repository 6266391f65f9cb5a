//! Encrypts plain text that earlier versions stored: once, at startup. No plain copy remains in the database file.

use chrono::{DateTime, Utc};
use pappus_engine::depot::CampaignKeys;
use pappus_engine::depot::sealed::seal_text;
use pappus_engine::pod::config::PodUrl;
use pappus_engine::sql::Value;
use pappus_engine::store::Store;

use crate::mail::OutboxError;

/// The marker in the store that all values are encrypted. Its number increases when columns are added.
const MARKER: &str = "sealed 2";
/// Number of rows per transaction.
const BATCH_ROWS: i64 = 500;

/// A column whose values are encrypted, and whether its table has a `pod` column.
struct Column {
    table: &'static str,
    name: &'static str,
    has_pod: bool,
}

/// The columns with secrets: sign-in links, addresses, password hashes.
const COLUMNS: [Column; 6] = [
    Column { table: "pappus_outbox", name: "recipient", has_pod: false },
    Column { table: "pappus_outbox", name: "subject", has_pod: false },
    Column { table: "pappus_outbox", name: "body", has_pod: false },
    Column { table: "pappus_newcomers", name: "encrypted_password", has_pod: true },
    Column { table: "pappus_newcomers", name: "mail_to", has_pod: true },
    Column { table: "pappus_requests", name: "mail_to", has_pod: true },
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
    let pod = pod.as_str();
    let name = format!("{MARKER} {pod}");
    let marker = store
        .first(
            "reading the encryption marker",
            "SELECT name FROM pappus_once WHERE name = ?",
            &[(&name).into()],
        )
        .await?;
    if marker.is_some() {
        return Ok(());
    }
    let key = keys.current(now.into()).await?.recipient;
    for column in &COLUMNS {
        while seal_batch(store, &key, pod, column).await? > 0 {}
    }
    if let Err(error) = store.scrub().await {
        tracing::warn!("traces of plain text stay in the store until the next start: {error}");
        return Ok(());
    }
    let sql = "INSERT INTO pappus_once (name, done_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
    store
        .execute("recording the encryption marker", sql, &[(&name).into(), now.timestamp_millis().into()])
        .await?;
    Ok(())
}

/// Encrypts a batch of a column's values in one transaction; returns the number that were still plain text.
async fn seal_batch(store: &Store, key: &str, pod: &str, column: &Column) -> Result<usize, OutboxError> {
    let Column { table, name, has_pod } = column;
    let (pod_condition, values): (_, Vec<Value<'_>>) =
        if *has_pod { (" AND pod = ?", vec![pod.into()]) } else { ("", Vec::new()) };
    let sql = format!(
        "SELECT id, {name} FROM {table} WHERE {name} <> '' AND {name} NOT LIKE 'sealed:%'{pod_condition} ORDER BY id LIMIT {BATCH_ROWS}"
    );
    let mut transaction = store.begin().await?;
    let rows = transaction.rows("reading plain texts", &sql, &values).await?;
    let update = format!("UPDATE {table} SET {name} = ? WHERE id = ? AND {name} = ?");
    for row in &rows {
        let (id, plain_text): (i64, String) = (row.get("id")?, row.get(name)?);
        let sealed = seal_text(key, &plain_text)?;
        let values = [(&sealed).into(), id.into(), (&plain_text).into()];
        transaction.execute("encrypting a text", &update, &values).await?;
    }
    transaction.commit().await?;
    Ok(rows.len())
}
