//! The pages for people, created on their own thread from the records of the export.

use std::collections::BTreeMap;
use std::fs::File;

use serde::{Serialize, Serializer};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fail_fast_file::FailFastFile;
use crate::archive::view::{Audience, FinishedView, Reply, View, ViewError, ViewHeader};
use crate::domain::{
    AspectAudience, CommentedPost, Contact, Conversation, CountKind, Guid, LoosePhoto, NonContactAuthor,
    Omission, OmissionCode, Post, PostRemainder, Profile, RecordKind, Relayable, RelayableEntity, SignedAs,
};
use crate::pod::reader::PostRecord;

/// An item to show on the pages.
pub(super) enum Page {
    Profile(Box<Profile>, Option<String>),
    Contact(Box<Contact>),
    Post(Box<PostRecord>),
    OwnRelayable(Box<Relayable>),
    /// Another person's vote for this answer of a poll.
    Vote(Guid),
    /// Names of the photo files in the archive.
    PhotoFiles(std::collections::HashSet<String>),
    Conversation(Box<Conversation>),
    LoosePhoto(Box<LoosePhoto>),
    Omission(Box<Omission>),
    MoreOmissions(BTreeMap<OmissionCode, u64>),
    /// Counts of the records; always the last item.
    Counts(BTreeMap<CountKind, u64>),
}

/// A record in a list of the archive.
pub(super) trait Listed: Sized {
    /// Returns the record's item on the pages; most records have none of their own.
    fn shown(self) -> Option<Page> {
        None
    }

    /// Returns the record's manifest entry for the case that it is left out of `list`: kind, name and counts.
    fn entry(&self, list: &str) -> Entry;
}

/// A record's data for the manifest.
pub(super) struct Entry {
    pub(super) kind: RecordKind,
    pub(super) name: Option<String>,
    pub(super) counts: Vec<(CountKind, u64)>,
}

impl Entry {
    fn new(
        kind: RecordKind,
        name: &impl ToString,
        counts: impl IntoIterator<Item = (CountKind, u64)>,
    ) -> Self {
        Self { kind, name: Some(name.to_string()), counts: counts.into_iter().collect() }
    }
}

impl Listed for Contact {
    fn entry(&self, _: &str) -> Entry {
        Entry::new(RecordKind::Contact, &self.account_id, [(CountKind::Contacts, 1)])
    }

    fn shown(self) -> Option<Page> {
        Some(Page::Contact(Box::new(self)))
    }
}

impl Listed for PostRecord {
    fn entry(&self, _: &str) -> Entry {
        let counts = match &self.post.post {
            Post::Reshare(_) => vec![(CountKind::Reshares, 1)],
            Post::StatusMessage(message) => vec![
                (CountKind::StatusMessages, 1),
                (CountKind::Photos, message.photos.len() as u64),
                (CountKind::Polls, u64::from(message.poll.is_some())),
            ],
        };
        Entry::new(RecordKind::Post, self.post.post.guid(), counts)
    }

    fn shown(self) -> Option<Page> {
        Some(Page::Post(Box::new(self)))
    }
}

impl Listed for Conversation {
    fn entry(&self, _: &str) -> Entry {
        let messages = (CountKind::Messages, self.messages.len() as u64);
        let counts = [(CountKind::Conversations, u64::from(!self.continued)), messages];
        Entry::new(RecordKind::Conversation, &self.guid, counts)
    }

    fn shown(self) -> Option<Page> {
        Some(Page::Conversation(Box::new(self)))
    }
}

impl Listed for LoosePhoto {
    fn entry(&self, _: &str) -> Entry {
        Entry::new(RecordKind::Photo, &self.photo.guid, [(CountKind::Photos, 1)])
    }

    fn shown(self) -> Option<Page> {
        Some(Page::LoosePhoto(Box::new(self)))
    }
}

/// One of the account's own relayables; others' are shown under the posts.
pub(super) struct Own(pub(super) Relayable);

impl Listed for Own {
    fn entry(&self, _: &str) -> Entry {
        let (kind, count) = match &self.0.entity {
            RelayableEntity::Comment(_) => (RecordKind::Comment, CountKind::OwnComments),
            RelayableEntity::Like(_) => (RecordKind::Like, CountKind::OwnLikes),
            RelayableEntity::PollParticipation(_) => {
                (RecordKind::PollParticipation, CountKind::OwnPollParticipations)
            }
        };
        Entry::new(kind, self.0.entity.guid(), [(count, 1)])
    }

    fn shown(self) -> Option<Page> {
        Some(Page::OwnRelayable(Box::new(self.0)))
    }
}

impl Serialize for Own {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Serialize for PostRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.post.serialize(serializer)
    }
}

impl Listed for Relayable {
    fn shown(self) -> Option<Page> {
        match self.entity {
            RelayableEntity::PollParticipation(vote) => Some(Page::Vote(vote.poll_answer_guid)),
            _ => None,
        }
    }

    fn entry(&self, list: &str) -> Entry {
        let (kind, others) = match &self.entity {
            RelayableEntity::Comment(_) => (RecordKind::Comment, CountKind::OthersComments),
            RelayableEntity::Like(_) => (RecordKind::Like, CountKind::OthersLikes),
            RelayableEntity::PollParticipation(_) => {
                (RecordKind::PollParticipation, CountKind::OthersPollParticipations)
            }
        };
        let count = match list {
            "likes_on_comments" => CountKind::LikesOnComments,
            "unsigned_relayables" => CountKind::UnsignedRelayables,
            _ => others,
        };
        Entry::new(kind, self.entity.guid(), [(count, 1)])
    }
}

impl Listed for Guid {
    fn entry(&self, _: &str) -> Entry {
        Entry::new(RecordKind::Subscription, self, [(CountKind::Subscriptions, 1)])
    }
}

impl Listed for NonContactAuthor {
    fn entry(&self, _: &str) -> Entry {
        Entry::new(RecordKind::Person, &self.account_id, [(CountKind::NonContactAuthors, 1)])
    }
}

impl Listed for AspectAudience {
    fn entry(&self, _: &str) -> Entry {
        let kind = if self.kind == "photo" { RecordKind::Photo } else { RecordKind::Post };
        Entry::new(kind, &self.guid, [])
    }
}

impl Listed for CommentedPost {
    fn entry(&self, _: &str) -> Entry {
        Entry::new(RecordKind::Post, &self.guid, [(CountKind::CommentedPosts, 1)])
    }
}

impl Listed for SignedAs {
    fn entry(&self, _: &str) -> Entry {
        Entry::new(RecordKind::Person, &self.signed_as, [])
    }
}

impl Listed for PostRemainder {
    fn entry(&self, _: &str) -> Entry {
        Entry::new(RecordKind::Post, &self.guid, [(CountKind::Polls, u64::from(self.poll.is_some()))])
    }
}

/// Records sent to the other thread at once: waking it takes longer than showing one.
const BATCH: usize = 64;

/// The writing thread's end of the channel.
pub(super) struct ViewSender {
    channel: mpsc::Sender<Vec<Page>>,
    batch: Vec<Page>,
}

impl ViewSender {
    /// Sends pages, waiting until the channel has space; returns false when the pages' thread has ended.
    pub(super) fn send(&mut self, pages: impl IntoIterator<Item = Page>) -> bool {
        self.batch.extend(pages);
        let last = matches!(self.batch.last(), Some(Page::Counts(_)));
        if !last && self.batch.len() < BATCH {
            return true;
        }
        let full = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.channel.blocking_send(full).is_ok()
    }
}

/// Returns the finished pages, or `None` when the export was aborted.
pub(super) type ViewThread = JoinHandle<Result<Option<FinishedView<FailFastFile>>, ViewError>>;

/// Starts the thread that creates the pages. It ends with the counts, or when the sender is dropped.
pub(super) fn start_pages(spool: File, scratch: File, header: ViewHeader) -> (ViewSender, ViewThread) {
    let (channel, mut receiver) = mpsc::channel::<Vec<Page>>(4);
    let thread = tokio::task::spawn_blocking(move || {
        let (spool, abandon) = FailFastFile::new(spool);
        let mut view = View::begin(spool, scratch, header)?;
        while let Some(batch) = receiver.blocking_recv() {
            for page in batch {
                if let Page::Counts(counts) = page {
                    return view.finish(&counts).map(Some);
                }
                show(&mut view, page).inspect_err(|_| abandon.now())?;
            }
        }
        abandon.now();
        Ok(None)
    });
    (ViewSender { channel, batch: Vec::with_capacity(BATCH) }, thread)
}

fn show(view: &mut View<FailFastFile>, page: Page) -> Result<(), ViewError> {
    match page {
        Page::Profile(profile, avatar) => view.profile(&profile, avatar.as_deref()),
        Page::Contact(contact) => view.contact(&contact),
        Page::Post(record) => {
            let PostRecord { mut post, remainder, aspects, likes, replies } = *record;
            if let Some(remainder) = remainder {
                remainder.put_back(&mut post);
            }
            let audience = aspects.map_or(Audience::Public, Audience::Limited);
            let reply = |reply: crate::pod::reader::Reply| Reply {
                author_id: reply.author_id,
                author_name: reply.author_name,
                created_at: reply.created_at,
                text: reply.text,
            };
            view.post(&post, audience, likes, replies.into_iter().map(reply).collect())
        }
        Page::OwnRelayable(relayable) => {
            if let RelayableEntity::PollParticipation(vote) = &relayable.entity {
                view.vote(vote.poll_answer_guid.as_str());
            }
            view.own_relayable(&relayable)
        }
        Page::Vote(answer) => {
            view.vote(answer.as_str());
            Ok(())
        }
        Page::PhotoFiles(names) => {
            for name in &names {
                view.photo_file(name);
            }
            Ok(())
        }
        Page::Conversation(conversation) => view.conversation(&conversation),
        Page::LoosePhoto(photo) => view.loose_photo(&photo),
        Page::Omission(omission) => view.omission(&omission),
        Page::MoreOmissions(counts) => {
            view.more_omissions(&counts);
            Ok(())
        }
        Page::Counts(_) => Ok(()),
    }
}
