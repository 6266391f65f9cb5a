//! Writes the lists of both documents, each record once.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::index::{Index, Record, Space};
use super::spools::Spools;
use super::{MergeError, MergeInput};
use crate::archive::EXTRAS_FORMAT;
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras,
};
use crate::domain::{Conversation, Message};

/// A list of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    Groups,
    Contacts,
    Posts,
    Tags,
    Subscriptions,
    OwnRelayables,
    OthersRelayables,
    Authors,
    Audiences,
    LoosePhotos,
    Conversations,
    LikesOnComments,
    Unsigned,
    SignedAs,
    PostRemainders,
    CommentedPosts,
    HiddenPosts,
}

/// All lists in the order in which they are written: of `user`, of `others_data`, of `extras.json`.
pub(super) const LISTS: [List; 17] = [
    List::Groups,
    List::Contacts,
    List::Posts,
    List::Tags,
    List::Subscriptions,
    List::OwnRelayables,
    List::OthersRelayables,
    List::Authors,
    List::Audiences,
    List::LoosePhotos,
    List::Conversations,
    List::LikesOnComments,
    List::Unsigned,
    List::SignedAs,
    List::PostRemainders,
    List::CommentedPosts,
    List::HiddenPosts,
];

impl List {
    /// Returns the list at this location, if it is one that is merged.
    pub(super) fn of(section: Section, name: &str, extras: bool) -> Option<Self> {
        LISTS.into_iter().find(|list| list.name() == name && list.place() == (section, extras))
    }

    /// Returns its field name in the document.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Groups => "contact_groups",
            Self::Contacts => "contacts",
            Self::Posts => "posts",
            Self::Tags => "followed_tags",
            Self::Subscriptions => "post_subscriptions",
            Self::OwnRelayables | Self::OthersRelayables => "relayables",
            Self::Authors => "non_contact_authors",
            Self::Audiences => "aspect_visibility",
            Self::LoosePhotos => "loose_photos",
            Self::Conversations => "conversations",
            Self::LikesOnComments => "likes_on_comments",
            Self::Unsigned => "unsigned_relayables",
            Self::SignedAs => "signed_as",
            Self::PostRemainders => "post_remainders",
            Self::CommentedPosts => "commented_posts",
            Self::HiddenPosts => "hidden_posts",
        }
    }

    /// Returns its section, and whether that is in `extras.json`.
    fn place(self) -> (Section, bool) {
        match self {
            Self::Groups
            | Self::Contacts
            | Self::Posts
            | Self::Tags
            | Self::Subscriptions
            | Self::OwnRelayables => (Section::User, false),
            Self::OthersRelayables | Self::Authors => (Section::OthersData, false),
            _ => (Section::Root, true),
        }
    }

    /// Returns the namespace in which its records' names are unique. Additions to a record share its namespace, so
    /// that they come from the same archive.
    pub(super) fn space(self) -> Space {
        match self {
            Self::Groups => Space::Group,
            Self::Contacts | Self::Authors => Space::Person,
            Self::Posts | Self::PostRemainders => Space::Post,
            Self::Tags => Space::Tag,
            Self::Subscriptions => Space::Subscription,
            Self::OwnRelayables
            | Self::OthersRelayables
            | Self::LikesOnComments
            | Self::Unsigned
            | Self::SignedAs => Space::Relayable,
            Self::Audiences => Space::Audience,
            Self::LoosePhotos => Space::Photo,
            Self::Conversations => Space::Conversation,
            Self::CommentedPosts => Space::CommentedPost,
            Self::HiddenPosts => Space::HiddenPost,
        }
    }
}

/// Both documents, in unnamed files positioned at the start.
pub(super) struct Documents {
    pub(super) document: File,
    pub(super) extras: File,
    /// The non-list fields of the newest `user`, as members of a JSON object.
    pub(super) settings: zeroize::Zeroizing<String>,
}

/// Merges both documents.
pub(super) fn write(
    inputs: &mut [MergeInput],
    index: &Index,
    folder: &Path,
) -> Result<Documents, MergeError> {
    let failed = MergeError::io(folder);
    let mut gather = Gather {
        spools: Spools::new(folder).map_err(&failed)?,
        index,
        archive: 0,
        newest: inputs.len().saturating_sub(1),
        extras: false,
        settings: zeroize::Zeroizing::default(),
        blocks: None,
        extra_settings: "{}".to_owned(),
        late_messages: HashMap::new(),
        failed: None,
    };
    // Aspects keep the user's order, so the newest archive's come first.
    for groups in [true, false] {
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        if groups {
            order.reverse();
        }
        for place in order {
            let Some(input) = inputs.get_mut(place) else { continue };
            gather.archive = place;
            gather.read(input, groups).map_err(|error| match (error, gather.failed.take()) {
                (_, Some(source)) => failed(source),
                (error, None) => error,
            })?;
        }
    }
    gather.finish(folder).map_err(&failed)
}

struct Gather<'a> {
    spools: Spools,
    index: &'a Index,
    archive: usize,
    newest: usize,
    extras: bool,
    settings: zeroize::Zeroizing<String>,
    blocks: Option<String>,
    extra_settings: String,
    /// Messages that are only in older copies of a conversation.
    late_messages: HashMap<String, Vec<Message>>,
    failed: Option<io::Error>,
}

/// One pass over an archive: for its aspects, or for everything else.
struct Pass<'g, 'a> {
    gather: &'g mut Gather<'a>,
    groups: bool,
}

impl Gather<'_> {
    fn read(&mut self, input: &mut MergeInput, groups: bool) -> Result<(), MergeError> {
        let limits = *input.archive.limits();
        self.extras = false;
        read_document(input.archive.document()?, &limits, &mut Pass { gather: self, groups })?;
        if groups {
            return Ok(());
        }
        self.extras = true;
        if let Some(extras) = input.archive.extras()? {
            read_extras(extras, &limits, &mut Pass { gather: self, groups })?;
        }
        Ok(())
    }

    fn record(&mut self, list: List, place: &Place<'_>, value: &RawValue) -> Result<(), DocumentError> {
        let refuse = |error: serde_json::Error| DocumentError::record(place, &error);
        let record = Record::read(list, place, value)?;
        let gives = self.index.giver(list.space(), &record.name) == Some(self.archive);
        let newest = self.archive == self.newest;
        let text = match list {
            List::Conversations => {
                let mut conversation: Conversation = serde_json::from_str(value.get()).map_err(refuse)?;
                if !gives {
                    let only_here = |message: &Message| {
                        self.index.giver(Space::Message, message.guid.as_str()) == Some(self.archive)
                    };
                    conversation.messages.retain(only_here);
                    let late = self.late_messages.entry(record.name).or_default();
                    late.append(&mut conversation.messages);
                    return Ok(());
                }
                let Some(mut late) = self.late_messages.remove(&record.name).filter(|late| !late.is_empty())
                else {
                    return self.put(list, value.get(), place);
                };
                conversation.messages.append(&mut late);
                conversation.messages.sort_by_key(|message| message.created_at);
                for piece in conversation.into_pieces() {
                    self.put(list, &serde_json::to_string(&piece).map_err(refuse)?, place)?;
                }
                return Ok(());
            }
            _ if !gives => return Ok(()),
            // Only the newest archive has the current profile picture.
            List::LoosePhotos if !newest => {
                let mut photo: Value = serde_json::from_str(value.get()).map_err(refuse)?;
                if let Some(avatar) = photo.get_mut("avatar") {
                    *avatar = Value::Bool(false);
                }
                photo.to_string()
            }
            _ => return self.put(list, value.get(), place),
        };
        self.put(list, &text, place)
    }

    fn put(&mut self, list: List, text: &str, place: &Place<'_>) -> Result<(), DocumentError> {
        self.spools.put(list, text).map_err(|error| {
            let refusal = DocumentError::record(place, &error);
            self.failed = Some(error);
            refusal
        })
    }

    fn finish(mut self, folder: &Path) -> io::Result<Documents> {
        let mut document = BufWriter::new(tempfile::tempfile_in(folder)?);
        write!(document, "{{\"version\":\"2.0\",\"user\":{{{}", *self.settings)?;
        if let Some(blocks) = &self.blocks {
            write!(document, ",\"blocks\":[{blocks}]")?;
        }
        for list in LISTS.into_iter().filter(|list| list.place().0 == Section::User) {
            document.write_all(b",")?;
            self.spools.copy(list, &mut document)?;
        }
        document.write_all(b"},\"others_data\":{")?;
        self.spools.copy(List::OthersRelayables, &mut document)?;
        document.write_all(b",")?;
        self.spools.copy(List::Authors, &mut document)?;
        document.write_all(b"}}\n")?;
        let mut extras = BufWriter::new(tempfile::tempfile_in(folder)?);
        write!(extras, "{{\"format\":\"{EXTRAS_FORMAT}\",\"settings\":{}", self.extra_settings)?;
        for list in LISTS.into_iter().filter(|list| list.place().1) {
            extras.write_all(b",")?;
            self.spools.copy(list, &mut extras)?;
        }
        extras.write_all(b"}\n")?;
        let begin = |file: BufWriter<File>| {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind().map(|()| file)
        };
        Ok(Documents { document: begin(document)?, extras: begin(extras)?, settings: self.settings })
    }
}

impl DocumentVisitor for Pass<'_, '_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        let list = List::of(section, name, self.gather.extras);
        let newest = self.gather.archive == self.gather.newest;
        let of_the_account = section == Section::User || self.gather.extras && name == "settings";
        if self.groups {
            list == Some(List::Groups)
        } else {
            list.is_some_and(|list| list != List::Groups) || list.is_none() && newest && of_the_account
        }
    }

    fn array(&mut self, place: &Place<'_>) {
        if place.section == Section::User && place.name == "blocks" {
            self.gather.blocks.get_or_insert_default();
        }
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let gather = &mut *self.gather;
        if gather.extras {
            value.get().clone_into(&mut gather.extra_settings);
        } else {
            let comma = if gather.settings.is_empty() { "" } else { "," };
            let name = serde_json::to_string(place.name).unwrap_or_default();
            for part in [comma, &name, ":", value.get()] {
                gather.settings.push_str(part);
            }
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        if let Some(list) = List::of(place.section, place.name, self.gather.extras) {
            self.gather.record(list, place, value)?;
        } else if place.name == "blocks" {
            let blocks = self.gather.blocks.get_or_insert_default();
            if !blocks.is_empty() {
                blocks.push(',');
            }
            blocks.push_str(value.get());
        }
        Ok(Next::Continue)
    }
}
