//! The ledger of deliveries, and queueing them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use url::Url;

use super::records::{DeliveryError, Kind, NewDelivery, Scope};
use super::system::System;
use crate::http::place;
use crate::sql::{Value, placeholders};
use crate::store::{Store, StoreError};

/// Condition for deliveries still to be sent; must match the text of its index.
pub(super) const OPEN: &str = "d.state IN ('queued', 'sending')";

/// The columns of a new row.
const COLUMNS: [&str; 14] = [
    "import_id",
    "account",
    "pod",
    "url",
    "kind",
    "recipient",
    "people",
    "content_type",
    "body",
    "profile_digest",
    "recipient_key",
    "queued_at",
    "next_attempt_at",
    "created_at",
];
/// Largest number of rows in one statement.
const BATCH_ROWS: usize = 50;
/// Largest number of addresses queried in one statement.
const BATCH_URLS: usize = 500;
/// Approximate size of one statement in bytes: a further body may follow the one that reaches it.
const BATCH_BYTES: usize = 4 << 20;

/// The ledger of deliveries, in Pappus's own database.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) store: Store,
}

impl Ledger {
    /// Largest body of a delivery, in bytes.
    pub const MAX_BODY_BYTES: usize = 1 << 20;
    /// Longest address, in bytes.
    const MAX_URL_BYTES: usize = 2000;

    /// Opens the ledger in this database.
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone() }
    }

    /// Records a pod's software that was recognised without a request, unless the pod has named it itself.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn recognise(&self, pods: &[String], system: System) -> Result<(), StoreError> {
        for chunk in pods.chunks(BATCH_ROWS) {
            let places = vec!["(?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "INSERT INTO pappus_delivery_pods (pod, system) VALUES {places} \
                 ON CONFLICT (pod) DO UPDATE SET system = excluded.system \
                 WHERE pappus_delivery_pods.system IS NULL"
            );
            let values: Vec<Value<'_>> =
                chunk.iter().flat_map(|pod| [pod.into(), system.as_str().into()]).collect();
            self.store.execute("recording a pod's software", &sql, &values).await?;
        }
        Ok(())
    }

    /// Records pods that another part of Pappus found unreachable, each with the time since which it is. A pod counts
    /// as failing since then once an attempt has failed.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn note_offline(&self, pods: &[(String, DateTime<Utc>)]) -> Result<(), StoreError> {
        for chunk in pods.chunks(BATCH_ROWS) {
            let places = vec!["(?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "INSERT INTO pappus_delivery_pods AS p (pod, failing_since) VALUES {places} \
                 ON CONFLICT (pod) DO UPDATE SET failing_since = excluded.failing_since \
                 WHERE p.failing_since IS NULL OR p.failing_since > excluded.failing_since"
            );
            let values: Vec<Value<'_>> =
                chunk.iter().flat_map(|(pod, since)| [pod.into(), since.timestamp_millis().into()]).collect();
            self.store.execute("recording pods that are unreachable", &sql, &values).await?;
        }
        Ok(())
    }

    /// Queues deliveries, due at once, in atomic batches; returns the number of new ones. Those queued before, with the
    /// same import, kind, address and recipient, are not changed, so a retry after a failure is safe.
    ///
    /// # Errors
    /// [`DeliveryError`]; earlier batches stay queued.
    pub async fn enqueue(
        &self,
        deliveries: impl IntoIterator<Item = NewDelivery>,
        now: DateTime<Utc>,
    ) -> Result<u64, DeliveryError> {
        let (mut batch, mut bytes, mut added) = (Vec::new(), 0, 0);
        for delivery in deliveries {
            let pod = validate(&delivery)?;
            bytes += delivery.body.len();
            batch.push((pod, delivery));
            if batch.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
                added += self.add(&batch, now).await?;
                batch.clear();
                bytes = 0;
            }
        }
        Ok(added + self.add(&batch, now).await?)
    }

    /// Returns those of these addresses for which an import has queued deliveries of a kind.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn queued(
        &self,
        import_id: &str,
        kind: Kind,
        urls: &[Url],
    ) -> Result<HashSet<String>, StoreError> {
        let mut queued = HashSet::new();
        for chunk in urls.chunks(BATCH_URLS) {
            let places = placeholders(chunk.len());
            let sql = format!(
                "SELECT url FROM pappus_deliveries WHERE import_id = ? AND kind = ? AND url IN ({places})"
            );
            let mut values: Vec<Value<'_>> = vec![import_id.into(), kind.as_str().into()];
            values.extend(chunk.iter().map(|url| Value::from(url.as_str())));
            for row in self.store.rows("looking for deliveries", &sql, &values).await? {
                queued.insert(row.get("url")?);
            }
        }
        Ok(queued)
    }

    async fn add(&self, batch: &[(String, NewDelivery)], now: DateTime<Utc>) -> Result<u64, DeliveryError> {
        if batch.is_empty() {
            return Ok(0);
        }
        let row = format!("(?{}, 'queued', ?)", ", ?".repeat(COLUMNS.len() - 1));
        let sql = format!(
            "INSERT INTO pappus_deliveries ({}, state, updated_at) VALUES {} ON CONFLICT DO NOTHING",
            COLUMNS.join(", "),
            vec![row; batch.len()].join(", ")
        );
        let now = now.timestamp_millis();
        let values: Vec<Value<'_>> = batch
            .iter()
            .flat_map(|(pod, delivery)| {
                let recipient = delivery.recipient.as_ref().map(crate::domain::DiasporaId::as_str);
                [
                    (&delivery.import_id).into(),
                    delivery.account.as_str().into(),
                    pod.into(),
                    delivery.url.as_str().into(),
                    delivery.kind.as_str().into(),
                    recipient.into(),
                    people(delivery).into(),
                    (&delivery.content_type).into(),
                    delivery.body.as_slice().into(),
                    delivery.profile_digest.as_deref().into(),
                    delivery.recipient_key.as_deref().into(),
                    now.into(),
                    now.into(),
                    now.into(),
                    now.into(),
                ]
            })
            .collect();
        Ok(self.store.execute("queuing deliveries", &sql, &values).await?)
    }

    /// Queues undelivered messages again, due at once and for up to four weeks; with `also_delivered`, delivered ones
    /// as well. Deliveries in progress are not changed. Profiles wait for the next check of the target pod. Returns
    /// the number of messages.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn resend(
        &self,
        scope: Scope<'_>,
        also_delivered: bool,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let (condition, scope_values) = scope.condition();
        let delivered = if also_delivered { ", 'delivered'" } else { "" };
        let now = now.timestamp_millis();
        let mut values = vec![Value::from(now); 3];
        values.extend(scope_values.clone());
        let sql = format!(
            "UPDATE pappus_deliveries AS d SET state = 'queued', attempts = 0, queued_at = ?, \
             next_attempt_at = ?, failing_since = NULL, last_status = NULL, last_error = NULL, updated_at = ? \
             WHERE d.state IN ('queued', 'rejected', 'dead'{delivered}) AND {condition}"
        );
        let mut transaction = self.store.begin().await?;
        let queued = transaction.execute("queuing deliveries again", &sql, &values).await?;
        // Unreachable pods are retried at once, too.
        let sql = format!(
            "UPDATE pappus_delivery_pods SET failures = 0, failing_since = NULL, retry_at = NULL, \
             last_error = NULL WHERE failures > 0 AND pod IN \
             (SELECT d.pod FROM pappus_deliveries d WHERE d.state = 'queued' AND {condition})"
        );
        transaction.execute("queuing deliveries again", &sql, &scope_values).await?;
        // These Profiles may be weeks old: none is sent before the next check of the target pod.
        let sql = format!(
            "UPDATE pappus_moves SET profile_digest = '' WHERE import_id IN (SELECT d.import_id \
             FROM pappus_deliveries d WHERE d.kind = 'profile' AND d.state = 'queued' AND {condition})"
        );
        transaction.execute("queuing deliveries again", &sql, &scope_values).await?;
        transaction.commit().await?;
        Ok(queued)
    }
}

/// Validates a delivery and returns its pod.
fn validate(delivery: &NewDelivery) -> Result<String, DeliveryError> {
    let truncated_url = || delivery.url.as_str().chars().take(200).collect::<String>();
    let url_error = |problem| DeliveryError::Url { url: truncated_url(), problem };
    if delivery.url.as_str().len() > Ledger::MAX_URL_BYTES {
        return Err(url_error("it is too long"));
    }
    if delivery.body.len() > Ledger::MAX_BODY_BYTES {
        let (kind, size) = (delivery.kind, delivery.body.len());
        return Err(DeliveryError::TooLarge {
            kind,
            url: truncated_url(),
            size,
            limit: Ledger::MAX_BODY_BYTES,
        });
    }
    if !matches!(delivery.url.scheme(), "https" | "http") {
        return Err(url_error("it is neither https nor http"));
    }
    if delivery.url.host_str().is_none_or(str::is_empty) {
        return Err(url_error("it names no host"));
    }
    // The form that hosts have in diaspora* IDs.
    Ok(place(&delivery.url))
}

/// Returns the people as a JSON list; `None` without people.
fn people(delivery: &NewDelivery) -> Option<String> {
    (!delivery.people.is_empty()).then(|| serde_json::json!(delivery.people).to_string())
}
