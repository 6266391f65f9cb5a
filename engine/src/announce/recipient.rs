//! Recipients of an announcement and their addresses.

use url::Url;

use super::AnnounceError;
use super::source::ClaimedContact;
use crate::domain::{DiasporaId, Guid, PublicKey};
use crate::sql::Row;

/// A person to be notified.
pub(super) struct Recipient {
    pub(super) id: DiasporaId,
    pub(super) guid: Guid,
    pub(super) key: PublicKey,
    /// The pod's base address.
    pub(super) pod: Url,
    /// True if the account shares with the person; `None` for the old person.
    pub(super) shares: Option<bool>,
    /// True if GUID and key are only from the archive.
    pub(super) is_claimed: bool,
}

impl Recipient {
    /// Reads a recipient from the person's columns and the pod's, as for [`pod_address`].
    pub(super) fn from_row(row: &Row, shares: Option<bool>) -> Result<Self, &'static str> {
        let id = row.text("diaspora_handle").and_then(|id| id.parse().ok()).ok_or("the ID cannot be read")?;
        let guid = row.text("guid").and_then(|guid| guid.parse().ok()).ok_or("the GUID cannot be read")?;
        let key = row.text("serialized_public_key").and_then(|pem| PublicKey::from_pem(&pem).ok());
        let key = key.ok_or("the key cannot be used")?;
        let pod = pod_address(row)?;
        Ok(Self { id, guid, key, pod, shares, is_claimed: false })
    }

    /// Creates a recipient from the archive's data about a contact; none without GUID and key, which some pods, such as
    /// Hubzilla's, do not always publish.
    pub(super) fn from_archive(id: &DiasporaId, claimed: &ClaimedContact, pod: Url) -> Option<Self> {
        let (guid, key) = (claimed.guid.clone()?, claimed.key.clone()?);
        Some(Self { id: id.clone(), guid, key, pod, shares: Some(claimed.shares), is_claimed: true })
    }

    /// Returns the address for messages to this person only.
    pub(super) fn address(&self) -> Result<Url, AnnounceError> {
        let path = format!("receive/users/{}", self.guid);
        self.pod.join(&path).map_err(|_| AnnounceError::Gone(self.id.to_string()))
    }
}

/// Returns a pod's base address, from its columns `host`, `port` and `ssl`.
pub(super) fn pod_address(row: &Row) -> Result<Url, &'static str> {
    let host = row.text("host").ok_or("the pod is unknown")?;
    let scheme = if row.boolean("ssl").unwrap_or(true) { "https" } else { "http" };
    let port =
        row.integer("port").filter(|port| *port > 0).map_or_else(String::new, |port| format!(":{port}"));
    Url::parse(&format!("{scheme}://{host}{port}/")).map_err(|_| "the pod's address is wrong")
}
