//! Reshares whose originals lead back to themselves. diaspora* follows them without end (`Reshare#absolute_root`), in
//! every process that shows or delivers one.

use std::collections::{HashMap, HashSet};

use crate::domain::{Guid, Post};
use crate::import::decide::posts::root_of;
use crate::import::target::Target;
use crate::pod::database::DatabaseError;
use crate::sql::Row;

/// The maximum number of reshares in a chain that is followed. diaspora* creates no chains: it reshares the original.
const MAX_STEPS: usize = 16;

impl Target {
    /// Returns those of these reshares that must not be written: their chain of originals leads back to them, or is too
    /// long. It is followed through these posts, through those that this run has planned, and through the pod's.
    pub(in crate::import) async fn reshare_loops(
        &mut self,
        posts: &[&Post],
    ) -> Result<HashSet<Guid>, DatabaseError> {
        // Where the database ignores the case of GUIDs, so does diaspora*.
        let ignores_case = self.pod.columns().await?.folds("posts", "guid");
        let key =
            |guid: &Guid| if ignores_case { guid.as_str().to_ascii_lowercase() } else { guid.to_string() };
        let reshares: Vec<(&Guid, String, String)> = posts
            .iter()
            .filter_map(|post| Some((post.guid(), key(post.guid()), key(root_of(post)?))))
            .collect();
        let mut roots: HashMap<String, Option<String>> =
            reshares.iter().map(|(_, guid, root)| (guid.clone(), Some(root.clone()))).collect();
        // Each reshare with its own GUID as a key, and the one that its chain has reached.
        let mut unfinished: Vec<(&Guid, String, String)> = reshares;
        let mut loops = HashSet::new();
        for _ in 0..MAX_STEPS {
            let (looping, other): (Vec<_>, Vec<_>) =
                unfinished.into_iter().partition(|(_, start, reached)| start == reached);
            loops.extend(looping.into_iter().map(|(guid, ..)| guid.clone()));
            let reached = other.iter().map(|(.., reached)| reached);
            let unknown = reached.filter(|reached| !roots.contains_key(*reached)).cloned();
            let unknown: HashSet<String> = unknown.collect();
            self.add_roots(unknown, ignores_case, &mut roots).await?;
            let next = other.into_iter().filter_map(|(guid, start, reached)| {
                let root = roots.get(&reached).cloned().flatten()?;
                Some((guid, start, root))
            });
            unfinished = next.collect();
            if unfinished.is_empty() {
                break;
            }
        }
        loops.extend(unfinished.into_iter().map(|(guid, ..)| guid.clone()));
        Ok(loops)
    }

    /// Adds the originals of these posts; none for a post that is no reshare, or unknown.
    async fn add_roots(
        &mut self,
        guids: HashSet<String>,
        ignores_case: bool,
        roots: &mut HashMap<String, Option<String>>,
    ) -> Result<(), DatabaseError> {
        let guids: Vec<String> = guids.into_iter().collect();
        let sql = "SELECT guid, root_guid FROM posts WHERE type = 'Reshare' AND guid IN ({})";
        let rows = self.pod.rows_in("reshares", sql, &guids).await?;
        let key = |guid: String| if ignores_case { guid.to_ascii_lowercase() } else { guid };
        let reshare = |row: &Row| Some((key(row.text("guid")?), key(row.text("root_guid")?)));
        let mut existing: HashMap<String, String> = rows.iter().filter_map(reshare).collect();
        for guid in guids {
            let planned = || self.planned.as_ref().and_then(|planned| planned.reshares.get(&guid).cloned());
            let root = existing.remove(&guid).or_else(planned);
            roots.insert(guid, root);
        }
        Ok(())
    }
}
