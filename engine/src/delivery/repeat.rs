//! Sends a move once more to pods that took it and may have lost it: a diaspora* pod answers before its workers store the
//! move, and workers that are killed in between lose it for good.

use chrono::{DateTime, Utc};

use super::ledger::Ledger;
use super::turn::is_repeated;
use crate::sql::Value;
use crate::store::{StoreError, time};

/// Largest number of pods in one statement.
const PODS: usize = 200;

impl Ledger {
    /// Queues the move once more for the pods whose grace has ended without a sign of the friends there, each at most
    /// once. The rest goes on waiting there until the pod has taken it again and another grace has passed.
    ///
    /// # Errors
    /// [`StoreError::Statement`]; nothing is changed then.
    pub(super) async fn repeat_moves(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let now = now.timestamp_millis();
        let mut transaction = self.store.begin().await?;
        let sql = format!(
            "UPDATE pappus_move_pods AS m SET repeated_at = ? WHERE m.opens_at <= ? AND {} \
             RETURNING import_id, pod",
            is_repeated()
        );
        let rows = transaction.rows("looking for silent pods", &sql, &[now.into(), now.into()]).await?;
        let silent: Vec<(String, String)> = rows
            .iter()
            .map(|row| Ok((row.get("import_id")?, row.get("pod")?)))
            .collect::<Result<_, StoreError>>()?;
        for chunk in silent.chunks(PODS) {
            let places = vec!["(?, ?)"; chunk.len()].join(", ");
            let sql = format!(
                "UPDATE pappus_deliveries SET state = 'queued', attempts = 0, queued_at = ?, next_attempt_at = ?, \
                 failing_since = NULL, last_status = NULL, last_error = NULL, updated_at = ? \
                 WHERE kind = 'account_migration' AND state = 'delivered' AND (import_id, pod) IN (VALUES {places})"
            );
            let mut values = vec![Value::from(now); 3];
            values.extend(chunk.iter().flat_map(|(import, pod)| [import.into(), pod.into()]));
            transaction.execute("queuing a move once more", &sql, &values).await?;
        }
        transaction.commit().await
    }

    /// Returns the time at which the next pod gets the move once more, if it stays silent.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub(super) async fn next_repeat(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql =
            format!("SELECT min(m.opens_at) AS next_at FROM pappus_move_pods m WHERE {}", is_repeated());
        let row = self.store.first("looking for silent pods", &sql, &[]).await?;
        Ok(row.map(|row| row.get::<Option<i64>>("next_at")).transpose()?.flatten().map(time))
    }
}
