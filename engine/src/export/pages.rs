//! The pages for people, made on a thread of their own from the records as they pass.

use std::collections::BTreeMap;
use std::fs::File;

use serde::{Serialize, Serializer};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::steady::Steady;
use crate::archive::manifest::CountKind;
use crate::archive::view::{Audience, FinishedView, Reply, View, ViewError, ViewHeader};
use crate::domain::{
    AspectAudience, CommentedPost, Contact, Conversation, Guid, LoosePhoto, NonContactAuthor, Omission,
    PostRemainder, Profile, Relayable, SignedAs,
};
use crate::pod::reader::PostRecord;

/// Something to show.
pub(super) enum Page {
    Profile(Box<Profile>, Option<String>),
    Contact(Box<Contact>),
    Post(Box<PostRecord>),
    OwnRelayable(Box<Relayable>),
    Conversation(Box<Conversation>),
    LoosePhoto(Box<LoosePhoto>),
    Omission(Box<Omission>),
    /// The last one.
    Counts(BTreeMap<CountKind, u64>),
}

/// A record that people may want to see.
pub(super) trait Shown: Sized {
    /// What to show of it; most records are not shown by themselves.
    fn shown(self) -> Option<Page> {
        None
    }
}

impl Shown for Contact {
    fn shown(self) -> Option<Page> {
        Some(Page::Contact(Box::new(self)))
    }
}

impl Shown for PostRecord {
    fn shown(self) -> Option<Page> {
        Some(Page::Post(Box::new(self)))
    }
}

impl Shown for Conversation {
    fn shown(self) -> Option<Page> {
        Some(Page::Conversation(Box::new(self)))
    }
}

impl Shown for LoosePhoto {
    fn shown(self) -> Option<Page> {
        Some(Page::LoosePhoto(Box::new(self)))
    }
}

/// One of the account's own relayables; other people's are shown under the posts.
pub(super) struct Own(pub(super) Relayable);

impl Shown for Own {
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

impl Shown for Guid {}
impl Shown for Relayable {}
impl Shown for NonContactAuthor {}
impl Shown for AspectAudience {}
impl Shown for CommentedPost {}
impl Shown for SignedAs {}
impl Shown for PostRemainder {}

/// Records that go to the other thread together: waking it takes longer than showing one.
const BATCH: usize = 64;

/// The writing thread's end of the channel.
pub(super) struct Pages {
    channel: mpsc::Sender<Vec<Page>>,
    batch: Vec<Page>,
}

impl Pages {
    /// Waits until there is room; false when nobody makes pages any more.
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

/// Gives the pages when every record has passed, nothing when the export was broken off.
pub(super) type ViewThread = JoinHandle<Result<Option<FinishedView<Steady>>, ViewError>>;

/// Starts the thread that makes the pages. It ends with the counts, or when the sender is gone.
pub(super) fn start_pages(spool: File, header: ViewHeader) -> (Pages, ViewThread) {
    let (channel, mut receiver) = mpsc::channel::<Vec<Page>>(4);
    let thread = tokio::task::spawn_blocking(move || {
        let (spool, abandon) = Steady::new(spool);
        let mut view = View::begin(spool, header)?;
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
    (Pages { channel, batch: Vec::with_capacity(BATCH) }, thread)
}

fn show(view: &mut View<Steady>, page: Page) -> Result<(), ViewError> {
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
        Page::OwnRelayable(relayable) => view.own_relayable(&relayable),
        Page::Conversation(conversation) => view.conversation(&conversation),
        Page::LoosePhoto(photo) => view.loose_photo(&photo),
        Page::Omission(omission) => view.omission(&omission),
        Page::Counts(_) => Ok(()),
    }
}
