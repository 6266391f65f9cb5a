//! The rows of aspects, of blocks, and of the posts and photos that were shown to aspects.

use crate::domain::ExtraSettings;
use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::decide::aspects::{AspectRows, AudienceRows, BlockRows};
use crate::import::target::{NewAccount, Target};
use crate::pod::database::{DatabaseError, OnConflict};
use crate::sql::{Row, Value, id_list};

impl BatchRows for AspectRows<'_> {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        target.add_aspects(self.user, self.settings, &self.names).await
    }
}

impl BatchRows for BlockRows<'_> {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let row = |person: &i64| vec![self.account.user.into(), (*person).into()];
        let rows = self.people.iter().map(row).collect();
        target.pod.insert("blocks", &["user_id", "person_id"], rows, OnConflict::Ignore).await?;
        for people in self.people.chunks(1000) {
            target.stop_sharing_with(self.account, &id_list(people)).await?;
        }
        Ok(())
    }
}

impl BatchRows for AudienceRows {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let row = |(id, class, aspect): &(i64, &'static str, i64)| {
            vec![(*id).into(), (*class).into(), (*aspect).into()]
        };
        let columns = ["shareable_id", "shareable_type", "aspect_id"];
        let rows = self.0.iter().map(row).collect();
        target.pod.insert("aspect_visibilities", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }
}

impl Target {
    /// Adds aspects after the existing ones.
    pub(in crate::import) async fn add_aspects(
        &mut self,
        user: i64,
        settings: &ExtraSettings,
        names: &[&String],
    ) -> Result<(), ImportError> {
        let sql = format!("SELECT MAX(order_id) AS last_order FROM aspects WHERE user_id = {user}");
        let rows = self.pod.rows("the aspects", sql, &[]).await?;
        let last = rows.first().and_then(|row| row.integer("last_order")).unwrap_or(0);
        let now = self.now;
        let is_default = |name: &str| {
            let setting = settings.aspects.iter().find(|aspect| aspect.name == name);
            setting.is_none_or(|setting| setting.post_default)
        };
        let rows = (last + 1..)
            .zip(names)
            .map(|(order, name)| {
                vec![
                    Value::from(name.as_str()),
                    user.into(),
                    order.into(),
                    is_default(name).into(),
                    now.into(),
                    now.into(),
                ]
            })
            .collect();
        let columns = ["name", "user_id", "order_id", "post_default", "created_at", "updated_at"];
        self.pod.insert("aspects", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }

    /// Ends contacts with people whom the account has begun to ignore, as diaspora* does (`BlockService#block`,
    /// `User#disconnect`): nothing is shared with them, and a contact without sharing on either side is deleted.
    async fn stop_sharing_with(&mut self, account: &NewAccount, people: &str) -> Result<(), DatabaseError> {
        let own_contacts = format!(
            "SELECT id, sharing AS stays FROM contacts WHERE user_id = {} AND person_id IN ({people})",
            account.user
        );
        let their_contacts = format!(
            "SELECT c.id, c.receiving AS stays FROM contacts c JOIN people p ON p.owner_id = c.user_id \
             WHERE p.id IN ({people}) AND c.person_id = {}",
            account.person
        );
        for (sql, ended_column) in [(own_contacts, "receiving"), (their_contacts, "sharing")] {
            let rows = self.pod.rows("the contacts", sql, &[]).await?;
            let stays = |row: &&Row| row.boolean("stays").unwrap_or(false);
            let ids = |rows: Vec<&Row>| rows.iter().filter_map(|row| row.integer("id")).collect::<Vec<_>>();
            let (staying, ending): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(stays);
            for (ids, is_kept) in [(ids(staying), true), (ids(ending), false)] {
                if ids.is_empty() {
                    continue;
                }
                let ids = id_list(&ids);
                if !is_kept || ended_column == "receiving" {
                    let sql = format!("DELETE FROM aspect_memberships WHERE contact_id IN ({ids})");
                    self.pod.run("members of aspects", sql, &[]).await?;
                }
                let sql = if is_kept {
                    format!("UPDATE contacts SET {ended_column} = (1 = 0) WHERE id IN ({ids})")
                } else {
                    format!("DELETE FROM contacts WHERE id IN ({ids})")
                };
                self.pod.run("the contacts", sql, &[]).await?;
            }
        }
        Ok(())
    }
}
