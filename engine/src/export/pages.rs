//! The pages for people, created on their own thread from the records of the export.

use std::collections::BTreeMap;

use tempfile::SpooledTempFile;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fail_fast_file::FailFastFile;
use crate::archive::view::{Audience, FinishedView, Reply, View, ViewError, ViewHeader};
use crate::domain::{
    CommentedPost, Contact, Conversation, CountKind, Guid, LoosePhoto, Omission, OmissionCode, Profile,
    Relayable, RelayableEntity,
};
use crate::pod::reader::PostRecord;

/// An item to show on the pages.
pub(super) enum PageItem {
    Profile(Box<Profile>, Option<String>),
    Contact(Box<Contact>),
    Post(Box<PostRecord>),
    OwnRelayable(Box<Relayable>),
    CommentedPost(Box<CommentedPost>),
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

/// Returns no item, for records that the pages show as part of others, or not at all.
pub(super) fn no_item<T>(_: T) -> Option<PageItem> {
    None
}

/// Returns the item of another person's relayable, if it is a vote: the items of posts include comments and likes.
pub(super) fn others_item(relayable: Relayable) -> Option<PageItem> {
    match relayable.entity {
        RelayableEntity::PollParticipation(vote) => Some(PageItem::Vote(vote.poll_answer_guid)),
        RelayableEntity::Comment(_) | RelayableEntity::Like(_) => None,
    }
}

/// The number of items sent to the pages' thread at once: waking it takes longer than showing one item.
const BATCH_ITEMS: usize = 64;

/// The writing thread's end of the channel.
pub(super) struct ViewSender {
    channel: mpsc::Sender<Vec<PageItem>>,
    batch: Vec<PageItem>,
}

impl ViewSender {
    /// Sends items, waiting until the channel has space; returns false when the pages' thread has ended.
    pub(super) fn send(&mut self, items: impl IntoIterator<Item = PageItem>) -> bool {
        self.batch.extend(items);
        let is_last = matches!(self.batch.last(), Some(PageItem::Counts(_)));
        if !is_last && self.batch.len() < BATCH_ITEMS {
            return true;
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_ITEMS));
        self.channel.blocking_send(batch).is_ok()
    }
}

/// Returns the finished pages, or `None` when the export was aborted.
pub(super) type ViewThread =
    JoinHandle<Result<Option<FinishedView<FailFastFile<SpooledTempFile>>>, ViewError>>;

/// Starts the thread that creates the pages. It ends with the counts, or when the sender is dropped.
pub(super) fn start_pages(
    spool: SpooledTempFile,
    scratch: SpooledTempFile,
    header: ViewHeader,
) -> (ViewSender, ViewThread) {
    let (channel, mut receiver) = mpsc::channel::<Vec<PageItem>>(4);
    let thread = tokio::task::spawn_blocking(move || {
        let (spool, abort_handle) = FailFastFile::new(spool);
        let mut view = View::begin(spool, scratch, header)?;
        while let Some(batch) = receiver.blocking_recv() {
            for item in batch {
                if let PageItem::Counts(counts) = item {
                    return view.finish(&counts).map(Some);
                }
                show(&mut view, item).inspect_err(|_| abort_handle.abort())?;
            }
        }
        abort_handle.abort();
        Ok(None)
    });
    (ViewSender { channel, batch: Vec::with_capacity(BATCH_ITEMS) }, thread)
}

fn show(view: &mut View<FailFastFile<SpooledTempFile>>, item: PageItem) -> Result<(), ViewError> {
    match item {
        PageItem::Profile(profile, avatar) => view.profile(&profile, avatar.as_deref()),
        PageItem::Contact(contact) => view.contact(&contact),
        PageItem::Post(record) => {
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
        PageItem::OwnRelayable(relayable) => view.own_relayable(&relayable),
        PageItem::CommentedPost(post) => view.commented_post(&post),
        PageItem::Vote(answer) => {
            view.vote(answer.as_str());
            Ok(())
        }
        PageItem::PhotoFiles(names) => {
            for name in &names {
                view.photo_file(name);
            }
            Ok(())
        }
        PageItem::Conversation(conversation) => view.conversation(&conversation),
        PageItem::LoosePhoto(photo) => view.loose_photo(&photo),
        PageItem::Omission(omission) => view.omission(&omission),
        PageItem::MoreOmissions(counts) => {
            view.more_omissions(&counts);
            Ok(())
        }
        PageItem::Counts(_) => Ok(()),
    }
}
