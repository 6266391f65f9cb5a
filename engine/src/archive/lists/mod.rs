//! The lists of an archive: one table of their properties, which reading, writing and checking share.
//!
//! A list is added by adding a row. Every other decision about it (writing it, importing it, showing it) is a `match`
//! over [`List`] without a catch-all arm, so the compiler reports each place that does not handle the new list.

mod names;
mod records;

use std::fmt;

use serde_json::value::RawValue;

pub(crate) use names::Names;
pub(crate) use records::ListRecord;

use super::document::Section;
use crate::domain::{
    Aspect, AspectAudience, CommentedPost, Contact, Conversation, CountKind, DiasporaId, Guid, LoosePhoto,
    NonContactAuthor, OwnPost, PostRemainder, Relayable, SignedAs,
};

/// The treatment of a list's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// They are counted.
    Counted,
    /// They are counted, and require their authors' signatures.
    Signed,
    /// They add to records of other lists, and are not counted.
    Uncounted,
}

/// A namespace of records: a record's name is unique in it. All relayables share one wherever they appear, as do
/// people. Additions to a record share its namespace, so that a merge takes both from the same archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Namespace {
    Aspect,
    Person,
    Post,
    Photo,
    Tag,
    Subscription,
    Relayable,
    Audience,
    Conversation,
    Message,
    CommentedPost,
    HiddenPost,
    Poll,
    PhotoFile,
    /// People the account ignores: only the newest archive counts.
    Block,
}

/// A list together with the type of its records.
pub(crate) trait TypedList {
    /// The list.
    const LIST: List;
    /// The type of its records.
    type Record: ListRecord;
}

/// A task for any list that depends on the type of its records; see [`List::with_type`].
pub(crate) trait ListTask {
    /// The task's result.
    type Output;

    /// Performs the task for the records of one list.
    fn run<L: TypedList>(self) -> Self::Output;
}

macro_rules! lists {
    ($($(#[doc = $doc:literal])+ $list:ident: $record:ty =
        ($section:ident, $name:literal, $kind:ident, $namespace:ident, $treatment:ident);)+) => {
        /// A list of records in an archive.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum List {
            $($(#[doc = $doc])+ $list,)+
        }

        impl List {
            /// All lists, in the order in which Pappus writes them.
            pub const ALL: &[Self] = &[$(Self::$list,)+];

            /// Returns the list of this name in a section, if there is one.
            pub fn of(section: Section, name: &str) -> Option<Self> {
                match (section, name) {
                    $((Section::$section, $name) => Some(Self::$list),)+
                    _ => None,
                }
            }

            /// Returns the object that contains it.
            pub fn section(self) -> Section {
                match self {
                    $(Self::$list => Section::$section,)+
                }
            }

            /// Returns its name in that object.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$list => $name,)+
                }
            }

            /// Returns the kind under which its records are counted, and reported when they cannot be read. Posts and
            /// relayables may be of further kinds, depending on their contents.
            pub(crate) fn kind(self) -> CountKind {
                match self {
                    $(Self::$list => CountKind::$kind,)+
                }
            }

            /// Returns the namespace of its records' names.
            pub(crate) fn namespace(self) -> Namespace {
                match self {
                    $(Self::$list => Namespace::$namespace,)+
                }
            }

            fn treatment(self) -> Treatment {
                match self {
                    $(Self::$list => Treatment::$treatment,)+
                }
            }

            /// Reads a record of the list strictly, as in signed archives.
            ///
            /// # Errors
            /// The reason the record is invalid.
            pub fn check(self, record: &RawValue) -> Result<(), serde_json::Error> {
                match self {
                    $(Self::$list => serde_json::from_str::<$record>(record.get()).map(drop),)+
                }
            }

            /// Reads only the names of a record.
            ///
            /// # Errors
            /// The field that is missing or of the wrong type.
            pub(crate) fn names(self, record: &RawValue) -> Result<Names, serde_json::Error> {
                match self {
                    $(Self::$list => {
                        serde_json::from_str::<<$record as ListRecord>::Named>(record.get()).map(Into::into)
                    })+
                }
            }

            /// Performs a task with the type of the list's records.
            pub(crate) fn with_type<T: ListTask>(self, task: T) -> T::Output {
                match self {
                    $(Self::$list => task.run::<$list>(),)+
                }
            }
        }

        $(
            $(#[doc = $doc])+
            pub(crate) enum $list {}

            impl TypedList for $list {
                const LIST: List = List::$list;
                type Record = $record;
            }
        )+
    };
}

// list: type of its records = (object, name there, kind, namespace, treatment);
lists! {
    /// People the account ignores.
    Blocks: DiasporaId = (User, "blocks", Blocks, Block, Counted);
    /// Aspects, in the user's order.
    Aspects: Aspect = (User, "contact_groups", Aspects, Aspect, Counted);
    /// Contacts.
    Contacts: Contact = (User, "contacts", Contacts, Person, Counted);
    /// Posts.
    Posts: OwnPost = (User, "posts", StatusMessages, Post, Counted);
    /// Followed tags.
    FollowedTags: String = (User, "followed_tags", FollowedTags, Tag, Counted);
    /// Posts the user is subscribed to.
    Subscriptions: Guid = (User, "post_subscriptions", Subscriptions, Subscription, Counted);
    /// The account's own comments, likes and votes.
    OwnRelayables: Relayable = (User, "relayables", OwnComments, Relayable, Counted);
    /// Other people's comments, likes and votes on the account's posts.
    OthersRelayables: Relayable = (OthersData, "relayables", OthersComments, Relayable, Signed);
    /// Keys of authors who are not contacts.
    NonContactAuthors: NonContactAuthor = (OthersData, "non_contact_authors", NonContactAuthors, Person, Counted);
    /// The aspects that each limited post and photo is visible to.
    AspectVisibility: AspectAudience = (Extras, "aspect_visibility", StatusMessages, Audience, Uncounted);
    /// Photos without a post.
    LoosePhotos: LoosePhoto = (Extras, "loose_photos", Photos, Photo, Counted);
    /// Private conversations.
    Conversations: Conversation = (Extras, "conversations", Conversations, Conversation, Counted);
    /// Likes on comments.
    LikesOnComments: Relayable = (Extras, "likes_on_comments", LikesOnComments, Relayable, Signed);
    /// Other people's relayables without a signature.
    UnsignedRelayables: Relayable = (Extras, "unsigned_relayables", UnsignedRelayables, Relayable, Counted);
    /// The IDs that other people's relayables were signed under.
    Signers: SignedAs = (Extras, "signed_as", OthersComments, Relayable, Uncounted);
    /// Parts of the account's posts that diaspora*'s own importer rejects.
    PostRemainders: PostRemainder = (Extras, "post_remainders", StatusMessages, Post, Counted);
    /// Other people's posts that the account commented on.
    CommentedPosts: CommentedPost = (Extras, "commented_posts", CommentedPosts, CommentedPost, Counted);
    /// Posts the user has hidden from the stream.
    HiddenPosts: Guid = (Extras, "hidden_posts", StatusMessages, HiddenPost, Uncounted);
}

impl Namespace {
    /// Returns the plural name, for people and programs.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Aspect => "aspects",
            Self::Person => "people",
            Self::Post => "posts",
            Self::Photo => "photos",
            Self::Tag => "followed_tags",
            Self::Subscription => "subscriptions",
            Self::Relayable => "comments_likes_and_votes",
            Self::Audience => "audiences",
            Self::Conversation => "conversations",
            Self::Message => "messages",
            Self::CommentedPost => "commented_posts",
            Self::HiddenPost => "hidden_posts",
            Self::Poll => "polls",
            Self::PhotoFile => "photo_files",
            Self::Block => "blocks",
        }
    }
}

impl List {
    /// Returns the lists of one object, in the order in which Pappus writes them.
    pub fn in_section(section: Section) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |list| list.section() == section)
    }

    /// Returns whether its records are counted.
    pub(crate) fn is_counted(self) -> bool {
        self.treatment() != Treatment::Uncounted
    }

    /// Returns whether its records require their authors' signatures.
    pub(crate) fn is_signed(self) -> bool {
        self.treatment() == Treatment::Signed
    }
}

/// Displays its path in the archive, such as `others_data.relayables`.
impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.section().prefix(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Account, Extras, OthersData};

    fn fields(schema: &schemars::Schema) -> Vec<&str> {
        let properties = schema.get("properties").and_then(serde_json::Value::as_object).unwrap();
        properties
            .iter()
            .filter(|(_, field)| field["type"] == "array")
            .map(|(name, _)| name.as_str())
            .collect()
    }

    #[test]
    fn the_table_has_every_list_of_the_documents_types() {
        for (section, schema) in [
            (Section::User, schemars::schema_for!(Account)),
            (Section::OthersData, schemars::schema_for!(OthersData)),
            (Section::Extras, schemars::schema_for!(Extras)),
        ] {
            let mut expected = fields(&schema);
            let mut lists: Vec<_> = List::in_section(section).map(List::name).collect();
            expected.sort_unstable();
            lists.sort_unstable();
            assert_eq!(lists, expected, "{section:?}");
            assert!(List::in_section(section).all(|list| List::of(section, list.name()) == Some(list)));
        }
    }
}
