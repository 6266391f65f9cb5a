//! Times in an archive that are still to come. diaspora* hides posts from the future, or shows them above all others.

use crate::domain::{CountKind, OwnPost, Post, RelayableEntity, Timestamp};
use crate::import::report::FindingCode;
use crate::import::scan::source::Batch;
use crate::import::target::Target;

impl Target {
    /// Sets future times of the account's own posts and comments to now, and reports them.
    pub(in crate::import) fn hold_times(&mut self, mut batch: Batch) -> Batch {
        match &mut batch {
            Batch::Posts(posts) => {
                for OwnPost { post, .. } in posts {
                    let (kind, at, guid) = match post {
                        Post::StatusMessage(post) => {
                            for photo in &mut post.photos {
                                photo.0.created_at = photo.0.created_at.min(self.now);
                            }
                            (CountKind::StatusMessages, &mut post.created_at, &post.guid)
                        }
                        Post::Reshare(post) => (CountKind::Reshares, &mut post.created_at, &post.guid),
                    };
                    self.hold_time(at, kind, guid);
                }
            }
            Batch::OwnRelayables(records) => {
                for record in records {
                    if let RelayableEntity::Comment(comment) = &mut record.entity {
                        self.hold_time(&mut comment.created_at, CountKind::OwnComments, &comment.guid);
                    }
                }
            }
            _ => {}
        }
        batch
    }

    fn hold_time(&mut self, at: &mut Timestamp, kind: CountKind, record: &impl ToString) {
        if *at > self.now {
            *at = self.now;
            self.report.note(kind, FindingCode::InTheFuture, record);
        }
    }
}
