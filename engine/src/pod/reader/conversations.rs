//! Private conversations.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;

use super::notes::{Problem, identifier};
use super::source::{OwnerKey, Range, Statement};
use super::stand_ins::Replacements;
use super::{AccountReader, AccountRow, ReadError, Sink};
use crate::domain::{
    Conversation, ConversationState, CountKind, DiasporaId, Message, OmissionCode, RecordKind,
};
use crate::sql::Row;

/// The number of conversations in a batch, which contains all their messages.
const BATCH_CONVERSATIONS: usize = 100;

/// The longest message text in bytes; diaspora* itself limits other texts to 65,535 characters.
const MAX_MESSAGE_BYTES: usize = 2 << 20;

pub(super) const STATEMENTS: &[&Statement] = &[&CONVERSATIONS, &PARTICIPANTS, &MESSAGES];

/// Used only when an account is read by itself.
const CONVERSATION_IDS: Statement = Statement {
    name: "the list of conversations",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT conversation_id, person_id AS account_row FROM conversation_visibilities WHERE {} \
             ORDER BY conversation_id",
            scope.condition("person_id")
        )
    },
};

const CONVERSATIONS: Statement = Statement {
    name: "the conversations",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT c.id, c.guid, a.diaspora_handle, c.subject, c.created_at, v.unread, \
             v.person_id AS account_row FROM conversation_visibilities v \
             JOIN conversations c ON c.id = v.conversation_id LEFT JOIN people a ON a.id = c.author_id \
             WHERE {} ORDER BY c.id",
            scope.range_condition("v.person_id", "v.conversation_id")
        )
    },
};

const PARTICIPANTS: Statement = Statement {
    name: "the people in conversations",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT v.conversation_id, a.diaspora_handle, m.person_id AS account_row \
             FROM conversation_visibilities m \
             JOIN conversation_visibilities v ON v.conversation_id = m.conversation_id \
             JOIN people a ON a.id = v.person_id WHERE {} ORDER BY v.conversation_id, a.id",
            scope.range_condition("m.person_id", "m.conversation_id")
        )
    },
};

const MESSAGES: Statement = Statement {
    name: "the messages",
    owner: OwnerKey::Person,
    sql: |scope| {
        format!(
            "SELECT m.conversation_id, m.id, m.guid, a.diaspora_handle, m.created_at, m.text, \
             v.person_id AS account_row FROM conversation_visibilities v \
             JOIN messages m ON m.conversation_id = v.conversation_id LEFT JOIN people a ON a.id = m.author_id \
             WHERE {} ORDER BY m.conversation_id, m.id",
            scope.range_condition("v.person_id", "v.conversation_id")
        )
    },
};

impl AccountReader<'_> {
    /// Reads all conversations that the account still has, with their messages.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn conversations(&mut self, sink: &mut impl Sink<Conversation>) -> Result<(), ReadError> {
        for range in self.conversation_ranges().await? {
            let mut participants = self.participants(range).await?;
            let mut messages = self.messages(range).await?;
            for row in self.source.rows_range(&CONVERSATIONS, &self.account, range).await? {
                let id = row.integer("id").unwrap_or_default();
                let participants = participants.remove(&id).unwrap_or_default();
                let messages = messages.remove(&id).unwrap_or_default();
                let length = messages.len();
                let Self { account, notes, .. } = self;
                let record = notes.record(RecordKind::Conversation, (&row, "id", "guid"), |replacements| {
                    conversation(&row, account, participants, messages, replacements)
                });
                if let Some(conversation) = record {
                    self.notes.count(CountKind::Conversations);
                    (0..length).for_each(|_| self.notes.count(CountKind::Messages));
                    for part in conversation.into_parts() {
                        sink.put(part).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Divides the account's conversations into ranges of row IDs, [`BATCH_CONVERSATIONS`] each.
    async fn conversation_ranges(&mut self) -> Result<Vec<Option<Range>>, ReadError> {
        if self.source.is_read_ahead() {
            return Ok(vec![None]);
        }
        let rows = self.source.rows(&CONVERSATION_IDS, &self.account).await?;
        let ids: Vec<i64> = rows.iter().filter_map(|row| row.integer("conversation_id")).collect();
        let mut after = 0;
        let last = ids.chunks(BATCH_CONVERSATIONS).filter_map(|chunk| chunk.last());
        Ok(last
            .map(|last| Some(Range { after: std::mem::replace(&mut after, *last), up_to: *last }))
            .collect())
    }

    async fn participants(
        &mut self,
        range: Option<Range>,
    ) -> Result<HashMap<i64, Vec<DiasporaId>>, ReadError> {
        let mut participants: HashMap<i64, Vec<DiasporaId>> = HashMap::new();
        let Self { source, account, .. } = self;
        let mut rows = source.stream_range(&PARTICIPANTS, account, range);
        while let Some(row) = rows.try_next().await? {
            let person = account.person_id_of(row.text("diaspora_handle"), "diaspora* ID");
            if let (Some(id), Ok(person)) = (row.integer("conversation_id"), person) {
                participants.entry(id).or_default().push(person);
            }
        }
        Ok(participants)
    }

    async fn messages(&mut self, range: Option<Range>) -> Result<HashMap<i64, Vec<Message>>, ReadError> {
        let Self { source, account, notes, .. } = self;
        let mut messages: HashMap<i64, Vec<Message>> = HashMap::new();
        let mut rows = source.stream_range(&MESSAGES, account, range);
        while let Some(row) = rows.try_next().await? {
            let record = notes.record(RecordKind::Message, (&row, "id", "guid"), |replacements| {
                message(&row, account, replacements)
            });
            if let (Some(id), Some(message)) = (row.integer("conversation_id"), record) {
                messages.entry(id).or_default().push(message);
            }
        }
        Ok(messages)
    }
}

fn author(account: &AccountRow, text: Option<String>) -> Result<DiasporaId, Problem> {
    let missing = || Problem::new(OmissionCode::MissingPerson, "its author is not in the pod's database");
    account.person_id_of(Some(text.ok_or_else(missing)?), "author's diaspora* ID")
}

fn conversation(
    row: &Row,
    account: &AccountRow,
    participants: Vec<DiasporaId>,
    messages: Vec<Message>,
    replacements: &mut Replacements,
) -> Result<Conversation, Problem> {
    Ok(Conversation {
        guid: identifier(row.text("guid"), "GUID")?,
        author: author(account, row.text("diaspora_handle"))?,
        subject: row.text("subject").unwrap_or_default(),
        created_at: replacements.time(row, "created_at"),
        participants,
        state: ConversationState {
            unread: replacements.number(row, "unread", "number of unread messages").unwrap_or(0),
        },
        messages,
        continued: false,
    })
}

fn message(row: &Row, account: &AccountRow, replacements: &mut Replacements) -> Result<Message, Problem> {
    let text = row.text("text").unwrap_or_default();
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(Problem::too_large(text.len()));
    }
    Ok(Message {
        guid: identifier(row.text("guid"), "GUID")?,
        author: author(account, row.text("diaspora_handle"))?,
        created_at: replacements.time(row, "created_at"),
        text,
    })
}
