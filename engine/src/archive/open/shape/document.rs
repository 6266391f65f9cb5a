//! Validation of the archive document.

use serde_json::value::RawValue;

use super::Tally;
use crate::archive::document::{DocumentError, DocumentVisitor, Next, Place, Section};
use crate::archive::manifest::CountKind;
use crate::domain::{
    Aspect, Contact, DiasporaId, Entity, Guid, NonContactAuthor, OwnPost, Post, PrivateKey, Profile,
    Relayable, RelayableEntity,
};

/// Validates every record of a document, and keeps the fields that identify its account.
pub(in crate::archive::open) struct DocumentShape {
    pub(in crate::archive::open) tally: Tally,
    pub(in crate::archive::open) version: Option<String>,
    pub(in crate::archive::open) username: Option<String>,
    pub(in crate::archive::open) has_email: bool,
    pub(in crate::archive::open) has_key: bool,
    pub(in crate::archive::open) profile: Option<Profile>,
}

impl DocumentShape {
    pub(in crate::archive::open) fn new(tally: Tally) -> Self {
        Self { tally, version: None, username: None, has_email: false, has_key: false, profile: None }
    }

    fn user_field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<(), DocumentError> {
        match place.name {
            "username" => self.username = self.tally.parse(place, value)?,
            "email" => self.has_email = self.tally.parse::<String>(place, value)?.is_some(),
            "private_key" => self.has_key = self.tally.parse::<PrivateKey>(place, value)?.is_some(),
            "profile" => {
                self.profile = self.tally.parse::<Entity<Profile>>(place, value)?.map(|entity| entity.0);
            }
            "language" | "auto_follow_back_aspect" => _ = self.tally.parse::<Option<String>>(place, value)?,
            "disable_mail" | "show_community_spotlight_in_stream" | "auto_follow_back" => {
                _ = self.tally.parse::<bool>(place, value)?;
            }
            name if is_list(Section::User, name) => self.tally.refuse(place, "this should be an array")?,
            // Newer software may write further fields.
            _ => {}
        }
        Ok(())
    }

    fn post(&mut self, place: &Place<'_>, value: &RawValue) -> Result<(), DocumentError> {
        let Some(own) = self.tally.parse::<OwnPost>(place, value)? else { return Ok(()) };
        match own.post {
            Post::Reshare(_) => self.tally.count(CountKind::Reshares, 1),
            Post::StatusMessage(message) => {
                self.tally.count(CountKind::StatusMessages, 1);
                self.tally.count(CountKind::Photos, message.photos.len() as u64);
                self.tally.count(CountKind::Polls, u64::from(message.poll.is_some()));
            }
        }
        Ok(())
    }

    fn relayable(&mut self, place: &Place<'_>, value: &RawValue) -> Result<(), DocumentError> {
        let Some(relayable) = self.tally.parse::<Relayable>(place, value)? else { return Ok(()) };
        let own = place.section == Section::User;
        self.tally.count(
            match (relayable.entity, own) {
                (RelayableEntity::Comment(_), true) => CountKind::OwnComments,
                (RelayableEntity::Like(_), true) => CountKind::OwnLikes,
                (RelayableEntity::PollParticipation(_), true) => CountKind::OwnPollParticipations,
                (RelayableEntity::Comment(_), false) => CountKind::OthersComments,
                (RelayableEntity::Like(_), false) => CountKind::OthersLikes,
                (RelayableEntity::PollParticipation(_), false) => CountKind::OthersPollParticipations,
            },
            1,
        );
        Ok(())
    }
}

/// Returns whether a field holds a list of records.
fn is_list(section: Section, name: &str) -> bool {
    match section {
        Section::Root => false,
        Section::User => matches!(
            name,
            "blocks"
                | "contact_groups"
                | "contacts"
                | "posts"
                | "followed_tags"
                | "post_subscriptions"
                | "relayables"
        ),
        Section::OthersData => matches!(name, "relayables" | "non_contact_authors"),
    }
}

impl DocumentVisitor for DocumentShape {
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        match (place.section, place.name) {
            (Section::Root, "version") => {
                let version: Option<String> = self.tally.parse(place, value)?;
                let known = version.as_deref() == Some("2.0");
                self.version = Some(version.unwrap_or_else(|| value.get().to_owned()));
                // Other versions may have a different meaning.
                return Ok(if known { Next::Continue } else { Next::Stop });
            }
            (Section::Root, "user" | "others_data") => {
                self.tally.refuse(place, "this should be an object")?;
            }
            (Section::User, _) => self.user_field(place, value)?,
            (section, name) if is_list(section, name) => {
                self.tally.refuse(place, "this should be an array")?;
            }
            _ => {}
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let tally = &mut self.tally;
        match (place.section, place.name) {
            (Section::User, "blocks") => tally.count_one::<DiasporaId>(place, value, CountKind::Blocks)?,
            (Section::User, "contact_groups") => {
                tally.count_one::<Aspect>(place, value, CountKind::Aspects)?;
            }
            (Section::User, "contacts") => tally.count_one::<Contact>(place, value, CountKind::Contacts)?,
            (Section::User, "followed_tags") => {
                tally.count_one::<String>(place, value, CountKind::FollowedTags)?;
            }
            (Section::User, "post_subscriptions") => {
                tally.count_one::<Guid>(place, value, CountKind::Subscriptions)?;
            }
            (Section::OthersData, "non_contact_authors") => {
                tally.count_one::<NonContactAuthor>(place, value, CountKind::NonContactAuthors)?;
            }
            (Section::User, "posts") => self.post(place, value)?,
            (Section::User | Section::OthersData, "relayables") => self.relayable(place, value)?,
            _ => {}
        }
        Ok(Next::Continue)
    }
}
