//! Repairs people who have moved here: the profiles under their old IDs.
//!
//! Earlier versions closed the old person when a move was announced, but left name, avatar and the rest.

use super::{Change, FieldChange, Repair, RepairContext, RepairError, RepairReport};
use crate::announce::{has_content, tombstone};
use crate::import::{ImportState, list_imports};

impl RepairContext<'_> {
    /// Closes and clears the old rows of people who have moved here.
    pub(super) async fn moved_people(&mut self) -> Result<RepairReport, RepairError> {
        let mut repaired = RepairReport::new(Repair::MovedPeople);
        let imports = list_imports(self.store, Some(self.url.as_str())).await?;
        let mut old_ids: Vec<String> = imports
            .into_iter()
            .filter(|import| import.state == ImportState::Announced)
            .map(|import| import.old_id)
            .collect();
        old_ids.sort_unstable();
        old_ids.dedup();
        repaired.examined = old_ids.len() as u64;
        let sql = format!(
            "SELECT p.id, p.diaspora_handle, f.first_name, f.last_name FROM people p \
             JOIN profiles f ON f.person_id = p.id WHERE p.owner_id IS NULL AND p.closed_account \
             AND EXISTS (SELECT 1 FROM account_migrations m WHERE m.old_person_id = p.id) AND ({} \
             OR EXISTS (SELECT 1 FROM taggings t WHERE t.taggable_type = 'Profile' AND t.taggable_id = f.id)) \
             AND p.diaspora_handle IN ({{}}) ORDER BY p.diaspora_handle",
            has_content()
        );
        for row in self.pod.rows_in("the people who have moved", &sql, &old_ids).await? {
            let (Some(id), Some(person)) = (row.integer("id"), row.text("diaspora_handle")) else {
                continue;
            };
            if !self.options.dry_run {
                self.pod.begin().await?;
                tombstone(&mut self.pod, id, self.options.now).await?;
                self.pod.commit().await?;
            }
            let name = [row.non_empty_text("first_name"), row.non_empty_text("last_name")];
            let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
            let from = Some(name).filter(|name| !name.is_empty());
            repaired
                .changes
                .push(Change { person, fields: vec![FieldChange { column: "profile", from, to: None }] });
        }
        Ok(repaired)
    }
}
