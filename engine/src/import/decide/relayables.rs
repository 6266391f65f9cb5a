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
    /// The account's own records.
    Own,
    /// Records of any author under the account's posts.
    Others,
    /// Likes of any author of comments under the account's posts.
    LikesOnComments,
}

/// The relayables of a batch that are written.
pub(in crate::import) struct RelayableRows<'a> {
    pub(in crate::import) account: &'a NewAccount,
    pub(in crate::import) people: &'a People,
    pub(in crate::import) new: Vec<NewRelayable>,
    pub(in crate::import) adopted: Vec<(RelayableTable, i64)>,
    /// Existing records that this pod has without their signature, with their row numbers: it discards signatures of
    /// records under posts of authors on other pods, and needs them from now on.
    pub(in crate::import) unsigned: Vec<(RelayableTable, i64, Relayable)>,
}

/// A record to be imported.
pub(in crate::import) struct NewRelayable {
    pub(in crate::import) record: Relayable,
    pub(in crate::import) referenced_rows: ReferencedRows,
}

/// The rows of this pod that a record refers to.
pub(in crate::import) struct ReferencedRows {
    pub(in crate::import) author: i64,
    /// The row of the author's own account here, if imported but not announced yet.
    pending_id: Option<i64>,
    pub(in crate::import) parent: Parent,
    pub(in crate::import) class: &'static str,
    /// The answer that a vote chooses; none if the poll does not have it.
    pub(in crate::import) answer: Option<i64>,
}

/// Plans the comments, likes and votes.
pub(in crate::import) fn relayables<'a>(
    context: &Context<'a>,
    authorship: Authorship,
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
        let (kind, guid) = (kind_of(table, authorship), record.entity.guid().clone());
        let row = existing.row(table, &guid).copied();
        let referenced_rows = if seen.insert((table, guid.clone())) {
            find_referenced_rows(context, authorship, &existing, &record.entity, check)
        } else {
            Err(FindingCode::Duplicate)
        };
        let action = match &referenced_rows {
            Err(code) => Action::Omit(*code),
            Ok(referenced_rows) => match (row, check) {
                (Some(row), SignatureCheck::NotNeeded) => {
                    Action::of_own_record(Some(&row), existing.noted(table, &guid), account)
                }
                (Some(row), _)
                    if row.author == referenced_rows.author
                        || Some(row.author) == referenced_rows.pending_id =>
                {
                    Action::Present(existing.noted(table, &guid))
                }
                (Some(_), _) => Action::Omit(FindingCode::GuidTaken),
                (None, _) => referenced_rows.omission_reason(&existing).map_or(Action::Insert, Action::Omit),
            },
        };
        match (action, referenced_rows) {
            (Action::Insert, Ok(referenced_rows))
                if !referenced_rows.is_first_reaction(table, &mut reactions) =>
            {
                plan.intents.push(Intent::duplicate(table.name(), &guid));
                plan.omit(kind, FindingCode::Duplicate, &guid);
                continue;
            }
            (Action::Insert, Ok(referenced_rows)) => {
                plan.rows.new.push(NewRelayable { record, referenced_rows });
            }
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

/// Returns the rows that a record refers to, or the reason why it is left out even if it exists here.
fn find_referenced_rows(
    context: &Context<'_>,
    authorship: Authorship,
    existing: &ExistingRelayables,
    entity: &RelayableEntity,
    check: SignatureCheck,
) -> Result<ReferencedRows, FindingCode> {
    if let Some(code) = existing.omission_reason(RelayableTable::of(entity), entity.guid()) {
        return Err(code);
    }
    let (author, pending_id) = match check {
        // Other people's lists contain the account's records under its own posts, too.
        SignatureCheck::NotNeeded => (context.account.person, None),
        SignatureCheck::Good => {
            let person = context.people.get(entity.author()).ok_or(FindingCode::PersonUnknown)?;
            (person.id, person.pending_id)
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
    if authorship != Authorship::Own && !parent.is_own {
        return Err(FindingCode::ParentNotOwn);
    }
    let answer = match entity {
        RelayableEntity::PollParticipation(vote) => parents.answers.get(vote.poll_answer_guid.as_str()),
        _ => None,
    };
    let answer = answer.filter(|(poll, _)| *poll == parent.id).map(|(_, answer)| *answer);
    Ok(ReferencedRows { author, pending_id, parent, class, answer })
}

impl ReferencedRows {
    /// Returns the reason why a record that does not exist here is left out; none for one that is imported.
    fn omission_reason(&self, existing: &ExistingRelayables) -> Option<FindingCode> {
        let ignores = |person| existing.parents.ignores(&self.parent, person);
        if !self.parent.is_visible {
            Some(FindingCode::ParentNotVisible)
        } else if ignores(self.author) || self.pending_id.is_some_and(ignores) {
            Some(FindingCode::AuthorIgnored)
        } else {
            (self.class == "Poll" && self.answer.is_none()).then_some(FindingCode::ParentMissing)
        }
    }

    /// Returns whether the author has not reacted to the parent before: one person likes a post or comment once, and
    /// votes in a poll once. Comments may repeat.
    fn is_first_reaction(&self, table: RelayableTable, reactions: &mut HashSet<Reaction>) -> bool {
        let reaction = |author| (table, self.class, self.parent.id, author);
        table == RelayableTable::Comments
            || !self.pending_id.is_some_and(|pending_id| reactions.contains(&reaction(pending_id)))
                && reactions.insert(reaction(self.author))
    }
}

/// Returns whether a record's signature is stored. Records of this pod's own people are signed again when they are
/// sent, unless their signatures are stored. A signature from before the author's move here no longer matches the
/// author's name and key, even before the announcement.
pub(in crate::import) fn keeps_signature(
    people: &People,
    entity: &RelayableEntity,
    row: Option<&ExistingRow>,
) -> bool {
    people.get(entity.author()).is_none_or(|author| {
        (author.user.is_none() || !author.has_moved)
            && row.is_none_or(|row| Some(row.author) != author.pending_id)
    })
}

fn kind_of(table: RelayableTable, authorship: Authorship) -> CountKind {
    match (table, authorship) {
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
    use crate::import::decide::tests::{Fixture, actions, deleted, found, guid, written};
    use crate::import::journal::notes::{Noted, RowOrigin};
    use RelayableTable::{Comments, Likes};

    const OWN_POST: i64 = 100;
    const FOREIGN_POST: i64 = 101;
    const HIDDEN_POST: i64 = 102;

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

    /// Returns a post of the account, a public one of carol, and one that the account may not see.
    fn existing() -> ExistingRelayables {
        let mut existing = ExistingRelayables::default();
        for (id, is_own, is_visible, author) in
            [(OWN_POST, true, true, 1), (FOREIGN_POST, false, true, 6), (HIDDEN_POST, false, false, 6)]
        {
            let parent = Parent { id, is_own, is_visible, post_author: Some(author) };
            existing.parents.posts.insert(guid(id).to_string(), parent);
        }
        existing
    }

    fn add_row(existing: &mut ExistingRelayables, table: RelayableTable, number: i64, author: i64) {
        let row = ExistingRow { id: number, author };
        existing.rows.entry(table).or_default().insert(guid(number).to_string(), row);
    }

    fn add_note(existing: &mut ExistingRelayables, table: RelayableTable, number: i64, noted: Noted) {
        existing.noted.entry(table).or_default().insert(guid(number).to_string(), noted);
    }

    fn plan_of(
        fixture: &Fixture,
        authorship: Authorship,
        existing: ExistingRelayables,
        records: Vec<Relayable>,
    ) -> BatchPlan<RelayableRows<'_>> {
        let check =
            if authorship == Authorship::Own { SignatureCheck::NotNeeded } else { SignatureCheck::Good };
        let records = records.into_iter().map(|record| (record, check)).collect();
        relayables(&fixture.context(), authorship, existing, records)
    }

    #[test]
    fn others_relayables_need_a_signature_and_a_known_author_and_an_own_post() {
        let fixture = Fixture::new();
        let list = vec![
            comment(1, "bob@far.example", OWN_POST),
            comment(1, "bob@far.example", OWN_POST),
            comment(2, "nobody@far.example", OWN_POST),
            comment(3, "bob@far.example", FOREIGN_POST),
            comment(4, "bob@far.example", 999),
        ];
        let plan = plan_of(&fixture, Authorship::Others, existing(), list);
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
        assert_eq!((plan.rows.new.len(), plan.rows.new[0].referenced_rows.author), (1, 3));
        for (check, code) in [
            (SignatureCheck::Bad, FindingCode::SignatureBad),
            (SignatureCheck::Incomplete, FindingCode::SignatureIncomplete),
            (SignatureCheck::UnknownKey, FindingCode::KeyUnknown),
            (SignatureCheck::Unsigned, FindingCode::Unsigned),
            (SignatureCheck::Unreadable, FindingCode::Unreadable),
        ] {
            let list = vec![(comment(1, "bob@far.example", OWN_POST), check)];
            let plan = relayables(&fixture.context(), Authorship::Others, existing(), list);
            assert_eq!(actions(&plan), [Action::Omit(code)]);
        }
    }

    #[test]
    fn own_relayables_need_a_visible_parent_whose_author_does_not_ignore_the_account() {
        let fixture = Fixture::new();
        let alice = "alice@old.example";
        let list = || {
            vec![comment(1, alice, FOREIGN_POST), comment(2, alice, HIDDEN_POST), comment(3, alice, OWN_POST)]
        };
        let plan = plan_of(&fixture, Authorship::Own, existing(), list());
        let (insert, hidden) = (Action::Insert, Action::Omit(FindingCode::ParentNotVisible));
        assert_eq!(actions(&plan), [insert, hidden, insert]);
        assert!(plan.rows.new.iter().all(|new| new.referenced_rows.author == 1));
        let mut ignored = existing();
        ignored.parents.ignored.insert((6, 1));
        let plan = plan_of(&fixture, Authorship::Own, ignored, list());
        assert_eq!(actions(&plan), [Action::Omit(FindingCode::AuthorIgnored), hidden, insert]);
    }

    #[test]
    fn existing_records_are_adopted_or_present_and_those_of_others_left_out() {
        let fixture = Fixture::new();
        let alice = "alice@old.example";
        let mut existing_records = existing();
        for (number, author) in [(1, 2), (2, 1), (3, 3), (4, 1)] {
            add_row(&mut existing_records, Comments, number, author);
        }
        add_note(&mut existing_records, Comments, 4, written());
        add_note(&mut existing_records, Comments, 5, deleted());
        existing_records.deleted_elsewhere.insert((Comments, guid(6).to_string()));
        let list = (1..=6).map(|number| comment(number, alice, OWN_POST)).collect();
        let plan = plan_of(&fixture, Authorship::Own, existing_records, list);
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
        let fixture = Fixture::new();
        let list = || vec![like(1, "bob@far.example", OWN_POST), like(2, "bob@far.example", OWN_POST)];
        let plan = plan_of(&fixture, Authorship::Others, existing(), list());
        assert_eq!(actions(&plan), [Action::Insert, Action::Omit(FindingCode::Duplicate)]);
        assert!(plan.intents.contains(&Intent::duplicate("likes", &guid(2))));
        let mut existing_records = existing();
        existing_records.reactions.insert((Likes, "Post", OWN_POST, 3));
        let plan = plan_of(&fixture, Authorship::Others, existing_records, list());
        assert_eq!(actions(&plan), [Action::Omit(FindingCode::Duplicate); 2]);
        let mut existing_records = existing();
        add_note(&mut existing_records, Likes, 2, Noted { origin: RowOrigin::Duplicate, ..found() });
        let plan = plan_of(&fixture, Authorship::Others, existing_records, list());
        assert_eq!(actions(&plan), [Action::Insert, Action::Omit(FindingCode::Duplicate)]);
        assert_eq!(plan.intents, [Intent::write("likes", &guid(1))]);
    }

    #[test]
    fn a_signature_that_this_pod_lacks_is_added() {
        let fixture = Fixture::new();
        let list = || vec![comment(1, "bob@far.example", OWN_POST)];
        let mut existing_records = existing();
        add_row(&mut existing_records, Comments, 1, 3);
        add_note(&mut existing_records, Comments, 1, found());
        let plan = plan_of(&fixture, Authorship::Others, existing_records, list());
        assert_eq!(actions(&plan), [Action::Present(Some(found()))]);
        assert_eq!(plan.intents, [Intent::write("comment_signatures", &guid(1))]);
        assert_eq!(plan.rows.unsigned.len(), 1);
        let mut existing_records = existing();
        add_row(&mut existing_records, Comments, 1, 3);
        existing_records.signed.insert((Comments, 1));
        let plan = plan_of(&fixture, Authorship::Others, existing_records, list());
        assert_eq!(plan.intents, [Intent::found("comments", &guid(1))]);
        assert!(plan.rows.unsigned.is_empty());
    }
}
