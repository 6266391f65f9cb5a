//! Performs the move on the target pod itself: references to the old person become references to the new one.

use super::AnnounceError;
use super::envelopes::Announcer;
use super::tombstone::tombstone;
use crate::federation::AccountMigration;
use crate::import::{ignoring_people, mark_announced};
use crate::pod::database::OnConflict;
use crate::pod::tables::RelayableTable;
use crate::sql::{Row, Value, id_list};
use crate::store::{Store, random_id};

/// Tables that reference a person, with the column, and the columns that make a row unique per person.
const REFERENCES: &[(&str, &str, &[&str])] = &[
    ("contacts", "person_id", &["user_id"]),
    ("posts", "author_id", &["root_guid"]),
    ("photos", "author_id", &[]),
    ("comments", "author_id", &[]),
    ("likes", "author_id", &["target_id", "target_type"]),
    ("participations", "author_id", &["target_id", "target_type"]),
    ("poll_participations", "author_id", &["poll_id"]),
    ("mentions", "person_id", &["mentions_container_id", "mentions_container_type"]),
    ("conversations", "author_id", &[]),
    ("messages", "author_id", &[]),
    ("conversation_visibilities", "person_id", &["conversation_id"]),
    ("notification_actors", "person_id", &["notification_id"]),
    ("blocks", "person_id", &["user_id"]),
    ("roles", "person_id", &["name"]),
];

impl Announcer {
    /// Writes the account migration, re-points every reference, merges duplicates, closes the old person and empties
    /// the profile: in one transaction, as diaspora* does when it receives the announcement.
    ///
    /// Marks the import as announced within that transaction, after all steps that can refuse the move for good: from
    /// then on it cannot be undone.
    pub(super) async fn move_references(&mut self, store: &Store) -> Result<(), AnnounceError> {
        self.pod.begin().await?;
        let old_person = self.old_person().await?;
        if let Some(old_person) = old_person {
            let migration = self.migration()?;
            self.note_migration(old_person, &migration).await?;
        }
        mark_announced(store, &self.import, self.now).await?;
        if let Some(old_person) = old_person {
            self.remove_lifted_blocks(store, old_person).await?;
            self.point_to_new(old_person).await?;
        }
        self.pod.commit().await?;
        Ok(())
    }

    /// Removes the blocks of the old person by people who ignored the new one since the import, and have lifted that
    /// block: otherwise the move would restore it.
    async fn remove_lifted_blocks(&mut self, store: &Store, old_person: i64) -> Result<(), AnnounceError> {
        let people = ignoring_people(store, &self.import).await?;
        let sql = format!(
            "SELECT b.id FROM blocks b JOIN people p ON p.owner_id = b.user_id \
             LEFT JOIN blocks n ON n.user_id = b.user_id AND n.person_id = {} \
             WHERE b.person_id = {old_person} AND n.id IS NULL AND p.guid IN ({{}})",
            self.new_person
        );
        let rows = self.pod.rows_in("blocks", &sql, &people).await?;
        for chunk in ids_of(&rows).chunks(1000) {
            let sql = format!("DELETE FROM blocks WHERE id IN ({})", id_list(chunk));
            self.pod.run("blocks", sql, &[]).await?;
        }
        Ok(())
    }

    /// Points every reference to the old person to the new one.
    async fn point_to_new(&mut self, old_person: i64) -> Result<(), AnnounceError> {
        let (new_person, user) = (self.new_person, self.new_user);
        self.stop_sharing_of_ignoring_users(old_person).await?;
        for (table, column, unique_columns) in REFERENCES {
            if !unique_columns.is_empty() {
                let same = unique_columns
                    .iter()
                    .map(|name| format!("n.{name} = o.{name}"))
                    .collect::<Vec<_>>()
                    .join(" AND ");
                // Selected first: MySQL cannot change a table that the same statement reads.
                let sql = format!(
                    "SELECT o.id FROM {table} o JOIN {table} n ON n.{column} = {new_person} AND {same} \
                     WHERE o.{column} = {old_person}"
                );
                let rows = self.pod.rows(table, sql, &[]).await?;
                for chunk in ids_of(&rows).chunks(1000) {
                    self.remove_duplicates(table, &id_list(chunk)).await?;
                }
            }
            let sql = format!("UPDATE {table} SET {column} = {new_person} WHERE {column} = {old_person}");
            self.pod.run(table, sql, &[]).await?;
        }
        // The old key's signatures match neither the new ID nor the new key. Without them, the relayables of this
        // pod's users are signed when they are sent.
        for table in RelayableTable::ALL {
            let (signatures, key, table) = (table.signatures(), table.signature_key(), table.name());
            let ids = format!("SELECT id FROM {table} WHERE author_id = {new_person}");
            self.pod.run(signatures, format!("DELETE FROM {signatures} WHERE {key} IN ({ids})"), &[]).await?;
        }
        // Nobody may be a contact of themselves or ignore themselves.
        for sql in [
            format!("DELETE FROM contacts WHERE user_id = {user} AND person_id = {new_person}"),
            format!("DELETE FROM blocks WHERE user_id = {user} AND person_id = {new_person}"),
        ] {
            self.pod.run("the move", sql, &[]).await?;
        }
        tombstone(&mut self.pod, old_person, self.now).await?;
        self.sync_local_contacts().await
    }

    /// Removes the old person's duplicates, such as a reshare of a post that both have reshared, with all dependent
    /// rows, and corrects the counters that counted both. Contacts are merged before.
    async fn remove_duplicates(&mut self, table: &'static str, ids: &str) -> Result<(), AnnounceError> {
        if table == "contacts" {
            self.merge_contacts(ids).await?;
        }
        let statements: &[String] = &match table {
            "contacts" => vec![format!("DELETE FROM aspect_memberships WHERE contact_id IN ({ids})")],
            "likes" => vec![
                format!(
                    "UPDATE posts SET likes_count = likes_count - 1 WHERE id IN \
                     (SELECT target_id FROM likes WHERE id IN ({ids}) AND target_type = 'Post')"
                ),
                format!(
                    "UPDATE comments SET likes_count = likes_count - 1 WHERE id IN \
                     (SELECT target_id FROM likes WHERE id IN ({ids}) AND target_type = 'Comment')"
                ),
                format!("DELETE FROM like_signatures WHERE like_id IN ({ids})"),
            ],
            "poll_participations" => vec![
                format!(
                    "UPDATE poll_answers SET vote_count = vote_count - 1 WHERE id IN \
                     (SELECT poll_answer_id FROM poll_participations WHERE id IN ({ids}))"
                ),
                format!("DELETE FROM poll_participation_signatures WHERE poll_participation_id IN ({ids})"),
            ],
            "posts" => vec![
                // MySQL cannot read a table that the same statement changes, except through a copy.
                format!(
                    "UPDATE posts SET reshares_count = reshares_count - 1 WHERE guid IN (SELECT root_guid FROM \
                     (SELECT root_guid FROM posts WHERE id IN ({ids})) twice)"
                ),
                format!("DELETE FROM comments WHERE commentable_type = 'Post' AND commentable_id IN ({ids})"),
                format!("DELETE FROM likes WHERE target_type = 'Post' AND target_id IN ({ids})"),
                format!("DELETE FROM participations WHERE target_type = 'Post' AND target_id IN ({ids})"),
            ],
            _ => Vec::new(),
        };
        for sql in statements {
            self.pod.run(table, sql.clone(), &[]).await?;
        }
        self.pod.run(table, format!("DELETE FROM {table} WHERE id IN ({ids})"), &[]).await?;
        Ok(())
    }

    /// Returns the old person's row; creates it from the verified archive if this pod never knew the person.
    ///
    /// None if nothing proves whose archive it is: its key must not become the one that this pod trusts.
    async fn old_person(&mut self) -> Result<Option<i64>, AnnounceError> {
        let select = "SELECT id FROM people WHERE diaspora_handle IN ({})";
        let id = self.old.id.as_str().to_owned();
        let rows = self.pod.rows_in("the old person", select, &[&id]).await?;
        if let Some(person) = rows.first().and_then(|row| row.integer("id")) {
            return Ok(Some(person));
        }
        if !self.is_proven {
            return Ok(None);
        }
        let guid = self.free_guid().await?;
        let now = self.now;
        let (host, port) = self.old.id.host().split_once(':').unwrap_or((self.old.id.host(), "-1"));
        let (host, port) = (host.to_owned(), port.parse::<i64>().unwrap_or(-1));
        let row = vec![host.as_str().into(), port.into(), true.into(), now.into(), now.into()];
        let columns = ["host", "port", "ssl", "created_at", "updated_at"];
        self.pod.insert("pods", &columns, vec![row], OnConflict::Ignore).await?;
        let sql = format!("SELECT id FROM pods WHERE port = {port} AND host IN ({{}})");
        let pods = self.pod.rows_in("the old pod", &sql, &[&host]).await?;
        let key = self.old.key.public_key()?;
        let row: Vec<Value<'_>> = vec![
            id.as_str().into(),
            guid.into(),
            key.as_pem().into(),
            pods.first().and_then(|row| row.integer("id")).into(),
            now.into(),
            now.into(),
        ];
        let columns =
            ["diaspora_handle", "guid", "serialized_public_key", "pod_id", "created_at", "updated_at"];
        self.pod.insert("people", &columns, vec![row], OnConflict::Fail).await?;
        let rows = self.pod.rows_in("the old person", select, &[&id]).await?;
        let person = rows.first().and_then(|row| row.integer("id")).ok_or(AnnounceError::Gone(id))?;
        // Empty from the start: the search should find only the new person.
        let row = vec![person.into(), "".into(), false.into(), now.into(), now.into()];
        let columns = ["person_id", "full_name", "searchable", "created_at", "updated_at"];
        self.pod.insert("profiles", &columns, vec![row], OnConflict::Fail).await?;
        Ok(Some(person))
    }

    /// Returns the GUID for the old person's row: that of the old pod; a new one if the archive does not contain it,
    /// or if somebody else has it here.
    async fn free_guid(&mut self) -> Result<String, AnnounceError> {
        let Some(guid) = &self.old.guid else { return Ok(random_id()?) };
        let sql = "SELECT id FROM people WHERE guid IN ({})";
        let taken = self.pod.rows_in("the old person", sql, &[guid.as_str()]).await?;
        Ok(if taken.is_empty() { guid.to_string() } else { random_id()? })
    }

    async fn note_migration(
        &mut self,
        old_person: i64,
        migration: &AccountMigration,
    ) -> Result<(), AnnounceError> {
        let new_person = self.new_person;
        let row = vec![
            old_person.into(),
            new_person.into(),
            self.now.into(),
            migration.signature.as_str().into(),
            migration.remote_photo_path.clone().into(),
        ];
        let columns = ["old_person_id", "new_person_id", "completed_at", "signature", "remote_photo_path"];
        self.pod.insert("account_migrations", &columns, vec![row], OnConflict::Ignore).await?;
        let sql = format!(
            "SELECT p.diaspora_handle FROM account_migrations m JOIN people p ON p.id = m.new_person_id \
             WHERE m.old_person_id = {old_person} AND m.new_person_id <> {new_person}"
        );
        let rows = self.pod.rows("the account migrations", sql, &[]).await?;
        match rows.first().and_then(|row| row.text("diaspora_handle")) {
            Some(destination) => {
                Err(AnnounceError::AlreadyMoved { old_id: self.old.id.clone(), destination })
            }
            None => Ok(()),
        }
    }
}

/// Returns the `id` of each row.
pub(super) fn ids_of(rows: &[Row]) -> Vec<i64> {
    rows.iter().filter_map(|row| row.integer("id")).collect()
}
