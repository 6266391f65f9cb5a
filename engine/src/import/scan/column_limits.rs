//! Texts that the target pod's database cannot hold: too long for their columns, or with characters that are not in
//! its character set. Control characters, which are replaced whenever a pod's texts are read, count as such in what the
//! account wrote: so it is found again.
//!
//! They are found before anything is written, so the plan reports them as well. What the account wrote is cut and its
//! characters replaced; what others signed would no longer match its signature, and is left out.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use crate::domain::{
    Contact, Conversation, CountKind, Entity, LoosePhoto, Photo, Post, Profile, Relayable, RelayableEntity,
    StatusMessage, web_address,
};
use crate::import::report::{FindingCode, Report, Subject};
use crate::import::scan::source::Batch;
use crate::import::scan::survey::Survey;
use crate::import::scan::text::normal_tag;
use crate::import::target::Target;
use crate::import::write::photos::{PhotoFiles, hold_address};
use crate::import::write::relayables::additional_data;
use crate::pod::database::{Column, ColumnLimits, DatabaseError};
use crate::pod::tables::RelayableTable;

/// Characters of a string column.
pub(in crate::import) const SHORT: usize = 255;

/// Characters of an aspect's name, as diaspora*'s model validates it.
const ASPECT_NAME: usize = 20;

/// Returns the beginning of a text that fits into a string column.
pub(in crate::import) fn short(text: &str) -> String {
    text.chars().take(SHORT).collect()
}

/// Fits texts into columns, and reports the changes.
struct Holder<'a> {
    columns: Arc<ColumnLimits>,
    report: &'a mut Report,
    same_aspects: &'a HashMap<String, String>,
}

impl Target {
    /// Fits the account itself into this pod's columns.
    pub(in crate::import) async fn hold_account(&mut self, survey: &mut Survey) -> Result<(), DatabaseError> {
        let columns = self.pod.columns().await?;
        let none = HashMap::new();
        let mut holder = Holder { columns, report: &mut self.report, same_aspects: &none };
        for name in &mut survey.aspects {
            holder.own_aspect(name);
        }
        self.same_aspects = self.pod.collation_duplicates("aspects", "name", &survey.aspects).await?;
        for name in &mut survey.aspects {
            if let Some(same) = self.same_aspects.get(name) {
                name.clone_from(same);
            }
        }
        let mut holder = self.holder().await?;
        let settings = survey.settings.aspects.iter_mut().map(|setting| &mut setting.name);
        for name in settings.chain(&mut survey.auto_follow_back_aspect) {
            holder.aspect(name);
        }
        if let Some(profile) = &mut survey.profile {
            holder.profile(profile);
        }
        Ok(())
    }

    async fn holder(&mut self) -> Result<Holder<'_>, DatabaseError> {
        let columns = self.pod.columns().await?;
        Ok(Holder { columns, report: &mut self.report, same_aspects: &self.same_aspects })
    }

    /// Fits a batch into this pod's columns.
    pub(in crate::import) async fn hold(
        &mut self,
        mut batch: Batch,
        files: &PhotoFiles,
    ) -> Result<Batch, DatabaseError> {
        let mut holder = self.holder().await?;
        match &mut batch {
            Batch::Contacts(contacts) => {
                for Contact { contact_groups_membership, .. } in contacts {
                    for name in contact_groups_membership {
                        holder.aspect(name);
                    }
                }
            }
            Batch::Audiences(audiences) => {
                let names = audiences.iter_mut().flat_map(|audience| &mut audience.aspects);
                names.for_each(|name| holder.aspect(name));
            }
            Batch::Tags(names) => {
                names.retain_mut(|name| holder.tag(name));
                self.leave_out_repeated_tags(names).await?;
            }
            Batch::Posts(posts) => {
                for post in posts {
                    if let Post::StatusMessage(message) = &mut post.post {
                        holder.message(message, files);
                    }
                }
            }
            Batch::LoosePhotos(photos) => {
                photos.retain_mut(|LoosePhoto { photo, .. }| {
                    photo.status_message_guid = None;
                    holder.photo(photo, files)
                });
            }
            Batch::OwnRelayables(records) => {
                for record in records {
                    if let RelayableEntity::Comment(comment) = &mut record.entity {
                        let guid = comment.guid.clone();
                        holder.own("comments", "text", &mut comment.text, CountKind::OwnComments, &guid);
                    }
                }
            }
            Batch::Conversations(all) => all.iter_mut().for_each(|one| holder.conversation(one)),
            Batch::OthersRelayables(records) => records.retain(|(record, _)| {
                let kind = match &record.entity {
                    RelayableEntity::Comment(_) => CountKind::OthersComments,
                    RelayableEntity::Like(_) => CountKind::OthersLikes,
                    RelayableEntity::PollParticipation(_) => CountKind::OthersPollParticipations,
                };
                holder.signed(record, kind)
            }),
            Batch::LikesOnComments(records) => {
                records.retain(|(record, _)| holder.signed(record, CountKind::LikesOnComments));
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

    /// Leaves out tags that are the same to the database as one before, in this batch or an earlier one.
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

    /// Returns hashes of what the database compares of these tags.
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

impl Holder<'_> {
    /// Fits a text of the account's own.
    fn own(
        &mut self,
        table: &str,
        column: &str,
        text: &mut String,
        subject: impl Into<Subject>,
        record: &dyn Display,
    ) {
        let column = self.columns.of(table, column);
        self.own_in(column, text, subject, record);
    }

    /// Fits a string of the account's own, limited to 255 characters by diaspora* whatever the database allows.
    fn short(&mut self, table: &str, column: &str, text: &mut String, kind: CountKind, record: &dyn Display) {
        let column = self.columns.of(table, column).at_most(SHORT);
        self.own_in(column, text, kind, record);
    }

    fn own_in(
        &mut self,
        column: Column,
        text: &mut String,
        subject: impl Into<Subject>,
        record: &dyn Display,
    ) {
        let subject = subject.into();
        let held = column.clean().hold(text);
        for (is_so, code) in [(held.cut, FindingCode::Shortened), (held.replaced, FindingCode::Replaced)] {
            if is_so {
                self.report.note(subject, code, &record.to_string());
            }
        }
        if held.cut || held.replaced {
            *text = held.text.into_owned();
        }
    }

    /// Fits the name of one of the account's aspects.
    fn own_aspect(&mut self, name: &mut String) {
        let (before, column) = (name.clone(), self.columns.of("aspects", "name").at_most(ASPECT_NAME));
        self.own_in(column, name, CountKind::Aspects, &before);
    }

    /// Fits an aspect's name wherever it occurs, so that it stays the same everywhere.
    fn aspect(&self, name: &mut String) {
        let held = self.columns.of("aspects", "name").at_most(ASPECT_NAME).clean().hold(name);
        if held.cut || held.replaced {
            *name = held.text.into_owned();
        }
        if let Some(same) = self.same_aspects.get(name) {
            name.clone_from(same);
        }
    }

    fn profile(&mut self, profile: &mut Profile) {
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
                self.own("profiles", column, text, Subject::Profile, &column);
            }
        }
        if let Some(tags) = &mut profile.tag_string {
            // All tags together may be of any length; each is a row of its own.
            let held = self.columns.of("tags", "name").hold(tags);
            if held.replaced {
                self.report.note(Subject::Profile, FindingCode::Replaced, "tag_string");
            }
        }
        for (column, address) in [
            ("image_url", &mut profile.image_url),
            ("image_url_medium", &mut profile.image_url_medium),
            ("image_url_small", &mut profile.image_url_small),
        ] {
            let Some(before) = address.take() else { continue };
            let held = self.columns.of("profiles", column);
            let code = match web_address(&before) {
                // The old pod's placeholder for "no picture".
                _ if before.contains("/assets/user/default") => continue,
                None => FindingCode::NoWebAddress,
                // A cut address leads nowhere.
                Some(after) if held.hold(&after).cut => FindingCode::CannotHold,
                Some(after) => {
                    *address = Some(after);
                    continue;
                }
            };
            self.report.note(Subject::Profile, code, column);
        }
    }

    fn message(&mut self, message: &mut StatusMessage, files: &PhotoFiles) {
        let guid = message.guid.clone();
        let kind = CountKind::StatusMessages;
        self.own("posts", "text", &mut message.text, kind, &guid);
        if let Some(name) = &mut message.provider_display_name {
            self.short("posts", "provider_display_name", name, kind, &guid);
        }
        if let Some(Entity(place)) = &mut message.location {
            self.short("locations", "address", &mut place.address, kind, &guid);
            self.short("locations", "lat", &mut place.lat, kind, &guid);
            self.short("locations", "lng", &mut place.lng, kind, &guid);
        }
        if let Some(Entity(poll)) = &mut message.poll {
            let guid = poll.guid.clone();
            self.short("polls", "question", &mut poll.question, CountKind::Polls, &guid);
            for Entity(answer) in &mut poll.poll_answers {
                self.short("poll_answers", "answer", &mut answer.answer, CountKind::Polls, &guid);
            }
        }
        // Whichever post the archive names for a photo: it may be somebody else's.
        message.photos.retain_mut(|Entity(photo)| {
            photo.status_message_guid = Some(message.guid.clone());
            self.photo(photo, files)
        });
    }

    /// Fits a followed tag, under the name that diaspora* gives it; returns whether there is one.
    fn tag(&mut self, name: &mut String) -> bool {
        let before = name.clone();
        self.own("tags", "name", name, CountKind::FollowedTags, &before);
        let Some(normal) = normal_tag(name) else {
            self.report.left_out(CountKind::FollowedTags, FindingCode::Unreadable, &before);
            return false;
        };
        *name = normal;
        true
    }

    /// Fits a photo; returns whether its file exists here, or browsers load its address as a picture.
    fn photo(&mut self, photo: &mut Photo, files: &PhotoFiles) -> bool {
        let guid = photo.guid.clone();
        if let Some(text) = &mut photo.text {
            self.own("photos", "text", text, CountKind::Photos, &guid);
        }
        // A photo whose file is in the archive gets a name of this pod's.
        if files.contains_key(&photo.remote_photo_name) {
            return true;
        }
        self.own("photos", "remote_photo_name", &mut photo.remote_photo_name, CountKind::Photos, &guid);
        // A cut address leads nowhere: the photo stays out.
        let held = self.columns.of("photos", "remote_photo_path");
        let address = web_address(&photo.remote_photo_path).filter(|address| !held.hold(address).cut);
        photo.remote_photo_path = address.unwrap_or_default();
        let is_usable = hold_address(photo);
        if !is_usable {
            self.report.left_out(CountKind::Photos, FindingCode::NoWebAddress, &guid);
        }
        is_usable
    }

    fn conversation(&mut self, conversation: &mut Conversation) {
        let guid = conversation.guid.clone();
        self.short("conversations", "subject", &mut conversation.subject, CountKind::Conversations, &guid);
        for message in &mut conversation.messages {
            let guid = message.guid.clone();
            self.own("messages", "text", &mut message.text, CountKind::Messages, &guid);
        }
    }

    /// Returns whether a signed record can be stored as it was signed; reports it if not.
    fn signed(&mut self, record: &Relayable, kind: CountKind) -> bool {
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
            let held = self.columns.of(table, column).hold(text);
            cut |= held.cut;
            replaced |= held.replaced;
        }
        if cut || replaced {
            let code = if cut { FindingCode::TooLong } else { FindingCode::CannotHold };
            self.report.left_out(kind, code, record.entity.guid());
        }
        !cut && !replaced
    }
}
