//! What the archive document 2.0 has no place for: `extras.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DiasporaId, Guid, Photo, PostRemainder, Relayable, Timestamp};

/// `extras.json`, whole. For schemas and reading; it is written one record at a time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extras {
    /// Always `pappus-extras/1`.
    pub format: String,
    /// Settings without a place in the document.
    #[serde(default)]
    pub settings: ExtraSettings,
    /// Which aspects each limited post and photo was shown to.
    #[serde(default)]
    pub aspect_visibility: Vec<AspectAudience>,
    /// Photos outside posts, avatars too.
    #[serde(default)]
    pub loose_photos: Vec<LoosePhoto>,
    /// Private conversations with all their messages.
    #[serde(default)]
    pub conversations: Vec<Conversation>,
    /// Likes by others on the account's comments, and on comments under the account's posts.
    #[serde(default)]
    pub likes_on_comments: Vec<Relayable>,
    /// Relayables by others on the account's posts for which the pod has no valid signature and cannot
    /// make one.
    #[serde(default)]
    pub unsigned_relayables: Vec<Relayable>,
    /// The relayables by others, here and in `diaspora.json`, that their authors signed before they moved.
    #[serde(default)]
    pub signed_as: Vec<SignedAs>,
    /// What of the account's posts diaspora*'s own importer stops at.
    #[serde(default)]
    pub post_remainders: Vec<PostRemainder>,
    /// Other people's public posts that the account commented on, so that its comments keep their context.
    #[serde(default)]
    pub commented_posts: Vec<CommentedPost>,
    /// Posts the user has hidden from the stream.
    #[serde(default)]
    pub hidden_posts: Vec<Guid>,
}

/// Under which ID a relayable was signed, whose author has moved since. The record itself carries the ID the author has
/// now, as diaspora* writes it; the signature is valid with this one in its place, and with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedAs {
    /// Which relayable.
    pub guid: Guid,
    /// The diaspora* ID that stands in the signed text.
    pub signed_as: DiasporaId,
}

/// Settings without a place in the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraSettings {
    /// Kinds of mail the user does not want, in diaspora*'s words (`someone_reported`, `mentioned`, …).
    #[serde(default)]
    pub unwanted_mail: Vec<String>,
    /// Name of the colour theme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_theme: Option<String>,
    /// Whether a new post is public unless said otherwise.
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
    /// Whether it is chosen when a new post is written.
    pub post_default: bool,
}

/// The aspects one limited post or photo was shown to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AspectAudience {
    /// `post` or `photo`.
    pub kind: String,
    /// Which one.
    pub guid: Guid,
    /// Names of the aspects.
    pub aspects: Vec<String>,
}

/// A photo that belongs to no post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoosePhoto {
    /// Whether it is the picture of the profile.
    pub avatar: bool,
    /// The photo.
    #[serde(flatten)]
    pub photo: Photo,
}

/// A private conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// Its name in the network.
    pub guid: Guid,
    /// Who began it.
    pub author: DiasporaId,
    /// What it is about.
    pub subject: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Everybody who takes part, the account included.
    pub participants: Vec<DiasporaId>,
    /// How the account's own copy stands.
    pub state: ConversationState,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
    /// Whether the messages follow those of the record before, which is of the same conversation. A long one is written
    /// in pieces, since readers take records up to a size.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continued: bool,
}

impl Conversation {
    /// Bytes of text in a piece. In JSON a character may take six times as much.
    const PIECE_BYTES: usize = 2 << 20;
    /// Messages in a piece; each takes some 200 bytes beside its text.
    const PIECE_MESSAGES: usize = 10_000;

    /// Cuts a long conversation into pieces, of which all but the first are continued ones.
    pub fn into_pieces(mut self) -> impl Iterator<Item = Self> {
        let mut rest = std::mem::take(&mut self.messages).into_iter().peekable();
        let mut next = Some(self);
        std::iter::from_fn(move || {
            let mut piece = next.take()?;
            let mut bytes = 0;
            let fits = |bytes: usize, count: usize| {
                count == 0 || (bytes <= Self::PIECE_BYTES && count < Self::PIECE_MESSAGES)
            };
            while let Some(message) =
                rest.next_if(|message| fits(bytes + message.text.len(), piece.messages.len()))
            {
                bytes += message.text.len();
                piece.messages.push(message);
            }
            if rest.peek().is_some() {
                next = Some(Self { messages: Vec::new(), continued: true, ..piece.clone_head() });
            }
            Some(piece)
        })
    }

    /// The same conversation without its messages.
    fn clone_head(&self) -> Self {
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

/// How the account's own copy of a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationState {
    /// How many messages are unread.
    pub unread: i64,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Its name in the network.
    pub guid: Guid,
    /// Who wrote it.
    pub author: DiasporaId,
    /// When it was written.
    pub created_at: Timestamp,
    /// Markdown.
    pub text: String,
}

/// Somebody else's public post that the account commented on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentedPost {
    /// Its name in the network.
    pub guid: Guid,
    /// Who wrote it.
    pub author: DiasporaId,
    /// Where it can be seen, as long as that pod lives.
    pub url: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Markdown; empty for a reshare.
    pub text: String,
}
