//! Aspects, and ignored people.

use std::collections::HashSet;

use crate::domain::{CountKind, DiasporaId};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, kinds};
use crate::import::records::counters::list;
use crate::import::report::FindingCode;
use crate::import::scan::people::People;
use crate::import::scan::survey::Survey;
use crate::import::target::{NewAccount, PLANNED_ACCOUNT, RowState, Target};
use crate::pod::database::{Cell as _, DatabaseError, OnConflict, Row, Value};

impl Target {
    /// Imports the aspects; one that an archive names twice exists once. They were created with the account, except
    /// for those of a newer archive.
    pub(in crate::import) async fn import_aspects(
        &mut self,
        account: &mut NewAccount,
        survey: &Survey,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let noted = journal.noted(kinds::ASPECTS, &survey.aspects).await?;
        let is_planned = account.user == PLANNED_ACCOUNT;
        let (mut new, mut intents, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for name in &survey.aspects {
            if !seen.insert(name) {
                self.report.left_out(CountKind::Aspects, FindingCode::Duplicate, name);
                continue;
            }
            let (noted, is_there) =
                (noted.get(name).copied(), !is_planned && account.aspects.contains_key(name));
            let fate = RowState::of(noted, is_there);
            self.report.came_to(CountKind::Aspects, fate, noted, name);
            match fate {
                RowState::New => {
                    new.push(name);
                    intents.push(Intent::write(kinds::ASPECTS, name));
                }
                RowState::Found => intents.push(Intent::found(kinds::ASPECTS, name)),
                RowState::Known | RowState::Deleted => {}
            }
        }
        if !self.writes() {
            account.aspects.extend((-1_i64..).zip(new).map(|(id, name)| (name.clone(), id)));
            return Ok(());
        }
        if intents.is_empty() {
            return Ok(());
        }
        journal.note(intents).await?;
        self.pod.begin().await?;
        self.add_aspects(account.user, survey, &new).await?;
        self.commit_batch(journal).await?;
        account.aspects = self.aspects(account.user).await?;
        Ok(())
    }

    /// Adds aspects after the existing ones.
    pub(in crate::import) async fn add_aspects(
        &mut self,
        user: i64,
        survey: &Survey,
        names: &[&String],
    ) -> Result<(), ImportError> {
        let sql = format!("SELECT MAX(order_id) FROM aspects WHERE user_id = {user}");
        let rows = self.pod.rows("the aspects", sql, &[]).await?;
        let last = rows.first().and_then(|row| row.integer(0)).unwrap_or(0);
        let now = self.now;
        let default = |name: &str| {
            let setting = survey.settings.aspects.iter().find(|aspect| aspect.name == name);
            setting.is_none_or(|setting| setting.post_default)
        };
        let rows = (last + 1..)
            .zip(names)
            .map(|(order, name)| {
                vec![
                    Value::from(name.as_str()),
                    user.into(),
                    order.into(),
                    default(name).into(),
                    now.into(),
                    now.into(),
                ]
            })
            .collect();
        let columns = ["name", "user_id", "order_id", "post_default", "created_at", "updated_at"];
        self.pod.insert("aspects", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }

    /// Imports ignored people, as far as they are known.
    pub(in crate::import) async fn import_blocks(
        &mut self,
        account: &NewAccount,
        survey: &Survey,
        people: &People,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let ids: Vec<&str> = survey.blocks.iter().map(DiasporaId::as_str).collect();
        let noted = journal.noted(kinds::BLOCKS, &ids).await?;
        let there = self.ignored_people(account.user).await?;
        let (mut new, mut intents, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for id in &survey.blocks {
            let Some(person) = people.get(id) else {
                self.report.left_out(CountKind::Blocks, FindingCode::PersonUnknown, id);
                continue;
            };
            if !seen.insert(person.id) {
                self.report.left_out(CountKind::Blocks, FindingCode::Duplicate, id);
                continue;
            }
            let noted = noted.get(id.as_str()).copied();
            let fate = RowState::of(noted, there.contains(&person.id));
            self.report.came_to(CountKind::Blocks, fate, noted, id);
            match fate {
                RowState::New => {
                    new.push(person.id);
                    intents.push(Intent::write(kinds::BLOCKS, id));
                }
                RowState::Found => intents.push(Intent::found(kinds::BLOCKS, id)),
                RowState::Known | RowState::Deleted => {}
            }
        }
        if !self.writes() || intents.is_empty() {
            return Ok(());
        }
        journal.note(intents).await?;
        self.pod.begin().await?;
        let rows = new.iter().map(|person| vec![account.user.into(), (*person).into()]).collect();
        self.pod.insert("blocks", &["user_id", "person_id"], rows, OnConflict::Ignore).await?;
        for people in new.chunks(1000) {
            self.stop_sharing_with(account, &list(people)).await?;
        }
        Ok(self.commit_batch(journal).await?)
    }

    /// Returns the people whom a user of this pod ignores.
    pub(in crate::import) async fn ignored_people(
        &mut self,
        user: i64,
    ) -> Result<HashSet<i64>, DatabaseError> {
        let sql = format!("SELECT person_id FROM blocks WHERE user_id = {user}");
        let rows = self.pod.rows("the blocks", sql, &[]).await?;
        Ok(rows.iter().filter_map(|row| row.integer(0)).collect())
    }

    /// Ends contacts with people whom the account has begun to ignore, as diaspora* does (`BlockService#block`,
    /// `User#disconnect`): nothing is shared with them, and a contact without sharing on either side goes.
    async fn stop_sharing_with(&mut self, account: &NewAccount, people: &str) -> Result<(), DatabaseError> {
        let own = format!(
            "SELECT id, sharing FROM contacts WHERE user_id = {} AND person_id IN ({people})",
            account.user
        );
        let theirs = format!(
            "SELECT c.id, c.receiving FROM contacts c JOIN people p ON p.owner_id = c.user_id \
             WHERE p.id IN ({people}) AND c.person_id = {}",
            account.person
        );
        for (contacts, ends) in [(own, "receiving"), (theirs, "sharing")] {
            let rows = self.pod.rows("the contacts", contacts, &[]).await?;
            let stays = |row: &&Row| row.boolean(1).unwrap_or(false);
            let ids =
                |rows: Vec<&Row>| list(&rows.iter().filter_map(|row| row.integer(0)).collect::<Vec<_>>());
            let (stay, go): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(stays);
            for (ids, is_kept) in [(ids(stay), true), (ids(go), false)] {
                if ids.is_empty() {
                    continue;
                }
                if !is_kept || ends == "receiving" {
                    let sql = format!("DELETE FROM aspect_memberships WHERE contact_id IN ({ids})");
                    self.pod.run("members of aspects", sql, &[]).await?;
                }
                let sql = if is_kept {
                    format!("UPDATE contacts SET {ends} = (1 = 0) WHERE id IN ({ids})")
                } else {
                    format!("DELETE FROM contacts WHERE id IN ({ids})")
                };
                self.pod.run("the contacts", sql, &[]).await?;
            }
        }
        Ok(())
    }
}
