//! The account's aspects, the people whom it ignores, and the aspects to which its limited posts and photos were shown.

use std::collections::{HashMap, HashSet};

use super::{Action, BatchPlan, Context};
use crate::domain::{AspectAudience, CountKind, DiasporaId, ExtraSettings};
use crate::import::journal::notes::{Intent, Noted, kinds};
use crate::import::report::FindingCode;
use crate::import::scan::existing::aspects::{ExistingAudiences, ExistingBlocks};
use crate::import::target::NewAccount;

/// New aspects.
pub(in crate::import) struct AspectRows<'a> {
    pub(in crate::import) user: i64,
    pub(in crate::import) settings: &'a ExtraSettings,
    pub(in crate::import) names: Vec<&'a String>,
}

/// Plans the aspects. One that the archive contains twice is created once. Most were created with the account; only
/// those of a newer archive are inserted.
pub(in crate::import) fn aspects<'a>(
    account: &NewAccount,
    noted: &HashMap<String, Noted>,
    (names, settings): (&'a [String], &'a ExtraSettings),
) -> BatchPlan<AspectRows<'a>> {
    let mut plan = BatchPlan::new(AspectRows { user: account.user, settings, names: Vec::new() });
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            plan.omit(CountKind::Aspects, FindingCode::Duplicate, name);
            continue;
        }
        let action = Action::of_row(noted.get(name).copied(), account.aspects.contains_key(name));
        plan.add(CountKind::Aspects, kinds::ASPECTS, name, action);
        if action == Action::Insert {
            plan.rows.names.push(name);
        }
    }
    plan
}

/// People whom the account is to ignore.
pub(in crate::import) struct BlockRows<'a> {
    pub(in crate::import) account: &'a NewAccount,
    pub(in crate::import) people: Vec<i64>,
}

/// Plans the blocks, each person once. Blocks of unknown people are left out.
pub(in crate::import) fn blocks<'a>(
    context: &Context<'a>,
    existing: &ExistingBlocks,
    blocks: &[DiasporaId],
) -> BatchPlan<BlockRows<'a>> {
    let mut plan = BatchPlan::new(BlockRows { account: context.account, people: Vec::new() });
    let mut seen = HashSet::new();
    for id in blocks {
        let Some(person) = context.people.get(id) else {
            plan.omit(CountKind::Blocks, FindingCode::PersonUnknown, id);
            continue;
        };
        if !seen.insert(person.id) {
            plan.omit(CountKind::Blocks, FindingCode::Duplicate, id);
            continue;
        }
        let noted = existing.noted.get(id.as_str()).copied();
        let action = Action::of_row(noted, existing.ignored.contains(&person.id));
        plan.add(CountKind::Blocks, kinds::BLOCKS, id, action);
        if action == Action::Insert {
            plan.rows.people.push(person.id);
        }
    }
    plan
}

/// Posts and photos to be shown to aspects: row number, class, and row number of the aspect.
pub(in crate::import) struct AudienceRows(pub(in crate::import) Vec<(i64, &'static str, i64)>);

/// Plans the audiences of limited posts and photos. Those that an earlier run has written are left out: the user may
/// have changed or deleted the aspects since.
pub(in crate::import) fn audiences(
    account: &NewAccount,
    existing: &[ExistingAudiences],
    audiences: &[AspectAudience],
) -> BatchPlan<AudienceRows> {
    let mut plan = BatchPlan::new(AudienceRows(Vec::new()));
    for audience in audiences {
        let Some(existing) = existing.iter().find(|existing| existing.kind == audience.kind) else {
            continue;
        };
        let row = existing.rows.get(audience.guid.as_str());
        let Some(row) = row.filter(|row| row.author == account.person) else { continue };
        if existing.noted.get(audience.guid.as_str()).is_some_and(|noted| noted.is_certain) {
            continue;
        }
        plan.intents.push(Intent::write(existing.noted_as, &audience.guid));
        let aspects = audience.aspects.iter().filter_map(|name| account.aspects.get(name));
        plan.rows.0.extend(aspects.map(|aspect| (row.id, existing.class, *aspect)));
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::decide::tests::{Fixture, actions, deleted, written};
    use crate::import::target::ExistingRow;

    #[test]
    fn aspects_exist_once_and_deleted_ones_stay_deleted() {
        let fixture = Fixture::new();
        let names = ["Friends", "Work", "Work", "Gone"].map(str::to_owned);
        let settings = ExtraSettings::default();
        let noted = [("Gone".to_owned(), deleted())].into();
        let plan = aspects(&fixture.account, &noted, (&names, &settings));
        assert_eq!(
            actions(&plan),
            [
                Action::Present(None),
                Action::Insert,
                Action::Omit(FindingCode::Duplicate),
                Action::Omit(FindingCode::DeletedSince)
            ]
        );
        assert_eq!(plan.rows.names, ["Work"]);
        assert_eq!(
            plan.intents,
            [Intent::found(kinds::ASPECTS, "Friends"), Intent::write(kinds::ASPECTS, "Work")]
        );
    }

    #[test]
    fn blocks_of_unknown_people_are_left_out_and_others_exist_once() {
        let fixture = Fixture::new();
        let ids = ["bob@far.example", "nobody@far.example", "bob@far.example", "ignored@far.example"];
        let ids = ids.map(|id| id.parse().unwrap());
        let noted = [("ignored@far.example".to_owned(), written())].into();
        let plan = blocks(&fixture.context(), &ExistingBlocks { ignored: [5].into(), noted }, &ids);
        assert_eq!(
            actions(&plan),
            [
                Action::Insert,
                Action::Omit(FindingCode::PersonUnknown),
                Action::Omit(FindingCode::Duplicate),
                Action::Present(Some(written()))
            ]
        );
        assert_eq!(plan.rows.people, [3]);
    }

    #[test]
    fn only_own_posts_are_shown_to_aspects_and_only_once() {
        let fixture = Fixture::new();
        let audience = |guid: &str, aspects: &[&str]| AspectAudience {
            kind: "post".to_owned(),
            guid: guid.parse().unwrap(),
            aspects: aspects.iter().map(ToString::to_string).collect(),
        };
        let (own_post, foreign_post, shown_post) =
            ("0123456789abcdef", "1123456789abcdef", "2123456789abcdef");
        let row = |author| ExistingRow { id: 90, author };
        let existing = ExistingAudiences {
            kind: "post",
            class: "Post",
            noted_as: kinds::POST_AUDIENCES,
            rows: [
                (own_post.to_owned(), row(1)),
                (foreign_post.to_owned(), row(3)),
                (shown_post.to_owned(), row(1)),
            ]
            .into(),
            noted: [(shown_post.to_owned(), written())].into(),
        };
        let list = [
            audience(own_post, &["Friends", "Gone"]),
            audience(foreign_post, &["Friends"]),
            audience(shown_post, &["Friends"]),
        ];
        let plan = audiences(&fixture.account, &[existing], &list);
        assert_eq!(plan.rows.0, [(90, "Post", 7)]);
        assert_eq!(plan.intents, [Intent::write(kinds::POST_AUDIENCES, own_post)]);
        assert!(plan.entries.is_empty());
    }
}
