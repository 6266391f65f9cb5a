//! Comments, likes and votes: the account's own, and other people's with their signatures.

use std::collections::HashSet;

use super::{Action, BatchPlan, Context};
use crate::domain::{CountKind, Guid, Relayable, RelayableEntity};
use crate::import::journal::notes::Intent;
use crate::import::report::FindingCode;
use crate::import::scan::existing::relayable_parents::Parent;
use crate::import::scan::existing::relayables::{ExistingRelayables, Reaction};
use crate::import::scan::people::People;
use crate::import::target::{ExistingRow, NewAccount};
use crate::pod::tables::RelayableTable;
use crate::validate::SignatureCheck;

/// The authorship of a batch's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) enum Authorship {
    Own,
    Others,
    LikesOnComments,
}

/// The relayables of a batch that are written.
pub(in crate::import) struct RelayableRows<'a> {
    pub(in crate::import) account: &'a NewAccount,
    pub(in crate::import) people: &'a People,
    pub(in crate::import) new: Vec<NewRelayable>,
    pub(in crate::import) adopted: Vec<(RelayableTable, i64)>,
    /// Existing records that this pod has without their signature: it discards signatures of records under posts of
    /// authors on other pods, and needs them from now on.
    pub(in crate::import) unsigned: Vec<(RelayableTable, i64, Relayable)>,
}

/// A record to be imported.
pub(in crate::import) struct NewRelayable {
    pub(in crate::import) record: Relayable,
    pub(in crate::import) links: Links,
}

/// The rows of this pod that a record refers to.
pub(in crate::import) struct Links {
    pub(in crate::import) author: i64,
    /// The author's own row here, if imported but not announced yet.
    also: Option<i64>,
    pub(in crate::import) parent: Parent,
    pub(in crate::import) class: &'static str,
    /// The answer that a vote chooses; none if it is none of the poll's.
    pub(in crate::import) answer: Option<i64>,
}

pub(in crate::import) fn relayables<'a>(
    context: &Context<'a>,
    whose: Authorship,
    mut existing: ExistingRelayables,
    records: Vec<(Relayable, SignatureCheck)>,
) -> BatchPlan<RelayableRows<'a>> {
    let Context { account, people, .. } = *context;
    let rows = RelayableRows { account, people, new: vec![], adopted: vec![], unsigned: vec![] };
    let mut plan = BatchPlan::new(rows);
    let mut reactions = std::mem::take(&mut existing.reactions);
    let mut seen: HashSet<(RelayableTable, Guid)> = HashSet::new();
    for (record, check) in records {
        let table = RelayableTable::of(&record.entity);
        let (kind, guid) = (kind_of(table, whose), record.entity.guid().clone());
        let row = existing.row(table, &guid).copied();
        let links = if seen.insert((table, guid.clone())) {
            links_of(context, whose, &existing, &record.entity, check)
        } else {
            Err(FindingCode::Duplicate)
        };
        let action = match &links {
            Err(code) => Action::Omit(*code),
            Ok(links) => match (row, check) {
                (Some(row), SignatureCheck::NotNeeded) => {
                    Action::of_own(Some(&row), existing.noted(table, &guid), account)
                }
                (Some(row), _) if row.author == links.author || Some(row.author) == links.also => {
                    Action::Present(existing.noted(table, &guid))
                }
                (Some(_), _) => Action::Omit(FindingCode::GuidTaken),
                (None, _) => links.omission_reason(&existing).map_or(Action::Insert, Action::Omit),
            },
        };
        match (action, links) {
            (Action::Insert, Ok(links)) if !links.is_first_reaction(table, &mut reactions) => {
                plan.intents.push(Intent::duplicate(table.name(), &guid));
                plan.omit(kind, FindingCode::Duplicate, &guid);
                continue;
            }
            (Action::Insert, Ok(links)) => plan.rows.new.push(NewRelayable { record, links }),
            (Action::Adopt(row), _) => plan.rows.adopted.push((table, row.id)),
            (Action::Present(_), _) if check == SignatureCheck::Good => {
                if let Some(row) = row.filter(|row| {
                    keeps_signature(people, &record.entity, Some(row))
                        && !existing.has_signature(table, row.id)
                }) {
                    plan.intents.push(Intent::write(table.signatures(), &guid));
                    plan.rows.unsigned.push((table, row.id, record));
                }
            }
            _ => {}
        }
        plan.add(kind, table.name(), &guid, action);
    }
    plan
}

/// Returns the rows that a record refers to, or the reason why it is left out wherever it exists.
fn links_of(
    context: &Context<'_>,
    whose: Authorship,
    existing: &ExistingRelayables,
    entity: &RelayableEntity,
    check: SignatureCheck,
) -> Result<Links, FindingCode> {
    if let Some(code) = existing.omission_reason(RelayableTable::of(entity), entity.guid()) {
        return Err(code);
    }
    let (author, also) = match check {
        // Other people's lists contain the account's records under its own posts, too.
        SignatureCheck::NotNeeded => (context.account.person, None),
        SignatureCheck::Good => {
            let person = context.people.get(entity.author()).ok_or(FindingCode::PersonUnknown)?;
            (person.id, person.also)
        }
        SignatureCheck::Bad => return Err(FindingCode::SignatureBad),
        SignatureCheck::Incomplete => return Err(FindingCode::SignatureIncomplete),
        SignatureCheck::UnknownKey => return Err(FindingCode::KeyUnknown),
        SignatureCheck::Unsigned => return Err(FindingCode::Unsigned),
        SignatureCheck::Unreadable => return Err(FindingCode::Unreadable),
    };
    let parents = &existing.parents;
    let (parent, class) = parents.of(entity).ok_or(FindingCode::ParentMissing)?;
    let parent = *parent.ok_or(FindingCode::ParentMissing)?;
    if whose != Authorship::Own && !parent.own {
        return Err(FindingCode::ParentNotOwn);
    }
    let answer = match entity {
        RelayableEntity::PollParticipation(vote) => parents.answers.get(vote.poll_answer_guid.as_str()),
        _ => None,
    };
    let answer = answer.filter(|(poll, _)| *poll == parent.id).map(|(_, answer)| *answer);
    Ok(Links { author, also, parent, class, answer })
}

impl Links {
    /// Returns the reason why a record that does not exist here is left out.
    fn omission_reason(&self, existing: &ExistingRelayables) -> Option<FindingCode> {
        let ignores = |person| existing.parents.ignores(&self.parent, person);
        if !self.parent.visible {
            Some(FindingCode::ParentNotVisible)
        } else if ignores(self.author) || self.also.is_some_and(ignores) {
            Some(FindingCode::AuthorIgnored)
        } else {
            (self.class == "Poll" && self.answer.is_none()).then_some(FindingCode::ParentMissing)
        }
    }

    /// Returns whether it is no repeated reaction: one person likes a thing once and votes in a poll once.
    fn is_first_reaction(&self, table: RelayableTable, reactions: &mut HashSet<Reaction>) -> bool {
        let reaction = |author| (table, self.class, self.parent.id, author);
        table == RelayableTable::Comments
            || !self.also.is_some_and(|also| reactions.contains(&reaction(also)))
                && reactions.insert(reaction(self.author))
    }
}

/// Returns whether a signature is stored. Records of this pod's own people are signed anew when sent, unless theirs
/// is known. One from before their move here no longer fits their name and key, even before the announcement.
pub(in crate::import) fn keeps_signature(
    people: &People,
    entity: &RelayableEntity,
    row: Option<&ExistingRow>,
) -> bool {
    people.get(entity.author()).is_none_or(|author| {
        (author.user.is_none() || !author.has_moved) && row.is_none_or(|row| Some(row.author) != author.also)
    })
}

fn kind_of(table: RelayableTable, whose: Authorship) -> CountKind {
    match (table, whose) {
        (_, Authorship::LikesOnComments) => CountKind::LikesOnComments,
        (RelayableTable::Comments, Authorship::Own) => CountKind::OwnComments,
        (RelayableTable::Comments, Authorship::Others) => CountKind::OthersComments,
        (RelayableTable::Likes, Authorship::Own) => CountKind::OwnLikes,
        (RelayableTable::Likes, Authorship::Others) => CountKind::OthersLikes,
        (RelayableTable::PollParticipations, Authorship::Own) => CountKind::OwnPollParticipations,
        (RelayableTable::PollParticipations, Authorship::Others) => CountKind::OthersPollParticipations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::decide::tests::{World, actions, deleted, found, guid, written};
    use crate::import::journal::notes::{How, Noted};
    use RelayableTable::{Comments, Likes};

    const POST: i64 = 100;
    const FOREIGN: i64 = 101;
    const HIDDEN: i64 = 102;

    fn like(number: i64, author: &str, parent: i64) -> Relayable {
        let entity = serde_json::json!({
            "entity_type": "like",
            "entity_data": {
                "author": author, "guid": guid(number), "parent_guid": guid(parent), "parent_type": "Post",
                "positive": true, "author_signature": "c2ln",
            }
        });
        Relayable::new(serde_json::from_value(entity).unwrap(), None)
    }

    fn comment(number: i64, author: &str, parent: i64) -> Relayable {
        let entity = serde_json::json!({
            "entity_type": "comment",
            "entity_data": {
                "author": author, "guid": guid(number), "parent_guid": guid(parent), "text": "Yes",
                "created_at": "2020-01-01T00:00:00Z", "author_signature": "c2ln",
            }
        });
        Relayable::new(serde_json::from_value(entity).unwrap(), None)
    }

    /// An own post, a public one of carol's, and one that the account may not see.
    fn existing() -> ExistingRelayables {
        let mut existing = ExistingRelayables::default();
        for (id, own, visible, host) in
            [(POST, true, true, 1), (FOREIGN, false, true, 6), (HIDDEN, false, false, 6)]
        {
            let parent = Parent { id, own, visible, host: Some(host) };
            existing.parents.posts.insert(guid(id).to_string(), parent);
        }
        existing
    }

    fn has_row(existing: &mut ExistingRelayables, table: RelayableTable, number: i64, author: i64) {
        let row = ExistingRow { id: number, author };
        existing.rows.entry(table).or_default().insert(guid(number).to_string(), row);
    }

    fn has_note(existing: &mut ExistingRelayables, table: RelayableTable, number: i64, noted: Noted) {
        existing.noted.entry(table).or_default().insert(guid(number).to_string(), noted);
    }

    fn plan_of(
        world: &World,
        whose: Authorship,
        existing: ExistingRelayables,
        records: Vec<Relayable>,
    ) -> BatchPlan<RelayableRows<'_>> {
        let check = if whose == Authorship::Own { SignatureCheck::NotNeeded } else { SignatureCheck::Good };
        let records = records.into_iter().map(|record| (record, check)).collect();
        relayables(&world.context(), whose, existing, records)
    }

    #[test]
    fn others_relayables_need_a_signature_and_a_known_author_and_an_own_post() {
        let world = World::new();
        let list = vec![
            comment(1, "bob@far.example", POST),
            comment(1, "bob@far.example", POST),
            comment(2, "nobody@far.example", POST),
            comment(3, "bob@far.example", FOREIGN),
            comment(4, "bob@far.example", 999),
        ];
        let plan = plan_of(&world, Authorship::Others, existing(), list);
        assert_eq!(
            actions(&plan),
            [
                Action::Insert,
                Action::Omit(FindingCode::Duplicate),
                Action::Omit(FindingCode::PersonUnknown),
                Action::Omit(FindingCode::ParentNotOwn),
                Action::Omit(FindingCode::ParentMissing),
            ]
        );
        assert_eq!(plan.intents, [Intent::write("comments", &guid(1))]);
        assert_eq!((plan.rows.new.len(), plan.rows.new[0].links.author), (1, 3));
        for (check, code) in [
            (SignatureCheck::Bad, FindingCode::SignatureBad),
            (SignatureCheck::Incomplete, FindingCode::SignatureIncomplete),
            (SignatureCheck::UnknownKey, FindingCode::KeyUnknown),
            (SignatureCheck::Unsigned, FindingCode::Unsigned),
            (SignatureCheck::Unreadable, FindingCode::Unreadable),
        ] {
            let list = vec![(comment(1, "bob@far.example", POST), check)];
            let plan = relayables(&world.context(), Authorship::Others, existing(), list);
            assert_eq!(actions(&plan), [Action::Omit(code)]);
        }
    }

    #[test]
    fn own_relayables_need_a_visible_parent_whose_author_does_not_ignore_the_account() {
        let world = World::new();
        let own = "alice@old.example";
        let list = || vec![comment(1, own, FOREIGN), comment(2, own, HIDDEN), comment(3, own, POST)];
        let plan = plan_of(&world, Authorship::Own, existing(), list());
        let (insert, hidden) = (Action::Insert, Action::Omit(FindingCode::ParentNotVisible));
        assert_eq!(actions(&plan), [insert, hidden, insert]);
        assert!(plan.rows.new.iter().all(|new| new.links.author == 1));
        let mut ignored = existing();
        ignored.parents.ignored.insert((6, 1));
        let plan = plan_of(&world, Authorship::Own, ignored, list());
        assert_eq!(actions(&plan), [Action::Omit(FindingCode::AuthorIgnored), hidden, insert]);
    }

    #[test]
    fn existing_records_are_adopted_present_or_somebody_elses() {
        let world = World::new();
        let own = "alice@old.example";
        let mut here = existing();
        for (number, author) in [(1, 2), (2, 1), (3, 3), (4, 1)] {
            has_row(&mut here, Comments, number, author);
        }
        has_note(&mut here, Comments, 4, written());
        has_note(&mut here, Comments, 5, deleted());
        here.deleted_elsewhere.insert((Comments, guid(6).to_string()));
        let list = (1..=6).map(|number| comment(number, own, POST)).collect();
        let plan = plan_of(&world, Authorship::Own, here, list);
        assert_eq!(
            actions(&plan),
            [
                Action::Adopt(ExistingRow { id: 1, author: 2 }),
                Action::Present(None),
                Action::Omit(FindingCode::GuidTaken),
                Action::Present(Some(written())),
                Action::Omit(FindingCode::DeletedSince),
                Action::Omit(FindingCode::DeletedSince),
            ]
        );
        assert_eq!(
            plan.intents,
            [Intent::adopt("comments", &guid(1), Some(2)), Intent::found("comments", &guid(2))]
        );
        assert_eq!(plan.rows.adopted, [(Comments, 1)]);
        assert!(plan.rows.new.is_empty() && plan.rows.unsigned.is_empty());
    }

    #[test]
    fn one_person_likes_a_post_once_and_the_journal_remembers_the_other_like() {
        let world = World::new();
        let list = || vec![like(1, "bob@far.example", POST), like(2, "bob@far.example", POST)];
        let plan = plan_of(&world, Authorship::Others, existing(), list());
        assert_eq!(actions(&plan), [Action::Insert, Action::Omit(FindingCode::Duplicate)]);
        assert!(plan.intents.contains(&Intent::duplicate("likes", &guid(2))));
        let mut here = existing();
        here.reactions.insert((Likes, "Post", POST, 3));
        let plan = plan_of(&world, Authorship::Others, here, list());
        assert_eq!(actions(&plan), [Action::Omit(FindingCode::Duplicate); 2]);
        let mut here = existing();
        has_note(&mut here, Likes, 2, Noted { how: How::Duplicate, ..found() });
        let plan = plan_of(&world, Authorship::Others, here, list());
        assert_eq!(actions(&plan), [Action::Insert, Action::Omit(FindingCode::Duplicate)]);
        assert_eq!(plan.intents, [Intent::write("likes", &guid(1))]);
    }

    #[test]
    fn a_signature_that_this_pod_lacks_is_added() {
        let world = World::new();
        let list = || vec![comment(1, "bob@far.example", POST)];
        let mut here = existing();
        has_row(&mut here, Comments, 1, 3);
        has_note(&mut here, Comments, 1, found());
        let plan = plan_of(&world, Authorship::Others, here, list());
        assert_eq!(actions(&plan), [Action::Present(Some(found()))]);
        assert_eq!(plan.intents, [Intent::write("comment_signatures", &guid(1))]);
        assert_eq!(plan.rows.unsigned.len(), 1);
        let mut here = existing();
        has_row(&mut here, Comments, 1, 3);
        here.signed.insert((Comments, 1));
        let plan = plan_of(&world, Authorship::Others, here, list());
        assert_eq!(plan.intents, [Intent::found("comments", &guid(1))]);
        assert!(plan.rows.unsigned.is_empty());
    }
}
