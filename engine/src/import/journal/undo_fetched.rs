//! Removes people and posts of other pods that an import has added.

use crate::import::journal::imports::ImportRecord;
use crate::import::journal::notes::{added_records, kinds};
use crate::import::journal::undo::{Touched, UndoError, Undone};
use crate::import::journal::undo_rows::{KINDS, Kind};
use crate::import::scan::parents::FETCHED_POSTS;
use crate::import::target::Target;
use crate::sql::{id_list, placeholders};
use crate::store::{Store, StoreError};

/// Tables and columns that refer to people, in addition to their profiles.
const PERSON_COLUMNS: &[(&str, &str)] = &[
    ("posts", "author_id"),
    ("comments", "author_id"),
    ("likes", "author_id"),
    ("poll_participations", "author_id"),
    ("photos", "author_id"),
    ("participations", "author_id"),
    ("conversations", "author_id"),
    ("messages", "author_id"),
    ("conversation_visibilities", "person_id"),
    ("contacts", "person_id"),
    ("blocks", "person_id"),
    ("mentions", "person_id"),
    ("account_migrations", "old_person_id"),
    ("account_migrations", "new_person_id"),
];

impl Target {
    /// Removes posts of others that this import, or one undone before, has added, unless someone has interacted with
    /// them since.
    pub(in crate::import) async fn remove_fetched(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        undone: &mut Undone,
    ) -> Result<(), UndoError> {
        let Some(posts) = KINDS.iter().find(|kind| kind.table == "posts") else { return Ok(()) };
        let mut tags = Vec::new();
        // Reshares are removed before the originals that they need.
        for class in ["Reshare", "StatusMessage"] {
            let mut after = String::new();
            loop {
                let page = added_records(store, import, FETCHED_POSTS, &after).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                let guids: Vec<&str> = page.iter().map(String::as_str).collect();
                let ids: Vec<i64> = self.ids("posts", &guids).await?.into_values().collect();
                tags.extend(self.remove_unused_posts(posts, class, &ids, undone).await?);
                self.forget_removed(store, import, (FETCHED_POSTS, "posts"), &guids).await?;
            }
        }
        let touched = Touched { posts: Vec::new(), answers: Vec::new(), tags };
        self.recount(&touched).await
    }

    /// Removes those of these posts that nobody has interacted with; returns the tags that they had.
    async fn remove_unused_posts(
        &mut self,
        posts: &Kind,
        class: &str,
        ids: &[i64],
        undone: &mut Undone,
    ) -> Result<Vec<i64>, UndoError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT p.id FROM posts p WHERE p.type = '{class}' AND p.id IN ({}) AND NOT EXISTS \
             (SELECT 1 FROM comments c WHERE c.commentable_type = 'Post' AND c.commentable_id = p.id) \
             AND NOT EXISTS (SELECT 1 FROM likes l WHERE l.target_type = 'Post' AND l.target_id = p.id) \
             AND NOT EXISTS (SELECT 1 FROM participations q WHERE q.target_type = 'Post' AND q.target_id = p.id) \
             AND NOT EXISTS (SELECT 1 FROM poll_participations v JOIN polls o ON o.id = v.poll_id \
             WHERE o.status_message_id = p.id) \
             AND NOT EXISTS (SELECT 1 FROM posts r WHERE r.root_guid = p.guid)",
            id_list(ids)
        );
        let rows = self.pod.rows("posts", sql, &[]).await?;
        let ids: Vec<i64> = rows.iter().filter_map(|row| row.integer("id")).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = id_list(&ids);
        let tags = self.tags_of_posts(&ids).await?;
        self.pod.begin().await?;
        let photos = format!(
            "DELETE FROM photos WHERE status_message_guid IN (SELECT guid FROM posts WHERE id IN ({ids})) \
             AND author_id IN (SELECT author_id FROM posts WHERE id IN ({ids}))"
        );
        undone.removed += self.pod.run("photos", photos, &[]).await?;
        self.remove(posts, &ids, undone).await?;
        self.pod.commit().await?;
        Ok(tags)
    }

    /// Deletes the notes on those of these people or posts of others that no longer exist: a later row with such a GUID
    /// was not added by an import. `kind` is the journal's name, `table` that of the table.
    async fn forget_removed(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        (kind, table): (&str, &'static str),
        guids: &[&str],
    ) -> Result<(), UndoError> {
        let existing = self.ids(table, guids).await?;
        let removed: Vec<&str> = guids.iter().copied().filter(|guid| !existing.contains_key(*guid)).collect();
        Ok(forget_added(store, import, kind, &removed).await?)
    }

    /// Removes people whom this import, or one undone before, has added, unless other rows refer to them by now.
    pub(in crate::import) async fn remove_added_people(
        &mut self,
        store: &Store,
        import: &ImportRecord,
    ) -> Result<u64, UndoError> {
        let mut removed = 0;
        let mut after = String::new();
        loop {
            let page = added_records(store, import, kinds::PEOPLE, &after).await?;
            let Some(last) = page.last() else { return Ok(removed) };
            after.clone_from(last);
            let guids: Vec<&str> = page.iter().map(String::as_str).collect();
            let ids: Vec<i64> = self.ids("people", &guids).await?.into_values().collect();
            removed += self.remove_unused_people(&ids).await?;
            self.forget_removed(store, import, (kinds::PEOPLE, "people"), &guids).await?;
        }
    }

    async fn remove_unused_people(&mut self, ids: &[i64]) -> Result<u64, UndoError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let unused = PERSON_COLUMNS.iter().fold(String::new(), |text, (table, column)| {
            format!("{text} AND NOT EXISTS (SELECT 1 FROM {table} u WHERE u.{column} = p.id)")
        });
        let sql = format!(
            "SELECT p.id FROM people p WHERE p.owner_id IS NULL AND p.id IN ({}){unused}",
            id_list(ids)
        );
        let rows = self.pod.rows("people", sql, &[]).await?;
        let ids: Vec<i64> = rows.iter().filter_map(|row| row.integer("id")).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let ids = id_list(&ids);
        let mut removed = 0;
        self.pod.begin().await?;
        for sql in [
            format!("DELETE FROM profiles WHERE person_id IN ({ids})"),
            format!("DELETE FROM people WHERE id IN ({ids})"),
        ] {
            removed += self.pod.run("people", sql, &[]).await?;
        }
        self.pod.commit().await?;
        Ok(removed)
    }
}

/// Deletes the notes on people or posts of others that [`added_records`] returns.
async fn forget_added(
    store: &Store,
    import: &ImportRecord,
    kind: &str,
    guids: &[&str],
) -> Result<(), StoreError> {
    if guids.is_empty() {
        return Ok(());
    }
    let placeholders = placeholders(guids.len());
    let sql = format!(
        "DELETE FROM pappus_import_rows WHERE kind = ? AND guid IN ({placeholders}) AND import_id IN \
         (SELECT id FROM pappus_imports WHERE pod_url = ? AND (state = 'undone' OR id = ?))"
    );
    let mut values = vec![kind.into()];
    values.extend(guids.iter().map(|guid| (*guid).into()));
    values.extend([import.pod_url.as_str().into(), import.id.as_str().into()]);
    store.execute("tidying the journal", &sql, &values).await.map(drop)
}
