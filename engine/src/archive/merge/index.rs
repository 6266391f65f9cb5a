//! An index of the archive that supplies each record: the newest that has it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::lists::List;
use super::{MergeError, MergeInput};
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras,
};
use crate::domain::RecordKind;

/// A digest of a record's kind and name, to save memory: there may be millions.
type Name = [u8; 16];

/// A namespace of records. All relayables share one wherever they appear, as do people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    Group,
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
}

impl Space {
    /// Returns the plural name, for people and programs.
    fn word(self) -> &'static str {
        match self {
            Self::Group => "aspects",
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
        }
    }
}

/// The archive that supplies each record, by its index from the oldest to the newest.
#[derive(Default)]
pub(super) struct Index {
    givers: HashMap<Name, u16>,
    older: BTreeMap<&'static str, u64>,
}

impl Index {
    /// Reads the names of all records.
    pub(super) fn read(inputs: &mut [MergeInput]) -> Result<Self, MergeError> {
        let mut index = Self::default();
        let newest = inputs.len().saturating_sub(1);
        for (place, input) in inputs.iter_mut().enumerate().rev() {
            let limits = *input.archive.limits();
            let archive = u16::try_from(place).unwrap_or(u16::MAX);
            let mut names = Names { index: &mut index, archive, newest: place == newest, extras: false };
            read_document(input.archive.document()?, &limits, &mut names)?;
            names.extras = true;
            if let Some(extras) = input.archive.extras()? {
                read_extras(extras, &limits, &mut names)?;
            }
            let files =
                input.archive.manifest().map(|manifest| manifest.entries.as_slice()).unwrap_or_default();
            for file in
                files.iter().filter_map(|entry| entry.path.strip_prefix(crate::archive::names::PHOTOS))
            {
                names.note(Space::PhotoFile, file);
            }
        }
        Ok(index)
    }

    /// Returns the number of records by kind that the newest archive lacks.
    pub(super) fn only_in_older(&self) -> BTreeMap<&'static str, u64> {
        self.older.clone()
    }

    /// Returns the archive that supplies a record, or `None` if none has it.
    pub(super) fn giver(&self, space: Space, name: &str) -> Option<usize> {
        self.givers.get(&digest(space, name)).copied().map(usize::from)
    }

    /// Like [`giver`](Self::giver), for the record of an omission.
    pub(super) fn giver_of(&self, kind: RecordKind, name: &str) -> Option<usize> {
        let spaces: &[Space] = match kind {
            RecordKind::Contact | RecordKind::Person => &[Space::Person],
            RecordKind::Post => &[Space::Post],
            RecordKind::Photo => &[Space::Photo],
            RecordKind::PhotoFile => &[Space::PhotoFile],
            RecordKind::Poll => &[Space::Poll],
            RecordKind::Comment | RecordKind::Like | RecordKind::PollParticipation => &[Space::Relayable],
            RecordKind::Conversation => &[Space::Conversation],
            RecordKind::Message => &[Space::Message],
            RecordKind::Subscription => &[Space::Subscription],
            // Only the newest archive counts for these.
            RecordKind::Account | RecordKind::Block => &[],
        };
        spaces.iter().find_map(|space| self.giver(*space, name))
    }
}

fn digest(space: Space, name: &str) -> Name {
    let digest = Sha256::new().chain_update([space as u8]).chain_update(name).finalize();
    let mut short = Name::default();
    for (byte, from) in short.iter_mut().zip(digest) {
        *byte = from;
    }
    short
}

struct Names<'a> {
    index: &'a mut Index,
    archive: u16,
    newest: bool,
    extras: bool,
}

impl Names<'_> {
    fn note(&mut self, space: Space, name: &str) {
        if let Entry::Vacant(vacant) = self.index.givers.entry(digest(space, name)) {
            vacant.insert(self.archive);
            if !self.newest {
                *self.index.older.entry(space.word()).or_default() += 1;
            }
        }
    }
}

impl DocumentVisitor for Names<'_> {
    fn wants(&self, section: Section, name: &str) -> bool {
        List::of(section, name, self.extras).is_some()
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        if let Some(list) = List::of(place.section, place.name, self.extras) {
            let record = Record::read(list, place, value)?;
            self.note(list.space(), &record.name);
            for (space, name) in record.parts {
                self.note(space, &name);
            }
        }
        Ok(Next::Continue)
    }
}

/// A record's name, and the names of the records within it.
pub(super) struct Record {
    pub(super) name: String,
    pub(super) parts: Vec<(Space, String)>,
}

#[derive(Deserialize)]
struct Guid {
    guid: String,
}

#[derive(Deserialize)]
struct Wrapped<T> {
    entity_data: T,
}

#[derive(Deserialize)]
struct PostNames {
    guid: String,
    #[serde(default)]
    photos: Vec<Wrapped<Guid>>,
    #[serde(default)]
    poll: Option<Wrapped<Guid>>,
}

#[derive(Deserialize)]
struct ConversationNames {
    guid: String,
    messages: Vec<Guid>,
}

#[derive(Deserialize)]
struct PersonName {
    account_id: String,
}

#[derive(Deserialize)]
struct GroupName {
    name: String,
}

#[derive(Deserialize)]
struct AudienceName {
    kind: String,
    guid: String,
}

impl Record {
    /// Reads only the names.
    pub(super) fn read(list: List, place: &Place<'_>, value: &RawValue) -> Result<Self, DocumentError> {
        fn parse<'a, T: Deserialize<'a>>(place: &Place<'_>, value: &'a RawValue) -> Result<T, DocumentError> {
            serde_json::from_str(value.get()).map_err(|error| DocumentError::record(place, &error))
        }
        let plain = |name| Self { name, parts: Vec::new() };
        Ok(match list {
            List::Groups => plain(parse::<GroupName>(place, value)?.name),
            List::Contacts | List::Authors => plain(parse::<PersonName>(place, value)?.account_id),
            List::Tags | List::Subscriptions | List::HiddenPosts => plain(parse(place, value)?),
            List::OwnRelayables | List::OthersRelayables | List::LikesOnComments | List::Unsigned => {
                plain(parse::<Wrapped<Guid>>(place, value)?.entity_data.guid)
            }
            List::LoosePhotos | List::CommentedPosts | List::SignedAs => {
                plain(parse::<Guid>(place, value)?.guid)
            }
            List::Audiences => {
                let AudienceName { kind, guid } = parse(place, value)?;
                plain(format!("{kind} {guid}"))
            }
            List::Posts | List::PostRemainders => {
                let post = if list == List::Posts {
                    parse::<Wrapped<PostNames>>(place, value)?.entity_data
                } else {
                    parse::<PostNames>(place, value)?
                };
                let photos = post.photos.into_iter().map(|photo| (Space::Photo, photo.entity_data.guid));
                let poll = post.poll.map(|poll| (Space::Poll, poll.entity_data.guid));
                Self { name: post.guid, parts: photos.chain(poll).collect() }
            }
            List::Conversations => {
                let ConversationNames { guid, messages } = parse(place, value)?;
                let parts = messages.into_iter().map(|message| (Space::Message, message.guid)).collect();
                Self { name: guid, parts }
            }
        })
    }
}
