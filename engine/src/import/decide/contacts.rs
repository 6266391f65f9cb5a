//! Contacts. They start with `sharing` false: people decide after the move whether they share with the new account.

use std::collections::HashSet;

use super::{Action, BatchPlan, Context};
use crate::domain::{Contact, CountKind, DiasporaId};
use crate::import::journal::missing_contacts::missing_contact;
use crate::import::journal::notes::kinds;
use crate::import::report::FindingCode;
use crate::import::scan::existing::contacts::ExistingContacts;
use crate::import::scan::people::Person;

/// The contacts of a batch that are written.
#[derive(Debug)]
pub(in crate::import) struct ContactRows {
    pub(in crate::import) user: i64,
    /// New contacts, and those of [`Self::sharing_contacts`], which get aspects as well.
    pub(in crate::import) contacts: Vec<NewContact>,
    /// Row numbers of contacts of people who have started to share with the account; the account is to share as well.
    pub(in crate::import) sharing_contacts: Vec<i64>,
}

/// A contact to be written.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::import) struct NewContact {
    pub(in crate::import) person: i64,
    /// True if the account shares with the person.
    pub(in crate::import) receiving: bool,
    pub(in crate::import) aspects: Vec<i64>,
}

/// Plans the contacts, one for each person.
pub(in crate::import) fn contacts(
    context: &Context<'_>,
    existing: &ExistingContacts,
    contacts: &[Contact],
) -> BatchPlan<ContactRows> {
    let account = context.account;
    let rows = ContactRows { user: account.user, contacts: Vec::new(), sharing_contacts: Vec::new() };
    let mut plan = BatchPlan::new(rows);
    let mut seen = HashSet::new();
    for contact in contacts {
        let id = &contact.account_id;
        let person = match contact_person(context, id, &mut seen) {
            Ok(person) => person.id,
            Err(code) => {
                let is_missing = code == FindingCode::PersonUnknown && contact.receiving;
                if is_missing && !existing.missing.contains(id.as_str()) {
                    plan.intents.push(missing_contact(contact));
                }
                plan.omit(CountKind::Contacts, code, id);
                continue;
            }
        };
        // diaspora* allows no sharing with somebody who is ignored (`Contact#not_blocked_user`).
        let is_ignored = existing.ignored.contains(&person);
        let receiving = contact.receiving && !is_ignored;
        let row = existing.rows.get(&person);
        let action = Action::of_row(existing.noted.get(id.as_str()).copied(), row.is_some());
        plan.add(CountKind::Contacts, kinds::CONTACTS, id, action);
        match (action, row) {
            (Action::Insert, _) => {}
            // People who were notified of the move earlier may share already.
            (Action::Present(None), Some(row)) if receiving && !row.receiving => {
                plan.rows.sharing_contacts.push(row.id);
            }
            _ => continue,
        }
        let names = contact.contact_groups_membership.iter().filter(|_| !is_ignored);
        let aspects = names.filter_map(|name| account.aspects.get(name).copied()).collect();
        plan.rows.contacts.push(NewContact { person, receiving, aspects });
    }
    plan
}

/// Returns the person of a contact, once, or the reason why the contact is left out.
fn contact_person<'a>(
    context: &Context<'a>,
    id: &DiasporaId,
    seen: &mut HashSet<i64>,
) -> Result<&'a Person, FindingCode> {
    let person = context.people.get(id).ok_or(FindingCode::PersonUnknown)?;
    if person.is_closed {
        Err(FindingCode::PersonClosed)
    } else if context.account.is_own(person.id) {
        Err(FindingCode::OwnPerson)
    } else if !seen.insert(person.id) {
        Err(FindingCode::Duplicate)
    } else {
        Ok(person)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::import::decide::tests::{Fixture, deleted, written};
    use crate::import::journal::missing_contacts::MISSING_CONTACTS;
    use crate::import::journal::notes::Intent;
    use crate::import::scan::existing::contacts::ContactRow;

    fn contact(id: &str, receiving: bool) -> Contact {
        serde_json::from_value(serde_json::json!({
            "sharing": true, "receiving": receiving, "following": false, "followed": false,
            "person_name": id, "account_id": id, "public_key": "", "contact_groups_membership": ["Friends"],
        }))
        .unwrap()
    }

    fn existing(
        rows: &[(i64, ContactRow)],
        noted: &[(&str, crate::import::journal::notes::Noted)],
    ) -> ExistingContacts {
        ExistingContacts {
            rows: rows.iter().map(|(person, row)| (*person, *row)).collect::<HashMap<_, _>>(),
            ignored: [5].into(),
            noted: noted.iter().map(|(id, noted)| ((*id).to_owned(), *noted)).collect(),
            missing: ["waiting@far.example".to_owned()].into(),
        }
    }

    #[test]
    fn contacts_are_written_found_or_left_out_with_a_reason() {
        let fixture = Fixture::new();
        let list = [
            contact("bob@far.example", true),
            contact("bob@far.example", true),
            contact("nobody@far.example", true),
            contact("closed@far.example", true),
            contact("alice@old.example", true),
            contact("ignored@far.example", true),
            contact("waiting@far.example", true),
            contact("shares@far.example", false),
        ];
        let plan = contacts(&fixture.context(), &existing(&[], &[]), &list);
        let actions: Vec<Action> = plan.entries.iter().map(|entry| entry.action).collect();
        assert_eq!(
            actions,
            [
                Action::Insert,
                Action::Omit(FindingCode::Duplicate),
                Action::Omit(FindingCode::PersonUnknown),
                Action::Omit(FindingCode::PersonClosed),
                Action::Omit(FindingCode::OwnPerson),
                Action::Insert,
                Action::Omit(FindingCode::PersonUnknown),
                Action::Omit(FindingCode::PersonUnknown),
            ]
        );
        assert_eq!(
            plan.rows.contacts,
            [
                NewContact { person: 3, receiving: true, aspects: vec![7] },
                NewContact { person: 5, receiving: false, aspects: vec![] },
            ]
        );
        assert_eq!(plan.intents.len(), 3);
        // Only people with whom the account shares are noted, each once.
        let noted: Vec<&Intent> = plan.intents.iter().filter(|note| note.kind == MISSING_CONTACTS).collect();
        assert_eq!(noted, [&missing_contact(&list[2])]);
        assert_eq!(noted[0].previous.as_deref(), Some(r#"["Friends"]"#));
    }

    #[test]
    fn people_who_share_already_are_shared_with_and_deleted_contacts_stay_deleted() {
        let fixture = Fixture::new();
        let row = |receiving| ContactRow { id: 31, receiving };
        let bob = [contact("bob@far.example", true)];
        let plan = contacts(&fixture.context(), &existing(&[(3, row(false))], &[]), &bob);
        assert_eq!(plan.entries[0].action, Action::Present(None));
        assert_eq!(
            (plan.rows.sharing_contacts.len(), plan.rows.contacts.len(), plan.intents.len()),
            (1, 1, 1)
        );
        let plan = contacts(&fixture.context(), &existing(&[(3, row(true))], &[]), &bob);
        assert!(plan.rows.contacts.is_empty() && plan.intents.len() == 1);
        let noted = [("bob@far.example", written())];
        let plan = contacts(&fixture.context(), &existing(&[(3, row(false))], &noted), &bob);
        assert_eq!(plan.entries[0].action, Action::Present(Some(written())));
        assert!(plan.rows.contacts.is_empty() && plan.intents.is_empty());
        let noted = [("bob@far.example", deleted())];
        let plan = contacts(&fixture.context(), &existing(&[], &noted), &bob);
        assert_eq!(plan.entries[0].action, Action::Omit(FindingCode::DeletedSince));
        assert!(plan.rows.contacts.is_empty() && plan.intents.is_empty());
    }
}
