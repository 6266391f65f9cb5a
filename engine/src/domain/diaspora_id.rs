//! The diaspora* ID: `user@host[:port]`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

/// A person's diaspora* ID, `user@host[:port]`, lowercase, at most 255 bytes.
///
/// The port is part of the ID when the pod does not listen on 80 or 443 (diaspora* federation protocol,
/// "diaspora* ID").
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct DiasporaId(String);

/// The reason a text is not a diaspora* ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a diaspora* ID: {problem} (expected user@host or user@host:port, lowercase)")]
pub struct DiasporaIdError {
    text: String,
    problem: &'static str,
}

impl DiasporaId {
    /// Returns the ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part before the `@`.
    pub fn username(&self) -> &str {
        self.0.split_once('@').map_or("", |(user, _)| user)
    }

    /// Returns the part after the `@`: the pod's host, with its port unless that is 80 or 443.
    pub fn host(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, host)| host)
    }

    /// Returns the part after the `@` in the IDs of the pod with this address: the host, with the port unless that is
    /// 80 or 443, for either scheme. Like diaspora* (`AppConfig.bare_pod_uri`), it removes `www.` wherever it occurs.
    pub fn host_of_pod(url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let host = match url.port() {
            Some(port) if port != 80 && port != 443 => format!("{host}:{port}"),
            _ => host.to_owned(),
        };
        Some(host.replace("www.", ""))
    }

    /// Returns the reason a text is not a diaspora* ID, or `None` when it is one.
    fn problem(text: &str) -> Option<&'static str> {
        let Some((user, host)) = text.split_once('@') else { return Some("there is no @") };
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let is_word_byte =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if text.len() > 255 {
            Some("it is longer than 255 bytes")
        } else if user.is_empty() || !user.bytes().all(|b| is_word_byte(b) || b == b'_') {
            Some("the user name may only contain a-z, 0-9, '_', '-' and '.'")
        } else if !name.bytes().all(is_word_byte) || name.split('.').any(is_invalid_label) {
            Some("the host is not a host name")
        } else if port.is_some_and(|port| port.len() > 5 || port.parse::<u16>().is_err()) {
            Some("the port is not a number below 65536")
        } else {
            None
        }
    }
}

impl TryFrom<String> for DiasporaId {
    type Error = DiasporaIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match Self::problem(&text) {
            None => Ok(Self(text)),
            Some(problem) => Err(DiasporaIdError { text: text.chars().take(80).collect(), problem }),
        }
    }
}

/// Returns whether a part of a host name is empty, or begins or ends with a hyphen. Without this check, one pod would
/// have two IDs: `pod.example.` and `pod.example`.
fn is_invalid_label(part: &str) -> bool {
    part.is_empty() || part.starts_with('-') || part.ends_with('-')
}

impl FromStr for DiasporaId {
    type Err = DiasporaIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for DiasporaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DiasporaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DiasporaId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for DiasporaId {
    fn schema_name() -> Cow<'static, str> {
        "DiasporaId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Address of a person: user@host, with the port when it is unusual.",
            "type": "string",
            "maxLength": 255,
            "pattern": "^[a-z0-9_.-]+@[a-z0-9.-]+(:[0-9]{1,5})?$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_ids_with_and_without_port() {
        for text in ["alice@pod.example", "a_b-c.d@sub.pod.example", "alice@localhost:3000"] {
            assert_eq!(text.parse::<DiasporaId>().unwrap().as_str(), text);
        }
        let id: DiasporaId = "alice@closing.pod.test:3001".parse().unwrap();
        assert_eq!((id.username(), id.host()), ("alice", "closing.pod.test:3001"));
    }

    #[test]
    fn rejects_everything_else() {
        let long = format!("{}@pod.example", "a".repeat(255));
        for text in
            ["", "alice", "@pod", "alice@", "Alice@pod", "a b@pod", "a@pod:99999", "a@pod:x", "a@b@c", &long]
        {
            assert!(text.parse::<DiasporaId>().is_err(), "{text} was accepted");
        }
        for host in [
            "pod.example.",
            ".pod.example",
            "pod..example",
            "localhost.:7611",
            "-pod.example",
            "pod-.example",
        ] {
            assert!(format!("alice@{host}").parse::<DiasporaId>().is_err(), "{host} was accepted");
        }
    }
}
