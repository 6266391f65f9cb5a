//! Detects changes on a pod that leave no timestamp: removals, withdrawn likes, blocks, people who have moved, hidden
//! posts that were removed.
//!
//! Computes for each account a digest of the counts and the sums of row numbers of everything in its archive.
//! Campaigns store the digest; a different one means a change.

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::pod::database::{DatabaseError, Snapshot};
use crate::pod::reader::{PAGE, hidden_posts};
use crate::sql::{Dialect, id_list};

/// Columns with the numbers per account and part, in the order in which they are added to the digest.
const NUMBER_COLUMNS: [&str; 4] = ["found", "id_sum", "first_sum", "second_sum"];

/// Digests of accounts, by `users.id`.
#[derive(Default)]
pub(in crate::campaign) struct Traits(HashMap<i64, [u8; 16]>);

impl Traits {
    /// Reads the whole pod: one statement for each kind of rows, which scans its table once.
    pub(in crate::campaign) async fn read(snapshot: &mut Snapshot) -> Result<Self, DatabaseError> {
        let mut traits = Self::default();
        let dialect = snapshot.dialect();
        for (number, part) in parts().into_iter().enumerate() {
            let mut rows = snapshot.stream("the rows of all accounts", part.sql(dialect), &[]);
            while let Some(row) = rows.try_next().await? {
                let Some(user) = row.integer("user_row") else { continue };
                let mut digest = Sha256::new().chain_update(number.to_be_bytes());
                for column in NUMBER_COLUMNS {
                    digest.update(row.integer(column).unwrap_or(0).to_be_bytes());
                }
                traits.add(user, &digest.finalize());
            }
        }
        for (user, post) in present_hidden_posts(snapshot).await? {
            traits.add(user, &post.to_be_bytes());
        }
        Ok(traits)
    }

    /// Adds bytes to an account's digest. Parts have a fixed order; a part without rows adds nothing.
    fn add(&mut self, user: i64, bytes: &[u8]) {
        let current = self.0.entry(user).or_default();
        let digest = Sha256::new().chain_update(*current).chain_update(bytes).finalize();
        current.iter_mut().zip(digest).for_each(|(current, new)| *current = new);
    }

    /// Returns the digest of an account, in hexadecimal digits; an account without rows has one too.
    pub(in crate::campaign) fn of(&self, user: i64) -> String {
        hex::encode(self.0.get(&user).unwrap_or(&[0; 16]))
    }
}

/// Returns the hidden posts that still exist (`users.id`, `posts.id`), in order. Their row numbers are in a text, so
/// they cannot be joined.
async fn present_hidden_posts(snapshot: &mut Snapshot) -> Result<Vec<(i64, i64)>, DatabaseError> {
    let sql = "SELECT id, hidden_shareables FROM users WHERE hidden_shareables IS NOT NULL".to_owned();
    let mut rows = snapshot.stream("the hidden posts", sql, &[]);
    let mut hidden: Vec<(i64, i64)> = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if let (Some(user), Some(yaml)) = (row.integer("id"), row.non_empty_text("hidden_shareables")) {
            let posts = hidden_posts(&yaml).unwrap_or_default();
            hidden.extend(posts.into_iter().map(|post| (user, post)));
        }
    }
    drop(rows);
    // Many people hide the same posts.
    hidden.sort_unstable_by_key(|(_, post)| *post);
    let mut present = Vec::with_capacity(hidden.len());
    for chunk in hidden.chunks(PAGE) {
        let mut posts: Vec<i64> = chunk.iter().map(|(_, post)| *post).collect();
        posts.dedup();
        let sql = format!("SELECT id FROM posts WHERE id IN ({})", id_list(&posts));
        let rows = snapshot.rows("the hidden posts", sql, &[]).await?;
        let existing: HashSet<i64> = rows.iter().filter_map(|row| row.integer("id")).collect();
        present.extend(chunk.iter().copied().filter(|(_, post)| existing.contains(post)));
    }
    present.sort_unstable();
    Ok(present)
}

/// One kind of rows: their owner, and the values summed besides their count and row numbers.
struct Part {
    /// An SQL expression for `users.id`.
    owner: &'static str,
    /// Tables, with joins and a condition.
    rows: &'static str,
    /// An SQL expression for the row number.
    id: &'static str,
    /// SQL expressions for two more numbers of a row.
    numbers: [&'static str; 2],
}

impl Part {
    fn sql(&self, dialect: Dialect) -> String {
        let integer_type = if dialect == Dialect::MySql { "SIGNED" } else { "BIGINT" };
        let Self { owner, rows, id, numbers: [first, second] } = self;
        let sum = |expression: &str| format!("CAST(COALESCE(SUM({expression}), 0) AS {integer_type})");
        format!(
            "SELECT {owner} AS user_row, COUNT(*) AS found, {} AS id_sum, {} AS first_sum, {} AS second_sum \
             FROM {rows} GROUP BY {owner}",
            sum(id),
            sum(first),
            sum(second)
        )
    }
}

const fn part(owner: &'static str, rows: &'static str, numbers: [&'static str; 2]) -> Part {
    Part { owner, rows, id: "r.id", numbers }
}

/// The owner of a joined person `a`.
const PERSON_OWNER: &str = "a.owner_id";

/// Returns all parts. Their order is part of the digest: new ones come last.
fn parts() -> Vec<Part> {
    let mut parts = vec![
        part(
            "r.user_id",
            "contacts r WHERE r.user_id IS NOT NULL",
            [
                "r.person_id",
                "CASE WHEN r.sharing THEN 1 ELSE 0 END + CASE WHEN r.receiving THEN 65536 ELSE 0 END",
            ],
        ),
        part("r.user_id", "blocks r WHERE r.user_id IS NOT NULL", ["r.person_id", "0"]),
        part("r.user_id", "aspects r WHERE r.user_id IS NOT NULL", ["COALESCE(r.order_id, 0)", "0"]),
        part("r.user_id", "tag_followings r WHERE r.user_id IS NOT NULL", ["r.tag_id", "0"]),
        part("r.user_id", "user_preferences r WHERE r.user_id IS NOT NULL", ["0", "0"]),
        part(
            "p.user_id",
            "aspect_memberships r JOIN aspects p ON p.id = r.aspect_id",
            ["r.contact_id", "r.aspect_id"],
        ),
        part(
            "p.user_id",
            "aspect_visibilities r JOIN aspects p ON p.id = r.aspect_id",
            ["r.shareable_id", "r.aspect_id"],
        ),
        part(
            PERSON_OWNER,
            "taggings r JOIN profiles f ON f.id = r.taggable_id AND r.taggable_type = 'Profile' \
             JOIN people a ON a.id = f.person_id WHERE a.owner_id IS NOT NULL",
            ["r.tag_id", "0"],
        ),
        part(
            PERSON_OWNER,
            "posts r JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
            ["CASE WHEN r.root_guid IS NULL THEN 0 ELSE 1 END", "CASE WHEN r.public THEN 1 ELSE 0 END"],
        ),
    ];
    parts.extend(OWN_ROWS.map(|rows| part(PERSON_OWNER, rows, ["0", "0"])));
    parts.extend(OTHERS_ROWS.map(|rows| part(PERSON_OWNER, rows, ["r.author_id", "0"])));
    parts.push(part(
        PERSON_OWNER,
        "conversation_visibilities r JOIN people a ON a.id = r.person_id WHERE a.owner_id IS NOT NULL",
        ["r.unread", "r.conversation_id"],
    ));
    parts.extend(SHOWN_AUTHORS.map(|rows| part(PERSON_OWNER, rows, ["p.author_id", "p.id"])));
    parts.extend(MOVE_ROWS.map(|rows| part(PERSON_OWNER, rows, ["r.old_person_id", "0"])));
    parts
}

/// The account's own rows.
const OWN_ROWS: [&str; 5] = [
    "comments r JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
    "likes r JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
    "photos r JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
    "participations r JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
    "poll_participations r JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
];

/// Others' reactions to the account's posts and comments, and messages and readers in its conversations.
const OTHERS_ROWS: [&str; 9] = [
    "comments r JOIN posts p ON p.id = r.commentable_id AND r.commentable_type = 'Post' \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "likes r JOIN posts p ON p.id = r.target_id AND r.target_type = 'Post' \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "likes r JOIN comments c ON c.id = r.target_id AND r.target_type = 'Comment' \
     JOIN people a ON a.id = c.author_id WHERE a.owner_id IS NOT NULL",
    "likes r JOIN comments c ON c.id = r.target_id AND r.target_type = 'Comment' \
     JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "poll_participations r JOIN polls l ON l.id = r.poll_id JOIN posts p ON p.id = l.status_message_id \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    // Subscriptions to the post.
    "participations r JOIN posts p ON p.id = r.target_id AND r.target_type = 'Post' \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "posts r JOIN posts p ON p.guid = r.root_guid JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "messages r JOIN conversation_visibilities v ON v.conversation_id = r.conversation_id \
     JOIN people a ON a.id = v.person_id WHERE a.owner_id IS NOT NULL",
    "(SELECT o.id, o.person_id AS author_id, v.person_id FROM conversation_visibilities o \
     JOIN conversation_visibilities v ON v.conversation_id = o.conversation_id) r \
     JOIN people a ON a.id = r.person_id WHERE a.owner_id IS NOT NULL",
];

/// Others' posts `p` whose author an archive shows, and the account's conversations: when their author moves, they get
/// another one.
const SHOWN_AUTHORS: [&str; 3] = [
    "posts r JOIN posts p ON p.guid = r.root_guid JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
    "comments r JOIN posts p ON p.id = r.commentable_id AND r.commentable_type = 'Post' \
     JOIN people a ON a.id = r.author_id WHERE a.owner_id IS NOT NULL",
    "conversation_visibilities r JOIN conversations p ON p.id = r.conversation_id \
     JOIN people a ON a.id = r.person_id WHERE a.owner_id IS NOT NULL",
];

/// Moves of people who have commented, liked or voted: archives also list their earlier identities.
const MOVE_ROWS: [&str; 5] = [
    "account_migrations r JOIN comments c ON c.author_id = r.new_person_id \
     JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "account_migrations r JOIN likes l ON l.author_id = r.new_person_id \
     JOIN posts p ON p.id = l.target_id AND l.target_type = 'Post' \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "account_migrations r JOIN likes l ON l.author_id = r.new_person_id \
     JOIN comments c ON c.id = l.target_id AND l.target_type = 'Comment' \
     JOIN people a ON a.id = c.author_id WHERE a.owner_id IS NOT NULL",
    "account_migrations r JOIN likes l ON l.author_id = r.new_person_id \
     JOIN comments c ON c.id = l.target_id AND l.target_type = 'Comment' \
     JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
    "account_migrations r JOIN poll_participations v ON v.author_id = r.new_person_id \
     JOIN polls l ON l.id = v.poll_id JOIN posts p ON p.id = l.status_message_id \
     JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL",
];
