//! Posts: status messages and reshares, with their photos, locations and polls.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DiasporaId, Entity, EntityType, Guid, Timestamp};

/// One of the account's posts, with the subscribers that must be notified of its changes.
///
/// Public posts and reshares list pods, limited posts list people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnPost {
    /// Base addresses of the pods that have a copy of a public post; the account's own pod comes last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub subscribed_pods_uris: Option<Vec<PodAddress>>,
    /// The people who may see a limited post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribed_users_ids: Option<Vec<DiasporaId>>,
    /// The post itself.
    #[serde(flatten)]
    pub post: Post,
}

/// A pod's base address. Many posts name the same pods, so clones share the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodAddress(Arc<str>);

impl PodAddress {
    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PodAddress {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for PodAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PodAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Cow::<'de, str>::deserialize(deserializer)?.into()))
    }
}

/// A post of either kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "entity_type", content = "entity_data", rename_all = "snake_case")]
pub enum Post {
    /// A status message.
    StatusMessage(StatusMessage),
    /// A reshare.
    Reshare(Reshare),
}

impl Post {
    /// Returns the post's GUID.
    pub fn guid(&self) -> &Guid {
        match self {
            Self::StatusMessage(post) => &post.guid,
            Self::Reshare(post) => &post.guid,
        }
    }
}

/// A status message: a post that the author wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusMessage {
    /// The author.
    pub author: DiasporaId,
    /// GUID.
    pub guid: Guid,
    /// Creation time.
    pub created_at: Timestamp,
    /// True when everyone may see it.
    pub public: bool,
    /// The client it was written with, such as `mobile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_display_name: Option<String>,
    /// Text, Markdown; empty when there are only photos.
    pub text: String,
    /// Photos, in order of upload.
    #[serde(default)]
    pub photos: Vec<Entity<Photo>>,
    /// The location attached by the author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Entity<Location>>,
    /// The attached poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Entity<Poll>>,
}

/// A reshare of another person's public post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reshare {
    /// The reshare's author.
    pub author: DiasporaId,
    /// GUID of the reshare itself.
    pub guid: Guid,
    /// Creation time of the reshare.
    pub created_at: Timestamp,
    /// Author of the original; absent when that was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_author: Option<DiasporaId>,
    /// GUID of the original; absent when that was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_guid: Option<Guid>,
}

/// A photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Photo {
    /// GUID.
    pub guid: Guid,
    /// The person who uploaded it.
    pub author: DiasporaId,
    /// True when everyone may see it.
    pub public: bool,
    /// Time of the upload.
    pub created_at: Timestamp,
    /// Address of the folder it is served from, with a trailing slash.
    pub remote_photo_path: String,
    /// File name in that folder, and under `photos/` in the archive.
    pub remote_photo_name: String,
    /// Caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// GUID of its post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message_guid: Option<Guid>,
    /// Height of the full-size version in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// Width of the full-size version in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
}

impl EntityType for Photo {
    const NAME: &'static str = "photo";
}

/// A location on a post. Coordinates are texts, as the database stores them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// Free text.
    pub address: String,
    /// Latitude.
    pub lat: String,
    /// Longitude.
    pub lng: String,
}

impl EntityType for Location {
    const NAME: &'static str = "location";
}

/// A poll: a question with answers to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Poll {
    /// GUID.
    pub guid: Guid,
    /// The question.
    pub question: String,
    /// The answers, in order.
    pub poll_answers: Vec<Entity<PollAnswer>>,
}

impl EntityType for Poll {
    const NAME: &'static str = "poll";
}

/// An answer of a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PollAnswer {
    /// GUID.
    pub guid: Guid,
    /// Text of the answer.
    pub answer: String,
}

impl EntityType for PollAnswer {
    const NAME: &'static str = "poll_answer";
}
