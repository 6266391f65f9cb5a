//! Private conversations with their messages, as far as the people are known.
//!
//! Messages carry no signature: the archive vouches for what the account wrote, and a trusted pod for what its people
//! received from other pods. In a conversation that existed before, messages of others are on the pod already.

use std::collections::HashSet;

use super::{Action, BatchPlan, Context};
use crate::domain::{Conversation, CountKind, DiasporaId, Guid, Message, Timestamp};
use crate::import::journal::notes::{Intent, Noted, RowOrigin, kinds};
use crate::import::report::FindingCode;
use crate::import::scan::existing::conversations::{
    ExistingConversation, ExistingConversations, visibility_name,
};
use crate::import::target::ExistingRow;

/// The conversations of a batch that are written. Rows refer to their conversation by its GUID.
#[derive(Debug, Default)]
pub(in crate::import) struct ConversationRows {
    pub(in crate::import) new: Vec<NewConversation>,
    pub(in crate::import) visibilities: Vec<NewVisibility>,
    /// Messages with their authors.
    pub(in crate::import) messages: Vec<(Guid, i64, Message)>,
    /// Conversations that get more messages from this import, with the time of the last one.
    pub(in crate::import) changed: Vec<(Guid, Timestamp)>,
}

/// A conversation to be written.
#[derive(Debug)]
pub(in crate::import) struct NewConversation {
    pub(in crate::import) guid: Guid,
    pub(in crate::import) author: i64,
    pub(in crate::import) subject: String,
    pub(in crate::import) created_at: Timestamp,
    pub(in crate::import) changed_at: Timestamp,
}

/// A conversation that a person will see.
#[derive(Debug)]
pub(in crate::import) struct NewVisibility {
    pub(in crate::import) conversation: Guid,
    pub(in crate::import) person: i64,
    pub(in crate::import) unread: i64,
    pub(in crate::import) created_at: Timestamp,
    pub(in crate::import) changed_at: Timestamp,
}

/// Plans the conversations. `last_conversation` is that of the previous record: a long one is imported in parts.
pub(in crate::import) fn conversations(
    context: &Context<'_>,
    existing: ExistingConversations,
    last_conversation: &mut Option<Guid>,
    conversations: Vec<Conversation>,
) -> BatchPlan<ConversationRows> {
    let plan = BatchPlan::new(ConversationRows::default());
    let mut planner = Planner { context: *context, existing, plan };
    for conversation in conversations {
        let previous = last_conversation.replace(conversation.guid.clone());
        // A later part whose first part is missing counts as the first one.
        let is_first_part = !conversation.continued || previous.as_ref() != Some(&conversation.guid);
        planner.add(conversation, is_first_part);
    }
    planner.plan
}

/// A person in a conversation.
#[derive(Clone, Copy)]
struct Member {
    person: i64,
    /// The row of their own account here, if imported but not announced yet.
    pending_id: Option<i64>,
    /// True if the person belongs to the target pod.
    is_local: bool,
    /// True if the archive vouches for their messages.
    is_vouched_for: bool,
    /// True if they belong to the target pod and ignore the account.
    ignores_account: bool,
}

impl Member {
    /// Returns whether the archive vouches that this person wrote messages in the conversation.
    fn is_vouched_author(self, conversation: &Conversation, id: &DiasporaId) -> bool {
        // Authors who have deleted the conversation or closed the account since are no longer participants.
        self.is_vouched_for && (conversation.participants.contains(id) || conversation.author == *id)
    }
}

/// A plan in progress, with the rows and notes that it depends on.
struct Planner<'a> {
    context: Context<'a>,
    existing: ExistingConversations,
    plan: BatchPlan<ConversationRows>,
}

impl Planner<'_> {
    fn add(&mut self, conversation: Conversation, is_first_part: bool) {
        let row = self.existing.rows.get(conversation.guid.as_str()).copied();
        let (code, message_code) = if self.is_deleted(&conversation, row) {
            return self.omit_deleted(&conversation, is_first_part);
        } else if row.is_some_and(|row| !row.takes_part) {
            (FindingCode::GuidTaken, FindingCode::ParentNotVisible)
        } else if self.member(&conversation.author).is_none()
            || !conversation.participants.contains(self.context.old_id)
        {
            (FindingCode::PersonUnknown, FindingCode::ParentMissing)
        } else {
            return self.import(conversation, row, is_first_part);
        };
        if is_first_part {
            self.plan.omit(CountKind::Conversations, code, &conversation.guid);
        }
        for message in &conversation.messages {
            self.plan.omit(CountKind::Messages, message_code, &message.guid);
        }
    }

    fn member(&self, id: &DiasporaId) -> Option<Member> {
        let Context { account, old_id, people, .. } = self.context;
        if id == old_id {
            let (person, pending_id) = (account.person, account.old_person);
            return Some(Member {
                person,
                pending_id,
                is_local: true,
                is_vouched_for: true,
                ignores_account: false,
            });
        }
        let person = people.get(id)?;
        Some(Member {
            person: person.id,
            pending_id: person.pending_id,
            is_local: person.user.is_some(),
            // Messages of this pod's people exist here, except those from before their own move from the old pod.
            is_vouched_for: account.is_vouched_for && (person.user.is_none() || id.host() == old_id.host()),
            ignores_account: person.user.is_some_and(|user| account.ignored_by.contains_key(&user)),
        })
    }

    fn noted(&self, conversation: &Conversation) -> Option<Noted> {
        self.existing.noted.get(conversation.guid.as_str()).copied()
    }

    fn noted_visibility(&self, conversation: &Conversation, person: &DiasporaId) -> Option<Noted> {
        self.existing.visibilities.get(&visibility_name(conversation, person)).copied()
    }

    /// Returns whether this import created the conversation, or is creating it.
    fn is_imported(&self, conversation: &Conversation, row: Option<ExistingConversation>) -> bool {
        row.is_none() || self.noted(conversation).is_some_and(|noted| !noted.existed_before())
    }

    /// Returns whether the user has deleted the conversation since an earlier run.
    fn is_deleted(&self, conversation: &Conversation, row: Option<ExistingConversation>) -> bool {
        let is_certain = |noted: Option<Noted>| noted.is_some_and(|noted| noted.is_certain);
        let had_visibility = is_certain(self.noted_visibility(conversation, self.context.old_id));
        row.map_or_else(
            || is_certain(self.noted(conversation)) || had_visibility,
            |row| !row.is_shown && had_visibility,
        )
    }

    /// Leaves out a conversation that the user has deleted. No more messages are added to it, either.
    fn omit_deleted(&mut self, conversation: &Conversation, is_first_part: bool) {
        if is_first_part {
            self.plan.omit(CountKind::Conversations, FindingCode::DeletedSince, &conversation.guid);
        }
        for message in &conversation.messages {
            let code = match self.member(&message.author) {
                _ if self.existing.noted_messages.contains_key(message.guid.as_str()) => {
                    FindingCode::DeletedSince
                }
                None => FindingCode::PersonUnknown,
                Some(author) if !author.is_vouched_author(conversation, &message.author) => {
                    FindingCode::Unsigned
                }
                Some(_) => FindingCode::ParentMissing,
            };
            self.plan.omit(CountKind::Messages, code, &message.guid);
        }
    }

    fn import(&mut self, conversation: Conversation, row: Option<ExistingConversation>, is_first_part: bool) {
        let earlier_intents = self.plan.intents.len();
        if is_first_part {
            self.begin(&conversation, row);
        }
        let last_message_at = conversation.messages.iter().map(|message| message.created_at).max();
        let (guid, is_imported) =
            (conversation.guid.clone(), row.is_some() && self.is_imported(&conversation, row));
        self.add_messages(conversation, row);
        if let Some(last_message_at) = last_message_at
            .filter(|_| !is_first_part && is_imported && self.plan.intents.len() > earlier_intents)
        {
            self.plan.rows.changed.push((guid.clone(), last_message_at));
        }
        if is_first_part && row.is_none() {
            // The next part continues this one.
            let row = ExistingConversation { takes_part: true, is_shown: true, is_ignored: false };
            self.existing.rows.insert(guid.to_string(), row);
            self.existing.noted.insert(guid.to_string(), WRITTEN);
        }
    }

    /// Adds the conversation itself, and the people who take part.
    fn begin(&mut self, conversation: &Conversation, row: Option<ExistingConversation>) {
        let guid = &conversation.guid;
        let changed_at = conversation
            .messages
            .iter()
            .map(|message| message.created_at)
            .fold(conversation.created_at, Ord::max);
        if row.is_some() {
            self.plan.count(CountKind::Conversations, guid, Action::Present(self.noted(conversation)));
        } else {
            self.plan.add(CountKind::Conversations, "conversations", guid, Action::Insert);
            // Other people are named as authors only if vouched for.
            let author = self.member(&conversation.author).filter(|member| member.is_vouched_for);
            self.plan.rows.new.push(NewConversation {
                guid: guid.clone(),
                author: author.map_or(self.context.account.person, |member| member.person),
                subject: conversation.subject.clone(),
                created_at: conversation.created_at,
                changed_at,
            });
        }
        let unknown = conversation.participants.iter().filter(|person| self.member(person).is_none());
        for person in unknown.collect::<Vec<_>>() {
            let note = Action::Note(FindingCode::PersonUnknown);
            self.plan.count(CountKind::Conversations, person, note);
        }
        let is_accepted = |message: &&Message| {
            self.member(&message.author)
                .is_some_and(|author| author.is_vouched_author(conversation, &message.author))
        };
        let messages =
            i64::try_from(conversation.messages.iter().filter(is_accepted).count()).unwrap_or(i64::MAX);
        for person in self.new_participants(conversation, row) {
            let is_account = person == self.context.account.person;
            self.plan.rows.visibilities.push(NewVisibility {
                conversation: guid.clone(),
                person,
                unread: if is_account { conversation.state.unread.clamp(0, messages) } else { 0 },
                created_at: conversation.created_at,
                changed_at,
            });
        }
    }

    /// Returns the people to be added as participants, and adds the notes on them.
    ///
    /// Nothing in an archive proves that the others took part. People of this pod would see the conversation among
    /// their own, so they get it only from an archive that a trusted pod has signed, and not if they ignore the
    /// account. The participants of a conversation that existed before stay the same: only the account itself is
    /// added.
    fn new_participants(
        &mut self,
        conversation: &Conversation,
        row: Option<ExistingConversation>,
    ) -> Vec<i64> {
        let (account, is_imported) = (self.context.account, self.is_imported(conversation, row));
        let mut people = Vec::new();
        for id in &conversation.participants {
            let Some(member) = self.member(id) else { continue };
            let is_account = member.person == account.person;
            let may_join = is_account
                || is_imported && (!member.is_local || account.is_vouched_for && !member.ignores_account);
            if !may_join || self.noted_visibility(conversation, id).is_some_and(|noted| noted.is_certain) {
                continue;
            }
            let (kind, name) = (kinds::CONVERSATION_VISIBILITIES, visibility_name(conversation, id));
            if is_account && row.is_some_and(|row| row.is_shown) {
                self.plan.intents.push(Intent::found(kind, &name));
            } else {
                self.plan.intents.push(Intent::write(kind, &name));
                people.push(member.person);
            }
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    fn add_messages(&mut self, mut conversation: Conversation, row: Option<ExistingConversation>) {
        let is_imported = self.is_imported(&conversation, row);
        let is_ignored = row.is_some_and(|row| row.is_ignored);
        let mut seen = HashSet::new();
        for message in std::mem::take(&mut conversation.messages) {
            let (id, guid) = (message.guid.clone(), message.guid.as_str());
            let author = self.member(&message.author);
            let noted = self.existing.noted_messages.get(guid).copied();
            let action = match (author, self.existing.messages.get(guid)) {
                (None, _) => Action::Omit(FindingCode::PersonUnknown),
                _ if !seen.insert(id.clone()) => Action::Omit(FindingCode::Duplicate),
                (Some(author), Some(row))
                    if row.author == author.person || Some(row.author) == author.pending_id =>
                {
                    Action::Present(noted)
                }
                (Some(_), Some(_)) => Action::Omit(FindingCode::GuidTaken),
                (Some(_), None) if noted.is_some_and(|noted| noted.is_certain) => {
                    Action::Omit(FindingCode::DeletedSince)
                }
                (Some(author), None)
                    if !author.is_vouched_author(&conversation, &message.author)
                        || !is_imported && author.person != self.context.account.person =>
                {
                    Action::Omit(FindingCode::Unsigned)
                }
                _ if is_ignored => Action::Omit(FindingCode::AuthorIgnored),
                (Some(author), None) => {
                    // Another conversation of the batch may contain it again.
                    let row = ExistingRow { id: 0, author: author.person };
                    self.existing.messages.insert(guid.to_owned(), row);
                    self.existing.noted_messages.insert(guid.to_owned(), WRITTEN);
                    self.plan.rows.messages.push((conversation.guid.clone(), author.person, message));
                    Action::Insert
                }
            };
            self.plan.add(CountKind::Messages, "messages", &id, action);
        }
    }
}

/// The journal's entry for records that the batch itself writes.
const WRITTEN: Noted = Noted { origin: RowOrigin::Written, is_certain: true, is_earlier: false };
