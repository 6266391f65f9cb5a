//! The kinds of records that are counted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kinds of records that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountKind {
    /// Aspects.
    Aspects,
    /// Contacts.
    Contacts,
    /// Status messages.
    StatusMessages,
    /// Reshares.
    Reshares,
    /// Polls on the account's posts.
    Polls,
    /// Photos, attached to posts or not.
    Photos,
    /// Photo files.
    PhotoFiles,
    /// Followed tags.
    FollowedTags,
    /// Subscribed posts.
    Subscriptions,
    /// Blocked people.
    Blocks,
    /// The account's own comments.
    OwnComments,
    /// The account's own likes.
    OwnLikes,
    /// The account's own votes.
    OwnPollParticipations,
    /// Other people's comments on the account's posts.
    OthersComments,
    /// Other people's likes of the account's posts.
    OthersLikes,
    /// Other people's votes in the account's polls.
    OthersPollParticipations,
    /// Other people's relayables without a signature on the pod.
    UnsignedRelayables,
    /// Likes on comments.
    LikesOnComments,
    /// Keys of authors who are not contacts.
    NonContactAuthors,
    /// Conversations.
    Conversations,
    /// Messages in conversations.
    Messages,
    /// Other people's posts that the account commented on.
    CommentedPosts,
}

impl CountKind {
    /// Returns the kind's label for display.
    pub fn label(self) -> &'static str {
        match self {
            Self::Aspects => "aspects",
            Self::Contacts => "contacts",
            Self::StatusMessages => "posts",
            Self::Reshares => "reshares",
            Self::Polls => "polls",
            Self::Photos => "photos",
            Self::PhotoFiles => "photo files",
            Self::FollowedTags => "followed tags",
            Self::Subscriptions => "subscribed posts",
            Self::Blocks => "ignored people",
            Self::OwnComments => "own comments",
            Self::OwnLikes => "own likes",
            Self::OwnPollParticipations => "own votes in polls",
            Self::OthersComments => "comments by others",
            Self::OthersLikes => "likes by others",
            Self::OthersPollParticipations => "votes by others",
            Self::UnsignedRelayables => "reactions without a signature",
            Self::LikesOnComments => "likes on comments",
            Self::NonContactAuthors => "keys of other authors",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::CommentedPosts => "posts by others you commented on",
        }
    }

    /// Returns the kind's label behind this number.
    pub fn label_for(self, count: u64) -> &'static str {
        if count != 1 {
            return self.label();
        }
        match self {
            Self::Aspects => "aspect",
            Self::Contacts => "contact",
            Self::StatusMessages => "post",
            Self::Reshares => "reshare",
            Self::Polls => "poll",
            Self::Photos => "photo",
            Self::PhotoFiles => "photo file",
            Self::FollowedTags => "followed tag",
            Self::Subscriptions => "subscribed post",
            Self::Blocks => "ignored person",
            Self::OwnComments => "own comment",
            Self::OwnLikes => "own like",
            Self::OwnPollParticipations => "own vote in a poll",
            Self::OthersComments => "comment by others",
            Self::OthersLikes => "like by others",
            Self::OthersPollParticipations => "vote by others",
            Self::UnsignedRelayables => "reaction without a signature",
            Self::LikesOnComments => "like on a comment",
            Self::NonContactAuthors => "key of another author",
            Self::Conversations => "conversation",
            Self::Messages => "message",
            Self::CommentedPosts => "post by others you commented on",
        }
    }
}
