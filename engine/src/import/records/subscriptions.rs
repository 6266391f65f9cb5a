//! Subscriptions and hidden posts.

use std::collections::{BTreeSet, HashSet};

use crate::domain::{CountKind, Guid};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, kinds};
use crate::import::report::FindingCode;
use crate::import::target::{NewAccount, RowState, Target};
use crate::pod::database::{Cell as _, OnConflict, Value};
use crate::pod::reader::hidden_posts;

impl Target {
    /// Imports subscriptions to posts.
    pub(in crate::import) async fn import_subscriptions(
        &mut self,
        account: &NewAccount,
        posts: Vec<Guid>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = posts.iter().map(Guid::as_str).collect();
        let noted = journal.noted(kinds::PARTICIPATIONS, &guids).await?;
        let there = self.visible_posts(account, &guids).await?;
        let subscribed = self.subscribed_to(account, there.values().map(|post| post.id)).await?;
        let (mut rows, mut intents, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for post in &posts {
            let planned = self.planned.as_ref().is_some_and(|planned| planned.posts.contains_key(post));
            let noted = noted.get(post.as_str()).copied();
            let (mut id, is_shown) =
                there.get(post.as_str()).map_or((None, true), |post| (Some(post.id), post.visible));
            id = id.or(planned.then_some(0));
            let fate = RowState::of(noted, id.is_some_and(|id| subscribed.contains(&id)));
            if id.is_none() && fate != RowState::Deleted {
                self.report.left_out(CountKind::Subscriptions, FindingCode::ParentMissing, post);
                continue;
            }
            if !seen.insert(post) {
                self.report.left_out(CountKind::Subscriptions, FindingCode::Duplicate, post);
                continue;
            }
            if fate == RowState::New && !is_shown {
                self.report.left_out(CountKind::Subscriptions, FindingCode::ParentNotVisible, post);
                continue;
            }
            self.report.came_to(CountKind::Subscriptions, fate, noted, post);
            match (fate, id) {
                (RowState::New, Some(id)) => {
                    intents.push(Intent::write(kinds::PARTICIPATIONS, post));
                    rows.push((id, post));
                }
                (RowState::Found, _) => intents.push(Intent::found(kinds::PARTICIPATIONS, post)),
                _ => {}
            }
        }
        if !self.writes() || intents.is_empty() {
            return Ok(());
        }
        journal.note(intents).await?;
        let now = self.now;
        let rows = rows
            .into_iter()
            .map(|(id, post)| {
                let guid: Value = participation_guid(account, post).into();
                vec![id.into(), "Post".into(), account.person.into(), guid, now.into(), now.into()]
            })
            .collect();
        self.pod.begin().await?;
        let columns = ["target_id", "target_type", "author_id", "guid", "created_at", "updated_at"];
        self.pod.insert("participations", &columns, rows, OnConflict::Ignore).await?;
        Ok(self.commit_batch(journal).await?)
    }

    /// Returns those of these posts that the account has subscribed to.
    async fn subscribed_to(
        &mut self,
        account: &NewAccount,
        posts: impl Iterator<Item = i64>,
    ) -> Result<HashSet<i64>, ImportError> {
        let posts: Vec<i64> = posts.collect();
        let mut subscribed = HashSet::new();
        for chunk in posts.chunks(1000) {
            let sql = format!(
                "SELECT target_id FROM participations WHERE target_type = 'Post' AND author_id = {} \
                 AND target_id IN ({})",
                account.person,
                crate::import::records::counters::list(chunk)
            );
            let rows = self.pod.rows("subscriptions", sql, &[]).await?;
            subscribed.extend(rows.iter().filter_map(|row| row.integer(0)));
        }
        Ok(subscribed)
    }

    /// Imports hidden posts, as the hash of lists that Rails reads. What the user has hidden or shown again here
    /// stays unchanged.
    pub(in crate::import) async fn import_hidden_posts(
        &mut self,
        account: &NewAccount,
        posts: Vec<Guid>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = posts.iter().map(Guid::as_str).collect();
        let noted = journal.noted(kinds::HIDDEN_POSTS, &guids).await?;
        let there = self.visible_posts(account, &guids).await?;
        for post in &posts {
            let planned = self.planned.as_ref().is_some_and(|planned| planned.posts.contains_key(post));
            let why = match there.get(post.as_str()) {
                Some(there) if !there.visible => FindingCode::ParentNotVisible,
                None if !planned => FindingCode::ParentMissing,
                _ => continue,
            };
            if !noted.contains_key(post.as_str()) {
                self.report.note(CountKind::StatusMessages, why, post);
            }
        }
        let is_new = |guid: &str| noted.get(guid).is_none_or(|noted| !noted.certain);
        let new: Vec<(String, i64)> = there
            .into_iter()
            .filter(|(guid, post)| post.visible && is_new(guid))
            .map(|(guid, post)| (guid, post.id))
            .collect();
        if new.is_empty() || !self.writes() {
            return Ok(());
        }
        let mut intents: Vec<Intent> =
            new.iter().map(|(guid, _)| Intent::write(kinds::HIDDEN_POSTS, guid)).collect();
        intents.sort_unstable_by(|one, other| one.guid.cmp(&other.guid));
        journal.note(intents).await?;
        self.pod.begin().await?;
        let sql = format!("SELECT hidden_shareables FROM users WHERE id = {}", account.user);
        let rows = self.pod.rows("hidden posts", sql, &[]).await?;
        let hidden = rows.first().and_then(|row| row.text(0)).and_then(|yaml| hidden_posts(&yaml));
        let mut ids: BTreeSet<i64> = hidden.unwrap_or_default().into_iter().collect();
        ids.extend(new.iter().map(|(_, id)| *id));
        let yaml = ids.iter().fold("---\nPost:\n".to_owned(), |yaml, id| yaml + &format!("- '{id}'\n"));
        let sql = format!("UPDATE users SET hidden_shareables = ? WHERE id = {}", account.user);
        self.pod.run("hidden posts", sql, &[yaml.into()]).await?;
        Ok(self.commit_batch(journal).await?)
    }
}

/// Returns the GUID of a participation in the network, the same in every run of an import.
fn participation_guid(account: &NewAccount, post: &Guid) -> String {
    use sha2::Digest as _;
    let digest =
        sha2::Sha256::new().chain_update(account.id.as_str()).chain_update(" ").chain_update(post.as_str());
    hex::encode(digest.finalize().get(..16).unwrap_or_default())
}
