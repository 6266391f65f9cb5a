//! Checks again whose archive it is: an announcement does not rely on an earlier check.

use super::AnnounceError;
use crate::discovery::Discovery;
use crate::domain::{DiasporaId, KeyFingerprint, PublicKey};
use crate::import::{Evidence, ImportRecord, ImportState, KeySource, published_key, stored_key};
use crate::pod::database::PodWriter;

/// Rejects an archive whose key differs from that of the import, from the one that this pod has now, or from the one
/// that the old pod publishes now; and an archive for which no evidence of the import still holds.
///
/// Since the import, the pod may have learned of the account from a message or by a lookup. The podmin may have removed
/// the trust in the pod whose key proved the archive: then `is_trusted` is false, and another proof is needed.
pub(super) async fn recheck_evidence(
    pod: &mut PodWriter,
    import: &ImportRecord,
    account: &DiasporaId,
    archive_key: KeyFingerprint,
    discovery: Option<&Discovery>,
    is_trusted: bool,
) -> Result<(), AnnounceError> {
    let archive_key = archive_key.to_string();
    if let Some(imported_key) = import.old_key.as_ref().filter(|imported_key| **imported_key != archive_key) {
        return Err(AnnounceError::AnotherArchive {
            account: account.clone(),
            imported_key: imported_key.clone(),
            archive_key,
        });
    }
    let known = stored_key(pod, account).await?;
    let known = known.map_err(|reason| AnnounceError::UnreadableKey(account.clone(), reason))?;
    let published = published_key(discovery, account).await.and_then(Result::ok);
    let fingerprint_of = |key: Option<PublicKey>| key.map(|key| key.fingerprint().to_string());
    let evidence = Evidence {
        account: account.to_string(),
        archive: Some(archive_key.clone()),
        known: fingerprint_of(known),
        published: fingerprint_of(published),
        ..Evidence::default()
    };
    let keys = [(&evidence.known, KeySource::Known), (&evidence.published, KeySource::Published)];
    let other = keys.into_iter().find_map(|(key, source)| {
        let key = key.as_ref().filter(|key| **key != archive_key)?;
        Some((key.clone(), source))
    });
    match other {
        Some((other_key, source_of_key)) => Err(AnnounceError::WrongKey {
            account: account.clone(),
            source_of_key,
            other_key,
            archive_key,
            is_announced: import.state == ImportState::Announced,
            evidence: Box::new(evidence),
        }),
        None if is_trusted || evidence.known.is_some() || evidence.published.is_some() => Ok(()),
        None => check_earlier_evidence(import, account, &archive_key),
    }
}

/// Rejects an archive that nothing proves now, unless the evidence of its import still holds: the key that the old pod
/// published then, as the pod may be offline by now, or the key for which the podmin accepted an unproven archive.
fn check_earlier_evidence(
    import: &ImportRecord,
    account: &DiasporaId,
    archive_key: &str,
) -> Result<(), AnnounceError> {
    if import.is_proven_by_pin() {
        return Err(AnnounceError::Unproven(account.clone()));
    }
    // Earlier versions stored no evidence.
    let Some(imported) = &import.evidence else { return Ok(()) };
    let is_archive_key = |key: &Option<String>| key.as_deref() == Some(archive_key);
    if is_archive_key(&imported.published) || (!import.is_proven() && is_archive_key(&imported.archive)) {
        Ok(())
    } else if is_archive_key(&imported.known) {
        Err(AnnounceError::NoLongerKnown(account.clone()))
    } else {
        Err(AnnounceError::OtherEvidence(account.clone(), archive_key.to_owned()))
    }
}
