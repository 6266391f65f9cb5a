use super::{Fixture, actions, found, guid, written};
use crate::domain::Conversation;
use crate::import::decide::conversations::{ConversationRows, conversations};
use crate::import::decide::{Action, BatchPlan};
use crate::import::report::FindingCode;
use crate::import::scan::existing::conversations::{ExistingConversation, ExistingConversations};
use crate::import::target::ExistingRow;

const ALICE: &str = "alice@old.example";
const BOB: &str = "bob@far.example";
const CAROL: &str = "carol@new.example";

fn conversation(number: i64, participants: &[&str], messages: &[(i64, &str)]) -> Conversation {
    let messages = messages.iter().map(|(number, author)| {
        serde_json::json!({
            "guid": guid(*number), "author": author, "created_at": "2020-01-02T00:00:00Z", "text": "Hi",
        })
    });
    serde_json::from_value(serde_json::json!({
        "guid": guid(number), "author": participants[0], "subject": "Hi", "created_at": "2020-01-01T00:00:00Z",
        "participants": participants, "state": { "unread": 9 }, "messages": messages.collect::<Vec<_>>(),
    }))
    .unwrap()
}

fn plan_of(
    fixture: &Fixture,
    existing: ExistingConversations,
    list: Vec<Conversation>,
) -> BatchPlan<ConversationRows> {
    conversations(&fixture.context(), existing, &mut None, list)
}

fn row(takes_part: bool, is_shown: bool, is_ignored: bool) -> ExistingConversation {
    ExistingConversation { takes_part, is_shown, is_ignored }
}

fn people(plan: &BatchPlan<ConversationRows>) -> Vec<i64> {
    plan.rows.visibilities.iter().map(|new| new.person).collect()
}

#[test]
fn messages_of_others_need_an_archive_that_their_pod_vouches_for() {
    let mut fixture = Fixture::new();
    let list = || {
        vec![conversation(
            1,
            &[ALICE, BOB, CAROL, "nobody@far.example"],
            &[(11, ALICE), (12, BOB), (13, CAROL)],
        )]
    };
    let note = Action::Note(FindingCode::PersonUnknown);
    let plan = plan_of(&fixture, ExistingConversations::default(), list());
    let unsigned = Action::Omit(FindingCode::Unsigned);
    assert_eq!(actions(&plan), [Action::Insert, note, Action::Insert, unsigned, unsigned]);
    assert_eq!(people(&plan), [1, 3]);
    assert_eq!(plan.rows.visibilities[0].unread, 1);
    fixture.account.is_vouched_for = true;
    let plan = plan_of(&fixture, ExistingConversations::default(), list());
    assert_eq!(actions(&plan), [Action::Insert, note, Action::Insert, Action::Insert, unsigned]);
    assert_eq!(people(&plan), [1, 3, 6]);
    fixture.account.ignored_by.insert(60, 6);
    assert_eq!(people(&plan_of(&fixture, ExistingConversations::default(), list())), [1, 3]);
}

#[test]
fn an_existing_conversation_gets_only_messages_of_the_account() {
    let mut fixture = Fixture::new();
    fixture.account.is_vouched_for = true;
    let existing = |row| ExistingConversations {
        rows: [(guid(1).to_string(), row)].into(),
        messages: [(guid(13).to_string(), ExistingRow { id: 13, author: 3 })].into(),
        ..ExistingConversations::default()
    };
    let list = || vec![conversation(1, &[ALICE, BOB], &[(11, ALICE), (12, BOB), (13, BOB), (13, BOB)])];
    let plan = plan_of(&fixture, existing(row(true, false, false)), list());
    let present = Action::Present(None);
    let [unsigned, duplicate] = [FindingCode::Unsigned, FindingCode::Duplicate].map(Action::Omit);
    assert_eq!(actions(&plan), [present, Action::Insert, unsigned, present, duplicate]);
    assert_eq!((people(&plan), plan.rows.new.len()), (vec![1], 0));
    let plan = plan_of(&fixture, existing(row(true, true, true)), list());
    let ignored = Action::Omit(FindingCode::AuthorIgnored);
    assert_eq!(actions(&plan), [present, ignored, unsigned, present, duplicate]);
    let plan = plan_of(&fixture, existing(row(false, false, false)), list());
    let hidden = Action::Omit(FindingCode::ParentNotVisible);
    assert_eq!(actions(&plan), [Action::Omit(FindingCode::GuidTaken), hidden, hidden, hidden, hidden]);
    assert!(plan.intents.is_empty());
}

#[test]
fn a_conversation_that_was_deleted_or_never_the_accounts_is_left_out() {
    let fixture = Fixture::new();
    let existing = ExistingConversations {
        noted: [(guid(1).to_string(), written())].into(),
        noted_messages: [(guid(11).to_string(), found())].into(),
        ..ExistingConversations::default()
    };
    let list = vec![
        conversation(1, &[ALICE, BOB], &[(11, ALICE), (12, BOB), (14, ALICE)]),
        conversation(2, &[BOB], &[(13, BOB)]),
    ];
    let plan = plan_of(&fixture, existing, list);
    let codes = [
        FindingCode::DeletedSince,
        FindingCode::DeletedSince,
        FindingCode::Unsigned,
        FindingCode::ParentMissing,
        FindingCode::PersonUnknown,
        FindingCode::ParentMissing,
    ];
    assert_eq!(actions(&plan), codes.map(Action::Omit));
    assert!(plan.intents.is_empty() && plan.rows.new.is_empty());
}

#[test]
fn the_parts_of_a_long_conversation_become_one_conversation() {
    let fixture = Fixture::new();
    let next = |messages| Conversation { continued: true, ..conversation(1, &[ALICE, BOB], messages) };
    let parts = vec![conversation(1, &[ALICE, BOB], &[(11, ALICE)]), next(&[(12, ALICE)])];
    let plan = plan_of(&fixture, ExistingConversations::default(), parts);
    assert_eq!(actions(&plan), [Action::Insert; 3]);
    assert_eq!((plan.rows.new.len(), plan.rows.messages.len(), plan.rows.changed.len()), (1, 2, 1));
    let mut last = Some(guid(1));
    let existing = ExistingConversations {
        rows: [(guid(1).to_string(), row(true, true, false))].into(),
        noted: [(guid(1).to_string(), written())].into(),
        noted_messages: [(guid(13).to_string(), written())].into(),
        messages: [(guid(13).to_string(), ExistingRow { id: 13, author: 1 })].into(),
        ..ExistingConversations::default()
    };
    let plan = conversations(&fixture.context(), existing, &mut last, vec![next(&[(13, ALICE)])]);
    assert_eq!(actions(&plan), [Action::Present(Some(written()))]);
    assert!(plan.rows.changed.is_empty() && plan.intents.is_empty());
}
