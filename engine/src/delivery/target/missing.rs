//! Contacts that an import had to leave out because nothing knew their people: their pods did not answer then. Without them
//! the account does not share with friends who come back.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use super::TargetPod;
use crate::delivery::records::DeliveryError;
use crate::domain::DiasporaId;
use crate::sql::Value;
use crate::store::{Store, StoreError, time};

/// The time at which the person `f` came back, unless the account does not share with them because their contact is still
/// missing.
pub(in crate::delivery) const BACK_AT: &str = "CASE WHEN NOT EXISTS (SELECT 1 FROM pappus_import_rows r \
    WHERE r.kind = 'missing_contacts' AND r.guid = f.person AND r.import_id = f.import_id) THEN f.back_at END";

/// Most people looked up at a time.
const LOOKUPS: i64 = 100;
/// Shortest time between two lookups of a person. It grows with the time since their pod took the move.
const PAUSE: TimeDelta = TimeDelta::minutes(10);
/// Longest time between two lookups of a person.
const LONGEST_PAUSE: TimeDelta = TimeDelta::days(1);

/// Completes on the target pod the contacts that imports had to leave out.
pub trait MissingContacts: fmt::Debug + Send + Sync {
    /// Completes those whose people the pod knows by now, or who can be looked up since their pods have taken the move.
    ///
    /// # Errors
    /// [`DeliveryError`] if either database fails; the next look resumes.
    fn complete(&self, store: &Store, now: DateTime<Utc>) -> BoxFuture<'static, Result<(), DeliveryError>>;
}

impl TargetPod {
    /// Completes missing contacts, if this pod has been given the means.
    ///
    /// # Errors
    /// [`DeliveryError`] if either database fails.
    pub(in crate::delivery) async fn complete_contacts(
        &self,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<(), DeliveryError> {
        match &self.missing_contacts {
            Some(contacts) => contacts.complete(store, now).await,
            None => Ok(()),
        }
    }
}

/// Returns the people of an import's missing contacts who are to be looked up now: their pods have taken the move, so they
/// answer. Each is returned again after a pause only.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn people_to_look_up(
    store: &Store,
    import: &str,
    now: DateTime<Utc>,
) -> Result<Vec<DiasporaId>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT f.person, m.told_at FROM pappus_import_rows r JOIN pappus_move_people f \
         ON f.import_id = r.import_id AND f.person = r.guid JOIN pappus_move_pods m \
         ON m.import_id = f.import_id AND m.pod = f.pod \
         WHERE r.kind = 'missing_contacts' AND r.import_id = ? AND f.next_lookup_at <= ? \
         ORDER BY f.person LIMIT {LOOKUPS}"
    );
    let mut people = Vec::new();
    let mut transaction = store.begin().await?;
    let values = [import.into(), now.timestamp_millis().into()];
    let rows = transaction.rows("looking for missing contacts", &sql, &values).await?;
    for row in &rows {
        let (person, told_at): (String, i64) = (row.get("person")?, row.get("told_at")?);
        let pause = (now - time(told_at)).clamp(PAUSE, LONGEST_PAUSE);
        let sql = "UPDATE pappus_move_people SET next_lookup_at = ? WHERE import_id = ? AND person = ?";
        let next = (now + pause).timestamp_millis();
        let values = [Value::from(next), import.into(), (&person).into()];
        transaction.execute("recording a lookup", sql, &values).await?;
        people.extend(person.parse::<DiasporaId>());
    }
    transaction.commit().await?;
    Ok(people)
}
