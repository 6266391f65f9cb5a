//! A first look through the archive: the account itself, and everybody it speaks of.

use std::collections::BTreeMap;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ImportError;
use crate::archive::document::{
    Additions, DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras, relayable,
};
use crate::archive::open::{Archive, OpenError, Verified};
use crate::discovery::PostName;
use crate::domain::{
    Aspect, CommentedPost, Contact, Conversation, DiasporaId, Entity, ExtraSettings, Guid, LoosePhoto,
    NonContactAuthor, OwnPost, Post, PrivateKey, Profile, Relayable, RelayableEntity, Reshare,
};

/// People of one archive that are looked at; nobody has more.
const MAX_PEOPLE: usize = 500_000;

/// Posts of others that are remembered as parents of the account's own records.
const MAX_PARENTS: usize = 100_000;

/// What the archive knows of a person.
#[derive(Debug, Clone, Default)]
pub(super) struct Described {
    pub(super) guid: Option<Guid>,
    pub(super) name: Option<String>,
    pub(super) key: Option<String>,
}

/// What the first look finds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) username: String,
    pub(super) email: String,
    pub(super) language: Option<String>,
    pub(super) private_key: Option<PrivateKey>,
    pub(super) disable_mail: bool,
    pub(super) show_community_spotlight: bool,
    pub(super) auto_follow_back: bool,
    pub(super) auto_follow_back_aspect: Option<String>,
    pub(super) blocks: Vec<DiasporaId>,
    pub(super) profile: Option<Profile>,
    pub(super) aspects: Vec<String>,
    pub(super) settings: ExtraSettings,
    pub(super) people: BTreeMap<DiasporaId, Described>,
    /// Names of the photo files in the archive.
    pub(super) files: HashSet<String>,
    /// Photo files with their sizes in bytes.
    pub(super) photos: Vec<(String, u64)>,
    /// GUIDs of the account's photos, with the names of their files.
    pub(super) photo_names: Vec<(Guid, String)>,
    /// How many records will be read in batches, for showing progress.
    pub(super) records: u64,
    /// Posts, and posts with polls, that the account's own records belong to, by the GUID that the archive
    /// knows; with the author, if the archive names one.
    pub(super) parents: BTreeMap<(PostName, Guid), Option<DiasporaId>>,
    /// GUIDs of the account's own posts and polls.
    own: HashSet<Guid>,
    /// What is known of records beyond the document, while it is read.
    additions: Additions,
}

impl Survey {
    /// Reads the archive once.
    pub(super) fn read(archive: &mut Archive<Verified>) -> Result<Self, ImportError> {
        let limits = *archive.limits();
        let mut survey = Self { additions: archive.additions::<ImportError>()?, ..Self::default() };
        read_document(archive.document()?, &limits, &mut survey)?;
        if let Some(extras) = archive.extras()? {
            read_extras(extras, &limits, &mut survey)?;
        }
        archive.photos::<OpenError>(|name, size, _| {
            survey.files.insert(name.to_owned());
            survey.photos.push((name.to_owned(), size));
            Ok(())
        })?;
        let own = std::mem::take(&mut survey.own);
        survey.additions = Additions::default();
        survey.parents.retain(|(_, guid), _| !own.contains(guid));
        Ok(survey)
    }

    /// Notes that a post is needed, and who wrote it if that is known.
    fn need(&mut self, name: PostName, guid: Guid, author: Option<DiasporaId>) {
        if self.parents.len() >= MAX_PARENTS && !self.parents.contains_key(&(name, guid.clone())) {
            return;
        }
        let known = self.parents.entry((name, guid)).or_default();
        *known = known.take().or(author);
    }

    /// A record of the account's own needs what it belongs to.
    fn need_parent(&mut self, value: &RawValue) {
        let Ok(Relayable { entity, .. }) = relayable(value) else { return };
        let name = match &entity {
            RelayableEntity::Like(like) if like.parent_type != "Post" => return,
            RelayableEntity::Comment(_) | RelayableEntity::Like(_) => PostName::Post,
            RelayableEntity::PollParticipation(_) => PostName::Poll,
        };
        self.need(name, entity.parent_guid().clone(), None);
    }

    fn meet(&mut self, person: DiasporaId) -> Option<&mut Described> {
        if self.people.len() >= MAX_PEOPLE && !self.people.contains_key(&person) {
            return None;
        }
        Some(self.people.entry(person).or_default())
    }

    fn set(&mut self, name: &str, value: &RawValue) {
        fn read<'a, T: Deserialize<'a> + Default>(value: &'a RawValue) -> T {
            serde_json::from_str(value.get()).unwrap_or_default()
        }
        match name {
            "username" => self.username = read(value),
            "email" => self.email = read(value),
            "language" => self.language = read(value),
            "private_key" => self.private_key = serde_json::from_str(value.get()).ok(),
            "disable_mail" => self.disable_mail = read(value),
            "show_community_spotlight_in_stream" => self.show_community_spotlight = read(value),
            "auto_follow_back" => self.auto_follow_back = read(value),
            "auto_follow_back_aspect" => self.auto_follow_back_aspect = read(value),
            "profile" => {
                self.profile =
                    serde_json::from_str::<Entity<Profile>>(value.get()).ok().map(|profile| profile.0);
            }
            "settings" => self.settings = read(value),
            _ => {}
        }
    }

    fn see_post(&mut self, mut post: OwnPost) {
        self.additions.complete(&mut post);
        // Those who may see limited posts, as far as they live on the target pod.
        for person in post.subscribed_users_ids.into_iter().flatten() {
            self.meet(person);
        }
        self.own.insert(post.post.guid().clone());
        match post.post {
            Post::StatusMessage(message) => {
                let photos = message.photos.into_iter();
                self.photo_names.extend(photos.map(|photo| (photo.0.guid, photo.0.remote_photo_name)));
                self.own.extend(message.poll.map(|Entity(poll)| poll.guid));
            }
            Post::Reshare(Reshare { root_author, root_guid: Some(root), .. }) => {
                self.need(PostName::Post, root, root_author);
            }
            Post::Reshare(_) => {}
        }
    }

    fn see(&mut self, name: &str, value: &RawValue) {
        match name {
            "contact_groups" => {
                if let Ok(aspect) = serde_json::from_str::<Aspect>(value.get()) {
                    self.aspects.push(aspect.name);
                }
            }
            "blocks" => {
                if let Ok(person) = serde_json::from_str::<DiasporaId>(value.get()) {
                    self.blocks.push(person.clone());
                    self.meet(person);
                }
            }
            "contacts" => {
                if let Ok(contact) = serde_json::from_str::<Contact>(value.get())
                    && let Some(person) = self.meet(contact.account_id)
                {
                    let (guid, name) = (Some(contact.person_guid), Some(contact.person_name));
                    *person = Described { guid, name, key: contact.public_key };
                }
            }
            "non_contact_authors" => {
                if let Ok(author) = serde_json::from_str::<NonContactAuthor>(value.get())
                    && let Some(person) = self.meet(author.account_id)
                {
                    person.guid = person.guid.take().or(Some(author.guid));
                    person.key = person.key.take().or(Some(author.public_key));
                }
            }
            "relayables" | "likes_on_comments" => {
                if let Ok(mut record) = relayable(value) {
                    // Only the key of whoever signed it counts; who that is now, this pod knows itself.
                    self.additions.name_signer(&mut record);
                    self.meet(record.entity.author().clone());
                }
            }
            "conversations" => {
                if let Ok(conversation) = serde_json::from_str::<Conversation>(value.get()) {
                    for person in conversation.participants {
                        self.meet(person);
                    }
                }
            }
            "posts" => {
                if let Ok(post) = serde_json::from_str::<OwnPost>(value.get()) {
                    self.see_post(post);
                }
            }
            "loose_photos" => {
                if let Ok(LoosePhoto { photo, .. }) = serde_json::from_str(value.get()) {
                    self.photo_names.push((photo.guid, photo.remote_photo_name));
                }
            }
            "post_subscriptions" => {
                if let Ok(post) = serde_json::from_str(value.get()) {
                    self.need(PostName::Post, post, None);
                }
            }
            "commented_posts" => {
                if let Ok(post) = serde_json::from_str::<CommentedPost>(value.get()) {
                    self.need(PostName::Post, post.guid, Some(post.author));
                }
            }
            _ => {}
        }
    }
}

impl DocumentVisitor for Survey {
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.set(place.name, value);
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.records += u64::from(super::source::is_batched(place.section, place.name));
        if place.section == Section::User && place.name == "relayables" {
            self.need_parent(value);
        } else {
            self.see(place.name, value);
        }
        Ok(Next::Continue)
    }
}
