//! Posts: status messages and reshares, with what hangs on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DiasporaId, Entity, EntityType, Guid, Timestamp};

/// One of the account's posts, with those who must hear of its changes.
///
/// Public posts and reshares name pods, limited posts name people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnPost {
    /// Base addresses of the pods that hold a copy of a public post; the own pod comes last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribed_pods_uris: Option<Vec<String>>,
    /// The people who may see a limited post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribed_users_ids: Option<Vec<DiasporaId>>,
    /// The post itself.
    #[serde(flatten)]
    pub post: Post,
}

/// A post of either kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "entity_type", content = "entity_data", rename_all = "snake_case")]
pub enum Post {
    /// Something the author wrote.
    StatusMessage(StatusMessage),
    /// Somebody's public post, passed on.
    Reshare(Reshare),
}

impl Post {
    /// The post's name in the network.
    pub fn guid(&self) -> &Guid {
        match self {
            Self::StatusMessage(post) => &post.guid,
            Self::Reshare(post) => &post.guid,
        }
    }
}

/// Something the author wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusMessage {
    /// Who wrote it.
    pub author: DiasporaId,
    /// Its name in the network.
    pub guid: Guid,
    /// When it was written.
    pub created_at: Timestamp,
    /// Whether everyone may see it.
    pub public: bool,
    /// The client it was written with, such as `mobile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_display_name: Option<String>,
    /// Markdown; empty when there are only photos.
    pub text: String,
    /// Its photos, in order of upload.
    #[serde(default)]
    pub photos: Vec<Entity<Photo>>,
    /// Where it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Entity<Location>>,
    /// The question it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Entity<Poll>>,
}

/// Somebody's public post, passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reshare {
    /// Who passed it on.
    pub author: DiasporaId,
    /// The reshare's own name in the network.
    pub guid: Guid,
    /// When it was passed on.
    pub created_at: Timestamp,
    /// Who wrote the original; absent when that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_author: Option<DiasporaId>,
    /// The original; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_guid: Option<Guid>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Photo {
    /// Its name in the network.
    pub guid: Guid,
    /// Who uploaded it.
    pub author: DiasporaId,
    /// Whether everyone may see it.
    pub public: bool,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// Address of the folder it is served from, with a slash at the end.
    pub remote_photo_path: String,
    /// File name in that folder, and under `photos/` in the archive.
    pub remote_photo_name: String,
    /// Caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The post it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message_guid: Option<Guid>,
    /// Pixels of the version shown in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// Pixels of the version shown in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
}

impl EntityType for Photo {
    const NAME: &'static str = "photo";
}

/// A place on a post. Coordinates are kept as the text that was stored.
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

/// A question with answers to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Poll {
    /// Its name in the network.
    pub guid: Guid,
    /// What is asked.
    pub question: String,
    /// The choices, in order.
    pub poll_answers: Vec<Entity<PollAnswer>>,
}

impl EntityType for Poll {
    const NAME: &'static str = "poll";
}

/// One choice of a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PollAnswer {
    /// Its name in the network.
    pub guid: Guid,
    /// The choice's text.
    pub answer: String,
}

impl EntityType for PollAnswer {
    const NAME: &'static str = "poll_answer";
}
