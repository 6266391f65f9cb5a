//! What may happen around a move, and how likely.

use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// `pappus import`, for the first time or again.
    Import,
    /// The same, killed after so many milliseconds.
    KilledImport(u16),
    /// Somebody else of the closing pod comes.
    ImportOther,
    /// They are taken back.
    UndoOther,
    Undo,
    Announce,
    /// What is due is delivered, and some minutes pass.
    Deliver,
    /// The account writes on its old pod and is exported again; later imports take the newer archive.
    NewerArchive,
    /// The user deletes a record on the target pod.
    Delete(Record),
    /// The user edits their name there.
    EditProfile,
    /// Somebody else on the target pod comments under a post of the account.
    Comment,
    /// A friend no longer shares with the account.
    Unshare(u8),
}

/// What users delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    Post,
    Comment,
    Like,
    Tag,
}

impl Record {
    const ALL: [Self; 4] = [Self::Post, Self::Comment, Self::Like, Self::Tag];

    /// Picks a record of the account, and deletes it with what hangs on it.
    pub(super) fn sql(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Post => (
                "SELECT guid FROM posts WHERE author_id = {} AND type = 'StatusMessage' ORDER BY guid LIMIT 1",
                &[
                    "DELETE FROM comments WHERE commentable_type = 'Post' AND commentable_id = (SELECT id FROM posts WHERE guid = ?)",
                    "DELETE FROM likes WHERE target_type = 'Post' AND target_id = (SELECT id FROM posts WHERE guid = ?)",
                    "DELETE FROM participations WHERE target_type = 'Post' AND target_id = (SELECT id FROM posts WHERE guid = ?)",
                    "DELETE FROM photos WHERE status_message_guid = ?",
                    "DELETE FROM share_visibilities WHERE shareable_type = 'Post' AND shareable_id = (SELECT id FROM posts WHERE guid = ?)",
                    "DELETE FROM aspect_visibilities WHERE shareable_type = 'Post' AND shareable_id = (SELECT id FROM posts WHERE guid = ?)",
                    "DELETE FROM posts WHERE guid = ?",
                ],
            ),
            Self::Comment => (
                "SELECT guid FROM comments WHERE author_id = {} ORDER BY guid LIMIT 1",
                &[
                    "DELETE FROM comment_signatures WHERE comment_id = (SELECT id FROM comments WHERE guid = ?)",
                    "UPDATE posts SET comments_count = comments_count - 1 WHERE id = (SELECT commentable_id FROM comments WHERE guid = ?)",
                    "DELETE FROM comments WHERE guid = ?",
                ],
            ),
            Self::Like => (
                "SELECT guid FROM likes WHERE author_id = {} AND target_type = 'Post' ORDER BY guid LIMIT 1",
                &[
                    "DELETE FROM like_signatures WHERE like_id = (SELECT id FROM likes WHERE guid = ?)",
                    "UPDATE posts SET likes_count = likes_count - 1 WHERE id = (SELECT target_id FROM likes WHERE guid = ?)",
                    "DELETE FROM likes WHERE guid = ?",
                ],
            ),
            Self::Tag => (
                "SELECT t.name FROM tag_followings f JOIN tags t ON t.id = f.tag_id JOIN people p ON p.owner_id = f.user_id WHERE p.id = {} ORDER BY t.name LIMIT 1",
                &["DELETE FROM tag_followings WHERE tag_id = (SELECT id FROM tags WHERE name = ?)"],
            ),
        }
    }

    /// Whether it is there.
    pub(super) fn there(self) -> &'static str {
        match self {
            Self::Post => "SELECT COUNT(*) FROM posts WHERE guid = ?",
            Self::Comment => "SELECT COUNT(*) FROM comments WHERE guid = ?",
            Self::Like => "SELECT COUNT(*) FROM likes WHERE guid = ?",
            Self::Tag => {
                "SELECT COUNT(*) FROM tag_followings WHERE tag_id = (SELECT id FROM tags WHERE name = ?) \
                 AND user_id = (SELECT id FROM users WHERE username = 'ida')"
            }
        }
    }
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Import),
        2 => any::<u16>().prop_map(|time| Step::KilledImport(time % 4_000)),
        2 => Just(Step::ImportOther),
        1 => Just(Step::UndoOther),
        2 => Just(Step::Undo),
        2 => Just(Step::Announce),
        2 => Just(Step::Deliver),
        1 => Just(Step::NewerArchive),
        4 => (0..4_usize).prop_map(|record| Step::Delete(Record::ALL[record])),
        1 => Just(Step::EditProfile),
        1 => Just(Step::Comment),
        1 => any::<u8>().prop_map(Step::Unshare),
    ]
}
