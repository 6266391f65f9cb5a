//! Checks again whose archive it is: no account is moved because of an earlier check.

use super::AnnounceError;
use crate::discovery::Discovery;
use crate::domain::{DiasporaId, KeyFingerprint, PublicKey};
use crate::import::{Evidence, ImportRecord, ImportState, KeySource, published_key, stored_key};
use crate::pod::database::PodWriter;

/// Rejects an archive whose key differs from that of the import, from the one this pod knows by now, or from the one
/// the old pod publishes by now; and one that nothing supports any more of what the import relied on.
///
/// Since the import, the pod may have learned of the account: from a message, or by looking it up. The podmin may have
/// ceased to trust the pod whose key proved the archive: `is_trusted` is false then, and another proof is needed.
pub(super) async fn recheck_evidence(
    pod: &mut PodWriter,
    import: &ImportRecord,
    account: &DiasporaId,
    found: KeyFingerprint,
    discovery: Option<&Discovery>,
    is_trusted: bool,
) -> Result<(), AnnounceError> {
    let found = found.to_string();
    if let Some(imported) = import.old_key.as_ref().filter(|imported| **imported != found) {
        return Err(AnnounceError::AnotherArchive {
            account: account.clone(),
            imported: imported.clone(),
            found,
        });
    }
    let known = stored_key(pod, account).await?;
    let known = known.map_err(|reason| AnnounceError::UnreadableKey(account.clone(), reason))?;
    let published = published_key(discovery, account).await.and_then(Result::ok);
    let shown = |key: Option<PublicKey>| key.map(|key| key.fingerprint().to_string());
    let evidence = Evidence {
        account: account.to_string(),
        archive: Some(found.clone()),
        known: shown(known),
        published: shown(published),
        ..Evidence::default()
    };
    let keys = [(&evidence.known, KeySource::Known), (&evidence.published, KeySource::Published)];
    let other = keys.into_iter().find_map(|(key, source)| {
        let key = key.as_ref().filter(|key| **key != found)?;
        Some((key.clone(), source))
    });
    match other {
        Some((known, source_of_key)) => Err(AnnounceError::WrongKey {
            account: account.clone(),
            source_of_key,
            known,
            found,
            is_announced: import.state == ImportState::Announced,
            evidence: Box::new(evidence),
        }),
        None if is_trusted || evidence.known.is_some() || evidence.published.is_some() => Ok(()),
        None => relied_on(import, account, &found),
    }
}

/// Rejects an archive that nothing proves now, unless what its import relied on still holds: what the old pod published
/// then, which may be gone by now, and the podmin's word, which was given for one key.
fn relied_on(import: &ImportRecord, account: &DiasporaId, found: &str) -> Result<(), AnnounceError> {
    if import.is_proven_by_pin() {
        return Err(AnnounceError::Unproven(account.clone()));
    }
    // Earlier versions stored no evidence.
    let Some(before) = &import.evidence else { return Ok(()) };
    let was = |key: &Option<String>| key.as_deref() == Some(found);
    if was(&before.published) || (!import.is_proven() && was(&before.archive)) {
        Ok(())
    } else if was(&before.known) {
        Err(AnnounceError::NoLongerKnown(account.clone()))
    } else {
        Err(AnnounceError::OtherEvidence(account.clone(), found.to_owned()))
    }
}
