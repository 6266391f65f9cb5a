//! Rows of an undone import that other imports need as well: several people of one old pod were imported, and one
//! import is undone.

use std::collections::{HashMap, HashSet};

use crate::import::journal::imports::{ImportRecord, active_imports};
use crate::import::journal::notes::kinds;
use crate::import::journal::undo::UndoError;
use crate::import::target::Target;
use crate::pod::database::OnConflict;
use crate::sql::{Row, id_list, placeholders};
use crate::store::{Store, StoreError};

/// The import that is being undone.
pub(in crate::import) struct Shared<'a> {
    pub(in crate::import) store: &'a Store,
    pub(in crate::import) import: &'a ImportRecord,
    /// The account's person.
    pub(in crate::import) person: i64,
}

/// Another person's import that found a conversation here, or wrote it anew after it was deleted.
struct OtherImport {
    /// The import's ID.
    import: String,
    /// The name in its journal for its account's visibility of the conversation.
    place: String,
}

/// A condition for rows of the journal: imports that were not undone, except the one being undone.
pub(in crate::import) const OTHER_ACTIVE_IMPORTS: &str = "import_id <> ? AND import_id IN (SELECT id FROM pappus_imports WHERE pod_url = ? \
                         AND state NOT IN ('undone', 'failed'))";

impl Target {
    /// Returns row numbers of what this import has written, is the account's still, and no other import needs. What
    /// others need is assigned to them.
    pub(in crate::import) async fn not_shared(
        &mut self,
        shared: &Shared<'_>,
        table: &'static str,
        guids: &[&str],
    ) -> Result<Vec<i64>, UndoError> {
        let rows = self.ids(table, guids).await?;
        let owned = self.owned(table, shared.person, rows.values().copied()).await?;
        let rows = rows.into_iter().map(|(guid, id)| (id, guid));
        let mut ids: HashMap<i64, String> = rows.filter(|(id, _)| owned.contains(id)).collect();
        let needed = match table {
            "comments" | "likes" | "poll_participations" => self.taken_over(shared, table, &ids).await?,
            "conversations" => self.reassign_conversations(shared, &ids).await?,
            "messages" => self.messages_of_others(shared, &ids).await?,
            _ => HashSet::new(),
        };
        ids.retain(|id, _| !needed.contains(id));
        let mut ids: Vec<i64> = ids.into_keys().collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Notes records whose authors were imported since as written by those imports; returns them.
    async fn taken_over(
        &mut self,
        shared: &Shared<'_>,
        table: &'static str,
        rows: &HashMap<i64, String>,
    ) -> Result<HashSet<i64>, UndoError> {
        let mut taken = HashSet::new();
        let ids: Vec<i64> = rows.keys().copied().collect();
        for chunk in ids.chunks(1000) {
            let sql = format!(
                "SELECT t.id, p.guid FROM {table} t JOIN people p ON p.id = t.author_id \
                 WHERE p.owner_id IS NOT NULL AND p.id <> {} AND t.id IN ({})",
                shared.person,
                id_list(chunk)
            );
            let authors = self.pod.rows(table, sql, &[]).await?;
            let authors: Vec<(i64, String)> =
                authors.iter().filter_map(|row| Some((row.integer("id")?, row.text("guid")?))).collect();
            let people: Vec<&str> = authors.iter().map(|(_, person)| person.as_str()).collect();
            let imports = active_imports(shared.store, &shared.import.pod_url, &people).await?;
            for (id, person) in &authors {
                let (Some(import), Some(guid)) = (imports.get(person), rows.get(id)) else { continue };
                let sql = "UPDATE pappus_import_rows SET previous = NULL WHERE import_id = ? AND kind = ? AND guid = ?";
                let values = [import.id.as_str().into(), table.into(), guid.as_str().into()];
                if shared.store.execute("handing rows over", sql, &values).await? > 0 {
                    taken.insert(*id);
                }
            }
        }
        Ok(taken)
    }

    /// Hands over conversations with another imported participant whose archive has them too. If the pod knows the
    /// account by its old name, they stay, under that; returns those that stay.
    async fn reassign_conversations(
        &mut self,
        shared: &Shared<'_>,
        rows: &HashMap<i64, String>,
    ) -> Result<HashSet<i64>, UndoError> {
        let ids: Vec<i64> = rows.keys().copied().collect();
        let heirs = self.heirs(shared, &ids).await?;
        let old = self.ids_of_handle(&shared.import.old_id).await?;
        for (id, heir) in &heirs {
            let Some(guid) = rows.get(id) else { continue };
            let Some(old) = old else {
                // It is removed for the other one, too, and may be imported again.
                forget(shared, kinds::CONVERSATION_VISIBILITIES, std::slice::from_ref(&heir.place)).await?;
                continue;
            };
            let person = shared.person;
            for sql in [
                format!(
                    "UPDATE conversations SET author_id = {old} WHERE author_id = {person} AND id = {id}"
                ),
                format!(
                    "UPDATE messages SET author_id = {old} WHERE author_id = {person} AND conversation_id = {id}"
                ),
            ] {
                self.pod.run("conversations", sql, &[]).await?;
            }
            let now = self.now;
            let place = vec![(*id).into(), old.into(), 0.into(), now.into(), now.into()];
            let columns = ["conversation_id", "person_id", "unread", "created_at", "updated_at"];
            self.pod.insert("conversation_visibilities", &columns, vec![place], OnConflict::Ignore).await?;
            note_as_written(shared.store, &heir.import, "conversations", guid).await?;
        }
        Ok(if old.is_some() { heirs.into_keys().collect() } else { HashSet::new() })
    }

    /// Returns the messages in conversations that stay for others.
    async fn messages_of_others(
        &mut self,
        shared: &Shared<'_>,
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
        let heirs = self.heirs(shared, &conversations).await?;
        if self.ids_of_handle(&shared.import.old_id).await?.is_none() {
            return Ok(HashSet::new());
        }
        Ok(heirs.keys().filter_map(|conversation| messages.get(conversation)).flatten().copied().collect())
    }

    /// Returns, for conversations, the import of another participant, if that import has found or written them here.
    async fn heirs(
        &mut self,
        shared: &Shared<'_>,
        conversations: &[i64],
    ) -> Result<HashMap<i64, OtherImport>, UndoError> {
        let mut heirs = HashMap::new();
        for chunk in conversations.chunks(1000) {
            let sql = format!(
                "SELECT c.id, c.guid, p.guid AS person_guid FROM conversation_visibilities v \
                 JOIN conversations c ON c.id = v.conversation_id JOIN people p ON p.id = v.person_id \
                 WHERE p.owner_id IS NOT NULL AND p.id <> {} AND c.id IN ({}) ORDER BY p.id",
                shared.person,
                id_list(chunk)
            );
            let rows = self.pod.rows("conversations", sql, &[]).await?;
            let member = |row: &Row| Some((row.integer("id")?, row.text("guid")?, row.text("person_guid")?));
            let members: Vec<(i64, String, String)> = rows.iter().filter_map(member).collect();
            let people: Vec<&str> = members.iter().map(|(.., person)| person.as_str()).collect();
            let imports = active_imports(shared.store, &shared.import.pod_url, &people).await?;
            for (id, guid, person) in &members {
                let Some(import) = imports.get(person) else { continue };
                let place = format!("{guid} {}", import.old_id);
                if is_noted(shared.store, &import.id, kinds::CONVERSATION_VISIBILITIES, &place).await?
                    || is_noted(shared.store, &import.id, "conversations", guid).await?
                {
                    heirs.entry(*id).or_insert_with(|| OtherImport { import: import.id.clone(), place });
                }
            }
        }
        Ok(heirs)
    }

    async fn ids_of_handle(&mut self, id: &str) -> Result<Option<i64>, UndoError> {
        let sql = "SELECT id FROM people WHERE diaspora_handle IN ({})";
        let rows = self.pod.rows_in("the old person", sql, &[id]).await?;
        Ok(rows.first().and_then(|row| row.integer("id")))
    }

    /// Deletes other imports' notes on these rows, or on rows under them. The rows are removed, but no person deleted
    /// them: these imports, if repeated, may write them again.
    pub(in crate::import) async fn forget_elsewhere(
        &mut self,
        shared: &Shared<'_>,
        table: &'static str,
        ids: &[i64],
    ) -> Result<(), UndoError> {
        for chunk in ids.chunks(1000) {
            for (kinds, sql) in below(table, &id_list(chunk)) {
                let rows = self.pod.rows(table, sql, &[]).await?;
                let guids: Vec<String> = rows.iter().filter_map(|row| row.text("guid")).collect();
                for kind in kinds {
                    forget(shared, kind, &guids).await?;
                }
            }
        }
        Ok(())
    }
}

/// Returns what is removed with rows of a table: kinds in the journal, and a query for their GUIDs there.
fn below(table: &'static str, ids: &str) -> Vec<(&'static [&'static str], String)> {
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
async fn forget(shared: &Shared<'_>, kind: &str, guids: &[String]) -> Result<(), StoreError> {
    for chunk in guids.chunks(1000) {
        let places = placeholders(chunk.len());
        let sql = format!(
            "DELETE FROM pappus_import_rows WHERE kind = ? AND guid IN ({places}) AND {OTHER_ACTIVE_IMPORTS}"
        );
        let mut values = vec![kind.into()];
        values.extend(chunk.iter().map(Into::into));
        values.extend([shared.import.id.as_str().into(), shared.import.pod_url.as_str().into()]);
        shared.store.execute("deleting the digests of removed records", &sql, &values).await?;
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
    store.execute("handing rows over", sql, &values).await.map(drop)
}
