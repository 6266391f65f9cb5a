//! The kinds of records that are counted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kinds of records that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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
    /// Returns the kind's name for programs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the kind's label for display.
    pub fn label(self) -> &'static str {
        self.labels().1
    }

    /// Returns the label to print after this number: singular after 1, otherwise plural.
    pub fn label_for(self, count: u64) -> &'static str {
        let (singular, plural) = self.labels();
        if count == 1 { singular } else { plural }
    }

    /// Returns the singular and the plural label.
    fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Aspects => ("aspect", "aspects"),
            Self::Contacts => ("contact", "contacts"),
            Self::StatusMessages => ("post", "posts"),
            Self::Reshares => ("reshare", "reshares"),
            Self::Polls => ("poll", "polls"),
            Self::Photos => ("photo", "photos"),
            Self::PhotoFiles => ("photo file", "photo files"),
            Self::FollowedTags => ("followed tag", "followed tags"),
            Self::Subscriptions => ("subscribed post", "subscribed posts"),
            Self::Blocks => ("ignored person", "ignored people"),
            Self::OwnComments => ("own comment", "own comments"),
            Self::OwnLikes => ("own like", "own likes"),
            Self::OwnPollParticipations => ("own vote in a poll", "own votes in polls"),
            Self::OthersComments => ("comment by others", "comments by others"),
            Self::OthersLikes => ("like by others", "likes by others"),
            Self::OthersPollParticipations => ("vote by others", "votes by others"),
            Self::UnsignedRelayables => ("reaction without a signature", "reactions without a signature"),
            Self::LikesOnComments => ("like on a comment", "likes on comments"),
            Self::NonContactAuthors => ("key of another author", "keys of other authors"),
            Self::Conversations => ("conversation", "conversations"),
            Self::Messages => ("message", "messages"),
            Self::CommentedPosts => ("post by others you commented on", "posts by others you commented on"),
        }
    }
}
