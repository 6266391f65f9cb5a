//! The account's subscriptions and hidden posts, and the posts to which they refer.

use std::collections::{HashMap, HashSet};

use crate::domain::Guid;
use crate::import::ImportError;
use crate::import::journal::notes::{Journal, Noted, kinds};
use crate::import::scan::existing::relayable_parents::Parent;
use crate::import::target::{NewAccount, Target};
use crate::sql::id_list;

/// The posts of a batch of subscriptions, by GUID.
pub(in crate::import) struct ExistingSubscriptions {
    pub(in crate::import) posts: HashMap<String, Parent>,
    /// Row numbers of posts to which the account has subscribed.
    pub(in crate::import) subscribed: HashSet<i64>,
    pub(in crate::import) noted: HashMap<String, Noted>,
}

/// The posts of a batch of hidden posts, by GUID.
pub(in crate::import) struct ExistingHiddenPosts {
    pub(in crate::import) posts: HashMap<String, Parent>,
    pub(in crate::import) noted: HashMap<String, Noted>,
}

impl Target {
    pub(in crate::import) async fn existing_subscriptions(
        &mut self,
        account: &NewAccount,
        posts: &[Guid],
        journal: &Journal,
    ) -> Result<ExistingSubscriptions, ImportError> {
        let guids: Vec<&str> = posts.iter().map(Guid::as_str).collect();
        let noted = journal.noted(kinds::PARTICIPATIONS, &guids).await?;
        let posts = self.visible_posts(account, &guids).await?;
        let mut subscribed = HashSet::new();
        for chunk in posts.values().map(|post| post.id).collect::<Vec<_>>().chunks(1000) {
            let sql = format!(
                "SELECT target_id FROM participations WHERE target_type = 'Post' AND author_id = {} \
                 AND target_id IN ({})",
                account.person,
                id_list(chunk)
            );
            let rows = self.pod.rows("subscriptions", sql, &[]).await?;
            subscribed.extend(rows.iter().filter_map(|row| row.integer("target_id")));
        }
        Ok(ExistingSubscriptions { posts, subscribed, noted })
    }

    pub(in crate::import) async fn existing_hidden_posts(
        &mut self,
        account: &NewAccount,
        posts: &[Guid],
        journal: &Journal,
    ) -> Result<ExistingHiddenPosts, ImportError> {
        let guids: Vec<&str> = posts.iter().map(Guid::as_str).collect();
        let noted = journal.noted(kinds::HIDDEN_POSTS, &guids).await?;
        Ok(ExistingHiddenPosts { posts: self.visible_posts(account, &guids).await?, noted })
    }
}
