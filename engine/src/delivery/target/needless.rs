//! Contacts in the ledger that are no longer needed: diaspora\* itself has notified their recipients meanwhile, or the
//! account no longer shares with them. Contacts wait for hours, or for weeks if a pod is down.

use chrono::{DateTime, Utc};

use super::friends::{BATCH_NAMES, Relations};
use super::processed::BURST_MILLIS;
use crate::delivery::ledger::OPEN;
use crate::sql::{Value, placeholders};
use crate::store::{StoreError, Transaction};

/// Records that no Contact is needed for people who came back with the move: they share with the account as before. A
/// person who added the account manually has a contact in which only they share, which the move does not change: they
/// need the Contact. If a person came back long before their pod is known to have processed the move, both are
/// possible.
pub(super) async fn record_needless_contacts(
    transaction: &mut Transaction,
    import: &str,
    names: &[&str],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let places = placeholders(names.len());
    let sql = format!(
        "UPDATE pappus_deliveries AS d SET state = 'confirmed', updated_at = ? WHERE import_id = ? \
         AND kind = 'contact' AND state = 'queued' AND recipient IN ({places}) \
         AND EXISTS (SELECT 1 FROM pappus_move_people f JOIN pappus_move_pods m \
         ON m.import_id = f.import_id AND m.pod = f.pod WHERE f.import_id = d.import_id \
         AND f.person = d.recipient AND f.back_at >= m.confirmed_at - {BURST_MILLIS})"
    );
    let mut values: Vec<Value<'_>> = vec![now.timestamp_millis().into(), import.into()];
    values.extend(names.iter().map(|name| Value::from(*name)));
    transaction.execute("recording Contacts that are no longer needed", &sql, &values).await?;
    Ok(())
}

/// Records that no Contact is needed for people whom the account ignores, or has shared with on the target pod and no
/// longer does. diaspora\* has notified them of that; a Contact that arrives later would undo it.
///
/// The account has shared with a person on the target pod if the import recorded the contact, or if the person is not a
/// contact in the archive. Other Contacts are still needed: the target pod did not know the person during the import.
pub(super) async fn record_ended_contacts(
    transaction: &mut Transaction,
    import: &str,
    relations: &Relations,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT d.recipient, CASE WHEN EXISTS (SELECT 1 FROM pappus_import_rows r WHERE r.kind = 'contacts' \
         AND r.guid = d.recipient AND r.import_id = d.import_id) \
         OR NOT EXISTS (SELECT 1 FROM pappus_move_people f WHERE f.import_id = d.import_id \
         AND f.person = d.recipient) THEN 'here' ELSE 'archive' END AS known_from FROM pappus_deliveries d \
         WHERE d.import_id = ? AND d.kind = 'contact' AND {OPEN} \
         AND d.state = 'queued' AND d.recipient IS NOT NULL"
    );
    let mut ended: Vec<String> = Vec::new();
    for row in transaction.rows("looking for Contacts", &sql, &[import.into()]).await? {
        let (person, known_from): (String, String) = (row.get("recipient")?, row.get("known_from")?);
        let has_ended = known_from == "here" && !relations.receiving.contains(&person);
        if has_ended || relations.ignored.contains(&person) {
            ended.push(person);
        }
    }
    for chunk in ended.chunks(BATCH_NAMES) {
        let places = placeholders(chunk.len());
        let sql = format!(
            "UPDATE pappus_deliveries AS d SET state = 'confirmed', updated_at = ? WHERE import_id = ? \
             AND kind = 'contact' AND {OPEN} AND state = 'queued' AND recipient IN ({places})"
        );
        let mut values: Vec<Value<'_>> = vec![now.timestamp_millis().into(), import.into()];
        values.extend(chunk.iter().map(Value::from));
        transaction
            .execute("recording Contacts to people with whom the account no longer shares", &sql, &values)
            .await?;
    }
    Ok(())
}
