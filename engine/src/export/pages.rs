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
pub(super) enum Page {
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

/// Returns no item: the pages show these records with others, or not at all.
pub(super) fn no_page<T>(_: T) -> Option<Page> {
    None
}

/// Returns the item of another person's relayable. Posts come with their comments and likes.
pub(super) fn others_page(relayable: Relayable) -> Option<Page> {
    match relayable.entity {
        RelayableEntity::PollParticipation(vote) => Some(Page::Vote(vote.poll_answer_guid)),
        RelayableEntity::Comment(_) | RelayableEntity::Like(_) => None,
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
pub(super) type ViewThread =
    JoinHandle<Result<Option<FinishedView<FailFastFile<SpooledTempFile>>>, ViewError>>;

/// Starts the thread that creates the pages. It ends with the counts, or when the sender is dropped.
pub(super) fn start_pages(
    spool: SpooledTempFile,
    scratch: SpooledTempFile,
    header: ViewHeader,
) -> (ViewSender, ViewThread) {
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

fn show(view: &mut View<FailFastFile<SpooledTempFile>>, page: Page) -> Result<(), ViewError> {
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
        Page::CommentedPost(post) => view.commented_post(&post),
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
