//! The proof that an archive is the account's.

use super::ImportError;
use super::evidence::{Evidence, KeySource, stored_key};
use super::importer::Importer;
use super::report::{FindingCode, Subject};
use super::scan::survey::Survey;
use crate::archive::open::{AccountSignature, Archive, Origin, Verified};
use crate::discovery::{Discovery, DiscoveryError};
use crate::domain::{DiasporaId, PublicKey};

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
        old: &DiasporaId,
        trusted: bool,
    ) -> Result<(Proof, Evidence), ImportError> {
        let own = survey.private_key.as_ref().and_then(|key| key.signing_key().ok());
        let own = match (own, archive.manifest()) {
            (Some(key), _) => Some(key.public_key()?),
            // With an encrypted key, the account's signature was checked with the key in the manifest.
            (None, Some(manifest)) => {
                manifest.account.public_key.as_deref().and_then(|pem| PublicKey::from_pem(pem).ok())
            }
            (None, None) => None,
        };
        let known = stored_key(&mut self.target.pod, old).await?;
        let known = known.map_err(|reason| ImportError::UnreadableKey(old.clone(), reason))?;
        let (published, unsaid) = match published_key(self.options.discovery.as_ref(), old).await {
            Some(Ok(key)) => (Some(key), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        if let Some(problem) = unsaid.as_ref().and_then(DiscoveryError::tls) {
            self.target.report.note(Subject::Account, FindingCode::OldPodTls, &problem);
        }
        let shown = |key: &Option<PublicKey>| key.as_ref().map(|key| key.fingerprint().to_string());
        let evidence = Evidence {
            archive: shown(&own),
            known: shown(&known),
            published: shown(&published),
            ..Evidence::of(archive, old, &self.options.pinned_pods)
        };
        let signed = match &archive.report().origin {
            Origin::Pappus { account, .. } => matches!(account, AccountSignature::Good { .. }),
            Origin::Stock => true,
        };
        let differs = |key: &PublicKey| match &own {
            Some(own) => own.fingerprint() != key.fingerprint(),
            // A pinned pod vouches for an account whose key is not in the archive.
            None => !trusted,
        };
        // A differing known key refutes an archive despite any proof: whoever buys the domain of a dead pod can
        // publish any key, and so can a pod that lies.
        for (key, source_of_key) in [(&known, KeySource::Known), (&published, KeySource::Published)] {
            let Some(other) = key.as_ref().filter(|key| differs(key)) else { continue };
            return Err(ImportError::WrongKey {
                account: old.clone(),
                source_of_key,
                known: other.fingerprint(),
                found: evidence.archive.clone().unwrap_or_else(|| "none".to_owned()),
                evidence: Box::new(evidence),
            });
        }
        let proof = if own.is_some() && signed && published.is_some() {
            Proof::HCard
        } else if own.is_some() && signed && known.is_some() {
            Proof::CachedPerson
        } else if trusted {
            Proof::PinnedPodKey
        } else if self.options.accept_unproven {
            Proof::Unproven
        } else {
            let unsaid = unsaid.map(|error| format!("The old pod was asked and could not say: {error}. "));
            return Err(ImportError::Unproven(old.clone(), unsaid.unwrap_or_default(), Box::new(evidence)));
        };
        Ok((proof, evidence))
    }
}

/// Returns the key that the old pod publishes for the account, or the error; none if the pod is not to be asked.
pub(crate) async fn published_key(
    discovery: Option<&Discovery>,
    old: &DiasporaId,
) -> Option<Result<PublicKey, DiscoveryError>> {
    let found = discovery?.find_all([old.clone()]).await;
    found.into_values().next().map(|found| found.map(|person| person.public_key))
}
