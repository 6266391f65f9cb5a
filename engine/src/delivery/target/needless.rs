//! Contacts that are no longer needed: diaspora\* itself has told their recipients since, or what they say has ceased to be
//! true. They wait in the ledger for hours, or for weeks if a pod is down.

use chrono::{DateTime, Utc};

use super::friends::{NAMES, Relations};
use super::processed::BURST;
use crate::delivery::ledger::OPEN;
use crate::sql::{Value, placeholders};
use crate::store::{StoreError, Transaction};

/// Records which Contacts are no longer needed: whoever came back with the move has the account as before. Somebody who
/// added it by hand has a contact in which only they share, and the move leaves it so: they have to be told that the
/// account shares as well. Whoever came back well before their pod is known to have processed the move may be either.
pub(super) async fn note_needless_contacts(
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
         AND f.person = d.recipient AND f.back_at >= m.confirmed_at - {BURST})"
    );
    let mut values: Vec<Value<'_>> = vec![now.timestamp_millis().into(), import.into()];
    values.extend(names.iter().map(|name| Value::from(*name)));
    transaction.execute("recording whom nothing has to be said", &sql, &values).await?;
    Ok(())
}

/// Records which Contacts have ceased to be true: the account ignores the person, or has shared with them on the target
/// pod and stopped. diaspora\* has told them that it does not share; a Contact that arrives later would undo that.
///
/// Contacts that exist only in the archive stay, since the target pod did not know the person when it imported them: the
/// account has shared there if the import noted the contact, or if only the target pod names it.
pub(super) async fn note_ended_contacts(
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
        let has_stopped = known_from == "here" && !relations.receiving.contains(&person);
        if has_stopped || relations.ignored.contains(&person) {
            ended.push(person);
        }
    }
    for chunk in ended.chunks(NAMES) {
        let places = placeholders(chunk.len());
        let sql = format!(
            "UPDATE pappus_deliveries AS d SET state = 'confirmed', updated_at = ? WHERE import_id = ? \
             AND kind = 'contact' AND {OPEN} AND state = 'queued' AND recipient IN ({places})"
        );
        let mut values: Vec<Value<'_>> = vec![now.timestamp_millis().into(), import.into()];
        values.extend(chunk.iter().map(Value::from));
        transaction.execute("recording which Contacts have ceased to be true", &sql, &values).await?;
    }
    Ok(())
}
