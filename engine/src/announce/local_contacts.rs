//! Contacts of this pod's users with a person who has moved here.

use super::AnnounceError;
use super::envelopes::Announcer;
use super::local::ids_of;
use crate::pod::database::OnConflict;
use crate::sql::id_list;

impl Announcer {
    /// Ends sharing with the old person for users who ignore the new one: diaspora* allows no sharing with somebody who
    /// is ignored (`Contact#not_blocked_user`).
    pub(super) async fn stop_sharing_of_ignoring_users(
        &mut self,
        old_person: i64,
    ) -> Result<(), AnnounceError> {
        let sql = format!(
            "SELECT c.id FROM contacts c JOIN blocks b ON b.user_id = c.user_id AND b.person_id = {} \
             WHERE c.person_id = {old_person}",
            self.new_person
        );
        let contacts = ids_of(&self.pod.rows("contacts", sql, &[]).await?);
        for chunk in contacts.chunks(1000) {
            let ids = id_list(chunk);
            for sql in [
                format!("DELETE FROM aspect_memberships WHERE contact_id IN ({ids})"),
                format!("UPDATE contacts SET receiving = (1 = 0) WHERE id IN ({ids})"),
            ] {
                self.pod.run("contacts", sql, &[]).await?;
            }
        }
        Ok(())
    }

    /// Merges contacts with the old person into the same users' contacts with the new one: users who shared with the
    /// old person share with the new one, in the same aspects.
    ///
    /// Leaves `sharing` unchanged, which [`Self::sync_local_contacts`] sets: the old person's is out of date.
    pub(super) async fn merge_contacts(&mut self, old_contacts: &str) -> Result<(), AnnounceError> {
        let now = self.now;
        let pairs = format!(
            "contacts o JOIN contacts n ON n.user_id = o.user_id AND n.person_id = {}",
            self.new_person
        );
        let sql = format!("SELECT n.id FROM {pairs} WHERE o.id IN ({old_contacts}) AND o.receiving");
        let receiving = ids_of(&self.pod.rows("contacts", sql, &[]).await?);
        if !receiving.is_empty() {
            let sql =
                format!("UPDATE contacts SET receiving = (1 = 1) WHERE id IN ({})", id_list(&receiving));
            self.pod.run("contacts", sql, &[]).await?;
        }
        let sql = format!(
            "SELECT m.aspect_id, n.id AS contact_id FROM {pairs} JOIN aspect_memberships m ON m.contact_id = o.id \
             WHERE o.id IN ({old_contacts})"
        );
        let rows = self
            .pod
            .rows("aspect_memberships", sql, &[])
            .await?
            .iter()
            .filter_map(|row| Some((row.integer("aspect_id")?, row.integer("contact_id")?)))
            .map(|(aspect, contact)| vec![aspect.into(), contact.into(), now.into(), now.into()])
            .collect();
        let columns = ["aspect_id", "contact_id", "created_at", "updated_at"];
        self.pod.insert("aspect_memberships", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }

    /// Makes the two contact rows between the account and each user of this pod consistent.
    pub(super) async fn sync_local_contacts(&mut self) -> Result<(), AnnounceError> {
        let (new_person, user) = (self.new_person, self.new_user);
        let sql = format!(
            "SELECT account_contact.id AS account_contact_id, user_contact.receiving AS user_receiving, \
             user_contact.id AS user_contact_id, account_contact.receiving AS account_receiving \
             FROM contacts account_contact JOIN people p ON p.id = account_contact.person_id \
             JOIN contacts user_contact ON user_contact.user_id = p.owner_id \
             AND user_contact.person_id = {new_person} WHERE account_contact.user_id = {user}"
        );
        for row in self.pod.rows("contacts", sql, &[]).await? {
            for (id, shares) in
                [("account_contact_id", "user_receiving"), ("user_contact_id", "account_receiving")]
            {
                let (id, shares) = (row.integer(id), row.boolean(shares));
                let (Some(id), Some(shares)) = (id, shares) else { continue };
                let sql = format!("UPDATE contacts SET sharing = ? WHERE id = {id}");
                self.pod.run("contacts", sql, &[shares.into()]).await?;
            }
        }
        // Users of this pod who share with the account but were not imported as its contacts.
        let sql = format!(
            "SELECT p.id FROM contacts user_contact JOIN people p ON p.owner_id = user_contact.user_id \
             LEFT JOIN contacts account_contact ON account_contact.user_id = {user} \
             AND account_contact.person_id = p.id WHERE user_contact.person_id = {new_person} AND user_contact.receiving \
             AND account_contact.id IS NULL AND p.id <> {new_person}"
        );
        let now = self.now;
        let rows = self
            .pod
            .rows("contacts", sql, &[])
            .await?
            .iter()
            .filter_map(|row| row.integer("id"))
            .map(|person| vec![user.into(), person.into(), true.into(), false.into(), now.into(), now.into()])
            .collect();
        let columns = ["user_id", "person_id", "sharing", "receiving", "created_at", "updated_at"];
        self.pod.insert("contacts", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}
