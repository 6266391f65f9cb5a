//! The GUID of a record.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// A record's globally unique identifier: 16 to 255 of `A-Za-z0-9-_@.:`, ending in a letter or digit (diaspora*
/// federation protocol, "GUID").
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Guid(String);

/// The reason a text is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a GUID (16 to 255 of A-Z a-z 0-9 - _ @ . : and no special character at the end)")]
pub struct GuidError(String);

impl Guid {
    /// Returns the GUID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Guid {
    type Error = GuidError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'@' | b'.' | b':');
        let ends_in_alphanumeric = text.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric());
        if (16..=255).contains(&text.len()) && text.bytes().all(allowed) && ends_in_alphanumeric {
            Ok(Self(text))
        } else {
            Err(GuidError(text.chars().take(80).collect()))
        }
    }
}

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Guid {
    fn schema_name() -> Cow<'static, str> {
        "Guid".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Name of a record in the whole network.",
            "type": "string",
            "minLength": 16,
            "maxLength": 255
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_characters() {
        assert!("0123456789abcdef".parse::<Guid>().is_ok());
        assert!("Aa0-_@.:Aa0-_@.:x".parse::<Guid>().is_ok());
        for text in ["", "0123456789abcde", "0123456789abcde-", "0123456789abcde f", &"a".repeat(256)] {
            assert!(text.parse::<Guid>().is_err(), "{text} was accepted");
        }
    }
}
