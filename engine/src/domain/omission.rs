//! What could not be exported, and why.

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
            Self::UnsafeFileName => "unsafe_file_name",
            Self::TooManyFiles => "too_many_files",
            Self::UnreadableKey => "unreadable_key",
            Self::KeyMismatch => "key_mismatch",
            Self::NoSignature => "no_signature",
            Self::NoSignatureOrder => "no_signature_order",
            Self::UnreadableAdditionalData => "unreadable_additional_data",
            Self::InvalidIdentifier => "invalid_identifier",
            Self::MissingValue => "missing_value",
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
