//! Omissions: data that could not be exported, and the reasons.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One record, or part of a record, that is missing from the archive or incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Omission {
    /// Stable code of the reason, for programs.
    pub code: OmissionCode,
    /// The record.
    pub record: RecordRef,
    /// The reason in a sentence, for people.
    pub reason: String,
}

/// Omissions of one account: listed up to a size limit; those beyond it are only counted, by reason. A pod may have
/// lost hundreds of thousands of posts that one account liked, and a manifest is read as a whole.
#[derive(Debug, Clone, Default)]
pub struct Omissions {
    listed: Vec<Omission>,
    bytes: usize,
    unlisted: BTreeMap<OmissionCode, u64>,
}

impl Omissions {
    /// The most bytes that the listed omissions may take in a manifest: some 30,000 omissions.
    pub const MAX_BYTES: usize = 8 << 20;
    /// Bytes that the manifest's indentation adds to each omission.
    const INDENTATION: usize = 120;

    /// Adds one omission.
    pub fn push(&mut self, omission: Omission) {
        let bytes = serde_json::to_string(&omission).map_or(0, |text| text.len()) + Self::INDENTATION;
        if self.unlisted.is_empty() && self.bytes + bytes <= Self::MAX_BYTES {
            self.bytes += bytes;
            self.listed.push(omission);
        } else {
            *self.unlisted.entry(omission.code).or_default() += 1;
        }
    }

    /// Appends other omissions.
    pub fn append(&mut self, others: Self) {
        others.listed.into_iter().for_each(|omission| self.push(omission));
        for (code, count) in others.unlisted {
            *self.unlisted.entry(code).or_default() += count;
        }
    }

    /// Returns the listed omissions, in the order they were added.
    pub fn listed(&self) -> &[Omission] {
        &self.listed
    }

    /// Returns the numbers of unlisted omissions by reason.
    pub fn unlisted(&self) -> &BTreeMap<OmissionCode, u64> {
        &self.unlisted
    }
}

impl FromIterator<Omission> for Omissions {
    fn from_iter<I: IntoIterator<Item = Omission>>(omissions: I) -> Self {
        let mut list = Self::default();
        omissions.into_iter().for_each(|omission| list.push(omission));
        list
    }
}

/// Stable codes of the reasons. Codes may be added; none changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum OmissionCode {
    /// The parent is no longer in the pod's database.
    MissingParent,
    /// The author, or the person it refers to, is not in the pod's database.
    MissingPerson,
    /// The file is not among the pod's photo files.
    MissingFile,
    /// The file exists but cannot be read.
    UnreadableFile,
    /// The file exists but is empty.
    EmptyFile,
    /// The file's name could lead out of its folder.
    UnsafeFileName,
    /// The archive contains as many files as readers accept.
    TooManyFiles,
    /// The key cannot be parsed.
    UnreadableKey,
    /// The private key does not match the public key that other pods have.
    KeyMismatch,
    /// No signature is stored, and the author's private key is not on this pod.
    NoSignature,
    /// A signature is stored, but not the order of the signed values.
    NoSignatureOrder,
    /// The stored additional data of a signed record cannot be parsed.
    UnreadableAdditionalData,
    /// The identifier is not valid in the protocol.
    InvalidIdentifier,
    /// A required value is empty.
    MissingValue,
    /// The time or date cannot be represented, such as infinity or day 0; it is replaced or left out.
    UnreadableTime,
    /// A number cannot be parsed, or a flag is neither true nor false. The record is exported without the value, or
    /// with the default for an empty one.
    UnreadableNumber,
    /// A setting of the account, such as the list of hidden posts, cannot be parsed; it is left out.
    UnreadableSetting,
    /// The record is larger than readers accept.
    TooLarge,
    /// This version does not support the kind of record or parent.
    UnknownType,
    /// diaspora*'s own importer would abort at it, so it is in `extras.json` instead of `diaspora.json`.
    StockLimit,
}

impl OmissionCode {
    /// Returns the code for programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A reference to one record of the pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordRef {
    /// Kind of record.
    pub kind: RecordKind,
    /// Row ID in the pod's database, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// GUID, diaspora* ID or file name, if readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Kinds of records, in the protocol's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RecordKind {
    /// The account itself.
    Account,
    /// A contact.
    Contact,
    /// A blocked person.
    Block,
    /// A status message or a reshare.
    Post,
    /// A photo.
    Photo,
    /// A photo file.
    PhotoFile,
    /// A poll.
    Poll,
    /// A comment.
    Comment,
    /// A like.
    Like,
    /// A vote in a poll.
    PollParticipation,
    /// A person.
    Person,
    /// A conversation.
    Conversation,
    /// A message of a conversation.
    Message,
    /// A subscription to a post.
    Subscription,
}

impl RecordKind {
    /// Returns the kind's name for programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omissions_beyond_the_limit_are_counted() {
        let omission = |number: i64| Omission {
            code: if number % 2 == 0 { OmissionCode::MissingParent } else { OmissionCode::MissingFile },
            record: RecordRef { kind: RecordKind::Like, id: Some(number), name: Some("\u{1}".repeat(200)) },
            reason: "the post is no longer in the pod's database".to_owned(),
        };
        let mut all: Omissions = (0..10_000).map(omission).collect();
        let listed = all.listed().len() as u64;
        assert!((1000..10_000).contains(&listed) && all.listed()[7] == omission(7));
        assert_eq!(listed + all.unlisted().values().sum::<u64>(), 10_000);
        let text = serde_json::to_string_pretty(all.listed()).unwrap();
        assert!(text.len() < Omissions::MAX_BYTES, "{}", text.len());
        all.append([omission(1), omission(2)].into_iter().collect());
        assert_eq!(all.unlisted().values().sum::<u64>(), 10_002 - listed);
    }
}
