//! The network identities of accounts whose imports were undone.
//!
//! Other pods may have learned the username with its GUID and key, and never accept another key for it. So the same
//! account gets both back when it is imported again under the same username, and no other account gets the username.

use zeroize::Zeroizing;

use crate::depot::sealed;
use crate::depot::{CampaignKeys, KeysError};
use crate::domain::{DiasporaId, PrivateKey, Timestamp};
use crate::import::ImportError;
use crate::import::journal::imports::{ImportRecord, millis};
use crate::store::{Store, StoreError};

/// The account that requests a username.
pub(in crate::import) struct Claimant<'a> {
    pub(in crate::import) old_id: &'a DiasporaId,
    /// The fingerprint of the key, if the archive shows its key, and the archive's SHA-256; none before the archive
    /// is read.
    pub(in crate::import) archive: Option<(Option<&'a str>, &'a str)>,
    /// True for newcomers, false for the podmin.
    pub(in crate::import) is_newcomer: bool,
}

/// The account that had a username during an import that was undone.
pub(in crate::import) struct FormerIdentity {
    pub(in crate::import) person_guid: String,
    old_id: String,
    old_key: Option<String>,
    archive_sha256: String,
    /// The key, sealed; none if the account never got one.
    sealed_key: Option<Vec<u8>>,
}

impl FormerIdentity {
    fn is_of(&self, claimant: &Claimant<'_>) -> bool {
        self.old_id == claimant.old_id.as_str()
            && claimant.archive.is_none_or(|(key, sha256)| match (&self.old_key, key) {
                (Some(former_key), Some(key)) => former_key == key,
                _ => self.archive_sha256 == sha256,
            })
    }

    /// Returns the key that other pods may know; none if the account never got one.
    fn key(&self, keys: Option<&CampaignKeys>) -> Result<Option<PrivateKey>, ImportError> {
        let Some(sealed_key) = &self.sealed_key else { return Ok(None) };
        let keys = keys.ok_or(ImportError::NoKeyFolder)?;
        let unlock = keys.unlock()?.ok_or_else(|| KeysError::NoKeyFile(keys.identity_file()))?;
        let pem = sealed::open(&unlock, sealed_key.clone()).map_err(ImportError::Sealed)?;
        Ok(Some(PrivateKey::from_pem(pem.to_string())))
    }
}

/// Returns a username's former identity if the claimant may be the same account; none if no other pod knows the name.
///
/// # Errors
/// [`ImportError::FormerName`] if the claimant may not take the name.
pub(in crate::import) async fn identity_for(
    store: &Store,
    pod_url: &str,
    username: &str,
    claimant: &Claimant<'_>,
) -> Result<Option<FormerIdentity>, ImportError> {
    let refused = |reason| Err(ImportError::FormerName(username.to_owned(), reason));
    let Some(former) = find(store, pod_url, username).await? else {
        return if has_lost_key(store, pod_url, username).await? {
            refused("an earlier version of Pappus undid an import under that name and did not save its key")
        } else {
            check_new_name(store, pod_url, username, claimant).await.map(|()| None)
        };
    };
    if former.is_of(claimant) {
        Ok(Some(former))
    } else if former.sealed_key.is_none() {
        // It never had a key, so no pod knows it.
        check_new_name(store, pod_url, username, claimant).await.map(|()| None)
    } else if former.old_id == claimant.old_id.as_str() {
        refused("an import of this account with another key was undone here")
    } else {
        refused("an import of another account under that name was undone here")
    }
}

/// Returns the saved key of the account of an import; none if other pods cannot know one.
pub(in crate::import) async fn key_of(
    store: &Store,
    import: &ImportRecord,
    keys: Option<&CampaignKeys>,
) -> Result<Option<PrivateKey>, ImportError> {
    let former = find(store, &import.pod_url, &import.new_username).await?;
    match former.filter(|former| former.person_guid == import.person_guid) {
        Some(former) => former.key(keys),
        None => Ok(None),
    }
}

/// The maximum number of usernames that are reserved for one account; it frees one by taking it again.
const MAX_RESERVED_NAMES: i64 = 2;

/// Checks that a newcomer may take a username that the account has not had before: the name of each undone import stays
/// reserved for it, so an account gets at most [`MAX_RESERVED_NAMES`].
async fn check_new_name(
    store: &Store,
    pod_url: &str,
    username: &str,
    claimant: &Claimant<'_>,
) -> Result<(), ImportError> {
    if !claimant.is_newcomer {
        return Ok(());
    }
    let sql = "SELECT COUNT(*) AS reserved_names FROM pappus_former_identities WHERE pod_url = ? AND old_id = ? \
               AND username <> ? AND sealed_key IS NOT NULL";
    let values = [pod_url.into(), claimant.old_id.as_str().into(), username.into()];
    let row = store.first("counting former identities", sql, &values).await?;
    if row.map_or(Ok(0), |row| row.get::<i64>("reserved_names"))? < MAX_RESERVED_NAMES {
        return Ok(());
    }
    let reason = "imports of this account under two other names were undone here; use one of those names";
    Err(ImportError::FormerName(username.to_owned(), reason))
}

async fn find(store: &Store, pod_url: &str, username: &str) -> Result<Option<FormerIdentity>, StoreError> {
    let sql = "SELECT person_guid, old_id, old_key, archive_sha256, sealed_key FROM pappus_former_identities \
               WHERE pod_url = ? AND username = ?";
    let row = store.first("looking for a former identity", sql, &[pod_url.into(), username.into()]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(FormerIdentity {
        person_guid: row.get("person_guid")?,
        old_id: row.get("old_id")?,
        old_key: row.get("old_key")?,
        archive_sha256: row.get("archive_sha256")?,
        sealed_key: row.get("sealed_key")?,
    }))
}

/// Returns whether the journal's version 1, which saved no keys, had a completed, undone import under that name.
async fn has_lost_key(store: &Store, pod_url: &str, username: &str) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) AS lost FROM pappus_imports WHERE pod_url = ? AND new_username = ? \
               AND state = 'undone' AND report IS NOT NULL AND journal_version = 1 \
               AND NOT EXISTS (SELECT 1 FROM pappus_imports n WHERE n.pod_url = pappus_imports.pod_url \
               AND n.new_username = pappus_imports.new_username AND n.journal_version > 1)";
    let row = store.first("looking for a former identity", sql, &[pod_url.into(), username.into()]).await?;
    Ok(row.map_or(Ok(0), |row| row.get::<i64>("lost"))? > 0)
}

/// Saves GUID and key of an account that is about to be removed. A key saved earlier stays if the account has none.
pub(in crate::import) async fn save(
    store: &Store,
    keys: Option<&CampaignKeys>,
    import: &ImportRecord,
    key: Option<Zeroizing<String>>,
    now: Timestamp,
) -> Result<(), ImportError> {
    let sealed_key = match key {
        Some(pem) => {
            let keys = keys.ok_or(ImportError::NoKeyFolder)?;
            let recipient = keys.current(now).await?.recipient;
            Some(sealed::seal(&recipient, &pem).map_err(ImportError::Sealed)?)
        }
        None => None,
    };
    let saved = find(store, &import.pod_url, &import.new_username).await?;
    let saved = saved.filter(|saved| saved.person_guid == import.person_guid);
    let sealed_key = sealed_key.or_else(|| saved.and_then(|saved| saved.sealed_key));
    let name_values = [import.pod_url.as_str().into(), import.new_username.as_str().into()];
    let mut transaction = store.begin().await?;
    let sql = "DELETE FROM pappus_former_identities WHERE pod_url = ? AND username = ?";
    transaction.execute("storing an identity", sql, &name_values).await?;
    let sql = "INSERT INTO pappus_former_identities (pod_url, username, person_guid, old_id, old_key, archive_sha256, \
               sealed_key, undone_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let [pod_url, username] = name_values;
    let values = [
        pod_url,
        username,
        import.person_guid.as_str().into(),
        import.old_id.as_str().into(),
        import.old_key.as_deref().into(),
        import.archive_sha256.as_str().into(),
        crate::sql::Value::Bytes(sealed_key.map(Into::into)),
        millis(now).into(),
    ];
    transaction.execute("storing an identity", sql, &values).await?;
    Ok(transaction.commit().await?)
}

/// Returns whether the key of an import's account is saved.
pub(in crate::import) async fn has_saved_key(
    store: &Store,
    import: &ImportRecord,
) -> Result<bool, StoreError> {
    let former = find(store, &import.pod_url, &import.new_username).await?;
    let former = former.filter(|former| former.person_guid == import.person_guid);
    Ok(former.is_some_and(|former| former.sealed_key.is_some()))
}

/// Deletes the saved key once the account has it again: the pod has it as long as the account exists.
pub(in crate::import) async fn forget(store: &Store, import: &ImportRecord) -> Result<(), StoreError> {
    let sql = "DELETE FROM pappus_former_identities WHERE pod_url = ? AND username = ? AND person_guid = ?";
    let values = [
        import.pod_url.as_str().into(),
        import.new_username.as_str().into(),
        import.person_guid.as_str().into(),
    ];
    store.execute("deleting a former identity", sql, &values).await.map(drop)
}
