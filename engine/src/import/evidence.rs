//! The keys that support or contradict an archive's origin.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PodPin;
use crate::archive::open::{Archive, Origin, Verified};
use crate::domain::{DiasporaId, KeyError, PublicKey};
use crate::pod::database::{DatabaseError, PodWriter};

/// The keys that support or contradict an archive's origin, as fingerprints for the podmin to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The diaspora* ID of the account.
    pub account: String,
    /// The account's key in the archive; none if it contains no readable key.
    pub archive: Option<String>,
    /// The key that this pod already has for the account.
    pub known: Option<String>,
    /// The key that the old pod publishes; none if it does not answer or is not asked.
    pub published: Option<String>,
    /// The pod key that signed the archive; none for archives of stock pods.
    pub signed_by: Option<String>,
    /// The pod keys that the podmin has pinned for the old pod.
    pub pinned: Vec<String>,
}

impl Evidence {
    /// Collects the keys in the archive itself and those pinned for its pod.
    pub(super) fn of(archive: &Archive<Verified>, account: &DiasporaId, pins: &[PodPin]) -> Self {
        let signed_by = match &archive.report().origin {
            Origin::Pappus { pod, .. } => Some(pod.to_string()),
            Origin::Stock => None,
        };
        Self {
            account: account.to_string(),
            signed_by,
            pinned: pinned_for(account.host(), pins),
            ..Self::default()
        }
    }

    /// Returns the same keys with the pod keys that are pinned now.
    pub(crate) fn with_pins(&self, pins: &[PodPin]) -> Self {
        let host = self.account.split_once('@').map_or("", |(_, host)| host);
        Self { pinned: pinned_for(host, pins), ..self.clone() }
    }

    /// Returns whether the archive is signed by a pod key that is pinned for the account's pod.
    pub fn is_pinned(&self) -> bool {
        self.signed_by.as_ref().is_some_and(|key| self.pinned.contains(key))
    }
}

/// Returns the fingerprints that are pinned for a host.
fn pinned_for(host: &str, pins: &[PodPin]) -> Vec<String> {
    pins.iter().filter(|pin| pin.host == host).map(|pin| pin.fingerprint.clone()).collect()
}

/// Returns the key that a pod has stored for an account; none if it does not know the account, or stored an empty key.
/// The inner error is for a stored key that cannot be read: it may differ from the archive's.
///
/// # Errors
/// [`DatabaseError`].
pub(crate) async fn stored_key(
    pod: &mut PodWriter,
    account: &DiasporaId,
) -> Result<Result<Option<PublicKey>, KeyError>, DatabaseError> {
    let sql = "SELECT serialized_public_key FROM people WHERE diaspora_handle IN ({})";
    let rows = pod.rows_in("the account's key", sql, &[account.as_str()]).await?;
    let pem = rows.first().and_then(|row| row.text("serialized_public_key"));
    let pem = pem.filter(|pem| !pem.trim().is_empty());
    Ok(pem.map(|pem| PublicKey::from_pem(&pem)).transpose())
}

/// The source of a key that differs from the archive's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// This pod already has it.
    Known,
    /// The old pod publishes it.
    Published,
}

impl fmt::Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Known => "this pod knows",
            Self::Published => "its old pod publishes",
        })
    }
}
