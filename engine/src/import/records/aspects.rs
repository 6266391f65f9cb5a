//! Aspects, and ignored people.

use std::collections::HashSet;

use crate::domain::{CountKind, DiasporaId};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, kinds};
use crate::import::report::FindingCode;
use crate::import::scan::people::People;
use crate::import::scan::survey::Survey;
use crate::import::target::{NewAccount, PLANNED_ACCOUNT, RowState, Target};
use crate::pod::database::{Cell as _, OnConflict, Value};

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
        let sql = format!("SELECT person_id FROM blocks WHERE user_id = {}", account.user);
        let rows = self.pod.rows("the blocks", sql, &[]).await?;
        let there: HashSet<i64> = rows.iter().filter_map(|row| row.integer(0)).collect();
        let (mut rows, mut intents, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
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
                    rows.push(vec![account.user.into(), person.id.into()]);
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
        self.pod.insert("blocks", &["user_id", "person_id"], rows, OnConflict::Ignore).await?;
        Ok(self.commit_batch(journal).await?)
    }
}
