//! The proof that an archive is the account's.

use super::ImportError;
use super::evidence::{Evidence, KeySource, stored_key};
use super::importer::Importer;
use super::report::{FindingCode, Subject};
use super::scan::survey::Survey;
use crate::archive::open::{AccountSignature, Archive, Origin, Verified};
use crate::discovery::{Discovery, DiscoveryError};
use crate::domain::{DiasporaId, KeyError, PublicKey};

/// The proof that an archive is the account's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Proof {
    /// The old pod publishes the account's key.
    #[strum(serialize = "hcard")]
    HCard,
    /// The target pod already had the account's key.
    CachedPerson,
    /// The archive is signed by a pod whose key the podmin has pinned.
    PinnedPodKey,
    /// None; the podmin accepts the archive nevertheless.
    Unproven,
}

impl Proof {
    /// Returns the stable name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Importer<'_> {
    /// Returns the proof that the archive is the account's, and the keys that were compared.
    pub(super) async fn prove(
        &mut self,
        archive: &Archive<Verified>,
        survey: &Survey,
        old_id: &DiasporaId,
        is_trusted: bool,
    ) -> Result<(Proof, Evidence), ImportError> {
        let archive_key = key_in_archive(archive, survey)?;
        let known = stored_key(&mut self.target.pod, old_id).await?;
        let known = known.map_err(|reason| ImportError::UnreadableKey(old_id.clone(), reason))?;
        let (published, lookup_error) = match published_key(self.options.discovery.as_ref(), old_id).await {
            Some(Ok(key)) => (Some(key), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        if let Some(problem) = lookup_error.as_ref().and_then(DiscoveryError::tls) {
            self.target.report.note(Subject::Account, FindingCode::OldPodTls, &problem);
        }
        let fingerprint_of = |key: &Option<PublicKey>| key.as_ref().map(|key| key.fingerprint().to_string());
        let evidence = Evidence {
            archive: fingerprint_of(&archive_key),
            known: fingerprint_of(&known),
            published: fingerprint_of(&published),
            ..Evidence::of(archive, old_id, &self.options.pinned_pods)
        };
        let is_signed = match &archive.report().origin {
            Origin::Pappus { account, .. } => matches!(account, AccountSignature::Good { .. }),
            Origin::Stock => true,
        };
        let differs = |key: &PublicKey| match &archive_key {
            Some(archive_key) => archive_key.fingerprint() != key.fingerprint(),
            // A pinned pod vouches for an account whose key is not in the archive.
            None => !is_trusted,
        };
        // An archive whose key differs from a known one is rejected despite any other proof: the buyer of a dead pod's
        // domain can publish any key, and so can a dishonest pod.
        for (key, source_of_key) in [(&known, KeySource::Known), (&published, KeySource::Published)] {
            let Some(other) = key.as_ref().filter(|key| differs(key)) else { continue };
            return Err(ImportError::WrongKey {
                account: old_id.clone(),
                source_of_key,
                other_key: other.fingerprint(),
                archive_key: evidence.archive.clone().unwrap_or_else(|| "none".to_owned()),
                evidence: Box::new(evidence),
            });
        }
        let proof = if archive_key.is_some() && is_signed && published.is_some() {
            Proof::HCard
        } else if archive_key.is_some() && is_signed && known.is_some() {
            Proof::CachedPerson
        } else if is_trusted {
            Proof::PinnedPodKey
        } else if self.options.accept_unproven {
            Proof::Unproven
        } else {
            let reason = lookup_error.map(|error| format!("The old pod did not return its key: {error}. "));
            return Err(ImportError::Unproven(
                old_id.clone(),
                reason.unwrap_or_default(),
                Box::new(evidence),
            ));
        };
        Ok((proof, evidence))
    }
}

/// Returns the public key of the account's private key in the archive.
fn key_in_archive(archive: &Archive<Verified>, survey: &Survey) -> Result<Option<PublicKey>, KeyError> {
    if let Some(key) = survey.private_key.as_ref().and_then(|key| key.signing_key().ok()) {
        return key.public_key().map(Some);
    }
    // With an encrypted key, the account's signature was checked with the key in the manifest.
    let pem = archive.manifest().and_then(|manifest| manifest.account.public_key.as_deref());
    Ok(pem.and_then(|pem| PublicKey::from_pem(pem).ok()))
}

/// Returns the key that the old pod publishes for the account, or the error; none without `discovery`: then the pod is
/// not asked.
pub(crate) async fn published_key(
    discovery: Option<&Discovery>,
    old_id: &DiasporaId,
) -> Option<Result<PublicKey, DiscoveryError>> {
    let people = discovery?.find_all([old_id.clone()]).await;
    people.into_values().next().map(|result| result.map(|person| person.public_key))
}
