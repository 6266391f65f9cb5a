//! The records of the lists: what each counts as, and its name in a manifest.

use serde::de::DeserializeOwned;

use super::List;
use super::names::{
    ByAccount, ByGuid, ByName, ByTarget, ByValue, ConversationNames, Names, PostNames, Wrapped,
};
use crate::archive::document::{Record, Section};
use crate::domain::{
    Aspect, AspectAudience, CommentedPost, Contact, Conversation, CountKind, DiasporaId, Guid, LoosePhoto,
    NonContactAuthor, OwnPost, Post, PostRemainder, RecordKind, RecordRef, Relayable, RelayableEntity,
    SignedAs,
};

/// A record of a list.
pub(crate) trait ListRecord: Record {
    /// The part of the record that names it.
    type Named: DeserializeOwned + Into<Names>;

    /// Calls `count` for everything that the record counts as in a list.
    fn count(&self, list: List, mut count: impl FnMut(CountKind, u64)) {
        if list.is_counted() {
            count(list.kind(), 1);
        }
    }

    /// Returns the names of the photo files that a record of the document shows.
    fn photo_files(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Returns the record's name for a manifest. Records without a kind of their own are parts of the account.
    fn reference(&self) -> RecordRef {
        RecordRef { kind: RecordKind::Account, id: None, name: None }
    }
}

fn reference(kind: RecordKind, name: &impl ToString) -> RecordRef {
    RecordRef { kind, id: None, name: Some(name.to_string()) }
}

// Only Pappus writes these records, always in the same form, so they need no repair.
impl Record for AspectAudience {}
impl Record for CommentedPost {}
impl Record for Conversation {}
impl Record for LoosePhoto {}
impl Record for PostRemainder {}
impl Record for SignedAs {}

impl ListRecord for Aspect {
    type Named = ByName;
}

impl ListRecord for String {
    type Named = ByValue;
}

impl ListRecord for DiasporaId {
    type Named = ByValue;

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Block, self)
    }
}

impl ListRecord for Contact {
    type Named = ByAccount;

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Contact, &self.account_id)
    }
}

impl ListRecord for OwnPost {
    type Named = Wrapped<PostNames>;

    fn count(&self, _: List, mut count: impl FnMut(CountKind, u64)) {
        match &self.post {
            Post::Reshare(_) => count(CountKind::Reshares, 1),
            Post::StatusMessage(message) => {
                count(CountKind::StatusMessages, 1);
                count(CountKind::Photos, message.photos.len() as u64);
                count(CountKind::Polls, u64::from(message.poll.is_some()));
            }
        }
    }

    fn photo_files(&self) -> Vec<&str> {
        match &self.post {
            Post::StatusMessage(message) => {
                message.photos.iter().map(|photo| photo.0.remote_photo_name.as_str()).collect()
            }
            Post::Reshare(_) => Vec::new(),
        }
    }

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Post, self.post.guid())
    }
}

impl ListRecord for Guid {
    type Named = ByValue;

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Subscription, self)
    }
}

impl ListRecord for Relayable {
    type Named = Wrapped<ByGuid>;

    fn count(&self, list: List, mut count: impl FnMut(CountKind, u64)) {
        let kind = match (list.section(), &self.entity) {
            (Section::User, RelayableEntity::Comment(_)) => CountKind::OwnComments,
            (Section::User, RelayableEntity::Like(_)) => CountKind::OwnLikes,
            (Section::User, RelayableEntity::PollParticipation(_)) => CountKind::OwnPollParticipations,
            (Section::OthersData, RelayableEntity::Comment(_)) => CountKind::OthersComments,
            (Section::OthersData, RelayableEntity::Like(_)) => CountKind::OthersLikes,
            (Section::OthersData, RelayableEntity::PollParticipation(_)) => {
                CountKind::OthersPollParticipations
            }
            (Section::Root | Section::Extras, _) => list.kind(),
        };
        count(kind, 1);
    }

    fn reference(&self) -> RecordRef {
        let kind = match &self.entity {
            RelayableEntity::Comment(_) => RecordKind::Comment,
            RelayableEntity::Like(_) => RecordKind::Like,
            RelayableEntity::PollParticipation(_) => RecordKind::PollParticipation,
        };
        reference(kind, self.entity.guid())
    }
}

impl ListRecord for NonContactAuthor {
    type Named = ByAccount;

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Person, &self.account_id)
    }
}

impl ListRecord for AspectAudience {
    type Named = ByTarget;

    fn reference(&self) -> RecordRef {
        let kind = if self.kind == "photo" { RecordKind::Photo } else { RecordKind::Post };
        reference(kind, &self.guid)
    }
}

impl ListRecord for LoosePhoto {
    type Named = ByGuid;

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Photo, &self.photo.guid)
    }
}

impl ListRecord for Conversation {
    type Named = ConversationNames;

    fn count(&self, _: List, mut count: impl FnMut(CountKind, u64)) {
        count(CountKind::Conversations, u64::from(!self.continued));
        count(CountKind::Messages, self.messages.len() as u64);
    }

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Conversation, &self.guid)
    }
}

impl ListRecord for SignedAs {
    type Named = ByGuid;

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Person, &self.signed_as)
    }
}

impl ListRecord for PostRemainder {
    type Named = PostNames;

    fn count(&self, _: List, mut count: impl FnMut(CountKind, u64)) {
        count(CountKind::Polls, u64::from(self.poll.is_some()));
    }

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Post, &self.guid)
    }
}

impl ListRecord for CommentedPost {
    type Named = ByGuid;

    fn reference(&self) -> RecordRef {
        reference(RecordKind::Post, &self.guid)
    }
}
