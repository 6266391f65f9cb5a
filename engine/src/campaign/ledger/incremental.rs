//! Accounts that have changed since a point in time, as `docs/campaigns.md` promises.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;

use crate::pod::database::{DatabaseError, Snapshot};

/// Clocks of pods differ from this machine's, and rows that a pod was about to write when it was read have an earlier
/// time. Exporting an account once too often costs little.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// Tables of own records, by `author_id`. `updated_at` is the time of receipt; `created_at` comes from the author.
const TABLES_BY_AUTHOR: [&str; 6] =
    ["posts", "comments", "likes", "photos", "participations", "poll_participations"];
/// Tables of a user's records, by `user_id`.
const TABLES_BY_USER: [&str; 4] = ["contacts", "aspects", "tag_followings", "user_preferences"];

/// Returns the users (`users.id`) who have used the pod, or whom new records concern, since a point in time. Sends one
/// statement that scans each table once.
pub(in crate::campaign) async fn changed_since(
    snapshot: &mut Snapshot,
    since: DateTime<Utc>,
) -> Result<HashSet<i64>, DatabaseError> {
    let since = (since - MARGIN).format("'%Y-%m-%d %H:%M:%S'").to_string();
    let mut changed = HashSet::new();
    let parts = [own_activity(&since), others_activity(&since)].concat();
    let sql = parts.join(" UNION ");
    let mut rows = snapshot.stream("accounts that have changed", sql, &[]);
    while let Some(row) = rows.try_next().await? {
        changed.extend(row.integer("user_id"));
    }
    Ok(changed)
}

/// Returns queries for the account's own records and actions.
fn own_activity(since: &str) -> Vec<String> {
    let is_new = |table: &str| format!("({table}.updated_at >= {since} OR {table}.created_at >= {since})");
    let mut parts = vec![
        // The first query names the column of all.
        format!("SELECT u.id AS user_id FROM users u WHERE {} OR u.last_seen >= {since}", is_new("u")),
        format!("SELECT a.owner_id FROM people a WHERE a.owner_id IS NOT NULL AND {}", is_new("a")),
        format!(
            "SELECT a.owner_id FROM profiles r JOIN people a ON a.id = r.person_id \
             WHERE a.owner_id IS NOT NULL AND {}",
            is_new("r")
        ),
        format!(
            "SELECT p.user_id FROM aspect_memberships r JOIN aspects p ON p.id = r.aspect_id WHERE {}",
            is_new("r")
        ),
        // New messages in the account's conversations.
        format!(
            "SELECT a.owner_id FROM messages r \
             JOIN conversation_visibilities v ON v.conversation_id = r.conversation_id \
             JOIN people a ON a.id = v.person_id WHERE a.owner_id IS NOT NULL AND {}",
            is_new("r")
        ),
        format!(
            "SELECT a.owner_id FROM conversation_visibilities r JOIN people a ON a.id = r.person_id \
             WHERE a.owner_id IS NOT NULL AND {}",
            is_new("r")
        ),
    ];
    for table in TABLES_BY_AUTHOR {
        parts.push(format!(
            "SELECT a.owner_id FROM {table} r JOIN people a ON a.id = r.author_id \
             WHERE a.owner_id IS NOT NULL AND {}",
            is_new("r")
        ));
    }
    for table in TABLES_BY_USER {
        parts.push(format!("SELECT r.user_id FROM {table} r WHERE {}", is_new("r")));
    }
    parts
}

/// Returns queries for others' actions that concern the account.
fn others_activity(since: &str) -> Vec<String> {
    let is_new = |table: &str| format!("({table}.updated_at >= {since} OR {table}.created_at >= {since})");
    let mut parts = Vec::new();
    // Others' reactions to the account's posts.
    for (table, id, kind) in
        [("comments", "commentable_id", "commentable_type"), ("likes", "target_id", "target_type")]
    {
        parts.push(format!(
            "SELECT a.owner_id FROM {table} r JOIN posts p ON p.id = r.{id} AND r.{kind} = 'Post' \
             JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL AND {}",
            is_new("r")
        ));
    }
    parts.push(format!(
        "SELECT a.owner_id FROM poll_participations r JOIN polls l ON l.id = r.poll_id \
         JOIN posts p ON p.id = l.status_message_id JOIN people a ON a.id = p.author_id \
         WHERE a.owner_id IS NOT NULL AND {}",
        is_new("r")
    ));
    // Likes on the account's comments, and on those below its posts.
    for parent in [
        "JOIN people a ON a.id = c.author_id",
        "JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' JOIN people a ON a.id = p.author_id",
    ] {
        parts.push(format!(
            "SELECT a.owner_id FROM likes r JOIN comments c ON c.id = r.target_id AND r.target_type = 'Comment' \
             {parent} WHERE a.owner_id IS NOT NULL AND {}",
            is_new("r")
        ));
    }
    // Names of contacts.
    parts.push(format!(
        "SELECT k.user_id FROM contacts k JOIN profiles r ON r.person_id = k.person_id WHERE {}",
        is_new("r")
    ));
    // Names of comment authors, which the archive's pages show.
    parts.push(format!(
        "SELECT a.owner_id FROM profiles r JOIN comments c ON c.author_id = r.person_id \
         JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post' \
         JOIN people a ON a.id = p.author_id WHERE a.owner_id IS NOT NULL AND {}",
        is_new("r")
    ));
    parts.push(format!(
        "SELECT k.user_id FROM contacts k JOIN people r ON r.id = k.person_id WHERE {}",
        is_new("r")
    ));
    // Keys of people who have reacted to the account's posts and comments.
    for (reactions, owner) in REACTIONS {
        parts.push(format!(
            "SELECT a.owner_id FROM people r JOIN {reactions} JOIN people a ON a.id = {owner} \
             WHERE a.owner_id IS NOT NULL AND {}",
            is_new("r")
        ));
    }
    parts
}

/// Reactions of the people `r`, with the author of the post or comment.
const REACTIONS: [(&str, &str); 5] = [
    (
        "comments c ON c.author_id = r.id JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post'",
        "p.author_id",
    ),
    (
        "likes l ON l.author_id = r.id JOIN posts p ON p.id = l.target_id AND l.target_type = 'Post'",
        "p.author_id",
    ),
    (
        "likes l ON l.author_id = r.id JOIN comments c ON c.id = l.target_id AND l.target_type = 'Comment'",
        "c.author_id",
    ),
    (
        "likes l ON l.author_id = r.id JOIN comments c ON c.id = l.target_id AND l.target_type = 'Comment' \
         JOIN posts p ON p.id = c.commentable_id AND c.commentable_type = 'Post'",
        "p.author_id",
    ),
    (
        "poll_participations v ON v.author_id = r.id JOIN polls l ON l.id = v.poll_id \
         JOIN posts p ON p.id = l.status_message_id",
        "p.author_id",
    ),
];
