//! Profiles that are edited while the announced one waits: for hours, or for weeks if a pod is down. diaspora\* itself
//! sends the new profile to everyone it knows, and the queued one would overwrite it. Dropping the queued one is not
//! enough: a pod that processes the move late, or gets it again, stores the profile in the move, which is the announced
//! one.
//!
//! `pappus_moves.profile_digest` is the digest of the profile that the last check found,
//! `pappus_deliveries.profile_digest` that of the profile in a message. A message with another profile is not claimed
//! ([`IS_CURRENT`](crate::delivery::turn::IS_CURRENT)) but sealed again. So programs can be killed at any time, and
//! several can run at the same time.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::TargetPod;
use crate::delivery::ledger::{Ledger, OPEN};
use crate::delivery::records::DeliveryError;
use crate::domain::{DiasporaId, PrivateKey, Profile, PublicKey};
use crate::federation::{FederationEntity as _, MagicEnvelope, encrypt_envelope};
use crate::pod::database::{DatabaseError, PodWriter};
use crate::pod::profile::read_profile;
use crate::sql::{Row, Value};
use crate::store::{Store, StoreError};

/// Number of messages read and sealed at a time.
const PAGE_MESSAGES: u32 = 200;

/// Returns the SHA-256 of a profile, in hexadecimal digits. Excludes the time of the last change: MariaDB stores whole
/// seconds only, and other changes of the row set it as well.
pub(crate) fn profile_digest(profile: &Profile) -> String {
    let without_time = Profile { edited_at: None, ..profile.clone() };
    hex::encode(Sha256::digest(without_time.to_xml()))
}

/// A move with unsent Profiles.
struct WaitingMove {
    import: String,
    /// GUID of the new account.
    guid: String,
    /// Digest of the profile that the last check found; empty if there was none.
    digest: String,
}

/// A queued message with an outdated profile.
struct OutdatedMessage {
    id: i64,
    recipient: Option<String>,
    /// The recipient's public key, PEM; `None` if it is not stored.
    recipient_key: Option<String>,
}

impl TargetPod {
    /// Seals queued Profiles again if the account's profile was edited, for all moves to this pod. Skips closed
    /// accounts.
    ///
    /// # Errors
    /// [`DeliveryError`] if either database fails; the next check resumes.
    pub async fn renew_profiles(&self, store: &Store, now: DateTime<Utc>) -> Result<(), DeliveryError> {
        let moves = waiting_moves(store, &self.url).await?;
        if moves.is_empty() {
            return Ok(());
        }
        // Opened after the digests were read, so that no profile is older than its digest.
        let mut pod = PodWriter::open_read_only(&self.database).await?;
        for waiting in moves {
            match current_profile(&mut pod, &waiting.guid).await? {
                Some((person, profile)) => renew(store, &mut pod, &waiting, person, &profile, now).await?,
                None => clear_digest(store, &waiting.import).await?,
            }
        }
        Ok(())
    }
}

async fn waiting_moves(store: &Store, pod_url: &str) -> Result<Vec<WaitingMove>, StoreError> {
    let sql = format!(
        "SELECT v.import_id, v.guid, COALESCE(v.profile_digest, '') AS known FROM pappus_moves v \
         JOIN pappus_imports i ON i.id = v.import_id WHERE i.pod_url = ? AND v.guid IS NOT NULL \
         AND EXISTS (SELECT 1 FROM pappus_deliveries d WHERE d.import_id = v.import_id AND d.kind = 'profile' \
         AND {OPEN}) ORDER BY v.import_id"
    );
    let rows = store.rows("looking for profiles", &sql, &[pod_url.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(WaitingMove {
                import: row.get("import_id")?,
                guid: row.get("guid")?,
                digest: row.get("known")?,
            })
        })
        .collect()
}

/// Returns the profile of an account of this pod, with the person's row ID, unless the account is closed.
async fn current_profile(pod: &mut PodWriter, guid: &str) -> Result<Option<(i64, Profile)>, DatabaseError> {
    let sql = "SELECT id, diaspora_handle, closed_account FROM people \
               WHERE owner_id IS NOT NULL AND guid IN ({})";
    let rows = pod.rows_in("the new account", sql, &[guid]).await?;
    let open_account = rows.first().filter(|row| row.boolean("closed_account") != Some(true));
    let person_and_id = |row: &Row| Some((row.integer("id")?, row.text("diaspora_handle")?.parse().ok()?));
    let Some((person, id)): Option<(i64, DiasporaId)> = open_account.and_then(person_and_id) else {
        return Ok(None);
    };
    Ok(read_profile(pod, person, &id).await?.map(|profile| (person, profile)))
}

/// Seals the move's queued Profiles again if they contain another profile.
async fn renew(
    store: &Store,
    pod: &mut PodWriter,
    waiting: &WaitingMove,
    person: i64,
    profile: &Profile,
    now: DateTime<Utc>,
) -> Result<(), DeliveryError> {
    let digest = profile_digest(profile);
    if digest != waiting.digest && !record_digest(store, waiting, &digest, now).await? {
        // Another program has recorded a profile meanwhile, perhaps a newer one.
        return Ok(());
    }
    let mut page = outdated(store, &waiting.import, &digest, 0).await?;
    if page.is_empty() {
        return Ok(());
    }
    let Some(envelope) = seal(pod, person, profile).await? else {
        return Ok(clear_digest(store, &waiting.import).await?);
    };
    while let Some(last) = page.last().map(|message| message.id) {
        let keys = known_keys(pod, &page).await?;
        for message in &page {
            let body = encrypt_for_recipient(message, &keys, &envelope);
            replace(store, &waiting.import, &digest, message.id, body).await?;
        }
        page = outdated(store, &waiting.import, &digest, last).await?;
    }
    Ok(())
}

/// Records the digest of the current profile, so that no message with another one is claimed. Releases messages that a
/// killed program had claimed, so that they are sealed again as well. Returns `false` if another program has recorded a
/// digest meanwhile.
async fn record_digest(
    store: &Store,
    waiting: &WaitingMove,
    digest: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE pappus_moves SET profile_digest = ? \
               WHERE import_id = ? AND COALESCE(profile_digest, '') = ?";
    let values = [digest.into(), (&waiting.import).into(), (&waiting.digest).into()];
    if store.execute("recording a profile", sql, &values).await? == 0 {
        return Ok(false);
    }
    let sql = format!(
        "UPDATE pappus_deliveries AS d SET state = 'queued' WHERE {OPEN} AND d.state = 'sending' \
         AND d.import_id = ? AND d.kind = 'profile' \
         AND NOT EXISTS (SELECT 1 FROM pappus_delivery_pods p WHERE p.pod = d.pod AND p.lease_until > ?)"
    );
    let values = [(&waiting.import).into(), now.timestamp_millis().into()];
    store.execute("taking over deliveries", &sql, &values).await?;
    Ok(true)
}

/// Clears the digest of a move whose account is closed, or has a key that cannot sign: nothing can be sealed again, and
/// queued messages must not wait for it.
async fn clear_digest(store: &Store, import: &str) -> Result<(), StoreError> {
    let sql =
        "UPDATE pappus_moves SET profile_digest = NULL WHERE import_id = ? AND profile_digest IS NOT NULL";
    store.execute("clearing the digest of a profile", sql, &[import.into()]).await.map(drop)
}

/// Returns a page of queued messages whose profile does not have this digest, with IDs above `after`.
async fn outdated(
    store: &Store,
    import: &str,
    digest: &str,
    after: i64,
) -> Result<Vec<OutdatedMessage>, StoreError> {
    let sql = format!(
        "SELECT d.id, d.recipient, d.recipient_key FROM pappus_deliveries d WHERE {OPEN} AND d.state = 'queued' \
         AND d.import_id = ? AND d.kind = 'profile' AND COALESCE(d.profile_digest, '') <> ? AND d.id > ? \
         ORDER BY d.id LIMIT {PAGE_MESSAGES}"
    );
    let values = [import.into(), digest.into(), after.into()];
    let rows = store.rows("looking for outdated profiles", &sql, &values).await?;
    rows.iter()
        .map(|row| {
            Ok(OutdatedMessage {
                id: row.get("id")?,
                recipient: row.get("recipient")?,
                recipient_key: row.get("recipient_key")?,
            })
        })
        .collect()
}

/// Returns the profile in an envelope signed by its account; `None` if the account's key cannot sign.
async fn seal(pod: &mut PodWriter, person: i64, profile: &Profile) -> Result<Option<String>, DatabaseError> {
    let sql = format!(
        "SELECT u.serialized_private_key FROM people p JOIN users u ON u.id = p.owner_id WHERE p.id = {person}"
    );
    let rows = pod.rows("the account's key", sql, &[]).await?;
    let pem = rows.first().and_then(|row| row.text("serialized_private_key")).unwrap_or_default();
    let key = PrivateKey::from_pem(pem).signing_key().ok();
    Ok(key.and_then(|key| MagicEnvelope::seal(&profile.author, &key, &profile.to_xml()).ok()))
}

/// Returns the keys of the recipients whom the target pod knows.
async fn known_keys(
    pod: &mut PodWriter,
    page: &[OutdatedMessage],
) -> Result<HashMap<String, PublicKey>, DatabaseError> {
    let recipients: Vec<&str> = page.iter().filter_map(|message| message.recipient.as_deref()).collect();
    let sql = "SELECT diaspora_handle, serialized_public_key FROM people WHERE diaspora_handle IN ({})";
    let rows = pod.rows_in("the recipients' keys", sql, &recipients).await?;
    let key = |row: &Row| {
        let key = PublicKey::from_pem(&row.text("serialized_public_key")?).ok()?;
        Some((row.text("diaspora_handle")?, key))
    };
    Ok(rows.iter().filter_map(key).collect())
}

/// Encrypts the envelope for a message's recipient.
///
/// `None` if there is no key: earlier versions did not store keys that only the archive contained. Such a message is
/// sent unchanged: otherwise the recipient would get no profile at all. `None` as well if the body is too large.
fn encrypt_for_recipient(
    message: &OutdatedMessage,
    keys: &HashMap<String, PublicKey>,
    envelope: &str,
) -> Option<Vec<u8>> {
    let known_key = message.recipient.as_ref().and_then(|recipient| keys.get(recipient)).cloned();
    let stored_key = || PublicKey::from_pem(message.recipient_key.as_deref()?).ok();
    let body = encrypt_envelope(envelope, &known_key.or_else(stored_key)?).ok()?.into_bytes();
    (body.len() <= Ledger::MAX_BODY_BYTES).then_some(body)
}

/// Replaces the body of a message that is still queued, if this is still the recorded digest. Without a `body`, only
/// the message's digest is replaced.
async fn replace(
    store: &Store,
    import: &str,
    digest: &str,
    id: i64,
    body: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let sql = "UPDATE pappus_deliveries SET body = COALESCE(?, body), profile_digest = ? \
               WHERE id = ? AND state = 'queued' \
               AND EXISTS (SELECT 1 FROM pappus_moves v WHERE v.import_id = ? AND v.profile_digest = ?)";
    let values = [Value::Bytes(body.map(Cow::Owned)), digest.into(), id.into(), import.into(), digest.into()];
    store.execute("sealing a profile again", sql, &values).await.map(drop)
}
