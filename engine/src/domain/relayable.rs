//! Relayables: comments, likes and votes, signed by their authors and relayed by the post's pod.

use std::borrow::Cow;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{DiasporaId, Guid, Timestamp};

/// A relayable with the order in which its author signed the values.
///
/// Properties that newer software added are part of the signed text, so `additional` keeps them; one that
/// `property_order` names but the record lacks is written as null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relayable {
    /// The record itself.
    #[serde(flatten)]
    pub entity: RelayableEntity,
    /// Names of the signed properties, in signing order.
    pub property_order: Vec<Cow<'static, str>>,
}

/// Properties that relayables usually have.
const PROPERTIES: [&str; 9] = [
    "author",
    "guid",
    "parent_guid",
    "text",
    "created_at",
    "parent_type",
    "positive",
    "poll_answer_guid",
    "edited_at",
];

/// Returns the name of a property as an element of [`Relayable::property_order`]. A pod has millions of these, so the
/// usual names are not allocated.
pub fn property_name(name: &str) -> Cow<'static, str> {
    let property = PROPERTIES.into_iter().find(|property| *property == name);
    property.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

/// A relayable of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "entity_type", content = "entity_data", rename_all = "snake_case")]
pub enum RelayableEntity {
    /// A comment on a post.
    Comment(Comment),
    /// A like on a post or comment.
    Like(Like),
    /// A vote in a poll.
    PollParticipation(PollParticipation),
}

/// A comment on a post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comment {
    /// The author.
    pub author: DiasporaId,
    /// GUID.
    pub guid: Guid,
    /// GUID of the post.
    pub parent_guid: Guid,
    /// The author's signature, base64; absent on the account's own relayables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_signature: Option<String>,
    /// Text, Markdown.
    pub text: String,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change, as the author's software wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<String>,
    /// Properties unknown to this version.
    #[serde(flatten)]
    pub additional: Map<String, Value>,
}

/// A like on a post or comment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Like {
    /// The person who likes it.
    pub author: DiasporaId,
    /// GUID.
    pub guid: Guid,
    /// GUID of the liked post or comment.
    pub parent_guid: Guid,
    /// The author's signature, base64; absent on the account's own relayables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_signature: Option<String>,
    /// `Post` or `Comment`.
    pub parent_type: String,
    /// True for a like; false would be a dislike, which no software creates.
    pub positive: bool,
    /// Properties unknown to this version.
    #[serde(flatten)]
    pub additional: Map<String, Value>,
}

/// A vote in a poll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PollParticipation {
    /// The voter.
    pub author: DiasporaId,
    /// GUID.
    pub guid: Guid,
    /// GUID of the poll.
    pub parent_guid: Guid,
    /// The author's signature, base64; absent on the account's own relayables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_signature: Option<String>,
    /// GUID of the chosen answer.
    pub poll_answer_guid: Guid,
    /// Properties unknown to this version.
    #[serde(flatten)]
    pub additional: Map<String, Value>,
}

/// The text an author signs: the values in `property_order`, joined with `;`
/// (diaspora* federation protocol, "Relayable", signature).
pub type SignedText = String;

macro_rules! with_record {
    ($entity:expr, $record:ident => $value:expr) => {
        match $entity {
            RelayableEntity::Comment($record) => $value,
            RelayableEntity::Like($record) => $value,
            RelayableEntity::PollParticipation($record) => $value,
        }
    };
}

impl RelayableEntity {
    /// Returns the author.
    pub fn author(&self) -> &DiasporaId {
        with_record!(self, record => &record.author)
    }

    /// Sets the author.
    pub fn set_author(&mut self, author: DiasporaId) {
        with_record!(self, record => record.author = author);
    }

    /// Returns the GUID.
    pub fn guid(&self) -> &Guid {
        with_record!(self, record => &record.guid)
    }

    /// Returns the parent's GUID.
    pub fn parent_guid(&self) -> &Guid {
        with_record!(self, record => &record.parent_guid)
    }

    /// Returns the author's signature, base64.
    pub fn author_signature(&self) -> Option<&str> {
        with_record!(self, record => record.author_signature.as_deref())
    }

    /// Sets or removes the author's signature.
    pub fn set_author_signature(&mut self, signature: Option<String>) {
        with_record!(self, record => record.author_signature = signature);
    }

    /// Returns the properties unknown to this version.
    pub fn additional(&self) -> &Map<String, Value> {
        with_record!(self, record => &record.additional)
    }

    /// Returns the properties unknown to this version, mutably.
    pub fn additional_mut(&mut self) -> &mut Map<String, Value> {
        with_record!(self, record => &mut record.additional)
    }

    /// Returns diaspora*'s default signing order, for records that have none of their own.
    pub fn default_order(&self) -> &'static [&'static str] {
        match self {
            Self::Comment(_) => &["author", "guid", "parent_guid", "text", "created_at"],
            Self::Like(_) => &["author", "guid", "parent_guid", "parent_type", "positive"],
            Self::PollParticipation(_) => &["author", "guid", "parent_guid", "poll_answer_guid"],
        }
    }

    /// Appends one property's value in its signed form. Missing values are empty.
    fn write_value(&self, name: &str, author: &DiasporaId, out: &mut String) {
        match (name, self) {
            ("author", _) => out.push_str(author.as_str()),
            ("guid", _) => out.push_str(self.guid().as_str()),
            ("parent_guid", _) => out.push_str(self.parent_guid().as_str()),
            ("text", Self::Comment(comment)) => out.push_str(&comment.text),
            ("created_at", Self::Comment(comment)) => _ = write!(out, "{}", comment.created_at),
            ("edited_at", Self::Comment(comment)) => {
                out.push_str(&signed_time(comment.edited_at.as_deref().unwrap_or_default()));
            }
            ("parent_type", Self::Like(like)) => out.push_str(&like.parent_type),
            ("positive", Self::Like(like)) => out.push_str(if like.positive { "true" } else { "false" }),
            ("poll_answer_guid", Self::PollParticipation(vote)) => {
                out.push_str(vote.poll_answer_guid.as_str());
            }
            _ => match self.additional().get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => out.push_str(text),
                Some(other) => _ = write!(out, "{other}"),
            },
        }
    }

    /// Returns whether the record has a property of this name.
    fn has_property(&self, name: &str) -> bool {
        match (name, self) {
            ("author" | "guid" | "parent_guid", _)
            | ("text" | "created_at", Self::Comment(_))
            | ("parent_type" | "positive", Self::Like(_))
            | ("poll_answer_guid", Self::PollParticipation(_)) => true,
            ("edited_at", Self::Comment(comment)) => comment.edited_at.is_some(),
            _ => self.additional().contains_key(name),
        }
    }
}

/// Converts `edited_at` from diaspora*'s stored form `2026-11-22 06:13:34 UTC` to the signed `2026-11-22T06:13:34Z`.
fn signed_time(text: &str) -> String {
    chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S UTC")
        .map_or_else(|_| text.to_owned(), |time| Timestamp::from_utc(time).to_string())
}

impl Relayable {
    /// Wraps a record; without a `property_order`, diaspora*'s default signing order applies.
    pub fn new(entity: RelayableEntity, property_order: Option<Vec<Cow<'static, str>>>) -> Self {
        let property_order = property_order
            .unwrap_or_else(|| entity.default_order().iter().map(|name| Cow::Borrowed(*name)).collect());
        let mut relayable = Self { entity, property_order };
        for name in &relayable.property_order {
            if !relayable.entity.has_property(name) {
                relayable.entity.additional_mut().insert(name.clone().into_owned(), Value::Null);
            }
        }
        relayable
    }

    /// Returns the text its author signed.
    pub fn signed_text(&self) -> SignedText {
        self.signed_text_as(self.entity.author())
    }

    /// Returns the text its author signed under another ID, before moving to the record's current one.
    pub fn signed_text_as(&self, author: &DiasporaId) -> SignedText {
        let mut text = String::with_capacity(256);
        for (position, name) in self.property_order.iter().enumerate() {
            if position > 0 {
                text.push(';');
            }
            self.entity.write_value(name, author, &mut text);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Relayable {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn unknown_properties_survive_and_are_signed() {
        let text = r#"{"entity_type":"comment","entity_data":{"author":"a@pod.example","guid":"0123456789abcdef","parent_guid":"fedcba9876543210","text":"a;b","created_at":"2026-11-22T06:13:34Z","media_type":"text/markdown","foo":"ünï"},"property_order":["author","guid","parent_guid","text","created_at","media_type","gone","foo"]}"#;
        let comment = parse(text);
        assert_eq!(
            comment.signed_text(),
            "a@pod.example;0123456789abcdef;fedcba9876543210;a;b;2026-11-22T06:13:34Z;text/markdown;;ünï"
        );
        assert_eq!(serde_json::to_string(&comment).unwrap(), text);
    }

    #[test]
    fn edited_at_is_stored_and_signed_in_different_forms() {
        let comment = parse(
            r#"{"entity_type":"comment","entity_data":{"author":"a@pod.example","guid":"0123456789abcdef","parent_guid":"fedcba9876543210","text":"x","created_at":"2026-11-22T06:13:34Z","edited_at":"2026-11-22 06:13:34 UTC"},"property_order":["guid","edited_at"]}"#,
        );
        assert_eq!(comment.signed_text(), "0123456789abcdef;2026-11-22T06:13:34Z");
    }

    #[test]
    fn properties_missing_from_the_record_become_null() {
        let like = parse(
            r#"{"entity_type":"like","entity_data":{"author":"a@pod.example","guid":"0123456789abcdef","parent_guid":"fedcba9876543210","parent_type":"Post","positive":true},"property_order":[]}"#,
        );
        let like = Relayable::new(like.entity, Some(vec!["guid".into(), "colour".into(), "positive".into()]));
        assert_eq!(like.signed_text(), "0123456789abcdef;;true");
        assert!(serde_json::to_string(&like).unwrap().contains(r#""colour":null"#));
    }
}
