//! The rows of conversations, of their participants and messages.

use std::collections::HashSet;

use crate::domain::Guid;
use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::decide::conversations::ConversationRows;
use crate::import::target::Target;
use crate::pod::database::OnConflict;

impl BatchRows for ConversationRows {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let rows = self
            .new
            .iter()
            .map(|new| {
                let (guid, subject) = (new.guid.as_str(), new.subject.as_str());
                let (author, at, changed) = (new.author, new.created_at, new.changed_at);
                vec![guid.into(), author.into(), subject.into(), at.into(), changed.into()]
            })
            .collect();
        let columns = ["guid", "author_id", "subject", "created_at", "updated_at"];
        target.pod.insert("conversations", &columns, rows, OnConflict::Fail).await?;
        let visibility_guids = self.visibilities.iter().map(|new| &new.conversation);
        let guids: HashSet<&str> = visibility_guids
            .chain(self.messages.iter().map(|(conversation, ..)| conversation))
            .chain(self.changed.iter().map(|(conversation, _)| conversation))
            .map(Guid::as_str)
            .collect();
        let ids = target.ids("conversations", &guids.into_iter().collect::<Vec<_>>()).await?;
        let id = |conversation: &Guid| {
            ids.get(conversation.as_str()).copied().ok_or(ImportError::RowMissing("a conversation"))
        };
        let mut rows = Vec::new();
        for new in &self.visibilities {
            let (person, unread, at, changed) = (new.person, new.unread, new.created_at, new.changed_at);
            let id = id(&new.conversation)?;
            rows.push(vec![id.into(), person.into(), unread.into(), at.into(), changed.into()]);
        }
        let columns = ["conversation_id", "person_id", "unread", "created_at", "updated_at"];
        target.pod.insert("conversation_visibilities", &columns, rows, OnConflict::Ignore).await?;
        // diaspora* does the same with each message.
        for (conversation, last) in &self.changed {
            let id = id(conversation)?;
            for (table, column) in [("conversations", "id"), ("conversation_visibilities", "conversation_id")]
            {
                let sql =
                    format!("UPDATE {table} SET updated_at = ? WHERE {column} = {id} AND updated_at < ?");
                target.pod.run("the conversation", sql, &[(*last).into(), (*last).into()]).await?;
            }
        }
        let mut rows = Vec::new();
        for (conversation, author, message) in &self.messages {
            let (guid, text, at) = (message.guid.as_str(), message.text.as_str(), message.created_at);
            let id = id(conversation)?;
            rows.push(vec![id.into(), (*author).into(), guid.into(), text.into(), at.into(), at.into()]);
        }
        let columns = ["conversation_id", "author_id", "guid", "text", "created_at", "updated_at"];
        target.pod.insert("messages", &columns, rows, OnConflict::Fail).await?;
        Ok(())
    }
}
