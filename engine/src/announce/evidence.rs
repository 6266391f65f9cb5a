//! What showed whose archive it is, asked for again: nobody is moved because an earlier step looked at it.

use super::AnnounceError;
use crate::domain::{DiasporaId, KeyFingerprint, PublicKey};
use crate::import::ImportRecord;
use crate::pod::database::{Cell as _, PodWriter};

/// Refuses an archive whose key is not that of the import, or not the one that this pod knows by now.
///
/// Since the import, the pod may have got to know the account: by a message, or because somebody looked it up.
pub(super) async fn ask_again(
    pod: &mut PodWriter,
    import: &ImportRecord,
    account: &DiasporaId,
    found: KeyFingerprint,
) -> Result<(), AnnounceError> {
    let found = found.to_string();
    if let Some(imported) = import.old_key.as_ref().filter(|imported| **imported != found) {
        return Err(AnnounceError::AnotherArchive {
            account: account.clone(),
            imported: imported.clone(),
            found,
        });
    }
    let sql = "SELECT serialized_public_key FROM people WHERE diaspora_handle IN ({})";
    let rows = pod.rows_in("the account's key", sql, &[account.as_str()]).await?;
    let known = rows.first().and_then(|row| row.text(0)).and_then(|pem| PublicKey::from_pem(&pem).ok());
    match known.map(|key| key.fingerprint().to_string()) {
        Some(known) if known != found => {
            Err(AnnounceError::WrongKey { account: account.clone(), known, found })
        }
        _ => Ok(()),
    }
}
