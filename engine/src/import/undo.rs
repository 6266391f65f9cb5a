//! Taking an import back, as long as nobody has been told of it.

use super::finish::list;
use super::journal::{ImportRecord, ImportState, noted, set_state};
use super::target::Target;
use super::{ImportError, Report};
use crate::domain::Timestamp;
use crate::pod::config::{DatabaseUrl, PodUrl};
use crate::pod::database::{Cell as _, DatabaseError, PodWriter};
use crate::pod::uploads::{PhotoStore, UploadsError};
use crate::store::{Store, StoreError};

/// Why an import was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// It has been announced.
    #[error(
        "the move was announced: other pods know {0} by the new name, and it can no longer be taken back"
    )]
    Announced(String),
    /// It has been taken back before.
    #[error("this import has been taken back already")]
    Undone,
    /// It belongs to another pod.
    #[error("this import went into {0}, which is another pod")]
    OtherPod(String),
    /// The pod's database failed; the same command goes on.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A photo could not be removed.
    #[error(transparent)]
    Uploads(#[from] UploadsError),
    /// Counters could not be set.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Rows removed, of all kinds.
    pub removed: u64,
    /// Rows given back to who had them before.
    pub given_back: u64,
}

/// A kind of record in the journal.
pub(super) struct Kind {
    pub(super) table: &'static str,
    /// Tables that hang on a row by its number, with the column.
    parts: &'static [(&'static str, &'static str)],
    /// Tables that hang on a row by number and type, with the column and the condition.
    typed: &'static [(&'static str, &'static str, &'static str)],
}

/// Links between records; the word means something in SQL.
const LINKS: &str = "\"references\"";

/// In the order in which their rows can go.
pub(super) const KINDS: &[Kind] = &[
    Kind { table: "likes", parts: &[("like_signatures", "like_id")], typed: &[] },
    Kind {
        table: "poll_participations",
        parts: &[("poll_participation_signatures", "poll_participation_id")],
        typed: &[],
    },
    Kind {
        table: "comments",
        parts: &[("comment_signatures", "comment_id")],
        typed: &[
            ("likes", "target_id", "target_type = 'Comment'"),
            ("mentions", "mentions_container_id", "mentions_container_type = 'Comment'"),
            ("taggings", "taggable_id", "taggable_type = 'Comment'"),
            (LINKS, "source_id", "source_type = 'Comment'"),
            (LINKS, "target_id", "target_type = 'Comment'"),
        ],
    },
    Kind { table: "messages", parts: &[], typed: &[(LINKS, "source_id", "source_type = 'Message'")] },
    Kind {
        table: "conversations",
        parts: &[("conversation_visibilities", "conversation_id"), ("messages", "conversation_id")],
        typed: &[],
    },
    Kind {
        table: "photos",
        parts: &[],
        typed: &[
            ("aspect_visibilities", "shareable_id", "shareable_type = 'Photo'"),
            (LINKS, "target_id", "target_type = 'Photo'"),
        ],
    },
    Kind {
        table: "posts",
        parts: &[("locations", "status_message_id")],
        typed: &[
            ("comments", "commentable_id", "commentable_type = 'Post'"),
            ("likes", "target_id", "target_type = 'Post'"),
            ("participations", "target_id", "target_type = 'Post'"),
            ("mentions", "mentions_container_id", "mentions_container_type = 'Post'"),
            ("taggings", "taggable_id", "taggable_type = 'Post'"),
            ("share_visibilities", "shareable_id", "shareable_type = 'Post'"),
            ("aspect_visibilities", "shareable_id", "shareable_type = 'Post'"),
            (LINKS, "source_id", "source_type = 'Post'"),
            (LINKS, "target_id", "target_type = 'Post'"),
        ],
    },
];

/// Removes exactly what the import wrote, and gives back what it took over.
///
/// # Errors
/// [`UndoError`]; what is undone until then stays undone, and the same call goes on.
pub async fn undo(
    store: &Store,
    import: &ImportRecord,
    database: &DatabaseUrl,
    url: &PodUrl,
    uploads: &PhotoStore,
    now: Timestamp,
) -> Result<Undone, UndoError> {
    match import.state {
        ImportState::Announced => return Err(UndoError::Announced(import.old_id.clone())),
        ImportState::Undone => return Err(UndoError::Undone),
        ImportState::Importing | ImportState::Imported => {}
    }
    if import.pod_url != url.as_str() {
        return Err(UndoError::OtherPod(import.pod_url.clone()));
    }
    let pod = PodWriter::open(database).await?;
    let mut target = Target::new(pod, url.clone(), now, None);
    target.report = Report::default();
    let mut undone = Undone::default();
    let sql = "SELECT id, owner_id FROM people WHERE guid IN ({})";
    let rows = target.pod.rows_in("the account", sql, &[import.id.as_str()]).await?;
    let account = rows.first().and_then(|row| Some((row.integer(0)?, row.integer(1)?)));
    if let Some((person, user)) = account {
        // Posts of others on which the account left its mark; their counters change.
        let touched = target.touched(person).await?;
        for (signatures, key, table) in SIGNATURES {
            undone.removed += target.remove_signatures(store, import, signatures, key, table).await?;
        }
        target.point_photos_back(store, import, person).await?;
        for kind in KINDS {
            target.undo_kind(store, import, kind, person, &mut undone).await?;
        }
        undone.removed += target.remove_account(person, user).await?;
        target.count_again(&touched).await?;
    }
    target.remove_fetched(store, import, &mut undone).await?;
    undone.removed += target.remove_strangers(store, import).await?;
    let mut after = 0;
    loop {
        let page = noted(store, &import.id, "photo_files", after).await?;
        let Some((last, ..)) = page.last() else { break };
        after = *last;
        let names = page.iter().flat_map(|(_, name, _)| super::photos::stored_names(name)).collect();
        uploads.remove(names).await?;
    }
    set_state(store, &import.id, ImportState::Undone, None, now).await?;
    Ok(undone)
}

/// Signatures that were added to records which were there before.
const SIGNATURES: &[(&str, &str, &str)] = &[
    ("comment_signatures", "comment_id", "comments"),
    ("like_signatures", "like_id", "likes"),
    ("poll_participation_signatures", "poll_participation_id", "poll_participations"),
];

/// What counters an account has changed.
pub(super) struct Touched {
    pub(super) posts: Vec<i64>,
    pub(super) answers: Vec<i64>,
    pub(super) tags: Vec<i64>,
}

impl Target {
    async fn touched(&mut self, person: i64) -> Result<Touched, UndoError> {
        let mut numbers = Vec::new();
        for sql in [
            format!("SELECT id FROM {} t", super::finish::touched_posts(person)),
            super::finish::touched_answers(person),
            super::finish::touched_tags(person),
        ] {
            let rows = self.pod.rows("counters", sql, &[]).await?;
            numbers.push(rows.iter().filter_map(|row| row.integer(0)).collect());
        }
        let (tags, answers, posts) = (numbers.pop(), numbers.pop(), numbers.pop());
        let (tags, answers) = (tags.unwrap_or_default(), answers.unwrap_or_default());
        Ok(Touched { posts: posts.unwrap_or_default(), answers, tags })
    }

    pub(super) async fn count_again(&mut self, touched: &Touched) -> Result<(), UndoError> {
        for chunk in touched.posts.chunks(1000) {
            self.count_posts(&list(chunk)).await?;
        }
        for chunk in touched.answers.chunks(1000) {
            self.count_answers(&list(chunk)).await?;
        }
        for chunk in touched.tags.chunks(1000) {
            self.count_taggings(&list(chunk)).await?;
        }
        Ok(())
    }

    async fn remove_signatures(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        signatures: &'static str,
        key: &str,
        table: &'static str,
    ) -> Result<u64, UndoError> {
        let (mut removed, mut after) = (0, 0);
        loop {
            let page = noted(store, &import.id, signatures, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(removed) };
            after = *last;
            let guids: Vec<&str> = page.iter().map(|(_, guid, _)| guid.as_str()).collect();
            let ids: Vec<i64> = self.ids(table, &guids).await?.into_values().collect();
            if !ids.is_empty() {
                let sql = format!("DELETE FROM {signatures} WHERE {key} IN ({})", list(&ids));
                removed += self.pod.run(signatures, sql, &[]).await?;
            }
        }
    }

    async fn undo_kind(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        kind: &Kind,
        person: i64,
        undone: &mut Undone,
    ) -> Result<(), UndoError> {
        let table = kind.table;
        let mut after = 0;
        loop {
            let page = noted(store, &import.id, table, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            self.pod.begin().await?;
            let author = |previous: &Option<String>| previous.as_ref()?.parse::<i64>().ok();
            let back: Vec<(&str, i64)> = page
                .iter()
                .filter_map(|(_, guid, previous)| Some((guid.as_str(), author(previous)?)))
                .collect();
            let previous: std::collections::BTreeSet<i64> = back.iter().map(|(_, author)| *author).collect();
            for author in previous {
                let guids: Vec<&str> =
                    back.iter().filter(|(_, previous)| *previous == author).map(|(guid, _)| *guid).collect();
                let ids: Vec<i64> = self.ids(table, &guids).await?.into_values().collect();
                let sql = format!(
                    "UPDATE {table} SET author_id = {author} WHERE author_id = {person} AND id IN ({})",
                    list(&ids)
                );
                if !ids.is_empty() {
                    undone.given_back += self.pod.run(table, sql, &[]).await?;
                }
            }
            let guids: Vec<&str> = page
                .iter()
                .filter(|(.., previous)| previous.is_none())
                .map(|(_, guid, _)| guid.as_str())
                .collect();
            let ids: Vec<i64> = self.ids(table, &guids).await?.into_values().collect();
            if !ids.is_empty() {
                self.remove(kind, &list(&ids), undone).await?;
            }
            self.pod.commit().await?;
        }
    }

    pub(super) async fn remove(
        &mut self,
        kind: &Kind,
        ids: &str,
        undone: &mut Undone,
    ) -> Result<(), UndoError> {
        let Kind { table, parts, typed } = *kind;
        if table == "posts" {
            let polls = format!("SELECT id FROM polls WHERE status_message_id IN ({ids})");
            for sql in [
                format!(
                    "DELETE FROM poll_participation_signatures WHERE poll_participation_id IN \
                         (SELECT id FROM poll_participations WHERE poll_id IN ({polls}))"
                ),
                format!("DELETE FROM poll_participations WHERE poll_id IN ({polls})"),
                format!("DELETE FROM poll_answers WHERE poll_id IN ({polls})"),
                format!("DELETE FROM polls WHERE status_message_id IN ({ids})"),
                // What people of this pod said under the posts since goes with the posts, as in diaspora*.
                format!(
                    "DELETE FROM {LINKS} WHERE source_type = 'Comment' AND source_id IN (SELECT id FROM comments \
                         WHERE commentable_type = 'Post' AND commentable_id IN ({ids}))"
                ),
                format!(
                    "DELETE FROM comment_signatures WHERE comment_id IN (SELECT id FROM comments WHERE \
                         commentable_type = 'Post' AND commentable_id IN ({ids}))"
                ),
                format!(
                    "DELETE FROM like_signatures WHERE like_id IN (SELECT id FROM likes WHERE \
                         target_type = 'Post' AND target_id IN ({ids}))"
                ),
            ] {
                undone.removed += self.pod.run(table, sql, &[]).await?;
            }
        }
        if table == "conversations" {
            let messages = format!("SELECT id FROM messages WHERE conversation_id IN ({ids})");
            let sql =
                format!("DELETE FROM {LINKS} WHERE source_type = 'Message' AND source_id IN ({messages})");
            undone.removed += self.pod.run(table, sql, &[]).await?;
        }
        for (part, column) in parts {
            let sql = format!("DELETE FROM {part} WHERE {column} IN ({ids})");
            undone.removed += self.pod.run(table, sql, &[]).await?;
        }
        for (part, column, of) in typed {
            let sql = format!("DELETE FROM {part} WHERE {of} AND {column} IN ({ids})");
            undone.removed += self.pod.run(table, sql, &[]).await?;
        }
        undone.removed +=
            self.pod.run(table, format!("DELETE FROM {table} WHERE id IN ({ids})"), &[]).await?;
        Ok(())
    }

    /// The account's own rows, in one transaction.
    async fn remove_account(&mut self, person: i64, user: i64) -> Result<u64, UndoError> {
        self.pod.begin().await?;
        let mut removed = 0;
        for sql in [
            format!("DELETE FROM conversation_visibilities WHERE person_id = {person}"),
            format!("DELETE FROM participations WHERE author_id = {person}"),
            format!("DELETE FROM mentions WHERE person_id = {person}"),
            format!("DELETE FROM share_visibilities WHERE user_id = {user}"),
            format!(
                "DELETE FROM aspect_memberships WHERE aspect_id IN (SELECT id FROM aspects WHERE user_id = {user})"
            ),
            format!(
                "DELETE FROM aspect_memberships WHERE contact_id IN (SELECT id FROM contacts WHERE person_id = {person})"
            ),
            format!(
                "DELETE FROM aspect_visibilities WHERE aspect_id IN (SELECT id FROM aspects WHERE user_id = {user})"
            ),
            format!("DELETE FROM contacts WHERE user_id = {user} OR person_id = {person}"),
            format!("UPDATE users SET auto_follow_back_aspect_id = NULL WHERE id = {user}"),
            format!("DELETE FROM aspects WHERE user_id = {user}"),
            format!("DELETE FROM tag_followings WHERE user_id = {user}"),
            format!("DELETE FROM blocks WHERE user_id = {user} OR person_id = {person}"),
            format!("DELETE FROM user_preferences WHERE user_id = {user}"),
            format!(
                "DELETE FROM taggings WHERE taggable_type = 'Profile' AND taggable_id IN \
                 (SELECT id FROM profiles WHERE person_id = {person})"
            ),
            format!("DELETE FROM profiles WHERE person_id = {person}"),
            format!("DELETE FROM people WHERE id = {person}"),
            format!("DELETE FROM users WHERE id = {user}"),
        ] {
            removed += self.pod.run("the account", sql, &[]).await?;
        }
        self.pod.commit().await?;
        Ok(removed)
    }
}
