//! Conversations, with their messages and the people who take part.

use std::collections::HashMap;

use crate::domain::{Conversation, DiasporaId};
use crate::import::ImportError;
use crate::import::journal::notes::{Journal, Noted, kinds};
use crate::import::target::{ExistingRow, NewAccount, Target};
use crate::sql::{Row, id_list};

/// An existing conversation.
#[derive(Debug, Clone, Copy)]
pub(in crate::import) struct ExistingConversation {
    /// True if the account takes part, under its new name or its old one.
    pub(in crate::import) takes_part: bool,
    /// True if it takes part under its new name.
    pub(in crate::import) is_shown: bool,
    /// True if somebody of this pod who takes part ignores the account.
    pub(in crate::import) is_ignored: bool,
}

/// The existing conversations and messages of a batch, and the notes on them, by GUID.
#[derive(Default)]
pub(in crate::import) struct ExistingConversations {
    pub(in crate::import) rows: HashMap<String, ExistingConversation>,
    pub(in crate::import) noted: HashMap<String, Noted>,
    /// The journal's entries for people's visibilities of conversations, by [`visibility_name`].
    pub(in crate::import) visibilities: HashMap<String, Noted>,
    pub(in crate::import) messages: HashMap<String, ExistingRow>,
    pub(in crate::import) noted_messages: HashMap<String, Noted>,
}

/// Returns the journal's name for a person's visibility of a conversation.
pub(in crate::import) fn visibility_name(conversation: &Conversation, person: &DiasporaId) -> String {
    format!("{} {person}", conversation.guid)
}

impl Target {
    pub(in crate::import) async fn existing_conversations(
        &mut self,
        account: &NewAccount,
        conversations: &[Conversation],
        journal: &Journal,
    ) -> Result<ExistingConversations, ImportError> {
        let guids: Vec<&str> = conversations.iter().map(|conversation| conversation.guid.as_str()).collect();
        let visibilities: Vec<String> = conversations
            .iter()
            .flat_map(|conversation| {
                conversation.participants.iter().map(|person| visibility_name(conversation, person))
            })
            .collect();
        let messages: Vec<&str> = conversations
            .iter()
            .flat_map(|conversation| conversation.messages.iter().map(|message| message.guid.as_str()))
            .collect();
        Ok(ExistingConversations {
            rows: self.conversations(account, &guids).await?,
            noted: journal.noted("conversations", &guids).await?,
            visibilities: journal.noted(kinds::CONVERSATION_VISIBILITIES, &visibilities).await?,
            messages: self.existing_rows("messages", &messages).await?,
            noted_messages: journal.noted("messages", &messages).await?,
        })
    }

    async fn conversations(
        &mut self,
        account: &NewAccount,
        guids: &[&str],
    ) -> Result<HashMap<String, ExistingConversation>, ImportError> {
        let (new_person, old_person) = (account.person, account.old_person.unwrap_or(account.person));
        let ignoring_people: Vec<i64> = account.ignored_by.values().copied().chain([-1]).collect();
        let count_among = |people: &str| format!("COUNT(CASE WHEN v.person_id IN ({people}) THEN 1 END)");
        let sql = format!(
            "SELECT c.guid, {} AS takes_part, {} AS is_shown, {} AS is_ignored FROM conversations c \
             LEFT JOIN conversation_visibilities v ON v.conversation_id = c.id WHERE c.guid IN ({{}}) \
             GROUP BY c.guid, c.id",
            count_among(&id_list(&[new_person, old_person])),
            count_among(&id_list(&[new_person])),
            count_among(&id_list(&ignoring_people))
        );
        let rows = self.pod.rows_in("conversations", &sql, guids).await?;
        let read = |row: &Row| {
            let conversation = ExistingConversation {
                takes_part: row.integer("takes_part")? > 0,
                is_shown: row.integer("is_shown")? > 0,
                is_ignored: row.integer("is_ignored")? > 0,
            };
            Some((row.text("guid")?, conversation))
        };
        Ok(rows.iter().filter_map(read).collect())
    }
}
