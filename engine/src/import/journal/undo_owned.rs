//! Rows and files that still belong to the account of an undone import: a GUID or a file name in its journal may belong
//! to another account's row or file by now.

use std::collections::HashSet;

use crate::import::journal::imports::ImportRecord;
use crate::import::journal::notes::kinds;
use crate::import::journal::undo::UndoError;
use crate::import::journal::undo_shared::OTHER_ACTIVE_IMPORTS;
use crate::import::target::Target;
use crate::pod::database::DatabaseError;
use crate::sql::{id_list, placeholders};
use crate::store::{Store, StoreError};

impl Target {
    /// Returns the numbers of those of these rows that are the account's, or belong to its posts, comments or
    /// conversations.
    pub(in crate::import) async fn owned_ids(
        &mut self,
        table: &'static str,
        person: i64,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<HashSet<i64>, DatabaseError> {
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut owned = HashSet::new();
        for chunk in ids.chunks(1000) {
            let sql = format!(
                "SELECT t.id FROM {table} t WHERE t.id IN ({}) AND ({})",
                id_list(chunk),
                ownership_condition(table, person)
            );
            let rows = self.pod.rows(table, sql, &[]).await?;
            owned.extend(rows.iter().filter_map(|row| row.integer("id")));
        }
        Ok(owned)
    }

    /// Returns the names of those of these photo files that belong to a remaining photo, or to another import.
    pub(in crate::import) async fn files_in_use(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        names: &[String],
    ) -> Result<HashSet<String>, UndoError> {
        let mut in_use = HashSet::new();
        for column in ["processed_image", "unprocessed_image"] {
            let sql = format!("SELECT {column} FROM photos WHERE {column} IN ({{}})");
            let rows = self.pod.rows_in("photos", &sql, names).await?;
            in_use.extend(rows.iter().filter_map(|row| row.text(column)));
        }
        in_use.extend(files_of_others(store, import, names).await?);
        Ok(in_use)
    }
}

/// Returns the SQL condition for rows `t` of a table that are the account's, or belong to its records.
fn ownership_condition(table: &str, person: i64) -> String {
    let author_condition = format!("t.author_id = {person}");
    let posts = format!("SELECT id FROM posts WHERE author_id = {person}");
    let on_posts = |kind: &str| format!("{kind}_type = 'Post' AND {kind}_id IN ({posts})");
    let takes_part = |column: &str| {
        format!(
            "{column} IN (SELECT conversation_id FROM conversation_visibilities WHERE person_id = {person}) \
             OR {column} IN (SELECT conversation_id FROM messages WHERE author_id = {person})"
        )
    };
    match table {
        "comments" => format!("{author_condition} OR {}", on_posts("t.commentable")),
        "likes" => format!(
            "{author_condition} OR {} OR t.target_type = 'Comment' AND t.target_id IN (SELECT id FROM comments c \
             WHERE c.author_id = {person} OR {})",
            on_posts("t.target"),
            on_posts("c.commentable")
        ),
        "poll_participations" => {
            format!(
                "{author_condition} OR t.poll_id IN (SELECT id FROM polls WHERE status_message_id IN ({posts}))"
            )
        }
        "conversations" => format!("{author_condition} OR {}", takes_part("t.id")),
        "messages" => format!(
            "{author_condition} OR t.conversation_id IN (SELECT id FROM conversations WHERE author_id = {person}) OR {}",
            takes_part("t.conversation_id")
        ),
        _ => author_condition,
    }
}

/// Returns those of these photo files that another import has noted as its own.
async fn files_of_others(
    store: &Store,
    import: &ImportRecord,
    names: &[String],
) -> Result<HashSet<String>, StoreError> {
    let mut files = HashSet::new();
    for chunk in names.chunks(1000) {
        let placeholders = placeholders(chunk.len());
        let sql = format!(
            "SELECT guid FROM pappus_import_rows WHERE kind = ? AND guid IN ({placeholders}) AND {OTHER_ACTIVE_IMPORTS}"
        );
        let mut values = vec![kinds::PHOTO_FILES.into()];
        values.extend(chunk.iter().map(Into::into));
        values.extend([import.id.as_str().into(), import.pod_url.as_str().into()]);
        for row in store.rows("reading the journal", &sql, &values).await? {
            files.insert(row.get("guid")?);
        }
    }
    Ok(files)
}
