//! Writes the HTML pages from the merged documents.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek as _};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tempfile::{SpooledTempFile, spooled_tempfile_in};

use super::MergeError;
use super::lists::Documents;
use super::replies::Replies;
use crate::archive::document::{
    Additions, DocumentError, DocumentVisitor, Next, Place, Section, read_document, read_extras,
};
use crate::archive::limits::Limits;
use crate::archive::lists::List;
use crate::archive::manifest::Manifest;
use crate::archive::view::{Audience, FinishedView, PAGES_IN_MEMORY, View, ViewError, ViewHeader};
use crate::domain::{
    AspectAudience, Contact, Conversation, Guid, LoosePhoto, OwnPost, Post, Relayable, RelayableEntity,
    Settings,
};

/// Writes the pages to an unnamed file.
pub(super) fn write(
    documents: &mut Documents,
    manifest: &Manifest,
    photos: &[String],
    folder: &Path,
    limits: &Limits,
) -> Result<FinishedView<SpooledTempFile>, MergeError> {
    let failed = MergeError::io(folder);
    let mut context = PostContext {
        names: HashMap::new(),
        audiences: HashMap::new(),
        replies: Replies::new(folder).map_err(&failed)?,
        votes: Vec::new(),
        failed: None,
    };
    let settings: Settings = serde_json::from_str(&format!("{{{}}}", *documents.settings))
        .map_err(|error| failed(io::Error::other(error)))?;
    read_both(documents, limits, &mut context).map_err(|error| match context.failed.take() {
        Some(source) => failed(source),
        None => error,
    })?;
    let header = header(&settings, manifest);
    context.names.insert(header.account.to_string(), header.name.clone());
    let [spool, scratch] = [(); 2].map(|()| spooled_tempfile_in(PAGES_IN_MEMORY, folder));
    let mut view = View::begin(spool, scratch, header)?;
    context.votes.drain(..).for_each(|answer| view.vote(answer.as_str()));
    for name in photos {
        view.photo_file(name);
    }
    documents.extras.rewind().map_err(&failed)?;
    let additions = Additions::read(&documents.extras, limits)?;
    let mut page_visitor = PageVisitor { view, context, additions, failed: None };
    let profile = &settings.profile.0;
    let avatar = profile.avatar_file().map(str::to_owned);
    page_visitor.view.profile(profile, avatar.as_deref())?;
    read_both(documents, limits, &mut page_visitor)
        .map_err(|error| page_visitor.failed.take().map_or(error, MergeError::View))?;
    for omission in &manifest.omissions {
        page_visitor.view.omission(omission)?;
    }
    page_visitor.view.more_omissions(&manifest.more_omissions);
    Ok(page_visitor.view.finish(&manifest.counts)?)
}

fn header(settings: &Settings, manifest: &Manifest) -> ViewHeader {
    let account = manifest.account.diaspora_id.clone();
    let profile = &settings.profile.0;
    let parts = [profile.first_name.as_deref(), profile.last_name.as_deref()];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    ViewHeader {
        name: if name.trim().is_empty() { account.username().to_owned() } else { name },
        account,
        pod_url: manifest.pod.url.clone(),
        created_at: manifest.created_at,
        language: settings.language.clone(),
    }
}

fn read_both<V: DocumentVisitor>(
    documents: &mut Documents,
    limits: &Limits,
    visitor: &mut V,
) -> Result<(), MergeError> {
    let begin = |file: &mut File| file.rewind().map_err(crate::archive::open::OpenError::from);
    begin(&mut documents.document)?;
    read_document(&documents.document, limits, visitor)?;
    begin(&mut documents.extras)?;
    read_extras(&documents.extras, limits, visitor)?;
    Ok(())
}

fn parse<T: DeserializeOwned>(place: &Place<'_>, value: &RawValue) -> Result<T, DocumentError> {
    serde_json::from_str(value.get()).map_err(|error| DocumentError::record(place, &error))
}

/// Data about posts that must be read before they can be shown.
struct PostContext {
    names: HashMap<String, String>,
    audiences: HashMap<String, Vec<String>>,
    replies: Replies,
    /// The poll answers that were voted for, one for each vote.
    votes: Vec<Guid>,
    failed: Option<io::Error>,
}

impl DocumentVisitor for PostContext {
    fn wants(&self, section: Section, name: &str) -> bool {
        List::of(section, name).is_some()
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let Some(list) = place.list() else { return Ok(Next::Continue) };
        match list {
            List::Contacts => {
                let contact: Contact = parse(place, value)?;
                self.names.insert(contact.account_id.to_string(), contact.person_name);
            }
            List::AspectVisibility => {
                let audience: AspectAudience = parse(place, value)?;
                if audience.kind == "post" {
                    self.audiences.insert(audience.guid.to_string(), audience.aspects);
                }
            }
            List::OwnRelayables
            | List::OthersRelayables
            | List::LikesOnComments
            | List::UnsignedRelayables => {
                let relayable: Relayable = parse(place, value)?;
                // The account's own votes are counted when they are shown.
                if let RelayableEntity::PollParticipation(vote) = &relayable.entity
                    && list != List::OwnRelayables
                {
                    self.votes.push(vote.poll_answer_guid.clone());
                }
                if let Err(error) = self.replies.add(&relayable.entity) {
                    let refusal = DocumentError::record(place, &error);
                    self.failed = Some(error);
                    return Err(refusal);
                }
            }
            List::Blocks
            | List::Aspects
            | List::Posts
            | List::FollowedTags
            | List::Subscriptions
            | List::NonContactAuthors
            | List::LoosePhotos
            | List::Conversations
            | List::Signers
            | List::PostRemainders
            | List::CommentedPosts
            | List::HiddenPosts => {}
        }
        Ok(Next::Continue)
    }
}

/// A visitor that adds each record to the pages.
struct PageVisitor {
    view: View<SpooledTempFile>,
    context: PostContext,
    additions: Additions,
    failed: Option<ViewError>,
}

impl PageVisitor {
    fn post(&mut self, mut post: OwnPost) -> Result<(), ViewError> {
        self.additions.complete(&mut post);
        let guid = post.post.guid();
        let public = match &post.post {
            Post::StatusMessage(message) => message.public,
            Post::Reshare(_) => true,
        };
        let audience = if public {
            Audience::Public
        } else {
            Audience::Limited(self.context.audiences.remove(guid.as_str()).unwrap_or_default())
        };
        let (likes, replies) = self.context.replies.take(guid, &self.context.names)?;
        self.view.post(&post, audience, likes, replies)
    }
}

impl DocumentVisitor for PageVisitor {
    fn wants(&self, section: Section, name: &str) -> bool {
        List::of(section, name).is_some()
    }

    fn field(&mut self, _: &Place<'_>, _: &RawValue) -> Result<Next, DocumentError> {
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let Some(list) = place.list() else { return Ok(Next::Continue) };
        let result = match list {
            List::Contacts => self.view.contact(&parse(place, value)?),
            List::Posts => self.post(parse(place, value)?),
            List::OwnRelayables => self.view.own_relayable(&parse(place, value)?),
            List::Conversations => self.view.conversation(&parse::<Conversation>(place, value)?),
            List::LoosePhotos => self.view.loose_photo(&parse::<LoosePhoto>(place, value)?),
            List::CommentedPosts => self.view.commented_post(&parse(place, value)?),
            // Shown with the posts, or not at all.
            List::Blocks
            | List::Aspects
            | List::FollowedTags
            | List::Subscriptions
            | List::OthersRelayables
            | List::NonContactAuthors
            | List::AspectVisibility
            | List::LikesOnComments
            | List::UnsignedRelayables
            | List::Signers
            | List::PostRemainders
            | List::HiddenPosts => Ok(()),
        };
        match result {
            Ok(()) => Ok(Next::Continue),
            Err(error) => {
                let refusal = DocumentError::record(place, &error);
                self.failed = Some(error);
                Err(refusal)
            }
        }
    }
}
