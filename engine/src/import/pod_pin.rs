//! Pods whose signatures a podmin trusts.

use std::fmt;
use std::str::FromStr;

use crate::archive::open::{Archive, Origin, Verified};
use crate::domain::DiasporaId;

/// A pod's archive key that the podmin has compared with that pod's podmin: it vouches for the people of that pod
/// only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodPin {
    /// The host in the people's diaspora* IDs, with a port if they have one.
    pub host: String,
    /// `SHA256:` and the digest in hexadecimal.
    pub fingerprint: String,
}

/// The error for a text that is not a pod and its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no pod and its archive key: write HOST=SHA256:…, as in closing.example=SHA256:abc…")]
pub struct PodPinError(String);

/// The invalid part of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPin {
    /// The host cannot be part of a diaspora* ID.
    #[error("this is not a host as in diaspora* IDs, such as closing.example")]
    Host,
    /// The fingerprint is not a SHA-256 digest.
    #[error("this is not the fingerprint of an archive key: it is SHA256: and 64 hexadecimal digits")]
    Fingerprint,
}

impl PodPin {
    /// Creates a pin of a host, as in diaspora* IDs, and the fingerprint of its archive key.
    ///
    /// # Errors
    /// [`InvalidPin`].
    pub fn new(host: &str, fingerprint: &str) -> Result<Self, InvalidPin> {
        let (host, fingerprint) = (host.trim().to_lowercase(), fingerprint.trim());
        // The host must be valid in a diaspora* ID.
        format!("podmin@{host}").parse::<DiasporaId>().map_err(|_| InvalidPin::Host)?;
        let digest = fingerprint.strip_prefix("SHA256:").ok_or(InvalidPin::Fingerprint)?.to_lowercase();
        if hex::decode(&digest).map_err(|_| InvalidPin::Fingerprint)?.len() != 32 {
            return Err(InvalidPin::Fingerprint);
        }
        Ok(Self { host, fingerprint: format!("SHA256:{digest}") })
    }
}

impl FromStr for PodPin {
    type Err = PodPinError;

    fn from_str(text: &str) -> Result<Self, PodPinError> {
        let refused = || PodPinError(text.to_owned());
        let (host, fingerprint) = text.split_once('=').ok_or_else(refused)?;
        Self::new(host, fingerprint).map_err(|_| refused())
    }
}

impl fmt::Display for PodPin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.host, self.fingerprint)
    }
}

impl serde::Serialize for PodPin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PodPin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Returns whether an account's own pod has signed its archive with a key that the podmin has pinned for it.
pub(crate) fn is_pinned(archive: &Archive<Verified>, account: &DiasporaId, pins: &[PodPin]) -> bool {
    match &archive.report().origin {
        Origin::Pappus { pod, .. } => {
            let signed_by = pod.to_string();
            pins.iter().any(|pin| pin.host == account.host() && pin.fingerprint == signed_by)
        }
        Origin::Stock => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "SHA256:3f5ce729c77b3df2e5b449dc9ea9c3237c97413db99bdb2784e8d6eca7fb3720";

    #[test]
    fn a_pin_names_a_pod_and_its_key() {
        for (text, host) in
            [("closing.example", "closing.example"), (" Closing.Example:3000 ", "closing.example:3000")]
        {
            let pin: PodPin = format!("{text}={KEY}").parse().unwrap();
            assert_eq!((pin.host.as_str(), pin.fingerprint.as_str()), (host, KEY));
            assert_eq!(pin.to_string().parse::<PodPin>().unwrap(), pin);
        }
        let short = &KEY[..40];
        for text in [
            KEY,
            "",
            "=",
            "closing.example=",
            &format!("={KEY}"),
            &format!("a b={KEY}"),
            &format!("closing.example={short}"),
            &format!("closing.example={KEY}A"),
            &format!("closing.example={}", KEY.replace('3', "g")),
            "closing.example=MD5:00:11",
        ] {
            assert!(text.parse::<PodPin>().is_err(), "{text}");
        }
    }
}
