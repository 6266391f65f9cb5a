//! Restores the roots of reshares that an undone import had removed.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::import::journal::imports::ImportRecord;
use crate::import::journal::notes::{kinds, note_page};
use crate::import::journal::undo::UndoError;
use crate::import::target::Target;
use crate::pod::database::DatabaseError;
use crate::sql::id_list;
use crate::store::Store;

impl Target {
    /// Restores the roots of the reshares from which this import removed them because it brought the root as a limited
    /// post. The undo has deleted these posts; a later import that brings one of them removes it from its reshares
    /// again.
    pub(in crate::import) async fn restore_reshare_roots(
        &mut self,
        store: &Store,
        import: &ImportRecord,
    ) -> Result<(), UndoError> {
        let mut after = 0;
        loop {
            let page = note_page(store, &import.id, kinds::RESHARE_ROOTS, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            let roots = page.into_iter().filter_map(|(_, guid, root)| Some((guid, root?)));
            self.pod.begin().await?;
            self.set_roots(&roots.collect()).await?;
            self.pod.commit().await?;
        }
    }

    /// Sets the roots of reshares, by the reshares' GUIDs. A reshare that has received another root since keeps it. A
    /// root that is on the pod is not restored: it may be a limited post, or a reshare of this reshare.
    async fn set_roots(&mut self, roots: &HashMap<String, String>) -> Result<(), DatabaseError> {
        let root_guids: Vec<&String> = roots.values().collect();
        let sql = "SELECT guid FROM posts WHERE guid IN ({})";
        let existing = self.pod.rows_in("posts", sql, &root_guids).await?;
        let existing = existing.iter().filter_map(|row| row.text("guid"));
        let existing: HashSet<String> = existing.map(|guid| guid.to_ascii_lowercase()).collect();
        let sql = "SELECT author_id, root_guid FROM posts WHERE root_guid IN ({})";
        let reshared = self.pod.rows_in("reshares", sql, &root_guids).await?;
        let key = |root: &str, author: i64| (root.to_ascii_lowercase(), author);
        // diaspora* allows one reshare of a post per person.
        let mut reshared: HashSet<(String, i64)> = reshared
            .iter()
            .filter_map(|row| Some(key(&row.text("root_guid")?, row.integer("author_id")?)))
            .collect();
        let sql = "SELECT guid, id, author_id FROM posts WHERE type = 'Reshare' AND root_guid IS NULL \
                   AND guid IN ({})";
        let guids: Vec<&String> = roots.keys().collect();
        let mut restorable: BTreeMap<&String, Vec<i64>> = BTreeMap::new();
        for row in self.pod.rows_in("reshares", sql, &guids).await? {
            let (guid, id, author) = (row.text("guid"), row.integer("id"), row.integer("author_id"));
            let (Some(guid), Some(id), Some(author)) = (guid, id, author) else { continue };
            let Some(root) = roots.get(&guid) else { continue };
            if !existing.contains(&root.to_ascii_lowercase()) && reshared.insert(key(root, author)) {
                restorable.entry(root).or_default().push(id);
            }
        }
        for (root, reshares) in restorable {
            let sql = format!("UPDATE posts SET root_guid = ? WHERE id IN ({})", id_list(&reshares));
            self.pod.run("reshares", sql, &[root.into()]).await?;
        }
        Ok(())
    }
}
