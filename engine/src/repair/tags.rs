//! Repairs tags that imports followed under names that diaspora* would not store: its pages print stored names without
//! escaping them.

use super::{Change, FieldChange, Repair, RepairContext, RepairError, RepairReport};
use crate::import::{followed_tags, normal_tag};

impl RepairContext<'_> {
    /// Renames or removes followed tags with markup in their names.
    pub(super) async fn tags(&mut self) -> Result<RepairReport, RepairError> {
        let mut repaired = RepairReport::new(Repair::Tags);
        let names = followed_tags(self.store, self.url.as_str()).await?;
        repaired.examined = names.len() as u64;
        let markup_names: Vec<String> = names.into_iter().filter(|name| is_markup(name)).collect();
        let sql = "SELECT id, name FROM tags WHERE name IN ({}) ORDER BY id";
        for row in self.pod.rows_in("tags", sql, &markup_names).await? {
            let (Some(id), Some(name)) = (row.integer("id"), row.text("name")) else { continue };
            if !is_markup(&name) {
                continue;
            }
            let new_name = match normal_tag(&name) {
                Some(normal) if self.pod.rows_in("tags", TAGS_BY_NAME, &[&normal]).await?.is_empty() => {
                    Some(normal)
                }
                _ => None,
            };
            if !self.options.dry_run {
                self.rename_tag(id, new_name.as_deref()).await?;
            }
            let fields = vec![FieldChange { column: "name", from: Some(name.clone()), to: new_name }];
            repaired.changes.push(Change { person: name, fields });
        }
        Ok(repaired)
    }

    /// Renames a tag, or removes it without a new name.
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

/// The query for tags by their names.
const TAGS_BY_NAME: &str = "SELECT id FROM tags WHERE name IN ({})";

/// Returns whether a page may treat a name as markup instead of text; other unusual names are harmless.
fn is_markup(name: &str) -> bool {
    name != "<3" && name.contains(['<', '>', '&', '"', '\'', '`'])
}
