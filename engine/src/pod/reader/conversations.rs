//! Private conversations.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;

use super::migrations::list;
use super::notes::{Problem, identifier};
use super::{AccountReader, ReadError, Sink};
use crate::archive::manifest::CountKind;
use crate::domain::{Conversation, ConversationState, DiasporaId, Message, OmissionCode, RecordKind};
use crate::pod::database::{Cell as _, Row};

/// Conversations that are read together, with all their messages.
const TOGETHER: usize = 100;

impl AccountReader<'_> {
    /// Every conversation the account still has, with its messages.
    ///
    /// # Errors
    /// The database's failure, or [`ReadError::Stopped`].
    pub async fn conversations(&mut self, sink: &mut impl Sink<Conversation>) -> Result<(), ReadError> {
        let sql = format!(
            "SELECT conversation_id FROM conversation_visibilities WHERE person_id = {} ORDER BY conversation_id",
            self.account.person_id
        );
        let rows = self.snapshot.rows("the list of conversations", sql, &[]).await?;
        let mut ids: Vec<i64> = rows.iter().filter_map(|row| row.integer(0)).collect();
        ids.dedup();
        for chunk in ids.chunks(TOGETHER) {
            let mut participants = self.participants(chunk).await?;
            let mut messages = self.messages(chunk).await?;
            for row in self.conversation_rows(chunk).await? {
                let id = row.integer(0).unwrap_or_default();
                let participants = participants.remove(&id).unwrap_or_default();
                let messages = messages.remove(&id).unwrap_or_default();
                let length = messages.len();
                match conversation(&row, participants, messages) {
                    Ok(conversation) => {
                        self.notes.count(CountKind::Conversations);
                        (0..length).for_each(|_| self.notes.count(CountKind::Messages));
                        sink.put(conversation).await?;
                    }
                    Err(problem) => self.notes.omit(problem, RecordKind::Conversation, Some(id), row.text(1)),
                }
            }
        }
        Ok(())
    }

    async fn conversation_rows(&mut self, ids: &[i64]) -> Result<Vec<Row>, ReadError> {
        let sql = format!(
            "SELECT c.id, c.guid, a.diaspora_handle, c.subject, c.created_at, v.unread FROM conversations c \
             LEFT JOIN people a ON a.id = c.author_id LEFT JOIN conversation_visibilities v \
             ON v.conversation_id = c.id AND v.person_id = {} WHERE c.id IN ({}) ORDER BY c.id",
            self.account.person_id,
            list(ids)
        );
        Ok(self.snapshot.rows("the conversations", sql, &[]).await?)
    }

    async fn participants(&mut self, ids: &[i64]) -> Result<HashMap<i64, Vec<DiasporaId>>, ReadError> {
        let sql = format!(
            "SELECT v.conversation_id, a.diaspora_handle FROM conversation_visibilities v \
             JOIN people a ON a.id = v.person_id WHERE v.conversation_id IN ({}) ORDER BY v.conversation_id, a.id",
            list(ids)
        );
        let mut participants: HashMap<i64, Vec<DiasporaId>> = HashMap::new();
        let mut rows = self.snapshot.stream("the people in conversations", sql, &[]);
        while let Some(row) = rows.try_next().await? {
            if let (Some(id), Some(Ok(person))) = (row.integer(0), row.text(1).map(|text| text.parse())) {
                participants.entry(id).or_default().push(person);
            }
        }
        Ok(participants)
    }

    async fn messages(&mut self, ids: &[i64]) -> Result<HashMap<i64, Vec<Message>>, ReadError> {
        let Self { snapshot, notes, .. } = self;
        let sql = format!(
            "SELECT m.conversation_id, m.id, m.guid, a.diaspora_handle, m.created_at, m.text FROM messages m \
             LEFT JOIN people a ON a.id = m.author_id WHERE m.conversation_id IN ({}) \
             ORDER BY m.conversation_id, m.id",
            list(ids)
        );
        let mut messages: HashMap<i64, Vec<Message>> = HashMap::new();
        let mut rows = snapshot.stream("the messages", sql, &[]);
        while let Some(row) = rows.try_next().await? {
            match (row.integer(0), message(&row)) {
                (Some(id), Ok(message)) => messages.entry(id).or_default().push(message),
                (_, Err(problem)) => notes.omit(problem, RecordKind::Message, row.integer(1), row.text(2)),
                (None, Ok(_)) => {}
            }
        }
        Ok(messages)
    }
}

fn author(text: Option<String>) -> Result<DiasporaId, Problem> {
    let gone = || Problem::new(OmissionCode::MissingPerson, "its author is not in the pod's database");
    identifier(Some(text.ok_or_else(gone)?), "author's diaspora* ID")
}

fn conversation(
    row: &Row,
    participants: Vec<DiasporaId>,
    messages: Vec<Message>,
) -> Result<Conversation, Problem> {
    Ok(Conversation {
        guid: identifier(row.text(1), "GUID")?,
        author: author(row.text(2))?,
        subject: row.text(3).unwrap_or_default(),
        created_at: row.time(4).ok_or_else(|| Problem::missing("time"))?,
        participants,
        state: ConversationState { unread: row.integer(5).unwrap_or(0) },
        messages,
    })
}

fn message(row: &Row) -> Result<Message, Problem> {
    Ok(Message {
        guid: identifier(row.text(2), "GUID")?,
        author: author(row.text(3))?,
        created_at: row.time(4).ok_or_else(|| Problem::missing("time"))?,
        text: row.text(5).unwrap_or_default(),
    })
}
