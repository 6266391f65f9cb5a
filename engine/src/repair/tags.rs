//! Repairs tags that imports followed under names that diaspora* would not store: its pages print names as they are.

use super::{Change, FieldChange, Repair, RepairError, RepairReport, Work};
use crate::import::{followed_tags, normal_tag};

impl Work<'_> {
    pub(super) async fn tags(&mut self) -> Result<RepairReport, RepairError> {
        let mut repaired = RepairReport::new(Repair::Tags);
        let names = followed_tags(self.store, self.url.as_str()).await?;
        repaired.examined = names.len() as u64;
        let markup: Vec<String> = names.into_iter().filter(|name| is_markup(name)).collect();
        let sql = "SELECT id, name FROM tags WHERE name IN ({}) ORDER BY id";
        for row in self.pod.rows_in("tags", sql, &markup).await? {
            let (Some(id), Some(name)) = (row.integer("id"), row.text("name")) else { continue };
            if !is_markup(&name) {
                continue;
            }
            let to = match normal_tag(&name) {
                Some(to) if self.pod.rows_in("tags", TAGGED, &[&to]).await?.is_empty() => Some(to),
                _ => None,
            };
            if !self.options.dry_run {
                self.rename_tag(id, to.as_deref()).await?;
            }
            let fields = vec![FieldChange { column: "name", from: Some(name.clone()), to }];
            repaired.changes.push(Change { person: name, fields });
        }
        Ok(repaired)
    }

    /// Renames a tag, or removes it if no name is left for it.
    async fn rename_tag(&mut self, id: i64, name: Option<&str>) -> Result<(), RepairError> {
        self.pod.begin().await?;
        if let Some(name) = name {
            let sql = format!("UPDATE tags SET name = ? WHERE id = {id}");
            self.pod.run("tags", sql, &[name.into()]).await?;
        } else {
            for table in ["tag_followings", "taggings"] {
                self.pod.run(table, format!("DELETE FROM {table} WHERE tag_id = {id}"), &[]).await?;
            }
            self.pod.run("tags", format!("DELETE FROM tags WHERE id = {id}"), &[]).await?;
        }
        Ok(self.pod.commit().await?)
    }
}

const TAGGED: &str = "SELECT id FROM tags WHERE name IN ({})";

/// Returns whether a name does something else in a page than being read; other odd names are harmless.
fn is_markup(name: &str) -> bool {
    name != "<3" && name.contains(['<', '>', '&', '"', '\'', '`'])
}
