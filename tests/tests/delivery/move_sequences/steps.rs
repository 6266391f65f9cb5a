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
    /// Their move is announced, before or after the account's.
    AnnounceOther,
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
    /// A friend adds the new account by hand.
    Share(u8),
}

/// What users delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    Post,
    Reshare,
    Photo,
    Comment,
    /// Somebody else's, under a post of the account; also of somebody who moves as well and has it in their archive.
    OthersComment,
    Like,
    Tag,
    /// Of a post of somebody else.
    Subscription,
    /// The account no longer shares with them.
    Contact,
}

/// Deletes a post with what hangs on it.
const POST: &[&str] = &[
    "DELETE FROM likes WHERE target_type = 'Comment' AND target_id IN (SELECT c.id FROM comments c JOIN posts p ON p.id = c.commentable_id WHERE c.commentable_type = 'Post' AND p.guid = ?)",
    "DELETE FROM comments WHERE commentable_type = 'Post' AND commentable_id = (SELECT id FROM posts WHERE guid = ?)",
    "DELETE FROM likes WHERE target_type = 'Post' AND target_id = (SELECT id FROM posts WHERE guid = ?)",
    "DELETE FROM participations WHERE target_type = 'Post' AND target_id = (SELECT id FROM posts WHERE guid = ?)",
    "DELETE FROM photos WHERE status_message_guid = ?",
    "DELETE FROM share_visibilities WHERE shareable_type = 'Post' AND shareable_id = (SELECT id FROM posts WHERE guid = ?)",
    "DELETE FROM aspect_visibilities WHERE shareable_type = 'Post' AND shareable_id = (SELECT id FROM posts WHERE guid = ?)",
    "DELETE FROM posts WHERE guid = ?",
];
const COMMENT: &[&str] = &[
    "DELETE FROM likes WHERE target_type = 'Comment' AND target_id = (SELECT id FROM comments WHERE guid = ?)",
    "DELETE FROM comment_signatures WHERE comment_id = (SELECT id FROM comments WHERE guid = ?)",
    "UPDATE posts SET comments_count = comments_count - 1 WHERE id = (SELECT commentable_id FROM comments WHERE guid = ?)",
    "DELETE FROM comments WHERE guid = ?",
];

impl Record {
    pub(super) const ALL: [Self; 9] = [
        Self::Post,
        Self::Reshare,
        Self::Photo,
        Self::Comment,
        Self::OthersComment,
        Self::Like,
        Self::Tag,
        Self::Subscription,
        Self::Contact,
    ];

    /// Picks a record of the account, and deletes it with what hangs on it.
    pub(super) fn sql(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Post => (
                "SELECT guid FROM posts WHERE author_id = {} AND type = 'StatusMessage' ORDER BY guid LIMIT 1",
                POST,
            ),
            Self::Reshare => (
                "SELECT guid FROM posts WHERE author_id = {} AND type = 'Reshare' ORDER BY guid LIMIT 1",
                POST,
            ),
            Self::Photo => (
                "SELECT guid FROM photos WHERE author_id = {} AND status_message_guid IS NOT NULL ORDER BY guid LIMIT 1",
                &[
                    "DELETE FROM aspect_visibilities WHERE shareable_type = 'Photo' AND shareable_id = (SELECT id FROM photos WHERE guid = ?)",
                    "DELETE FROM photos WHERE guid = ?",
                ],
            ),
            Self::Comment => {
                ("SELECT guid FROM comments WHERE author_id = {} ORDER BY guid LIMIT 1", COMMENT)
            }
            Self::OthersComment => (
                "SELECT c.guid FROM comments c JOIN posts p ON p.id = c.commentable_id JOIN people a ON a.id = c.author_id \
                 WHERE c.commentable_type = 'Post' AND p.author_id = {} AND a.id <> {} AND c.text <> 'hello' \
                 ORDER BY c.guid LIMIT 1",
                COMMENT,
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
            Self::Subscription => (
                "SELECT p.guid FROM participations t JOIN posts p ON p.id = t.target_id WHERE t.target_type = 'Post' AND t.author_id = {} ORDER BY p.guid LIMIT 1",
                &[
                    "DELETE FROM participations WHERE target_type = 'Post' AND target_id = (SELECT id FROM posts WHERE guid = ?) AND author_id = (SELECT id FROM people WHERE diaspora_handle = 'ida@haven.example')",
                ],
            ),
            // diaspora* keeps the row of somebody who shares (`User#disconnect`).
            Self::Contact => (
                "SELECT p.diaspora_handle FROM contacts c JOIN people p ON p.id = c.person_id JOIN people m ON m.owner_id = c.user_id WHERE m.id = {} AND c.receiving ORDER BY p.diaspora_handle LIMIT 1",
                &[
                    "DELETE FROM aspect_memberships WHERE contact_id IN (SELECT c.id FROM contacts c JOIN people p ON p.id = c.person_id JOIN users u ON u.id = c.user_id WHERE u.username = 'ida' AND p.diaspora_handle = ?)",
                    "UPDATE contacts SET receiving = 0 WHERE user_id = (SELECT id FROM users WHERE username = 'ida') AND person_id = (SELECT id FROM people WHERE diaspora_handle = ?)",
                    "DELETE FROM contacts WHERE NOT sharing AND NOT receiving AND user_id = (SELECT id FROM users WHERE username = 'ida') AND person_id = (SELECT id FROM people WHERE diaspora_handle = ?)",
                ],
            ),
        }
    }

    /// Whether it is there.
    pub(super) fn there(self) -> &'static str {
        match self {
            Self::Post | Self::Reshare => "SELECT COUNT(*) FROM posts WHERE guid = ?",
            Self::Photo => "SELECT COUNT(*) FROM photos WHERE guid = ?",
            Self::Comment | Self::OthersComment => "SELECT COUNT(*) FROM comments WHERE guid = ?",
            Self::Like => "SELECT COUNT(*) FROM likes WHERE guid = ?",
            Self::Tag => {
                "SELECT COUNT(*) FROM tag_followings WHERE tag_id = (SELECT id FROM tags WHERE name = ?) \
                 AND user_id = (SELECT id FROM users WHERE username = 'ida')"
            }
            Self::Subscription => {
                "SELECT COUNT(*) FROM participations WHERE target_type = 'Post' \
                 AND target_id = (SELECT id FROM posts WHERE guid = ?) \
                 AND author_id = (SELECT id FROM people WHERE diaspora_handle = 'ida@haven.example')"
            }
            // They may share with the account.
            Self::Contact => {
                "SELECT COUNT(*) FROM contacts c JOIN people p ON p.id = c.person_id JOIN users u ON u.id = c.user_id \
                 WHERE p.diaspora_handle = ? AND u.username = 'ida' AND c.receiving"
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
        1 => Just(Step::AnnounceOther),
        2 => Just(Step::Undo),
        2 => Just(Step::Announce),
        2 => Just(Step::Deliver),
        1 => Just(Step::NewerArchive),
        5 => (0..Record::ALL.len()).prop_map(|record| Step::Delete(Record::ALL[record])),
        1 => Just(Step::EditProfile),
        1 => Just(Step::Comment),
        1 => any::<u8>().prop_map(Step::Unshare),
        2 => any::<u8>().prop_map(Step::Share),
    ]
}
