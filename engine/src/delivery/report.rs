//! Reports from the ledger: progress, errors, and people to be notified manually.

use chrono::{DateTime, Utc};

use super::ledger::{Ledger, OPEN};
use super::records::{Counts, Friends, PodDeliveries, Scope, Unreached, Waiting};
use super::target::BACK_AT;
use super::turn::{TURN_VALUES, is_repeated, its_turn, opens_at};
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
        told_at: at("last_told_at")?,
        confirmed_at: at("all_confirmed_at")?,
        waits_until: at("waits_until")?.filter(|at| at.timestamp_millis() > 0),
        friends: Friends { all: row.get("friends")?, back: row.get("friends_back")? },
        repeated_at: at("last_repeated_at")?,
        repeats_at: at("repeats_at")?,
    })
}

/// Returns the time since which the pod `c` is known to have processed all moves in the scope. One that was refused, or is
/// still to be sent, has no row in `pappus_move_pods`.
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

    /// Returns the same for each pod, by name, with the last error: at most `limit` pods that come after `after`
    /// (initially the empty text).
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn pods(
        &self,
        scope: Scope<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PodDeliveries>, StoreError> {
        let (condition, of_scope) = scope.condition();
        let (of_people, people_values) = scope.of_people();
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
             WHERE f.pod = c.pod AND f.is_friend = 1 AND {of_people}"
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
        // The last error, two times of the moves, the time that the rest waits for.
        let mut values: Vec<Value<'_>> = Vec::new();
        (0..4).for_each(|_| values.extend(of_scope.iter().cloned()));
        (0..2).for_each(|_| values.extend(people_values.iter().cloned()));
        // Two more times of the moves.
        (0..2).for_each(|_| values.extend(of_scope.iter().cloned()));
        values.extend(of_scope);
        values.extend([after.into(), i64::from(limit).into()]);
        let rows = self.store.rows("counting deliveries", &sql, &values).await?;
        rows.iter().map(pod_deliveries).collect()
    }

    /// Returns the people to be notified manually, each once: by account, pod and person, at most `limit` that come
    /// after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_hand(
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
        let rows = self.store.rows("listing whom to tell by hand", &sql, &values).await?;
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
        let (condition, of_scope) = scope.condition();
        let sql = format!("SELECT count(*) AS found {} AND {condition}", ready());
        let mut values = vec![Value::from(now.timestamp_millis()); READY_VALUES];
        values.extend(of_scope);
        let row = self.store.first("counting deliveries", &sql, &values).await?;
        Ok(row.map(|row| row.get("found")).transpose()?.unwrap_or_default())
    }

    /// Returns the number of deliveries for pods leased by a program, which may have been killed since: no other
    /// sends there before the lease expires.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn held(&self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT count(*) AS found FROM pappus_deliveries d JOIN pappus_delivery_pods p ON p.pod = d.pod \
             WHERE {OPEN} AND p.lease_until > ?"
        );
        let row = self.store.first("counting deliveries", &sql, &[now.timestamp_millis().into()]).await?;
        Ok(row.map(|row| row.get("found")).transpose()?.unwrap_or_default())
    }

    /// Returns the deliveries that wait for a pod to process a move, and end to wait by themselves.
    ///
    /// # Errors
    /// [`StoreError::Statement`].
    pub async fn waiting(&self, scope: Scope<'_>, now: DateTime<Utc>) -> Result<Waiting, StoreError> {
        let (condition, of_scope) = scope.condition();
        let sql = format!(
            "SELECT count(*) AS found, max(w.opens_at) AS latest FROM (SELECT {} AS opens_at \
             FROM pappus_deliveries d LEFT JOIN pappus_delivery_pods p ON p.pod = d.pod \
             WHERE {OPEN} AND {condition}) w WHERE w.opens_at > ?",
            opens_at()
        );
        let mut values = of_scope;
        values.push(now.timestamp_millis().into());
        let row = self.store.first("counting deliveries", &sql, &values).await?;
        row.map_or(Ok(Waiting::default()), |row| {
            Ok(Waiting { count: row.get("found")?, until: row.get::<Option<i64>>("latest")?.map(time) })
        })
    }

    /// Returns the time when the next delivery can be sent, a move is sent once more, or a new account that is not
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
            its_turn()
        );
        // Includes deliveries that only wait for time to pass.
        let forever = vec![Value::from(i64::MAX); TURN_VALUES];
        let row = self.store.first("looking for the next delivery", &sql, &forever).await?;
        let next: Option<i64> = row.map(|row| row.get("next_at")).transpose()?.flatten();
        let sql = "SELECT min(v.next_look_at) AS next_at FROM pappus_moves v WHERE v.seen_at IS NULL \
                   AND EXISTS (SELECT 1 FROM pappus_deliveries d WHERE d.import_id = v.import_id \
                   AND d.state IN ('queued', 'sending'))";
        let row = self.store.first("looking for the next delivery", sql, &[]).await?;
        let look: Option<i64> = row.map(|row| row.get("next_at")).transpose()?.flatten();
        let repeat = self.next_repeat().await?;
        Ok(next.into_iter().chain(look).map(time).chain(repeat).min())
    }
}

/// Number of times the current time is bound in [`ready`].
pub(super) const READY_VALUES: usize = 3 + TURN_VALUES;

/// The source of deliveries that can be sent now: no other program holds the pod, it is not paused, and their time
/// and turn has come. Killed programs leave some in the state `sending`.
pub(super) fn ready() -> String {
    format!(
        "FROM pappus_deliveries d LEFT JOIN pappus_delivery_pods p ON p.pod = d.pod \
         WHERE {OPEN} AND (p.lease_until IS NULL OR p.lease_until <= ?) \
         AND (p.retry_at IS NULL OR p.retry_at <= ?) \
         AND (d.state = 'sending' OR (d.next_attempt_at <= ? AND {}))",
        its_turn()
    )
}
