//! Contacts that an import had to leave out because their people were unknown: their pods did not answer then. Without
//! these contacts, the account does not share with friends who come back.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use super::TargetPod;
use crate::delivery::records::DeliveryError;
use crate::domain::DiasporaId;
use crate::sql::Value;
use crate::store::{Store, StoreError, time};

/// The time at which the person `f` came back; NULL while their contact is missing, so that the account does not share
/// with them.
pub(in crate::delivery) const BACK_AT: &str = "CASE WHEN NOT EXISTS (SELECT 1 FROM pappus_import_rows r \
    WHERE r.kind = 'missing_contacts' AND r.guid = f.person AND r.import_id = f.import_id) THEN f.back_at END";

/// Largest number of people looked up for one import in one check.
const MAX_LOOKUPS: i64 = 100;
/// Shortest time between two lookups of a person. It grows with the time since their pod accepted the move.
const SHORTEST_PAUSE: TimeDelta = TimeDelta::minutes(10);
/// Longest time between two lookups of a person.
const LONGEST_PAUSE: TimeDelta = TimeDelta::days(1);

/// Completes on the target pod the contacts that imports had to leave out.
pub trait MissingContacts: fmt::Debug + Send + Sync {
    /// Completes the contacts whose people the pod knows meanwhile, or who can be looked up now that their pods have
    /// accepted the move.
    ///
    /// # Errors
    /// [`DeliveryError`] if either database fails; the next check resumes.
    fn complete(&self, store: &Store, now: DateTime<Utc>) -> BoxFuture<'static, Result<(), DeliveryError>>;
}

impl TargetPod {
    /// Completes missing contacts, if this pod has an implementation of that.
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

/// Returns the people of an import's missing contacts who are to be looked up now: their pods have accepted the move,
/// so they answer. Each person is returned again only after a pause.
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
         ORDER BY f.person LIMIT {MAX_LOOKUPS}"
    );
    let mut people = Vec::new();
    let mut transaction = store.begin().await?;
    let values = [import.into(), now.timestamp_millis().into()];
    let rows = transaction.rows("looking for missing contacts", &sql, &values).await?;
    for row in &rows {
        let (person, accepted_at): (String, i64) = (row.get("person")?, row.get("told_at")?);
        let pause = (now - time(accepted_at)).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let sql = "UPDATE pappus_move_people SET next_lookup_at = ? WHERE import_id = ? AND person = ?";
        let next = (now + pause).timestamp_millis();
        let values = [Value::from(next), import.into(), (&person).into()];
        transaction.execute("recording a lookup", sql, &values).await?;
        people.extend(person.parse::<DiasporaId>());
    }
    transaction.commit().await?;
    Ok(people)
}
