//! Relayables as stock pods write them.

use serde_json::value::RawValue;

use super::read_record;
use crate::domain::Relayable;

/// Reads a relayable leniently. Duplicate fields are allowed; the last one counts, as in diaspora* itself.
///
/// diaspora* 0.9.1 writes `edited_at` of other people's edited comments twice: first in the signed form
/// (`2026-11-22T06:13:34Z`), then in its database's form (`2026-11-22 06:13:34 UTC`).
///
/// # Errors
/// The field that is missing or of the wrong type.
pub fn relayable(value: &RawValue) -> Result<Relayable, serde_json::Error> {
    read_record(value, None).map(|(relayable, _)| relayable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_as_diaspora_writes_it_after_a_change() {
        let text = r#"{"entity_type":"comment","entity_data":{"author":"a@pod.example","guid":"0123456789abcdef","parent_guid":"fedcba9876543210","text":"x","created_at":"2026-11-22T06:13:34Z","edited_at":"2026-11-22T07:00:00Z","edited_at":"2026-11-22 07:00:00 UTC"},"property_order":["guid","edited_at"]}"#;
        let comment = relayable(&RawValue::from_string(text.to_owned()).unwrap()).unwrap();
        assert_eq!(comment.signed_text(), "0123456789abcdef;2026-11-22T07:00:00Z");
        let broken = RawValue::from_string(text.replace("fedcba", "x")).unwrap();
        assert!(relayable(&broken).unwrap_err().to_string().contains("parent_guid"));
    }
}
