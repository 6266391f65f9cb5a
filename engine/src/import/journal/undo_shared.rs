//! Rows of an undone import that other imports need as well, such as those of other people of the same old pod.

use std::collections::{HashMap, HashSet};

use crate::import::journal::imports::{ImportRecord, active_imports};
use crate::import::journal::notes::kinds;
use crate::import::journal::undo::UndoError;
use crate::import::target::Target;
use crate::pod::database::OnConflict;
use crate::sql::{Row, id_list, placeholders};
use crate::store::{Store, StoreError};

/// The import that is being undone.
pub(in crate::import) struct UndoContext<'a> {
    pub(in crate::import) store: &'a Store,
    pub(in crate::import) import: &'a ImportRecord,
    /// The account's person.
    pub(in crate::import) person: i64,
}

/// Another person's import that found a conversation here, or wrote it again after it was deleted.
struct OtherImport {
    /// The import's ID.
    import: String,
    /// The name in its journal for its account's visibility of the conversation.
    visibility: String,
}

/// A condition for rows of the journal: imports that were not undone, except the one being undone.
pub(in crate::import) const OTHER_ACTIVE_IMPORTS: &str = "import_id <> ? AND import_id IN (SELECT id FROM pappus_imports WHERE pod_url = ? \
                         AND state NOT IN ('undone', 'failed'))";

impl Target {
    /// Returns the numbers of those rows that this import has written, that are still the account's, and that no other
    /// import needs. Rows that others need are assigned to them.
    pub(in crate::import) async fn unshared_ids(
        &mut self,
        context: &UndoContext<'_>,
        table: &'static str,
        guids: &[&str],
    ) -> Result<Vec<i64>, UndoError> {
        let rows = self.ids(table, guids).await?;
        let owned = self.owned_ids(table, context.person, rows.values().copied()).await?;
        let rows = rows.into_iter().map(|(guid, id)| (id, guid));
        let mut ids: HashMap<i64, String> = rows.filter(|(id, _)| owned.contains(id)).collect();
        let needed = match table {
            "comments" | "likes" | "poll_participations" => {
                self.reassign_relayables(context, table, &ids).await?
            }
            "conversations" => self.reassign_conversations(context, &ids).await?,
            "messages" => self.messages_of_others(context, &ids).await?,
            _ => HashSet::new(),
        };
        ids.retain(|id, _| !needed.contains(id));
        let mut ids: Vec<i64> = ids.into_keys().collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Notes records whose authors were imported since as written by those imports; returns their row numbers.
    async fn reassign_relayables(
        &mut self,
        context: &UndoContext<'_>,
        table: &'static str,
        rows: &HashMap<i64, String>,
    ) -> Result<HashSet<i64>, UndoError> {
        let mut reassigned = HashSet::new();
        let ids: Vec<i64> = rows.keys().copied().collect();
        for chunk in ids.chunks(1000) {
            let sql = format!(
                "SELECT t.id, p.guid FROM {table} t JOIN people p ON p.id = t.author_id \
                 WHERE p.owner_id IS NOT NULL AND p.id <> {} AND t.id IN ({})",
                context.person,
                id_list(chunk)
            );
            let authors = self.pod.rows(table, sql, &[]).await?;
            let authors: Vec<(i64, String)> =
                authors.iter().filter_map(|row| Some((row.integer("id")?, row.text("guid")?))).collect();
            let people: Vec<&str> = authors.iter().map(|(_, person)| person.as_str()).collect();
            let imports = active_imports(context.store, &context.import.pod_url, &people).await?;
            for (id, person) in &authors {
                let (Some(import), Some(guid)) = (imports.get(person), rows.get(id)) else { continue };
                let sql = "UPDATE pappus_import_rows SET previous = NULL WHERE import_id = ? AND kind = ? AND guid = ?";
                let values = [import.id.as_str().into(), table.into(), guid.as_str().into()];
                if context.store.execute("assigning rows to another import", sql, &values).await? > 0 {
                    reassigned.insert(*id);
                }
            }
        }
        Ok(reassigned)
    }

    /// Assigns conversations to another imported participant whose archive contains them too. They stay, under the
    /// account's old name, if the pod knows that. Returns the row numbers of those that stay.
    async fn reassign_conversations(
        &mut self,
        context: &UndoContext<'_>,
        rows: &HashMap<i64, String>,
    ) -> Result<HashSet<i64>, UndoError> {
        let ids: Vec<i64> = rows.keys().copied().collect();
        let other_imports = self.other_imports(context, &ids).await?;
        let old_person = self.id_of_handle(&context.import.old_id).await?;
        for (id, other_import) in &other_imports {
            let Some(guid) = rows.get(id) else { continue };
            let Some(old_person) = old_person else {
                // The conversation is removed for the other participant, too, and may be imported again.
                forget(
                    context,
                    kinds::CONVERSATION_VISIBILITIES,
                    std::slice::from_ref(&other_import.visibility),
                )
                .await?;
                continue;
            };
            let person = context.person;
            for sql in [
                format!(
                    "UPDATE conversations SET author_id = {old_person} WHERE author_id = {person} AND id = {id}"
                ),
                format!(
                    "UPDATE messages SET author_id = {old_person} WHERE author_id = {person} AND conversation_id = {id}"
                ),
            ] {
                self.pod.run("conversations", sql, &[]).await?;
            }
            let now = self.now;
            let visibility = vec![(*id).into(), old_person.into(), 0.into(), now.into(), now.into()];
            let columns = ["conversation_id", "person_id", "unread", "created_at", "updated_at"];
            self.pod
                .insert("conversation_visibilities", &columns, vec![visibility], OnConflict::Ignore)
                .await?;
            note_as_written(context.store, &other_import.import, "conversations", guid).await?;
        }
        Ok(if old_person.is_some() { other_imports.into_keys().collect() } else { HashSet::new() })
    }

    /// Returns the row numbers of the messages in conversations that stay for others.
    async fn messages_of_others(
        &mut self,
        context: &UndoContext<'_>,
        rows: &HashMap<i64, String>,
    ) -> Result<HashSet<i64>, UndoError> {
        let ids: Vec<i64> = rows.keys().copied().collect();
        let mut messages: HashMap<i64, Vec<i64>> = HashMap::new();
        for chunk in ids.chunks(1000) {
            let sql = format!("SELECT id, conversation_id FROM messages WHERE id IN ({})", id_list(chunk));
            for row in self.pod.rows("messages", sql, &[]).await? {
                let (id, conversation) = (row.integer("id"), row.integer("conversation_id"));
                if let (Some(id), Some(conversation)) = (id, conversation) {
                    messages.entry(conversation).or_default().push(id);
                }
            }
        }
        let conversations: Vec<i64> = messages.keys().copied().collect();
        let other_imports = self.other_imports(context, &conversations).await?;
        if self.id_of_handle(&context.import.old_id).await?.is_none() {
            return Ok(HashSet::new());
        }
        Ok(other_imports
            .keys()
            .filter_map(|conversation| messages.get(conversation))
            .flatten()
            .copied()
            .collect())
    }

    /// Returns the imports of other participants that have found or written these conversations here, one for each
    /// conversation.
    async fn other_imports(
        &mut self,
        context: &UndoContext<'_>,
        conversations: &[i64],
    ) -> Result<HashMap<i64, OtherImport>, UndoError> {
        let mut other_imports = HashMap::new();
        for chunk in conversations.chunks(1000) {
            let sql = format!(
                "SELECT c.id, c.guid, p.guid AS person_guid FROM conversation_visibilities v \
                 JOIN conversations c ON c.id = v.conversation_id JOIN people p ON p.id = v.person_id \
                 WHERE p.owner_id IS NOT NULL AND p.id <> {} AND c.id IN ({}) ORDER BY p.id",
                context.person,
                id_list(chunk)
            );
            let rows = self.pod.rows("conversations", sql, &[]).await?;
            let member = |row: &Row| Some((row.integer("id")?, row.text("guid")?, row.text("person_guid")?));
            let members: Vec<(i64, String, String)> = rows.iter().filter_map(member).collect();
            let people: Vec<&str> = members.iter().map(|(.., person)| person.as_str()).collect();
            let imports = active_imports(context.store, &context.import.pod_url, &people).await?;
            for (id, guid, person) in &members {
                let Some(import) = imports.get(person) else { continue };
                let visibility = format!("{guid} {}", import.old_id);
                if is_noted(context.store, &import.id, kinds::CONVERSATION_VISIBILITIES, &visibility).await?
                    || is_noted(context.store, &import.id, "conversations", guid).await?
                {
                    other_imports
                        .entry(*id)
                        .or_insert_with(|| OtherImport { import: import.id.clone(), visibility });
                }
            }
        }
        Ok(other_imports)
    }

    async fn id_of_handle(&mut self, handle: &str) -> Result<Option<i64>, UndoError> {
        let sql = "SELECT id FROM people WHERE diaspora_handle IN ({})";
        let rows = self.pod.rows_in("the old person", sql, &[handle]).await?;
        Ok(rows.first().and_then(|row| row.integer("id")))
    }

    /// Deletes other imports' notes on these rows, or on rows under them. The rows are removed, but not by people:
    /// these imports, if repeated, may write them again.
    pub(in crate::import) async fn forget_elsewhere(
        &mut self,
        context: &UndoContext<'_>,
        table: &'static str,
        ids: &[i64],
    ) -> Result<(), UndoError> {
        for chunk in ids.chunks(1000) {
            for (kinds, sql) in dependent_notes(table, &id_list(chunk)) {
                let rows = self.pod.rows(table, sql, &[]).await?;
                let guids: Vec<String> = rows.iter().filter_map(|row| row.text("guid")).collect();
                for kind in kinds {
                    forget(context, kind, &guids).await?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the notes on records that are removed with rows of a table: their kinds in the journal, and a query for
/// their GUIDs there.
fn dependent_notes(table: &'static str, ids: &str) -> Vec<(&'static [&'static str], String)> {
    const POSTS: &[&str] = &["posts", kinds::PARTICIPATIONS, kinds::HIDDEN_POSTS, kinds::POST_AUDIENCES];
    let comments = format!("commentable_type = 'Post' AND commentable_id IN ({ids})");
    let likes = |class: &str, ids: &str| {
        format!("SELECT guid FROM likes WHERE target_type = '{class}' AND target_id IN ({ids})")
    };
    match table {
        "posts" => vec![
            (POSTS, format!("SELECT guid FROM posts WHERE id IN ({ids})")),
            (&["comments", "comment_signatures"], format!("SELECT guid FROM comments WHERE {comments}")),
            (&["likes", "like_signatures"], likes("Post", ids)),
            (
                &["likes", "like_signatures"],
                likes("Comment", &format!("SELECT id FROM comments WHERE {comments}")),
            ),
            (
                &["poll_participations", "poll_participation_signatures"],
                format!(
                    "SELECT v.guid FROM poll_participations v JOIN polls q ON q.id = v.poll_id \
                     WHERE q.status_message_id IN ({ids})"
                ),
            ),
        ],
        "comments" => vec![
            (&["comments", "comment_signatures"], format!("SELECT guid FROM comments WHERE id IN ({ids})")),
            (&["likes", "like_signatures"], likes("Comment", ids)),
        ],
        "likes" => {
            vec![(&["likes", "like_signatures"], format!("SELECT guid FROM likes WHERE id IN ({ids})"))]
        }
        "poll_participations" => vec![(
            &["poll_participations", "poll_participation_signatures"],
            format!("SELECT guid FROM poll_participations WHERE id IN ({ids})"),
        )],
        "messages" => vec![(&["messages"], format!("SELECT guid FROM messages WHERE id IN ({ids})"))],
        "conversations" => {
            vec![(&["messages"], format!("SELECT guid FROM messages WHERE conversation_id IN ({ids})"))]
        }
        _ => Vec::new(),
    }
}

/// Deletes notes from the journals of other imports.
async fn forget(context: &UndoContext<'_>, kind: &str, guids: &[String]) -> Result<(), StoreError> {
    for chunk in guids.chunks(1000) {
        let placeholders = placeholders(chunk.len());
        let sql = format!(
            "DELETE FROM pappus_import_rows WHERE kind = ? AND guid IN ({placeholders}) AND {OTHER_ACTIVE_IMPORTS}"
        );
        let mut values = vec![kind.into()];
        values.extend(chunk.iter().map(Into::into));
        values.extend([context.import.id.as_str().into(), context.import.pod_url.as_str().into()]);
        context.store.execute("deleting the notes on removed records", &sql, &values).await?;
    }
    Ok(())
}

async fn is_noted(store: &Store, import: &str, kind: &str, guid: &str) -> Result<bool, StoreError> {
    let sql =
        "SELECT COUNT(*) AS found FROM pappus_import_rows WHERE import_id = ? AND kind = ? AND guid = ?";
    let row = store.first("reading the journal", sql, &[import.into(), kind.into(), guid.into()]).await?;
    Ok(row.map_or(Ok(0), |row| row.get::<i64>("found"))? > 0)
}

/// Notes a row as written by another import.
async fn note_as_written(store: &Store, import: &str, kind: &str, guid: &str) -> Result<(), StoreError> {
    if is_noted(store, import, kind, guid).await? {
        return Ok(());
    }
    let sql = "INSERT INTO pappus_import_rows (import_id, seq, kind, guid, previous, batch) \
               SELECT ?, COALESCE(MAX(seq), 0) + 1, ?, ?, NULL, 0 FROM pappus_import_rows WHERE import_id = ?";
    let values = [import.into(), kind.into(), guid.into(), import.into()];
    store.execute("assigning rows to another import", sql, &values).await.map(drop)
}
