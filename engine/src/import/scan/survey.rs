//! A first pass over the archive: the account itself, and everyone it mentions.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::value::RawValue;

use crate::archive::document::{
    Additions, DocumentError, DocumentVisitor, LostValue, Next, Place, Record, Section, read_document,
    read_extras, read_record, relayable, username,
};
use crate::archive::lists::List;
use crate::archive::open::{Archive, Verified};
use crate::discovery::PostName;
use crate::domain::{
    Aspect, CommentedPost, Contact, Conversation, CountKind, DiasporaId, Entity, ExtraSettings, Guid,
    LoosePhoto, NonContactAuthor, OwnPost, Photo, Post, PrivateKey, Profile, Relayable, RelayableEntity,
    Reshare,
};
use crate::import::ImportError;
use crate::import::scan::source::is_batched;
use crate::import::write::photos::PhotoCheck;
use crate::progress::Progress;

/// The maximum number of people that are read from one archive; no account knows more.
const MAX_PEOPLE: usize = 500_000;

/// The maximum number of others' posts that are noted as parents of the account's own records.
const MAX_PARENTS: usize = 100_000;

/// The maximum size of aspects, blocks and names of photos, which stay in memory until their import: enough for
/// hundreds of thousands of them.
const MAX_KEPT_BYTES: usize = 32 << 20;

/// The memory that each of them takes in addition to its text.
const ENTRY_BYTES: usize = 64;

/// The maximum number of records that cannot be read and are listed; all are counted.
const MAX_LISTED_RECORDS: usize = 10_000;

/// The archive's data about a person.
#[derive(Debug, Clone, Default)]
pub(in crate::import) struct KnownPerson {
    pub(in crate::import) guid: Option<Guid>,
    pub(in crate::import) name: Option<String>,
    pub(in crate::import) key: Option<String>,
}

/// The result of the first pass.
#[derive(Debug, Default)]
pub(in crate::import) struct Survey {
    pub(in crate::import) username: String,
    pub(in crate::import) email: String,
    pub(in crate::import) language: Option<String>,
    pub(in crate::import) private_key: Option<PrivateKey>,
    pub(in crate::import) disable_mail: bool,
    pub(in crate::import) show_community_spotlight: bool,
    pub(in crate::import) auto_follow_back: bool,
    pub(in crate::import) auto_follow_back_aspect: Option<String>,
    pub(in crate::import) blocks: Vec<DiasporaId>,
    pub(in crate::import) profile: Option<Profile>,
    pub(in crate::import) aspects: Vec<String>,
    pub(in crate::import) settings: ExtraSettings,
    pub(in crate::import) people: BTreeMap<DiasporaId, KnownPerson>,
    /// Names of the photo files in the archive.
    pub(in crate::import) files: HashSet<String>,
    /// Photo files with their sizes in bytes.
    pub(in crate::import) photos: Vec<(String, u64)>,
    /// Names of files among the photos that are no pictures, or too large.
    pub(in crate::import) rejected_photos: Vec<String>,
    /// GUIDs of the account's photos, with the names of their files.
    pub(in crate::import) photo_names: Vec<(Guid, String)>,
    /// The number of records that will be read in batches, for showing progress.
    pub(in crate::import) records: u64,
    /// Posts, and posts with polls, that the account's own records belong to, by their GUIDs in the archive; with the
    /// author, if the archive names one.
    pub(in crate::import) parents: BTreeMap<(PostName, Guid), Option<DiasporaId>>,
    /// The lists of the archive, in their order.
    pub(in crate::import) lists: Vec<List>,
    /// Blocks and aspects that cannot be read, with their paths in the document.
    pub(in crate::import) unreadable: Vec<(CountKind, String)>,
    /// Values of the account itself, its blocks and aspects that cannot be read, with their paths in the document.
    pub(in crate::import) values_left_out: Vec<(CountKind, String)>,
    /// Records that cannot be read and are not listed.
    pub(in crate::import) unlisted_unreadable: BTreeMap<CountKind, u64>,
    /// Hashes of the account's own posts and polls, which need not be fetched; hashes, as there may be millions.
    own_hashes: HashSet<u64>,
    /// Hashes of the account's own limited posts.
    pub(in crate::import) limited: HashSet<u64>,
    /// Size of the aspects, blocks and names of photos in bytes, with [`ENTRY_BYTES`] for each.
    kept_bytes: usize,
    /// Data about records from outside the document, while it is read.
    additions: Additions,
}

impl Survey {
    /// Reads the archive once, and checks its photo files to this depth.
    pub(in crate::import) fn read(
        archive: &mut Archive<Verified>,
        check: PhotoCheck,
        progress: &dyn Progress,
    ) -> Result<Self, ImportError> {
        let limits = *archive.limits();
        let mut survey = Self { additions: archive.additions::<ImportError>()?, ..Self::default() };
        read_document(archive.document()?, &limits, &mut survey)?;
        if let Some(extras) = archive.extras()? {
            read_extras(extras, &limits, &mut survey)?;
        }
        survey.read_photos(archive, check, progress)?;
        let own_hashes = std::mem::take(&mut survey.own_hashes);
        survey.additions = Additions::default();
        survey.parents.retain(|(_, guid), _| !own_hashes.contains(&guid_hash(guid)));
        Ok(survey)
    }

    /// Notes that a post is needed, and its author if known.
    fn need(&mut self, name: PostName, guid: Guid, author: Option<DiasporaId>) {
        if self.parents.len() >= MAX_PARENTS && !self.parents.contains_key(&(name, guid.clone())) {
            return;
        }
        let known = self.parents.entry((name, guid)).or_default();
        *known = known.take().or(author);
    }

    /// Notes the parent of a record of the account's own as needed.
    fn need_parent(&mut self, value: &RawValue) {
        let Ok(Relayable { entity, .. }) = relayable(value) else { return };
        let name = match &entity {
            RelayableEntity::Like(like) if like.parent_type == "Comment" => return,
            RelayableEntity::Comment(_) | RelayableEntity::Like(_) => PostName::Post,
            RelayableEntity::PollParticipation(_) => PostName::Poll,
        };
        self.need(name, entity.parent_guid().clone(), None);
    }

    /// Returns the entry of a person, which it adds if missing; none if there are too many people.
    fn person_entry(&mut self, person: DiasporaId) -> Option<&mut KnownPerson> {
        if self.people.len() >= MAX_PEOPLE && !self.people.contains_key(&person) {
            return None;
        }
        Some(self.people.entry(person).or_default())
    }

    /// Reads a value of the account itself, and notes its unreadable parts.
    fn read_value<T: Record>(&mut self, place: &Place<'_>, value: &RawValue) -> Option<T> {
        // The report counts by kinds of records. The account's own values have none, and count as aspects.
        let kind = if place.list() == Some(List::Blocks) { CountKind::Blocks } else { CountKind::Aspects };
        let json_path = place.to_string();
        match read_record(value, None) {
            Ok((record, lost)) => {
                for LostValue { path, .. } in lost {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.values_left_out.push((kind, format!("{json_path}{dot}{path}")));
                }
                Some(record)
            }
            Err(_) => None,
        }
    }

    /// Reads a field of the account itself.
    fn read_field<T: Record>(&mut self, place: &Place<'_>, value: &RawValue) -> Option<T> {
        let read = self.read_value(place, value);
        if read.is_none() && value.get() != "null" {
            self.values_left_out.push((CountKind::Aspects, place.to_string()));
        }
        read
    }

    /// Reads an aspect or a blocked person.
    fn read_element<T: Record>(&mut self, place: &Place<'_>, value: &RawValue, kind: CountKind) -> Option<T> {
        let read = self.read_value(place, value);
        if read.is_none() {
            if self.unreadable.len() < MAX_LISTED_RECORDS {
                self.unreadable.push((kind, place.to_string()));
            } else {
                *self.unlisted_unreadable.entry(kind).or_default() += 1;
            }
        }
        read
    }

    fn set_field(&mut self, place: &Place<'_>, value: &RawValue) {
        match place.name {
            "username" => {
                self.username = username(&self.read_field::<String>(place, value).unwrap_or_default());
            }
            "email" => self.email = self.read_field(place, value).unwrap_or_default(),
            "language" => self.language = self.read_field(place, value).flatten(),
            "private_key" => self.private_key = self.read_field(place, value),
            "disable_mail" => self.disable_mail = self.read_field(place, value).unwrap_or_default(),
            "show_community_spotlight_in_stream" => {
                self.show_community_spotlight = self.read_field(place, value).unwrap_or_default();
            }
            "auto_follow_back" => self.auto_follow_back = self.read_field(place, value).unwrap_or_default(),
            "auto_follow_back_aspect" => {
                self.auto_follow_back_aspect = self.read_field(place, value).flatten();
            }
            "profile" => {
                self.profile = self.read_field::<Entity<Profile>>(place, value).map(|profile| profile.0);
            }
            "settings" => self.settings = self.read_field(place, value).unwrap_or_default(),
            _ => {}
        }
    }

    fn visit_post(&mut self, mut post: OwnPost) {
        self.additions.complete(&mut post);
        // People who may see limited posts: some may belong to the target pod.
        for person in post.subscribed_users_ids.into_iter().flatten() {
            self.person_entry(person);
        }
        self.own_hashes.insert(guid_hash(post.post.guid()));
        match post.post {
            Post::StatusMessage(message) => {
                if !message.public {
                    self.limited.insert(guid_hash(&message.guid));
                }
                for Entity(photo) in message.photos {
                    self.visit_photo(photo);
                }
                self.own_hashes.extend(message.poll.map(|Entity(poll)| guid_hash(&poll.guid)));
            }
            Post::Reshare(Reshare { root_author, root_guid: Some(root), .. }) => {
                self.need(PostName::Post, root, root_author);
            }
            Post::Reshare(_) => {}
        }
    }

    fn visit_photo(&mut self, photo: Photo) {
        self.kept_bytes += photo.remote_photo_name.len() + ENTRY_BYTES;
        self.photo_names.push((photo.guid, photo.remote_photo_name));
    }

    fn visit_contact(&mut self, contact: Contact) {
        if let Some(person) = self.person_entry(contact.account_id) {
            let name = Some(contact.person_name).filter(|name| !name.is_empty());
            *person = KnownPerson { guid: contact.person_guid, name, key: contact.public_key };
        }
    }

    fn visit_author(&mut self, author: NonContactAuthor) {
        if let Some(person) = self.person_entry(author.account_id) {
            person.guid = person.guid.take().or(author.guid);
            person.key = person.key.take().or(Some(author.public_key));
        }
    }

    fn visit_signer(&mut self, mut record: Relayable) {
        // Only the signer's key matters; this pod knows which account the signer has now.
        self.additions.name_signer(&mut record);
        self.person_entry(record.entity.author().clone());
    }

    fn visit_aspect(&mut self, place: &Place<'_>, value: &RawValue) {
        if let Some(aspect) = self.read_element::<Aspect>(place, value, CountKind::Aspects) {
            self.kept_bytes += aspect.name.len() + ENTRY_BYTES;
            self.aspects.push(aspect.name);
        }
    }

    fn visit_block(&mut self, place: &Place<'_>, value: &RawValue) {
        if let Some(person) = self.read_element::<DiasporaId>(place, value, CountKind::Blocks) {
            self.kept_bytes += person.as_str().len() + ENTRY_BYTES;
            self.blocks.push(person.clone());
            self.person_entry(person);
        }
    }

    fn visit(&mut self, list: List, place: &Place<'_>, value: &RawValue) {
        match list {
            List::Aspects => self.visit_aspect(place, value),
            List::Blocks => self.visit_block(place, value),
            List::Contacts => {
                if let Ok((contact, _)) = read_record(value, None) {
                    self.visit_contact(contact);
                }
            }
            List::NonContactAuthors => {
                if let Ok((author, _)) = read_record(value, None) {
                    self.visit_author(author);
                }
            }
            List::OwnRelayables => self.need_parent(value),
            List::OthersRelayables | List::LikesOnComments => {
                if let Ok(record) = relayable(value) {
                    self.visit_signer(record);
                }
            }
            List::Conversations => {
                let conversation = serde_json::from_str::<Conversation>(value.get());
                for person in conversation.into_iter().flat_map(|conversation| conversation.participants) {
                    self.person_entry(person);
                }
            }
            List::Posts => {
                if let Ok((post, _)) = read_record::<OwnPost>(value, None) {
                    self.visit_post(post);
                }
            }
            List::LoosePhotos => {
                if let Ok(LoosePhoto { photo, .. }) = serde_json::from_str(value.get()) {
                    self.visit_photo(photo);
                }
            }
            List::Subscriptions => {
                if let Ok((post, _)) = read_record(value, None) {
                    self.need(PostName::Post, post, None);
                }
            }
            List::CommentedPosts => {
                if let Ok(post) = serde_json::from_str::<CommentedPost>(value.get()) {
                    self.need(PostName::Post, post.guid, Some(post.author));
                }
            }
            // They mention nobody, and are read in batches or with the records to which they belong.
            List::FollowedTags
            | List::AspectVisibility
            | List::UnsignedRelayables
            | List::Signers
            | List::PostRemainders
            | List::HiddenPosts => {}
        }
    }
}

/// Returns whether this is `others_data` itself, which is an object in valid documents.
fn is_others_data(place: &Place<'_>) -> bool {
    place.section == Section::Root && place.name == "others_data"
}

/// Returns a hash of a GUID, for large sets.
pub(in crate::import) fn guid_hash(guid: &Guid) -> u64 {
    let mut hasher = DefaultHasher::new();
    guid.hash(&mut hasher);
    hasher.finish()
}

impl DocumentVisitor for Survey {
    fn array(&mut self, place: &Place<'_>) {
        match place.list() {
            Some(list) => self.lists.push(list),
            // An array instead of a value of the account's: no value can be read from an empty one.
            None if matches!(place.section, Section::User | Section::Extras) => {
                if let Ok(array) = serde_json::from_str("[]") {
                    self.set_field(place, array);
                }
            }
            None => {}
        }
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        match place
            .list()
            .map(List::kind)
            .or_else(|| is_others_data(place).then_some(CountKind::OthersComments))
        {
            Some(_) if value.get() == "null" => {}
            Some(kind) => self.values_left_out.push((kind, place.to_string())),
            None if matches!(place.section, Section::User | Section::Extras) => self.set_field(place, value),
            None => {}
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let Some(list) = place.list() else {
            if is_others_data(place) && place.index == Some(0) {
                self.values_left_out.push((CountKind::OthersComments, place.name.to_owned()));
            }
            return Ok(Next::Continue);
        };
        self.records += u64::from(is_batched(list));
        self.visit(list, place, value);
        if self.kept_bytes > MAX_KEPT_BYTES {
            let problem = format!(
                "aspects, blocks and photos take more than {} MiB; no honest archive has so many",
                MAX_KEPT_BYTES >> 20
            );
            return Err(DocumentError::record(place, &problem));
        }
        Ok(Next::Continue)
    }
}
