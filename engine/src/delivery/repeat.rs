//! Sends a move again to pods that accepted it and may have lost it: a diaspora* pod answers before its workers store
//! the move, and the move is lost if they are killed in between.

use chrono::{DateTime, Utc};

use super::ledger::Ledger;
use super::turn::is_repeated;
use crate::sql::Value;
use crate::store::{StoreError, time};

/// Largest number of pods in one statement.
const BATCH_PODS: usize = 200;

impl Ledger {
    /// Queues the move again for the pods whose grace has ended without an echo from the friends there, once for each
    /// pod. The other deliveries wait until the pod has accepted the move again and another grace has passed.
    ///
    /// # Errors
    /// [`StoreError::Statement`]; then nothing is changed.
    pub(super) async fn repeat_moves(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let now = now.timestamp_millis();
        let mut transaction = self.store.begin().await?;
        let sql = format!(
            "UPDATE pappus_move_pods AS m SET repeated_at = ? WHERE m.opens_at <= ? AND {} \
             RETURNING import_id, pod",
            is_repeated()
        );
        let rows =
            transaction.rows("looking for pods without an echo", &sql, &[now.into(), now.into()]).await?;
        let pods: Vec<(String, String)> = rows
            .iter()
            .map(|row| Ok((row.get("import_id")?, row.get("pod")?)))
            .collect::<Result<_, StoreError>>()?;
        for chunk in pods.chunks(BATCH_PODS) {
            let places = vec!["(?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "UPDATE pappus_deliveries SET state = 'queued', attempts = 0, queued_at = ?, next_attempt_at = ?, \
                 failing_since = NULL, last_status = NULL, last_error = NULL, updated_at = ? \
                 WHERE kind = 'account_migration' AND state = 'delivered' AND (import_id, pod) IN (VALUES {places})"
            );
            let mut values = vec![Value::from(now); 3];
            values.extend(chunk.iter().flat_map(|(import, pod)| [import.into(), pod.into()]));
            transaction.execute("queuing a move again", &sql, &values).await?;
        }
        transaction.commit().await
    }

    /// Returns the earliest time at which a pod gets the move again if no echo arrives before.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub(super) async fn next_repeat(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql =
            format!("SELECT min(m.opens_at) AS next_at FROM pappus_move_pods m WHERE {}", is_repeated());
        let row = self.store.first("looking for pods without an echo", &sql, &[]).await?;
        Ok(row.map(|row| row.get::<Option<i64>>("next_at")).transpose()?.flatten().map(time))
    }
}
