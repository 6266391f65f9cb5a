//! What could not be exported, and why.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One record, or one part of a record, that is not in the archive as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Omission {
    /// Stable name of the reason, for programs.
    pub code: OmissionCode,
    /// Which record.
    pub record: RecordRef,
    /// The reason in a sentence, for people.
    pub reason: String,
}

/// Omissions of one account: listed up to a size, beyond it counted by their reasons. A pod may have lost hundreds of
/// thousands of posts that one account liked, and a manifest is read as a whole.
#[derive(Debug, Clone, Default)]
pub struct Omissions {
    listed: Vec<Omission>,
    bytes: usize,
    more: BTreeMap<OmissionCode, u64>,
}

impl Omissions {
    /// Bytes that the listed ones may take in a manifest: some 30,000 omissions.
    pub const MOST_BYTES: usize = 8 << 20;
    /// What the manifest's indentation adds to one.
    const INDENTATION: usize = 120;

    /// Adds one.
    pub fn push(&mut self, omission: Omission) {
        let bytes = serde_json::to_string(&omission).map_or(0, |text| text.len()) + Self::INDENTATION;
        if self.more.is_empty() && self.bytes + bytes <= Self::MOST_BYTES {
            self.bytes += bytes;
            self.listed.push(omission);
        } else {
            *self.more.entry(omission.code).or_default() += 1;
        }
    }

    /// Adds others behind these.
    pub fn append(&mut self, others: Self) {
        others.listed.into_iter().for_each(|omission| self.push(omission));
        for (code, number) in others.more {
            *self.more.entry(code).or_default() += number;
        }
    }

    /// Those that are listed, in the order in which they came.
    pub fn listed(&self) -> &[Omission] {
        &self.listed
    }

    /// How many more there are, by their reasons.
    pub fn more(&self) -> &BTreeMap<OmissionCode, u64> {
        &self.more
    }
}

impl FromIterator<Omission> for Omissions {
    fn from_iter<I: IntoIterator<Item = Omission>>(omissions: I) -> Self {
        let mut list = Self::default();
        omissions.into_iter().for_each(|omission| list.push(omission));
        list
    }
}

/// Stable names of the reasons. New ones may come; none changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OmissionCode {
    /// What it belongs to is not in the pod's database any more.
    MissingParent,
    /// Its author, or the person it speaks of, is not in the pod's database.
    MissingPerson,
    /// The file is not among the pod's photo files.
    MissingFile,
    /// The file is there and cannot be read.
    UnreadableFile,
    /// The file is there and has no bytes.
    EmptyFile,
    /// The file's name could lead out of its folder.
    UnsafeFileName,
    /// The archive holds as many files as a reader takes.
    TooManyFiles,
    /// A key that cannot be parsed.
    UnreadableKey,
    /// The private key is not the one whose public half the network knows.
    KeyMismatch,
    /// Nobody's signature is stored, and the author's private key is not on this pod.
    NoSignature,
    /// A signature is stored and the order of the signed values is not.
    NoSignatureOrder,
    /// The stored extra values of a signed record cannot be parsed.
    UnreadableAdditionalData,
    /// An identifier is not what the network allows.
    InvalidIdentifier,
    /// A required value is empty.
    MissingValue,
    /// A time or a date that nobody can write, such as infinity or day 0: another stands for it, or none.
    UnreadableTime,
    /// It is larger than any reader takes.
    TooLarge,
    /// A kind of record or parent this version does not know.
    UnknownType,
    /// diaspora*'s own importer would end there, so it is not in `diaspora.json` but in `extras.json`.
    StockLimit,
}

impl OmissionCode {
    /// The name programs see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingParent => "missing_parent",
            Self::MissingPerson => "missing_person",
            Self::MissingFile => "missing_file",
            Self::UnreadableFile => "unreadable_file",
            Self::EmptyFile => "empty_file",
            Self::UnsafeFileName => "unsafe_file_name",
            Self::TooManyFiles => "too_many_files",
            Self::UnreadableKey => "unreadable_key",
            Self::KeyMismatch => "key_mismatch",
            Self::NoSignature => "no_signature",
            Self::NoSignatureOrder => "no_signature_order",
            Self::UnreadableAdditionalData => "unreadable_additional_data",
            Self::InvalidIdentifier => "invalid_identifier",
            Self::MissingValue => "missing_value",
            Self::UnreadableTime => "unreadable_time",
            Self::TooLarge => "too_large",
            Self::UnknownType => "unknown_type",
            Self::StockLimit => "stock_limit",
        }
    }
}

/// Points to one record of the pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordRef {
    /// What it is.
    pub kind: RecordKind,
    /// Its row number in the pod's database, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its GUID, diaspora* ID or file name, as far as it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Kinds of records, in the words of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// The account itself.
    Account,
    /// An entry of the contact list.
    Contact,
    /// A blocked person.
    Block,
    /// A status message or a reshare.
    Post,
    /// A picture.
    Photo,
    /// A picture's file.
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
    /// A subscription of a post.
    Subscription,
}

impl RecordKind {
    /// The name programs see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Contact => "contact",
            Self::Block => "block",
            Self::Post => "post",
            Self::Photo => "photo",
            Self::PhotoFile => "photo_file",
            Self::Poll => "poll",
            Self::Comment => "comment",
            Self::Like => "like",
            Self::PollParticipation => "poll_participation",
            Self::Person => "person",
            Self::Conversation => "conversation",
            Self::Message => "message",
            Self::Subscription => "subscription",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_counted() {
        let omission = |number: i64| Omission {
            code: if number % 2 == 0 { OmissionCode::MissingParent } else { OmissionCode::MissingFile },
            record: RecordRef { kind: RecordKind::Like, id: Some(number), name: Some("\u{1}".repeat(200)) },
            reason: "the post is not in the pod's database any more".to_owned(),
        };
        let mut all: Omissions = (0..10_000).map(omission).collect();
        let listed = all.listed().len() as u64;
        assert!((1000..10_000).contains(&listed) && all.listed()[7] == omission(7));
        assert_eq!(listed + all.more().values().sum::<u64>(), 10_000);
        let text = serde_json::to_string_pretty(all.listed()).unwrap();
        assert!(text.len() < Omissions::MOST_BYTES, "{}", text.len());
        all.append([omission(1), omission(2)].into_iter().collect());
        assert_eq!(all.more().values().sum::<u64>(), 10_002 - listed);
    }
}
