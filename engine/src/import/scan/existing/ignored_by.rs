//! People of the target pod who ignore the account by the name that it had on its old pod.

use crate::import::ImportError;
use crate::import::journal::notes::{Journal, Noted, kinds};
use crate::import::target::{NewAccount, Target};
use crate::sql::Row;

/// A user of the target pod who ignores the old person.
pub(in crate::import) struct IgnoringUser {
    pub(in crate::import) user: i64,
    /// GUID of the user's person.
    pub(in crate::import) guid: String,
    /// True if the user ignores the new person as well.
    pub(in crate::import) ignores_new: bool,
    /// True if the user shares with the new person.
    pub(in crate::import) shares: bool,
    pub(in crate::import) noted: Option<Noted>,
}

impl Target {
    pub(in crate::import) async fn ignoring_users(
        &mut self,
        account: &NewAccount,
        journal: &Journal,
    ) -> Result<Vec<IgnoringUser>, ImportError> {
        let Some(old_person) = account.old_person else { return Ok(Vec::new()) };
        let (new_person, own_user) = (account.person, account.user);
        let sql = format!(
            "SELECT p.owner_id, p.guid, \
             CASE WHEN EXISTS (SELECT 1 FROM blocks n WHERE n.user_id = p.owner_id AND n.person_id = {new_person}) \
             THEN 1 ELSE 0 END AS ignores_new, \
             CASE WHEN EXISTS (SELECT 1 FROM contacts c WHERE c.user_id = p.owner_id AND c.person_id = {new_person} \
             AND c.receiving) THEN 1 ELSE 0 END AS shares \
             FROM blocks b JOIN people p ON p.owner_id = b.user_id \
             WHERE b.person_id = {old_person} AND b.user_id <> {own_user}"
        );
        let rows = self.pod.rows("who ignores the account", sql, &[]).await?;
        let user = |row: &Row| {
            Some(IgnoringUser {
                user: row.integer("owner_id")?,
                guid: row.text("guid")?,
                ignores_new: row.integer("ignores_new") == Some(1),
                shares: row.integer("shares") == Some(1),
                noted: None,
            })
        };
        let mut users: Vec<IgnoringUser> = rows.iter().filter_map(user).collect();
        let guids: Vec<&str> = users.iter().map(|user| user.guid.as_str()).collect();
        let noted = journal.noted(kinds::IGNORED_BY, &guids).await?;
        for user in &mut users {
            user.noted = noted.get(&user.guid).copied();
        }
        Ok(users)
    }
}
