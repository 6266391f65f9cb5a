//! Reports from the ledger: progress, errors, and people to be notified manually.

use chrono::{DateTime, Utc};

use super::ledger::{Ledger, OPEN};
use super::records::{Counts, Friends, PodDeliveries, Scope, Unreached, Waiting};
use super::target::BACK_AT;
use super::turn::{UNBLOCKED_VALUES, is_repeated, is_unblocked, opens_at};
use crate::sql::{Dialect, Value};
use crate::store::{StoreError, StoreRow, time};

/// Number of rows in each state: the columns of [`Counts`].
const COUNTS: &str = "count(*) FILTER (WHERE d.state = 'queued') AS queued, \
     count(*) FILTER (WHERE d.state = 'sending') AS sending, \
     count(*) FILTER (WHERE d.state = 'delivered') AS delivered, \
     count(*) FILTER (WHERE d.state = 'confirmed') AS confirmed, \
     count(*) FILTER (WHERE d.state = 'rejected') AS rejected, \
     count(*) FILTER (WHERE d.state = 'dead') AS dead";

fn counts(row: &StoreRow) -> Result<Counts, StoreError> {
    Ok(Counts {
        queued: row.get("queued")?,
        sending: row.get("sending")?,
        delivered: row.get("delivered")?,
        confirmed: row.get("confirmed")?,
        rejected: row.get("rejected")?,
        dead: row.get("dead")?,
    })
}

fn pod_deliveries(row: &StoreRow) -> Result<PodDeliveries, StoreError> {
    let at = |column: &'static str| row.get::<Option<i64>>(column).map(|at| at.map(time));
    let system: Option<String> = row.get("system")?;
    Ok(PodDeliveries {
        pod: row.get("pod")?,
        counts: counts(row)?,
        last_error: row.get("shown_error")?,
        retry_at: at("retry_at")?,
        system: system.as_deref().and_then(|name| name.parse().ok()),
        accepted_at: at("last_told_at")?,
        confirmed_at: at("all_confirmed_at")?,
        waits_until: at("waits_until")?.filter(|at| at.timestamp_millis() > 0),
        friends: Friends { all: row.get("friends")?, back: row.get("friends_back")? },
        repeated_at: at("last_repeated_at")?,
        repeats_at: at("repeats_at")?,
    })
}

/// Returns the time since which the pod `c` is known to have processed all moves in the scope. A move that was
/// refused or is still to be sent has no row in `pappus_move_pods`.
fn all_confirmed_at(condition: &str) -> String {
    format!(
        "(SELECT CASE WHEN count(*) = count(m.confirmed_at) THEN max(m.confirmed_at) END \
         FROM pappus_deliveries d LEFT JOIN pappus_move_pods m ON m.import_id = d.import_id AND m.pod = d.pod \
         WHERE d.pod = c.pod AND d.kind = 'account_migration' AND {condition})"
    )
}

impl Ledger {
    /// Counts the deliveries in each state.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn counts(&self, scope: Scope<'_>) -> Result<Counts, StoreError> {
        let (condition, values) = scope.condition();
        let sql = format!("SELECT {COUNTS} FROM pappus_deliveries d WHERE {condition}");
        let row = self.store.first("counting deliveries", &sql, &values).await?;
        Ok(row.map(|row| counts(&row)).transpose()?.unwrap_or_default())
    }

    /// Returns the deliveries to each pod, by name: at most `limit` pods that come after `after` (initially the empty
    /// text).
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn pods(
        &self,
        scope: Scope<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PodDeliveries>, StoreError> {
        let (condition, scope_values) = scope.condition();
        let (people_condition, people_values) = scope.people_condition();
        let waits = format!(
            "(SELECT max({}) FROM pappus_deliveries d WHERE d.pod = c.pod AND {condition} AND {OPEN})",
            opens_at()
        );
        let moves = format!(
            "FROM pappus_move_pods m WHERE m.pod = c.pod AND m.import_id IN \
             (SELECT d.import_id FROM pappus_deliveries d WHERE d.pod = c.pod AND {condition})"
        );
        let friends = format!(
            "FROM pappus_move_people f JOIN pappus_imports i ON i.id = f.import_id \
             WHERE f.pod = c.pod AND f.is_friend = 1 AND {people_condition}"
        );
        let confirmed = all_confirmed_at(condition);
        let repeated = is_repeated();
        let sql = format!(
            "SELECT c.*, CASE WHEN p.failures > 0 THEN p.last_error ELSE \
             (SELECT d.last_error FROM pappus_deliveries d WHERE d.pod = c.pod AND {condition} \
             AND d.state <> 'delivered' AND d.last_error IS NOT NULL \
             ORDER BY d.updated_at DESC, CASE d.kind WHEN 'account_migration' THEN 0 ELSE 1 END, d.id LIMIT 1) \
             END AS shown_error, p.retry_at, p.system, (SELECT max(m.told_at) {moves}) AS last_told_at, \
             {confirmed} AS all_confirmed_at, {waits} AS waits_until, \
             (SELECT count(*) {friends}) AS friends, (SELECT count({BACK_AT}) {friends}) AS friends_back, \
             (SELECT max(m.repeated_at) {moves}) AS last_repeated_at, \
             (SELECT max(m.opens_at) {moves} AND {repeated}) AS repeats_at \
             FROM (SELECT d.pod, {COUNTS} FROM pappus_deliveries d WHERE {condition} AND d.pod > ? \
             GROUP BY d.pod ORDER BY d.pod LIMIT ?) c \
             LEFT JOIN pappus_delivery_pods p ON p.pod = c.pod ORDER BY c.pod"
        );
        // For the last error, two times of the moves, and the time until which deliveries wait.
        let mut values: Vec<Value<'_>> = Vec::new();
        (0..4).for_each(|_| values.extend(scope_values.iter().cloned()));
        (0..2).for_each(|_| values.extend(people_values.iter().cloned()));
        // For two more times of the moves.
        (0..2).for_each(|_| values.extend(scope_values.iter().cloned()));
        values.extend(scope_values);
        values.extend([after.into(), i64::from(limit).into()]);
        let rows = self.store.rows("counting deliveries", &sql, &values).await?;
        rows.iter().map(pod_deliveries).collect()
    }

    /// Returns the people to be notified manually, each once: by account, pod and person, at most `limit` that come
    /// after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unreached(
        &self,
        scope: Scope<'_>,
        after: Option<&Unreached>,
        limit: u32,
    ) -> Result<Vec<Unreached>, StoreError> {
        let (condition, mut values) = scope.condition();
        let sql = format!(
            "SELECT d.account, d.pod, COALESCE(d.recipient, '') AS person, MAX(d.people) AS other_people, \
             MAX(d.last_error) AS shown_error FROM pappus_deliveries d WHERE {condition} \
             AND d.state IN ('rejected', 'dead') \
             AND (d.account, d.pod, COALESCE(d.recipient, '')) > (?, ?, ?) \
             GROUP BY d.account, d.pod, COALESCE(d.recipient, '') ORDER BY 1, 2, 3 LIMIT ?"
        );
        let [account, pod, recipient] = after.map_or([""; 3], |after| {
            [after.account.as_str(), after.pod.as_str(), after.recipient.as_deref().unwrap_or_default()]
        });
        values.extend([account.into(), pod.into(), recipient.into(), i64::from(limit).into()]);
        let rows = self.store.rows("listing people to notify manually", &sql, &values).await?;
        let unreached = |row: &StoreRow| {
            let people: Option<String> = row.get("other_people")?;
            Ok(Unreached {
                account: row.get("account")?,
                pod: row.get("pod")?,
                recipient: Some(row.get::<String>("person")?).filter(|person| !person.is_empty()),
                people: people.and_then(|list| serde_json::from_str(&list).ok()).unwrap_or_default(),
                last_error: row.get("shown_error")?,
            })
        };
        rows.iter().map(unreached).collect()
    }

    /// Returns the number of deliveries that could be sent now.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn due(&self, scope: Scope<'_>, now: DateTime<Utc>) -> Result<i64, StoreError> {
        let (condition, scope_values) = scope.condition();
        let sql = format!("SELECT count(*) AS amount {} AND {condition}", ready());
        let mut values = vec![Value::from(now.timestamp_millis()); READY_VALUES];
        values.extend(scope_values);
        let row = self.store.first("counting deliveries", &sql, &values).await?;
        Ok(row.map(|row| row.get("amount")).transpose()?.unwrap_or_default())
    }

    /// Returns the number of deliveries to leased pods. The program that leased them may have been killed; no other one
    /// sends to them before the lease expires.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn held(&self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT count(*) AS amount FROM pappus_deliveries d JOIN pappus_delivery_pods p ON p.pod = d.pod \
             WHERE {OPEN} AND p.lease_until > ?"
        );
        let row = self.store.first("counting deliveries", &sql, &[now.timestamp_millis().into()]).await?;
        Ok(row.map(|row| row.get("amount")).transpose()?.unwrap_or_default())
    }

    /// Returns the deliveries that wait for a pod to process a move, for a limited time.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn waiting(&self, scope: Scope<'_>, now: DateTime<Utc>) -> Result<Waiting, StoreError> {
        let (condition, scope_values) = scope.condition();
        let sql = format!(
            "SELECT count(*) AS amount, max(w.opens_at) AS latest FROM (SELECT {} AS opens_at \
             FROM pappus_deliveries d LEFT JOIN pappus_delivery_pods p ON p.pod = d.pod \
             WHERE {OPEN} AND {condition}) w WHERE w.opens_at > ?",
            opens_at()
        );
        let mut values = scope_values;
        values.push(now.timestamp_millis().into());
        let row = self.store.first("counting deliveries", &sql, &values).await?;
        row.map_or(Ok(Waiting::default()), |row| {
            Ok(Waiting { count: row.get("amount")?, until: row.get::<Option<i64>>("latest")?.map(time) })
        })
    }

    /// Returns the time when the next delivery can be sent, a move is queued again, or a new account that is not
    /// reachable from outside is checked again; `None` if nothing is left.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let latest = match self.store.dialect() {
            Dialect::Sqlite => "max",
            _ => "greatest",
        };
        let sql = format!(
            "SELECT min({latest}(d.next_attempt_at, COALESCE(p.retry_at, 0), COALESCE(p.lease_until, 0), {})) \
             AS next_at FROM pappus_deliveries d LEFT JOIN pappus_delivery_pods p ON p.pod = d.pod \
             WHERE {OPEN} AND (d.state = 'sending' OR {})",
            opens_at(),
            is_unblocked()
        );
        // Includes deliveries that wait only for a time.
        let values = vec![Value::from(i64::MAX); UNBLOCKED_VALUES];
        let row = self.store.first("looking for the next delivery", &sql, &values).await?;
        let next: Option<i64> = row.map(|row| row.get("next_at")).transpose()?.flatten();
        let sql = "SELECT min(v.next_look_at) AS next_at FROM pappus_moves v WHERE v.seen_at IS NULL \
                   AND EXISTS (SELECT 1 FROM pappus_deliveries d WHERE d.import_id = v.import_id \
                   AND d.state IN ('queued', 'sending'))";
        let row = self.store.first("looking for the next delivery", sql, &[]).await?;
        let next_check: Option<i64> = row.map(|row| row.get("next_at")).transpose()?.flatten();
        let next_repeat = self.next_repeat().await?;
        Ok(next.into_iter().chain(next_check).map(time).chain(next_repeat).min())
    }
}

/// Number of times the current time is bound in [`ready`].
pub(super) const READY_VALUES: usize = 3 + UNBLOCKED_VALUES;

/// Returns the clauses that select deliveries that can be sent now: the pod is neither leased nor skipped, and they are
/// due and wait for no other delivery. Killed programs leave some in the state `sending`.
pub(super) fn ready() -> String {
    format!(
        "FROM pappus_deliveries d LEFT JOIN pappus_delivery_pods p ON p.pod = d.pod \
         WHERE {OPEN} AND (p.lease_until IS NULL OR p.lease_until <= ?) \
         AND (p.retry_at IS NULL OR p.retry_at <= ?) \
         AND (d.state = 'sending' OR (d.next_attempt_at <= ? AND {}))",
        is_unblocked()
    )
}
