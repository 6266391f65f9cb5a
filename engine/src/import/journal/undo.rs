//! Undoes an import whose move has not been announced.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::depot::CampaignKeys;
use crate::domain::Timestamp;
use crate::import::journal::former;
use crate::import::journal::imports::{ImportRecord, ImportState, find_import};
use crate::import::journal::notes::{forget_unwritten, kinds, note_page};
use crate::import::journal::states;
use crate::import::journal::undo_rows::{KINDS, Kind};
use crate::import::journal::undo_shared::UndoContext;
use crate::import::target::Target;
use crate::import::write::photos::stored_names;
use crate::import::{ImportError, Report};
use crate::pod::config::PodUrl;
use crate::pod::database::{DatabaseError, PodWriter};
use crate::pod::tables::RelayableTable;
use crate::pod::uploads::{PhotoStore, UploadsError};
use crate::sql::{DatabaseUrl, id_list};
use crate::store::{Store, StoreError};

/// The reason why an import was not undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The move has been announced.
    #[error("the move was announced: other pods know {0} by the new name, and it can no longer be undone")]
    Announced(String),
    /// The import was undone before.
    #[error("this import has already been undone")]
    Undone,
    /// The import belongs to another pod.
    #[error("this import went into {0}, which is another pod")]
    OtherPod(String),
    /// The pod's database failed; the same command continues.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A photo could not be removed.
    #[error(transparent)]
    Uploads(#[from] UploadsError),
    /// The account's key could not be saved, or counters not be set.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// The result of an undo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// The number of rows removed, of all kinds.
    pub removed: u64,
    /// The number of rows given back to their previous authors.
    pub given_back: u64,
    /// True if the account's key is saved, sealed, for another import under the same username.
    pub keeps_key: bool,
}

/// Removes exactly the rows that the import wrote, and gives adopted ones back to their previous authors. GUID and key
/// of the account are saved, sealed with `keys`: other pods may know them.
///
/// # Errors
/// [`UndoError`]; what was undone until then stays undone, and the same call continues.
pub async fn undo(
    store: &Store,
    keys: Option<&CampaignKeys>,
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
    if !states::begin_undo(store, &import.id).await? {
        return Err(undo_refused(store, import).await?);
    }
    let mark = target.committed_batch(&import.person_guid).await?;
    // Rows noted but never written may belong to others by now.
    let batch = mark.map_or(0, |mark| mark.max(import.settled_batch));
    forget_unwritten(store, &import.id, mark.is_some(), batch).await?;
    if let Some((person, user)) = target.save_identity(store, keys, import).await? {
        // Posts of others with records of the account; their counters change.
        let touched = target.touched(person).await?;
        let context = UndoContext { store, import, person };
        for table in RelayableTable::ALL {
            undone.removed += target.remove_signatures(&context, table).await?;
        }
        target.point_photos_back(store, import, person).await?;
        for kind in KINDS {
            target.undo_kind(&context, kind, &mut undone).await?;
        }
        undone.removed += target.remove_account(person, user).await?;
        target.recount(&touched).await?;
    }
    target.restore_reshare_roots(store, import).await?;
    target.remove_fetched(store, import, &mut undone).await?;
    undone.removed += target.remove_added_people(store, import).await?;
    undone.keeps_key = former::has_saved_key(store, import).await?;
    target.remove_files(store, import, uploads).await?;
    states::finish_undo(store, &import.id, now).await?;
    Ok(undone)
}

/// Returns the error for an import that was announced or undone since its record was read.
async fn undo_refused(store: &Store, import: &ImportRecord) -> Result<UndoError, StoreError> {
    let current = find_import(store, &import.id).await?;
    Ok(match current.map(|current| current.state) {
        Some(ImportState::Announced) => UndoError::Announced(import.old_id.clone()),
        _ => UndoError::Undone,
    })
}

/// The rows whose counters an account has changed.
pub(in crate::import) struct Touched {
    pub(in crate::import) posts: Vec<i64>,
    pub(in crate::import) answers: Vec<i64>,
    pub(in crate::import) tags: Vec<i64>,
}

impl Target {
    async fn touched(&mut self, person: i64) -> Result<Touched, UndoError> {
        let mut numbers = Vec::new();
        for sql in [
            format!("SELECT id AS touched FROM {} t", crate::import::write::counters::touched_posts(person)),
            crate::import::write::counters::touched_answers(person),
            crate::import::write::counters::touched_tags(person),
        ] {
            let rows = self.pod.rows("counters", sql, &[]).await?;
            numbers.push(rows.iter().filter_map(|row| row.integer("touched")).collect());
        }
        let (tags, answers, posts) = (numbers.pop(), numbers.pop(), numbers.pop());
        let (tags, answers) = (tags.unwrap_or_default(), answers.unwrap_or_default());
        Ok(Touched { posts: posts.unwrap_or_default(), answers, tags })
    }

    pub(in crate::import) async fn recount(&mut self, touched: &Touched) -> Result<(), UndoError> {
        for chunk in touched.posts.chunks(1000) {
            self.count_posts(&id_list(chunk)).await?;
        }
        for chunk in touched.answers.chunks(1000) {
            self.count_answers(&id_list(chunk)).await?;
        }
        for chunk in touched.tags.chunks(1000) {
            self.count_taggings(&id_list(chunk)).await?;
        }
        Ok(())
    }

    /// Removes signatures that were added to existing records.
    async fn remove_signatures(
        &mut self,
        context: &UndoContext<'_>,
        table: RelayableTable,
    ) -> Result<u64, UndoError> {
        let (signatures, key) = (table.signatures(), table.signature_key());
        let (mut removed, mut after) = (0, 0);
        loop {
            let page = note_page(context.store, &context.import.id, signatures, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(removed) };
            after = *last;
            let guids: Vec<&str> = page.iter().map(|(_, guid, _)| guid.as_str()).collect();
            let ids = self.ids(table.name(), &guids).await?.into_values();
            let ids: Vec<i64> =
                self.owned_ids(table.name(), context.person, ids).await?.into_iter().collect();
            if !ids.is_empty() {
                let sql = format!("DELETE FROM {signatures} WHERE {key} IN ({})", id_list(&ids));
                removed += self.pod.run(signatures, sql, &[]).await?;
            }
        }
    }

    /// Removes the photo files that the import has written, except those that other photos or imports need by now.
    async fn remove_files(
        &mut self,
        store: &Store,
        import: &ImportRecord,
        uploads: &PhotoStore,
    ) -> Result<(), UndoError> {
        let mut after = 0;
        loop {
            let page = note_page(store, &import.id, kinds::PHOTO_FILES, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            let names: Vec<String> = page.into_iter().map(|(_, name, _)| name).collect();
            let in_use = self.files_in_use(store, import, &names).await?;
            let unused = names.iter().filter(|name| !in_use.contains(*name));
            uploads.remove(unused.flat_map(|name| stored_names(name)).collect()).await?;
        }
    }

    /// Returns the account's rows after saving its key; none if the account no longer exists, or never did.
    async fn save_identity(
        &mut self,
        store: &Store,
        keys: Option<&CampaignKeys>,
        import: &ImportRecord,
    ) -> Result<Option<(i64, i64)>, UndoError> {
        let sql = "SELECT p.id, p.owner_id, u.serialized_private_key FROM people p LEFT JOIN users u \
                   ON u.id = p.owner_id WHERE p.guid IN ({})";
        let rows = self.pod.rows_in("the account", sql, &[import.person_guid.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let key = row.text("serialized_private_key").filter(|key| !key.is_empty()).map(Zeroizing::new);
        former::save(store, keys, import, key, self.now).await?;
        Ok(row.integer("id").zip(row.integer("owner_id")))
    }

    async fn undo_kind(
        &mut self,
        context: &UndoContext<'_>,
        kind: &Kind,
        undone: &mut Undone,
    ) -> Result<(), UndoError> {
        let (table, person) = (kind.table, context.person);
        let mut after = 0;
        loop {
            let page = note_page(context.store, &context.import.id, table, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            self.pod.begin().await?;
            let mut by_author: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
            for (_, guid, previous) in &page {
                if let Some(author) = previous.as_ref().and_then(|previous| previous.parse().ok()) {
                    by_author.entry(author).or_default().push(guid);
                }
            }
            for (author, guids) in by_author {
                let ids: Vec<i64> = self.ids(table, &guids).await?.into_values().collect();
                let sql = format!(
                    "UPDATE {table} SET author_id = {author} WHERE author_id = {person} AND id IN ({})",
                    id_list(&ids)
                );
                if !ids.is_empty() {
                    undone.given_back += self.pod.run(table, sql, &[]).await?;
                }
            }
            let written = page.iter().filter(|(.., previous)| previous.is_none());
            let written: Vec<&str> = written.map(|(_, guid, _)| guid.as_str()).collect();
            let ids = self.unshared_ids(context, table, &written).await?;
            if !ids.is_empty() {
                self.forget_elsewhere(context, table, &ids).await?;
                self.remove(kind, &id_list(&ids), undone).await?;
            }
            self.pod.commit().await?;
        }
    }

    /// Removes the account's own rows, in one transaction.
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
