//! `extras.json`: the data that the archive document 2.0 cannot contain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DiasporaId, Guid, Photo, PostRemainder, Relayable, Timestamp};

/// The whole `extras.json`. For schemas and reading; it is written one record at a time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extras {
    /// Always `pappus-extras/1`.
    pub format: String,
    /// Settings that the archive document cannot contain.
    #[serde(default)]
    pub settings: ExtraSettings,
    /// The aspects that each limited post and photo is visible to.
    #[serde(default)]
    pub aspect_visibility: Vec<AspectAudience>,
    /// Photos without a post, including avatars.
    #[serde(default)]
    pub loose_photos: Vec<LoosePhoto>,
    /// Private conversations with all their messages.
    #[serde(default)]
    pub conversations: Vec<Conversation>,
    /// Other people's likes on the account's comments and on comments under the account's posts.
    #[serde(default)]
    pub likes_on_comments: Vec<Relayable>,
    /// Other people's relayables on the account's posts for which the pod neither has nor can create a valid
    /// signature.
    #[serde(default)]
    pub unsigned_relayables: Vec<Relayable>,
    /// Other people's relayables, here and in `diaspora.json`, that their authors signed before they moved.
    #[serde(default)]
    pub signed_as: Vec<SignedAs>,
    /// Parts of the account's posts that diaspora*'s own importer rejects.
    #[serde(default)]
    pub post_remainders: Vec<PostRemainder>,
    /// Other people's public posts that the account commented on, as context for its comments.
    #[serde(default)]
    pub commented_posts: Vec<CommentedPost>,
    /// Posts the user has hidden from the stream.
    #[serde(default)]
    pub hidden_posts: Vec<Guid>,
}

/// The ID that a relayable was signed under, when its author has moved since. The record itself carries the author's
/// current ID, as diaspora* writes it; the signature is valid for the text with this ID instead, and with this ID's
/// key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedAs {
    /// GUID of the relayable.
    pub guid: Guid,
    /// The diaspora* ID in the signed text.
    pub signed_as: DiasporaId,
}

/// Settings that the archive document cannot contain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraSettings {
    /// Kinds of e-mail the user has turned off, under diaspora*'s names (`someone_reported`, `mentioned`, …).
    #[serde(default)]
    pub unwanted_mail: Vec<String>,
    /// Name of the colour theme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_theme: Option<String>,
    /// True when new posts are public by default.
    #[serde(default)]
    pub post_default_public: bool,
    /// Settings of each aspect, in the user's order.
    #[serde(default)]
    pub aspects: Vec<AspectSetting>,
}

/// Settings of an aspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AspectSetting {
    /// The aspect's name.
    pub name: String,
    /// True when the aspect is preselected for new posts.
    pub post_default: bool,
}

/// The aspects that one limited post or photo is visible to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AspectAudience {
    /// `post` or `photo`.
    pub kind: String,
    /// GUID of the post or photo.
    pub guid: Guid,
    /// Names of the aspects.
    pub aspects: Vec<String>,
}

/// A photo without a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoosePhoto {
    /// True when it is the profile's avatar.
    pub avatar: bool,
    /// The photo.
    #[serde(flatten)]
    pub photo: Photo,
}

/// A private conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// GUID of the conversation.
    pub guid: Guid,
    /// The person who started it.
    pub author: DiasporaId,
    /// Subject line.
    pub subject: String,
    /// Start time.
    pub created_at: Timestamp,
    /// All participants, including the account.
    pub participants: Vec<DiasporaId>,
    /// State of the account's own copy.
    pub state: ConversationState,
    /// Messages, oldest first.
    pub messages: Vec<Message>,
    /// True when the messages continue those of the preceding record, which is of the same conversation. Long
    /// conversations are split because readers limit the size of a record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continued: bool,
}

impl Conversation {
    /// The most text in one part, in bytes. In JSON, a character may take six times as much.
    const MAX_PART_BYTES: usize = 2 << 20;
    /// The most messages in one part; each takes some 200 bytes in addition to its text.
    const MAX_PART_MESSAGES: usize = 10_000;

    /// Splits a long conversation into parts; all but the first are marked as continued.
    pub fn into_parts(mut self) -> impl Iterator<Item = Self> {
        let mut remaining = std::mem::take(&mut self.messages).into_iter().peekable();
        let mut next = Some(self);
        std::iter::from_fn(move || {
            let mut part = next.take()?;
            let mut bytes = 0;
            let has_space = |bytes: usize, count: usize| {
                count == 0 || (bytes <= Self::MAX_PART_BYTES && count < Self::MAX_PART_MESSAGES)
            };
            while let Some(message) =
                remaining.next_if(|message| has_space(bytes + message.text.len(), part.messages.len()))
            {
                bytes += message.text.len();
                part.messages.push(message);
            }
            if remaining.peek().is_some() {
                next = Some(Self { messages: Vec::new(), continued: true, ..part.without_messages() });
            }
            Some(part)
        })
    }

    /// Returns a copy of the conversation without its messages.
    fn without_messages(&self) -> Self {
        Self {
            guid: self.guid.clone(),
            author: self.author.clone(),
            subject: self.subject.clone(),
            created_at: self.created_at,
            participants: self.participants.clone(),
            state: self.state,
            messages: Vec::new(),
            continued: self.continued,
        }
    }
}

/// State of the account's own copy of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationState {
    /// Number of unread messages.
    pub unread: i64,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// GUID of the message.
    pub guid: Guid,
    /// The message's author.
    pub author: DiasporaId,
    /// Creation time.
    pub created_at: Timestamp,
    /// Text, Markdown.
    pub text: String,
}

/// Another person's public post that the account commented on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentedPost {
    /// GUID of the post.
    pub guid: Guid,
    /// The post's author.
    pub author: DiasporaId,
    /// Address of the post, valid as long as that pod exists.
    pub url: String,
    /// Creation time.
    pub created_at: Timestamp,
    /// Text, Markdown; empty for a reshare.
    pub text: String,
}
