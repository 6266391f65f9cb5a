//! Times in an archive that are in the future. diaspora* hides posts and conversations from the future, or shows them
//! above all others.

use crate::domain::{Conversation, CountKind, OwnPost, Post, RelayableEntity, Timestamp};
use crate::import::report::FindingCode;
use crate::import::scan::source::Batch;
use crate::import::target::Target;

impl Target {
    /// Sets future times of the account's own posts and comments, and of conversations with all of their messages, to
    /// now, and reports them. No signature covers these.
    pub(in crate::import) fn clamp_times(&mut self, mut batch: Batch) -> Batch {
        match &mut batch {
            Batch::Posts(posts) => {
                for OwnPost { post, .. } in posts {
                    let (kind, time, guid) = match post {
                        Post::StatusMessage(post) => {
                            for photo in &mut post.photos {
                                photo.0.created_at = photo.0.created_at.min(self.now);
                            }
                            (CountKind::StatusMessages, &mut post.created_at, &post.guid)
                        }
                        Post::Reshare(post) => (CountKind::Reshares, &mut post.created_at, &post.guid),
                    };
                    self.clamp_time(time, kind, guid);
                }
            }
            Batch::OwnRelayables(records) => {
                for record in records {
                    if let RelayableEntity::Comment(comment) = &mut record.entity {
                        self.clamp_time(&mut comment.created_at, CountKind::OwnComments, &comment.guid);
                    }
                }
            }
            Batch::Conversations(conversations) => {
                for conversation in conversations {
                    self.clamp_conversation(conversation);
                }
            }
            _ => {}
        }
        batch
    }

    fn clamp_conversation(&mut self, conversation: &mut Conversation) {
        let Conversation { guid, created_at, messages, continued, .. } = conversation;
        if *continued {
            // Reported with its first part.
            *created_at = (*created_at).min(self.now);
        } else {
            self.clamp_time(created_at, CountKind::Conversations, guid);
        }
        for message in messages {
            self.clamp_time(&mut message.created_at, CountKind::Messages, &message.guid);
        }
    }

    fn clamp_time(&mut self, time: &mut Timestamp, kind: CountKind, record: &impl ToString) {
        if *time > self.now {
            *time = self.now;
            self.report.note(kind, FindingCode::InTheFuture, record);
        }
    }
}
