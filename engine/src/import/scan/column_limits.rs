//! Texts that the target pod's database cannot store: too long for their columns, or with characters that are not in
//! its character set. In the account's own texts, control characters are replaced as well: they are replaced whenever a
//! pod's texts are read, and a later run must find the same text.
//!
//! Texts are checked before they are written, so a dry run reports them as well. The account's own texts are cut, and
//! their characters replaced; a text that others signed would no longer match its signature, and is left out.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use crate::domain::{
    Conversation, CountKind, Entity, LoosePhoto, Photo, Post, Profile, Relayable, RelayableEntity,
    StatusMessage, web_address,
};
use crate::import::report::{FindingCode, Report, Subject};
use crate::import::scan::source::Batch;
use crate::import::scan::survey::Survey;
use crate::import::scan::text::normal_tag;
use crate::import::target::Target;
use crate::import::write::photos::{PhotoFiles, normalize_address};
use crate::import::write::relayables::additional_data;
use crate::pod::database::{Column, ColumnLimits, DatabaseError};
use crate::pod::tables::RelayableTable;

/// The maximum length of a string column, in characters.
pub(in crate::import) const MAX_STRING_CHARS: usize = 255;

/// The maximum length of an aspect's name, in characters (`Aspect`'s validation).
const MAX_ASPECT_NAME_CHARS: usize = 20;

/// Returns the beginning of a text that fits into a string column.
pub(in crate::import) fn truncate_string(text: &str) -> String {
    text.chars().take(MAX_STRING_CHARS).collect()
}

/// Fits texts into columns, and reports the changes.
struct ColumnFitter<'a> {
    columns: Arc<ColumnLimits>,
    report: &'a mut Report,
    same_aspects: &'a HashMap<String, String>,
}

impl Target {
    /// Fits the account itself into this pod's columns.
    pub(in crate::import) async fn fit_account(&mut self, survey: &mut Survey) -> Result<(), DatabaseError> {
        let columns = self.pod.columns().await?;
        let no_aspects = HashMap::new();
        let mut fitter = ColumnFitter { columns, report: &mut self.report, same_aspects: &no_aspects };
        for name in &mut survey.aspects {
            fitter.fit_own_aspect(name);
        }
        self.same_aspects = self.pod.collation_duplicates("aspects", "name", &survey.aspects).await?;
        for name in &mut survey.aspects {
            if let Some(equal_name) = self.same_aspects.get(name) {
                name.clone_from(equal_name);
            }
        }
        let mut fitter = self.column_fitter().await?;
        let settings = survey.settings.aspects.iter_mut().map(|setting| &mut setting.name);
        for name in settings.chain(&mut survey.auto_follow_back_aspect) {
            fitter.fit_aspect_name(name);
        }
        if let Some(profile) = &mut survey.profile {
            fitter.fit_profile(profile);
        }
        Ok(())
    }

    async fn column_fitter(&mut self) -> Result<ColumnFitter<'_>, DatabaseError> {
        let columns = self.pod.columns().await?;
        Ok(ColumnFitter { columns, report: &mut self.report, same_aspects: &self.same_aspects })
    }

    /// Fits a batch into this pod's columns.
    pub(in crate::import) async fn fit_batch(
        &mut self,
        mut batch: Batch,
        files: &PhotoFiles,
    ) -> Result<Batch, DatabaseError> {
        let mut fitter = self.column_fitter().await?;
        match &mut batch {
            Batch::Contacts(contacts) => {
                for name in contacts.iter_mut().flat_map(|contact| &mut contact.contact_groups_membership) {
                    fitter.fit_aspect_name(name);
                }
            }
            Batch::Audiences(audiences) => {
                let names = audiences.iter_mut().flat_map(|audience| &mut audience.aspects);
                names.for_each(|name| fitter.fit_aspect_name(name));
            }
            Batch::Tags(names) => {
                names.retain_mut(|name| fitter.fit_tag(name));
                self.leave_out_repeated_tags(names).await?;
            }
            Batch::Posts(posts) => {
                for post in posts {
                    if let Post::StatusMessage(message) = &mut post.post {
                        fitter.fit_message(message, files);
                    }
                }
            }
            Batch::LoosePhotos(photos) => {
                photos.retain_mut(|LoosePhoto { photo, .. }| {
                    photo.status_message_guid = None;
                    fitter.fit_photo(photo, files)
                });
            }
            Batch::OwnRelayables(records) => fitter.fit_own_comments(records),
            Batch::Conversations(conversations) => {
                for conversation in conversations {
                    fitter.fit_conversation(conversation);
                }
            }
            Batch::OthersRelayables(records) => records.retain(|(record, _)| {
                let kind = match &record.entity {
                    RelayableEntity::Comment(_) => CountKind::OthersComments,
                    RelayableEntity::Like(_) => CountKind::OthersLikes,
                    RelayableEntity::PollParticipation(_) => CountKind::OthersPollParticipations,
                };
                fitter.accepts_signed(record, kind)
            }),
            Batch::LikesOnComments(records) => {
                records.retain(|(record, _)| fitter.accepts_signed(record, CountKind::LikesOnComments));
            }
            // They write no texts.
            Batch::UnsignedRelayables(_)
            | Batch::Subscriptions(_)
            | Batch::HiddenPosts(_)
            | Batch::Unreadable(..)
            | Batch::ValueLeftOut(..) => {}
        }
        Ok(batch)
    }

    /// Leaves out tags that the database treats as equal to a previous one, in this batch or an earlier one.
    async fn leave_out_repeated_tags(&mut self, names: &mut Vec<String>) -> Result<(), DatabaseError> {
        let mut keys = self.tag_keys(names).await?.into_iter();
        let Self { report, followed_tags, .. } = self;
        names.retain(|name| {
            let is_new = keys.next().is_none_or(|key| followed_tags.insert(key));
            if !is_new {
                report.left_out(CountKind::FollowedTags, FindingCode::Duplicate, &name.to_lowercase());
            }
            is_new
        });
        Ok(())
    }

    /// Returns hashes of the keys by which the database compares these tags.
    pub(in crate::import) async fn tag_keys(&mut self, names: &[String]) -> Result<Vec<u64>, DatabaseError> {
        let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let keys = self.pod.collation_keys("tags", "name", &names).await?;
        let hashed = |key: String| {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            hasher.finish()
        };
        Ok(keys.into_iter().map(hashed).collect())
    }
}

impl ColumnFitter<'_> {
    fn fit_own_comments(&mut self, records: &mut [Relayable]) {
        for record in records {
            if let RelayableEntity::Comment(comment) = &mut record.entity {
                let guid = comment.guid.clone();
                self.fit_own("comments", "text", &mut comment.text, CountKind::OwnComments, &guid);
            }
        }
    }

    /// Fits a text of the account's own.
    fn fit_own(
        &mut self,
        table: &str,
        column: &str,
        text: &mut String,
        subject: impl Into<Subject>,
        record: &dyn Display,
    ) {
        let column = self.columns.of(table, column);
        self.fit_in(column, text, subject, record);
    }

    /// Fits a string of the account's own. diaspora* limits it to 255 characters, even if the database allows more.
    fn fit_string(
        &mut self,
        table: &str,
        column: &str,
        text: &mut String,
        kind: CountKind,
        record: &dyn Display,
    ) {
        let column = self.columns.of(table, column).at_most(MAX_STRING_CHARS);
        self.fit_in(column, text, kind, record);
    }

    /// Fits a text of the account's own into a column, and reports the changes.
    fn fit_in(
        &mut self,
        column: Column,
        text: &mut String,
        subject: impl Into<Subject>,
        record: &dyn Display,
    ) {
        let subject = subject.into();
        let fitted = column.clean().hold(text);
        for (is_affected, code) in
            [(fitted.cut, FindingCode::Shortened), (fitted.replaced, FindingCode::Replaced)]
        {
            if is_affected {
                self.report.note(subject, code, &record.to_string());
            }
        }
        if fitted.cut || fitted.replaced {
            *text = fitted.text.into_owned();
        }
    }

    /// Fits the name of one of the account's aspects.
    fn fit_own_aspect(&mut self, name: &mut String) {
        let (original, column) =
            (name.clone(), self.columns.of("aspects", "name").at_most(MAX_ASPECT_NAME_CHARS));
        self.fit_in(column, name, CountKind::Aspects, &original);
    }

    /// Fits an aspect's name in another record, in the same way as the aspect's own.
    fn fit_aspect_name(&self, name: &mut String) {
        let fitted = self.columns.of("aspects", "name").at_most(MAX_ASPECT_NAME_CHARS).clean().hold(name);
        if fitted.cut || fitted.replaced {
            *name = fitted.text.into_owned();
        }
        if let Some(equal_name) = self.same_aspects.get(name) {
            name.clone_from(equal_name);
        }
    }

    fn fit_profile(&mut self, profile: &mut Profile) {
        let texts = [
            ("first_name", &mut profile.first_name),
            ("last_name", &mut profile.last_name),
            ("first_name", &mut profile.full_name),
            ("bio", &mut profile.bio),
            ("gender", &mut profile.gender),
            ("location", &mut profile.location),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                self.fit_own("profiles", column, text, Subject::Profile, &column);
            }
        }
        if let Some(tags) = &mut profile.tag_string {
            // All tags together may be of any length; each is a row of its own.
            let fitted = self.columns.of("tags", "name").hold(tags);
            if fitted.replaced {
                self.report.note(Subject::Profile, FindingCode::Replaced, "tag_string");
            }
        }
        for (name, address) in [
            ("image_url", &mut profile.image_url),
            ("image_url_medium", &mut profile.image_url_medium),
            ("image_url_small", &mut profile.image_url_small),
        ] {
            let Some(original) = address.take() else { continue };
            let column = self.columns.of("profiles", name);
            let code = match web_address(&original) {
                // The old pod's placeholder for "no picture".
                _ if original.contains("/assets/user/default") => continue,
                None => FindingCode::NoWebAddress,
                // A cut address does not work.
                Some(normalized) if column.hold(&normalized).cut => FindingCode::CannotHold,
                Some(normalized) => {
                    *address = Some(normalized);
                    continue;
                }
            };
            self.report.note(Subject::Profile, code, name);
        }
    }

    fn fit_message(&mut self, message: &mut StatusMessage, files: &PhotoFiles) {
        let guid = message.guid.clone();
        let kind = CountKind::StatusMessages;
        self.fit_own("posts", "text", &mut message.text, kind, &guid);
        if let Some(name) = &mut message.provider_display_name {
            self.fit_string("posts", "provider_display_name", name, kind, &guid);
        }
        if let Some(Entity(location)) = &mut message.location {
            self.fit_string("locations", "address", &mut location.address, kind, &guid);
            self.fit_string("locations", "lat", &mut location.lat, kind, &guid);
            self.fit_string("locations", "lng", &mut location.lng, kind, &guid);
        }
        if let Some(Entity(poll)) = &mut message.poll {
            let guid = poll.guid.clone();
            self.fit_string("polls", "question", &mut poll.question, CountKind::Polls, &guid);
            for Entity(answer) in &mut poll.poll_answers {
                self.fit_string("poll_answers", "answer", &mut answer.answer, CountKind::Polls, &guid);
            }
        }
        // The archive may name another post for a photo, even somebody else's.
        message.photos.retain_mut(|Entity(photo)| {
            photo.status_message_guid = Some(message.guid.clone());
            self.fit_photo(photo, files)
        });
    }

    /// Fits a followed tag, under the name that diaspora* gives it. Returns false, and reports the tag, if it has none.
    fn fit_tag(&mut self, name: &mut String) -> bool {
        let original = name.clone();
        self.fit_own("tags", "name", name, CountKind::FollowedTags, &original);
        let Some(normal) = normal_tag(name) else {
            self.report.left_out(CountKind::FollowedTags, FindingCode::Unreadable, &original);
            return false;
        };
        *name = normal;
        true
    }

    /// Fits a photo; returns whether its file exists here, or browsers can load it from its address. Reports it if not.
    fn fit_photo(&mut self, photo: &mut Photo, files: &PhotoFiles) -> bool {
        let guid = photo.guid.clone();
        if let Some(text) = &mut photo.text {
            self.fit_own("photos", "text", text, CountKind::Photos, &guid);
        }
        // A photo whose file exists here gets this pod's address.
        if files.contains_key(&photo.remote_photo_name) {
            return true;
        }
        self.fit_own("photos", "remote_photo_name", &mut photo.remote_photo_name, CountKind::Photos, &guid);
        // A cut address does not work: the photo is left out.
        let column = self.columns.of("photos", "remote_photo_path");
        let address = web_address(&photo.remote_photo_path).filter(|address| !column.hold(address).cut);
        photo.remote_photo_path = address.unwrap_or_default();
        let is_usable = normalize_address(photo);
        if !is_usable {
            self.report.left_out(CountKind::Photos, FindingCode::NoWebAddress, &guid);
        }
        is_usable
    }

    fn fit_conversation(&mut self, conversation: &mut Conversation) {
        let guid = conversation.guid.clone();
        self.fit_string(
            "conversations",
            "subject",
            &mut conversation.subject,
            CountKind::Conversations,
            &guid,
        );
        for message in &mut conversation.messages {
            let guid = message.guid.clone();
            self.fit_own("messages", "text", &mut message.text, CountKind::Messages, &guid);
        }
    }

    /// Returns whether a signed record can be stored as it was signed; reports it if not.
    fn accepts_signed(&mut self, record: &Relayable, kind: CountKind) -> bool {
        let order = record.property_order.join(" ");
        let additional = additional_data(&record.entity);
        let table = RelayableTable::of(&record.entity).signatures();
        let text = match &record.entity {
            RelayableEntity::Comment(comment) => comment.text.as_str(),
            RelayableEntity::Like(_) | RelayableEntity::PollParticipation(_) => "",
        };
        let texts = [
            ("comments", "text", text),
            ("signature_orders", "order", order.as_str()),
            (table, "additional_data", additional.as_deref().unwrap_or_default()),
        ];
        let (mut cut, mut replaced) = (false, false);
        for (table, column, text) in texts {
            let fitted = self.columns.of(table, column).hold(text);
            cut |= fitted.cut;
            replaced |= fitted.replaced;
        }
        if cut || replaced {
            let code = if cut { FindingCode::TooLong } else { FindingCode::CannotHold };
            self.report.left_out(kind, code, record.entity.guid());
        }
        !cut && !replaced
    }
}
