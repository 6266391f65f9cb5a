//! Removes the rows of an undone import with all dependent rows.

use crate::import::journal::undo::{UndoError, Undone};
use crate::import::target::Target;
use crate::pod::tables::RelayableTable;
use crate::sql::id_list;

/// A kind of record in the journal.
pub(in crate::import) struct Kind {
    pub(in crate::import) table: &'static str,
    /// Tables with rows that depend on one by its number, each with the column.
    parts: &'static [(&'static str, &'static str)],
    /// Tables with rows that depend on one by number and type, each with the column and the condition for the type.
    typed: &'static [(&'static str, &'static str, &'static str)],
}

/// The table of links between records, quoted: its name is an SQL keyword.
const LINKS: &str = "\"references\"";

/// Returns the table of a relayable's signatures, with its column.
const fn signatures(table: RelayableTable) -> (&'static str, &'static str) {
    (table.signatures(), table.signature_key())
}

/// Comments: also removed with their posts if they are not in the journal.
const COMMENTS: Kind = Kind {
    table: "comments",
    parts: &[signatures(RelayableTable::Comments)],
    typed: &[
        ("likes", "target_id", "target_type = 'Comment'"),
        ("mentions", "mentions_container_id", "mentions_container_type = 'Comment'"),
        ("taggings", "taggable_id", "taggable_type = 'Comment'"),
        (LINKS, "source_id", "source_type = 'Comment'"),
        (LINKS, "target_id", "target_type = 'Comment'"),
    ],
};

/// All kinds, in the order in which their rows can be removed.
pub(in crate::import) const KINDS: &[Kind] = &[
    Kind { table: "likes", parts: &[signatures(RelayableTable::Likes)], typed: &[] },
    Kind {
        table: "poll_participations",
        parts: &[signatures(RelayableTable::PollParticipations)],
        typed: &[],
    },
    COMMENTS,
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

impl Target {
    /// Removes rows of a kind, by their numbers, with all dependent rows: records that people of this pod have since
    /// written under posts are removed with the posts, as in diaspora*.
    pub(in crate::import) async fn remove(
        &mut self,
        kind: &Kind,
        ids: &str,
        undone: &mut Undone,
    ) -> Result<(), UndoError> {
        if kind.table == "posts" {
            let sql = format!(
                "SELECT id FROM comments WHERE commentable_type = 'Post' AND commentable_id IN ({ids})"
            );
            let rows = self.pod.rows("comments", sql, &[]).await?;
            let comments: Vec<i64> = rows.iter().filter_map(|row| row.integer("id")).collect();
            for chunk in comments.chunks(1000) {
                self.remove_rows(&COMMENTS, &id_list(chunk), undone).await?;
            }
        }
        self.remove_rows(kind, ids, undone).await
    }

    async fn remove_rows(&mut self, kind: &Kind, ids: &str, undone: &mut Undone) -> Result<(), UndoError> {
        let Kind { table, parts, typed } = *kind;
        let likes = |class| {
            format!(
                "DELETE FROM like_signatures WHERE like_id IN (SELECT id FROM likes WHERE target_type = '{class}' \
                 AND target_id IN ({ids}))"
            )
        };
        let polls = format!("SELECT id FROM polls WHERE status_message_id IN ({ids})");
        let statements: &[String] = &match table {
            "comments" => vec![likes("Comment")],
            "conversations" => vec![format!(
                "DELETE FROM {LINKS} WHERE source_type = 'Message' AND source_id IN \
                 (SELECT id FROM messages WHERE conversation_id IN ({ids}))"
            )],
            "posts" => vec![
                likes("Post"),
                format!(
                    "DELETE FROM poll_participation_signatures WHERE poll_participation_id IN \
                     (SELECT id FROM poll_participations WHERE poll_id IN ({polls}))"
                ),
                format!("DELETE FROM poll_participations WHERE poll_id IN ({polls})"),
                format!("DELETE FROM poll_answers WHERE poll_id IN ({polls})"),
                format!("DELETE FROM polls WHERE status_message_id IN ({ids})"),
            ],
            _ => Vec::new(),
        };
        for sql in statements {
            undone.removed += self.pod.run(table, sql.clone(), &[]).await?;
        }
        for (part, column) in parts {
            let sql = format!("DELETE FROM {part} WHERE {column} IN ({ids})");
            undone.removed += self.pod.run(table, sql, &[]).await?;
        }
        for (part, column, condition) in typed {
            let sql = format!("DELETE FROM {part} WHERE {condition} AND {column} IN ({ids})");
            undone.removed += self.pod.run(table, sql, &[]).await?;
        }
        undone.removed +=
            self.pod.run(table, format!("DELETE FROM {table} WHERE id IN ({ids})"), &[]).await?;
        Ok(())
    }
}
