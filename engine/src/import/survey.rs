//! A first look through the archive: the account itself, and everybody it speaks of.

use std::collections::BTreeMap;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ImportError;
use crate::archive::document::{
    DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras, relayable,
};
use crate::archive::open::{Archive, OpenError, Verified};
use crate::domain::{
    Aspect, Contact, Conversation, DiasporaId, Entity, ExtraSettings, Guid, NonContactAuthor, PrivateKey,
    Profile, Relayable,
};

/// People of one archive that are looked at; nobody has more.
const MAX_PEOPLE: usize = 500_000;

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
    /// How many posts the archive holds, for showing progress.
    pub(super) records: u64,
}

impl Survey {
    /// Reads the archive once.
    pub(super) fn read(archive: &mut Archive<Verified>) -> Result<Self, ImportError> {
        let limits = *archive.limits();
        let mut survey = Self::default();
        read_document(archive.document()?, &limits, &mut survey)?;
        if let Some(extras) = archive.extras()? {
            read_extras(extras, &limits, &mut survey)?;
        }
        archive.photos::<OpenError>(|name, _, _| {
            survey.files.insert(name.to_owned());
            Ok(())
        })?;
        Ok(survey)
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

    fn see(&mut self, name: &str, value: &RawValue) {
        self.records += 1;
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
                if let Ok(Relayable { entity, .. }) = relayable(value) {
                    self.meet(entity.author().clone());
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
                // Those who may see limited posts, as far as they live on the target pod.
                #[derive(Deserialize)]
                struct Seen {
                    #[serde(default)]
                    subscribed_users_ids: Vec<DiasporaId>,
                }
                if let Ok(post) = serde_json::from_str::<Seen>(value.get()) {
                    for person in post.subscribed_users_ids {
                        self.meet(person);
                    }
                }
            }
            _ => {}
        }
    }
}

impl DocumentVisitor for Survey {
    fn wants(&self, section: Section, name: &str) -> bool {
        // `user.relayables` are the account's own.
        !(section == Section::User && name == "relayables")
    }

    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.set(place.name, value);
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.see(place.name, value);
        Ok(Next::Continue)
    }
}
