//! The names of records: enough of a record to tell whether two archives have the same one.

use serde::Deserialize;

use super::Namespace;

/// A record's name in its list's namespace, and the names of the records within it.
pub(crate) struct Names {
    pub(crate) name: String,
    pub(crate) parts: Vec<(Namespace, String)>,
}

impl Names {
    fn without_parts(name: String) -> Self {
        Self { name, parts: Vec::new() }
    }
}

/// A record named by its value.
#[derive(Deserialize)]
pub(crate) struct ByValue(String);

macro_rules! named_by {
    ($($(#[doc = $doc:literal])+ $record:ident: $field:ident;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Deserialize)]
            pub(crate) struct $record {
                $field: String,
            }

            impl From<$record> for Names {
                fn from(record: $record) -> Self {
                    Self::without_parts(record.$field)
                }
            }
        )+
    };
}

named_by! {
    /// A record named by its GUID.
    ByGuid: guid;
    /// A person.
    ByAccount: account_id;
    /// An aspect.
    ByName: name;
}

/// The aspects that a post or photo is visible to.
#[derive(Deserialize)]
pub(crate) struct ByTarget {
    kind: String,
    guid: String,
}

/// The envelope of an entity.
#[derive(Deserialize)]
pub(crate) struct Wrapped<T> {
    entity_data: T,
}

/// A post, or a part of it.
#[derive(Deserialize)]
pub(crate) struct PostNames {
    guid: String,
    #[serde(default)]
    photos: Vec<Wrapped<ByGuid>>,
    #[serde(default)]
    poll: Option<Wrapped<ByGuid>>,
}

/// A conversation.
#[derive(Deserialize)]
pub(crate) struct ConversationNames {
    guid: String,
    messages: Vec<ByGuid>,
}

impl From<ByValue> for Names {
    fn from(record: ByValue) -> Self {
        Self::without_parts(record.0)
    }
}

impl From<ByTarget> for Names {
    fn from(ByTarget { kind, guid }: ByTarget) -> Self {
        Self::without_parts(format!("{kind} {guid}"))
    }
}

impl<T: Into<Self>> From<Wrapped<T>> for Names {
    fn from(entity: Wrapped<T>) -> Self {
        entity.entity_data.into()
    }
}

impl From<PostNames> for Names {
    fn from(post: PostNames) -> Self {
        let photos = post.photos.into_iter().map(|photo| (Namespace::Photo, photo.entity_data.guid));
        let poll = post.poll.map(|poll| (Namespace::Poll, poll.entity_data.guid));
        Self { name: post.guid, parts: photos.chain(poll).collect() }
    }
}

impl From<ConversationNames> for Names {
    fn from(conversation: ConversationNames) -> Self {
        let messages = conversation.messages.into_iter();
        let parts = messages.map(|message| (Namespace::Message, message.guid)).collect();
        Self { name: conversation.guid, parts }
    }
}
