//! Subscriptions to posts, and hidden posts.

use std::collections::HashSet;

use super::{Action, BatchPlan};
use crate::domain::{CountKind, Guid};
use crate::import::journal::notes::{Intent, kinds};
use crate::import::report::FindingCode;
use crate::import::scan::existing::subscriptions::{ExistingHiddenPosts, ExistingSubscriptions};
use crate::import::target::NewAccount;

/// Posts to which the account will subscribe, with their row numbers.
pub(in crate::import) struct SubscriptionRows<'a> {
    pub(in crate::import) account: &'a NewAccount,
    pub(in crate::import) posts: Vec<(i64, Guid)>,
}

/// Plans the subscriptions, each once.
pub(in crate::import) fn subscriptions<'a>(
    account: &'a NewAccount,
    existing: &ExistingSubscriptions,
    posts: &[Guid],
) -> BatchPlan<SubscriptionRows<'a>> {
    let mut plan = BatchPlan::new(SubscriptionRows { account, posts: Vec::new() });
    let mut seen = HashSet::new();
    for post in posts {
        let row = existing.posts.get(post.as_str());
        let is_subscribed = row.is_some_and(|row| existing.subscribed.contains(&row.id));
        let action = Action::of_row(existing.noted.get(post.as_str()).copied(), is_subscribed);
        let action = match (action, row) {
            (Action::Insert, None) => Action::Omit(FindingCode::ParentMissing),
            _ if !seen.insert(post) => Action::Omit(FindingCode::Duplicate),
            (Action::Insert, Some(row)) if !row.is_visible => Action::Omit(FindingCode::ParentNotVisible),
            (Action::Insert, Some(row)) => {
                plan.rows.posts.push((row.id, post.clone()));
                action
            }
            (action, _) => action,
        };
        plan.add(CountKind::Subscriptions, kinds::PARTICIPATIONS, post, action);
    }
    plan
}

/// Row numbers of posts that the account will hide.
pub(in crate::import) struct HiddenPostRows {
    pub(in crate::import) user: i64,
    pub(in crate::import) posts: Vec<i64>,
}

/// Plans the hidden posts. Posts that the user has hidden or shown again here stay unchanged.
pub(in crate::import) fn hidden_posts(
    user: i64,
    existing: &ExistingHiddenPosts,
    posts: &[Guid],
) -> BatchPlan<HiddenPostRows> {
    let mut plan = BatchPlan::new(HiddenPostRows { user, posts: Vec::new() });
    let mut seen = HashSet::new();
    for post in posts {
        let noted = existing.noted.get(post.as_str());
        let problem = match existing.posts.get(post.as_str()) {
            Some(row) if row.is_visible => {
                if noted.is_none_or(|noted| !noted.is_certain) && seen.insert(post) {
                    plan.intents.push(Intent::write(kinds::HIDDEN_POSTS, post));
                    plan.rows.posts.push(row.id);
                }
                continue;
            }
            Some(_) => FindingCode::ParentNotVisible,
            None => FindingCode::ParentMissing,
        };
        if noted.is_none() {
            plan.count(CountKind::StatusMessages, post, Action::Note(problem));
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::decide::tests::{Fixture, actions, deleted, guid};
    use crate::import::scan::existing::relayable_parents::Parent;

    fn parent(id: i64, is_visible: bool) -> Parent {
        Parent { id, is_visible, is_own: false, post_author: None }
    }

    #[test]
    fn the_account_subscribes_to_posts_that_it_may_see() {
        let fixture = Fixture::new();
        let posts: Vec<_> = (1..=5).map(guid).collect();
        let existing = ExistingSubscriptions {
            posts: [(1, true), (2, false), (4, true)]
                .map(|(id, is_visible)| (guid(id).to_string(), parent(id, is_visible)))
                .into(),
            subscribed: [4].into(),
            noted: [(guid(5).to_string(), deleted())].into(),
        };
        let list: Vec<Guid> = [&posts[..], &posts[..1], &posts[2..3]].concat();
        let plan = subscriptions(&fixture.account, &existing, &list);
        assert_eq!(
            actions(&plan),
            [
                Action::Insert,
                Action::Omit(FindingCode::ParentNotVisible),
                Action::Omit(FindingCode::ParentMissing),
                Action::Present(None),
                Action::Omit(FindingCode::DeletedSince),
                Action::Omit(FindingCode::Duplicate),
                Action::Omit(FindingCode::ParentMissing),
            ]
        );
        assert_eq!(plan.rows.posts, [(1, guid(1))]);
        assert_eq!(plan.intents.len(), 2);
    }

    #[test]
    fn posts_are_hidden_once_and_stay_shown_when_shown_again() {
        let existing = ExistingHiddenPosts {
            posts: [(1, true), (2, false), (3, true)]
                .map(|(id, is_visible)| (guid(id).to_string(), parent(id, is_visible)))
                .into(),
            noted: [(guid(3).to_string(), deleted())].into(),
        };
        let plan = hidden_posts(10, &existing, &[guid(1), guid(2), guid(3), guid(4), guid(1)]);
        assert_eq!(
            actions(&plan),
            [Action::Note(FindingCode::ParentNotVisible), Action::Note(FindingCode::ParentMissing)]
        );
        assert_eq!(plan.rows.posts, [1]);
        assert_eq!(plan.intents, [Intent::write(kinds::HIDDEN_POSTS, &guid(1))]);
    }
}
