//! The rows of conversations and of their participants.

use crate::domain::{Conversation, DiasporaId, Message, Timestamp};
use crate::import::ImportError;
use crate::import::records::conversations::Member;
use crate::import::target::{NewAccount, Target};
use crate::pod::database::OnConflict;

impl Target {
    /// Writes the conversation; returns its row number.
    pub(in crate::import) async fn write_conversation(
        &mut self,
        account: &NewAccount,
        who: &(impl Fn(&DiasporaId) -> Option<Member> + Sync),
        talk: &Conversation,
        subject: &str,
    ) -> Result<i64, ImportError> {
        // Other people are named as authors only if vouched for.
        let author = who(&talk.author).filter(|member| member.is_vouched_for);
        let author = author.map_or(account.person, |member| member.person);
        let (guid, at, last) = (talk.guid.as_str(), talk.created_at, last_change(talk));
        let row = vec![guid.into(), author.into(), subject.into(), at.into(), last.into()];
        let columns = ["guid", "author_id", "subject", "created_at", "updated_at"];
        self.pod.insert("conversations", &columns, vec![row], OnConflict::Fail).await?;
        let ids = self.ids("conversations", &[guid]).await?;
        ids.get(guid).copied().ok_or(ImportError::Changed("a conversation"))
    }

    /// Writes the participants' visibilities.
    pub(in crate::import) async fn write_places(
        &mut self,
        account: &NewAccount,
        who: &(impl Fn(&DiasporaId) -> Option<Member> + Sync),
        conversation: i64,
        members: &[i64],
        talk: &Conversation,
    ) -> Result<(), ImportError> {
        let last = last_change(talk);
        let is_taken = |message: &&Message| {
            who(&message.author).is_some_and(|author| author.may_say(talk, &message.author))
        };
        let all = talk.messages.iter().filter(is_taken).count();
        let all = i64::try_from(all).unwrap_or(i64::MAX);
        let rows = members
            .iter()
            .map(|person| {
                let unread = if *person == account.person { talk.state.unread.clamp(0, all) } else { 0 };
                vec![
                    conversation.into(),
                    (*person).into(),
                    unread.into(),
                    talk.created_at.into(),
                    last.into(),
                ]
            })
            .collect();
        let columns = ["conversation_id", "person_id", "unread", "created_at", "updated_at"];
        self.pod.insert("conversation_visibilities", &columns, rows, OnConflict::Ignore).await?;
        Ok(())
    }

    /// Updates a conversation's time of change to the last message of a part, as diaspora* does with each message.
    pub(in crate::import) async fn touch_conversation(
        &mut self,
        id: i64,
        piece: &Conversation,
    ) -> Result<(), ImportError> {
        let Some(last) = piece.messages.iter().map(|message| message.created_at).max() else { return Ok(()) };
        for (table, column) in [("conversations", "id"), ("conversation_visibilities", "conversation_id")] {
            let sql = format!("UPDATE {table} SET updated_at = ? WHERE {column} = {id} AND updated_at < ?");
            self.pod.run("the conversation", sql, &[last.into(), last.into()]).await?;
        }
        Ok(())
    }
}

/// Returns the time of the last change of a conversation.
fn last_change(talk: &Conversation) -> Timestamp {
    let last = talk.messages.iter().map(|message| message.created_at).max();
    last.map_or(talk.created_at, |last| last.max(talk.created_at))
}
