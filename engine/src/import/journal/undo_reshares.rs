//! Gives reshares the originals back that an undone import has taken from them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::import::journal::imports::ImportRecord;
use crate::import::journal::notes::{kinds, noted};
use crate::import::journal::undo::UndoError;
use crate::import::target::Target;
use crate::pod::database::DatabaseError;
use crate::sql::id_list;
use crate::store::Store;

impl Target {
    /// Points reshares at the limited posts again that this import has brought and taken from them: the posts are gone, and
    /// whoever imports one of them later takes it away again.
    pub(in crate::import) async fn point_reshares_back(
        &mut self,
        store: &Store,
        import: &ImportRecord,
    ) -> Result<(), UndoError> {
        let mut after = 0;
        loop {
            let page = noted(store, &import.id, kinds::RESHARE_ROOTS, after).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            let roots = page.into_iter().filter_map(|(_, guid, root)| Some((guid, root?)));
            self.pod.begin().await?;
            self.set_roots_back(&roots.collect()).await?;
            self.pod.commit().await?;
        }
    }

    /// Sets the originals of reshares, by the reshares' GUIDs. A reshare that has another original by now keeps it, and
    /// none gets one that is here: that may be limited, or lead back to it.
    async fn set_roots_back(&mut self, roots: &HashMap<String, String>) -> Result<(), DatabaseError> {
        let originals: Vec<&String> = roots.values().collect();
        let sql = "SELECT guid FROM posts WHERE guid IN ({})";
        let here = self.pod.rows_in("posts", sql, &originals).await?;
        let here = here.iter().filter_map(|row| row.text("guid"));
        let here: HashSet<String> = here.map(|guid| guid.to_ascii_lowercase()).collect();
        let sql = "SELECT author_id, root_guid FROM posts WHERE root_guid IN ({})";
        let reshared = self.pod.rows_in("reshares", sql, &originals).await?;
        let key = |root: &str, author: i64| (root.to_ascii_lowercase(), author);
        // diaspora* allows one reshare of a post per person.
        let mut reshared: HashSet<(String, i64)> = reshared
            .iter()
            .filter_map(|row| Some(key(&row.text("root_guid")?, row.integer("author_id")?)))
            .collect();
        let sql = "SELECT guid, id, author_id FROM posts WHERE type = 'Reshare' AND root_guid IS NULL \
                   AND guid IN ({})";
        let guids: Vec<&String> = roots.keys().collect();
        let mut back: BTreeMap<&String, Vec<i64>> = BTreeMap::new();
        for row in self.pod.rows_in("reshares", sql, &guids).await? {
            let (guid, id, author) = (row.text("guid"), row.integer("id"), row.integer("author_id"));
            let (Some(guid), Some(id), Some(author)) = (guid, id, author) else { continue };
            let Some(root) = roots.get(&guid) else { continue };
            if !here.contains(&root.to_ascii_lowercase()) && reshared.insert(key(root, author)) {
                back.entry(root).or_default().push(id);
            }
        }
        for (root, reshares) in back {
            let sql = format!("UPDATE posts SET root_guid = ? WHERE id IN ({})", id_list(&reshares));
            self.pod.run("reshares", sql, &[root.into()]).await?;
        }
        Ok(())
    }
}
