//! Followed tags.

use std::collections::HashSet;

use super::{Action, BatchPlan};
use crate::domain::CountKind;
use crate::import::journal::notes::kinds;
use crate::import::report::FindingCode;
use crate::import::scan::existing::contacts::ExistingTags;

/// Tags that the account will follow, by name.
#[derive(Debug)]
pub(in crate::import) struct FollowedTagRows {
    pub(in crate::import) user: i64,
    pub(in crate::import) names: Vec<String>,
}

/// Plans the followed tags, each once.
pub(in crate::import) fn followed_tags(user: i64, existing: &ExistingTags) -> BatchPlan<FollowedTagRows> {
    let mut plan = BatchPlan::new(FollowedTagRows { user, names: Vec::new() });
    let mut seen = HashSet::new();
    for (name, spelling) in &existing.names {
        if seen.insert(name) {
            let noted = existing.noted.get(name).copied();
            let action = Action::of_row(noted, existing.followed.contains(name));
            plan.add(CountKind::FollowedTags, kinds::TAG_FOLLOWINGS, name, action);
            if action == Action::Insert {
                plan.rows.names.push(name.clone());
            }
        } else {
            plan.omit(CountKind::FollowedTags, FindingCode::Duplicate, spelling);
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_the_database_treats_as_equal_are_followed_once() {
        let names = [("cafe", "cafe"), ("cafe", "café"), ("rust", "rust")];
        let existing = ExistingTags {
            names: names.map(|(name, spelling)| (name.to_owned(), spelling.to_owned())).to_vec(),
            followed: ["rust".to_owned()].into(),
            noted: [].into(),
        };
        let plan = followed_tags(2, &existing);
        let actions: Vec<(&str, Action)> =
            plan.entries.iter().map(|entry| (entry.record.as_str(), entry.action)).collect();
        assert_eq!(
            actions,
            [
                ("cafe", Action::Insert),
                ("café", Action::Omit(FindingCode::Duplicate)),
                ("rust", Action::Present(None)),
            ]
        );
        assert_eq!(plan.rows.names, ["cafe"]);
    }
}
