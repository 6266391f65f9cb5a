//! The rows of contacts and their aspects, and of followed tags.

use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::decide::contacts::ContactRows;
use crate::import::decide::followed_tags::FollowedTagRows;
use crate::import::target::Target;
use crate::pod::database::OnConflict;
use crate::sql::id_list;

impl BatchRows for ContactRows {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let (user, now) = (self.user, target.now);
        let rows = self
            .contacts
            .iter()
            .map(|new| {
                let (person, receiving) = (new.person, new.receiving);
                vec![user.into(), person.into(), false.into(), receiving.into(), now.into(), now.into()]
            })
            .collect();
        let columns = ["user_id", "person_id", "sharing", "receiving", "created_at", "updated_at"];
        target.pod.insert("contacts", &columns, rows, OnConflict::Ignore).await?;
        if !self.sharing_contacts.is_empty() {
            let ids = id_list(&self.sharing_contacts);
            let sql = format!("UPDATE contacts SET receiving = (1 = 1) WHERE id IN ({ids})");
            target.pod.run("the contacts", sql, &[]).await?;
        }
        let ids = target.contacts_of(user).await?;
        let rows = self
            .contacts
            .iter()
            .filter_map(|new| Some((ids.get(&new.person)?.id, &new.aspects)))
            .flat_map(|(contact, aspects)| aspects.iter().map(move |aspect| (*aspect, contact)))
            .map(|(aspect, contact)| vec![aspect.into(), contact.into(), now.into(), now.into()])
            .collect();
        let columns = ["aspect_id", "contact_id", "created_at", "updated_at"];
        target.pod.insert("aspect_memberships", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}

impl BatchRows for FollowedTagRows {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let now = target.now;
        let ids = target.tags(&self.names).await?;
        let row =
            |name: &String| Some(vec![(*ids.get(name)?).into(), self.user.into(), now.into(), now.into()]);
        let rows = self.names.iter().filter_map(row).collect();
        let columns = ["tag_id", "user_id", "created_at", "updated_at"];
        target.pod.insert("tag_followings", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}
