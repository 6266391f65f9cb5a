//! The keys that support or contradict an archive's origin.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PodPin;
use crate::archive::open::{Archive, Origin, Verified};
use crate::domain::DiasporaId;

/// The keys that support or contradict an archive's origin, as fingerprints for the podmin to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The diaspora* ID of the account.
    pub account: String,
    /// The account's key in the archive; none if the archive holds no readable key.
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
        let pinned = pins.iter().filter(|pin| pin.host == account.host());
        Self {
            account: account.to_string(),
            signed_by,
            pinned: pinned.map(|pin| pin.fingerprint.clone()).collect(),
            ..Self::default()
        }
    }
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
