//! Conversations, subscriptions, hidden posts.

use std::collections::{HashMap, HashSet};

use super::ImportError;
use super::journal::{Intent, Journal};
use super::people::People;
use super::report::FindingCode;
use super::target::{NewAccount, Target};
use crate::archive::manifest::CountKind;
use crate::archive::writer::hex;
use crate::domain::{Conversation, DiasporaId, Guid};
use crate::pod::database::{Cell as _, Existing, Value};

/// Somebody in a conversation.
#[derive(Clone, Copy)]
struct Member {
    person: i64,
    /// Whether the person lives on the target pod.
    local: bool,
}

impl Target {
    /// Private conversations with their messages, as far as the people are known.
    pub(super) async fn import_conversations(
        &mut self,
        account: &NewAccount,
        old: &DiasporaId,
        people: &People,
        conversations: Vec<Conversation>,
        mut journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = conversations.iter().map(|talk| talk.guid.as_str()).collect();
        let sql = "SELECT c.guid, c.id, COUNT(v.id) FROM conversations c LEFT JOIN conversation_visibilities v \
                   ON v.conversation_id = c.id AND v.person_id IN (#) WHERE c.guid IN ({}) GROUP BY c.guid, c.id";
        let me = format!("{}, {}", account.person, account.old_person.unwrap_or(-1));
        let there: HashMap<String, (i64, bool)> = self
            .pod
            .rows_in("conversations", &sql.replace('#', &me), &guids)
            .await?
            .iter()
            .filter_map(|row| Some((row.text(0)?, (row.integer(1)?, row.integer(2)? > 0))))
            .collect();
        let who = |id: &DiasporaId| {
            if id == old {
                return Some(Member { person: account.person, local: true });
            }
            people.get(id).map(|person| Member { person: person.id, local: person.user.is_some() })
        };
        for talk in conversations {
            let known = there.get(talk.guid.as_str());
            if known.is_some_and(|(_, takes_part)| !takes_part) {
                if !talk.continued {
                    self.report.left_out(CountKind::Conversations, FindingCode::GuidTaken, &talk.guid);
                }
                for message in &talk.messages {
                    self.report.left_out(CountKind::Messages, FindingCode::ParentNotVisible, &message.guid);
                }
                continue;
            }
            if who(&talk.author).is_none() || !talk.participants.contains(old) {
                if !talk.continued {
                    self.report.left_out(CountKind::Conversations, FindingCode::PersonUnknown, &talk.guid);
                }
                for message in &talk.messages {
                    self.report.left_out(CountKind::Messages, FindingCode::ParentMissing, &message.guid);
                }
                continue;
            }
            let known = known.map(|(id, _)| *id);
            self.import_conversation(account, &who, known, talk, journal.as_deref_mut()).await?;
        }
        Ok(())
    }

    async fn import_conversation(
        &mut self,
        account: &NewAccount,
        who: &(impl Fn(&DiasporaId) -> Option<Member> + Sync),
        known: Option<i64>,
        talk: Conversation,
        journal: Option<&mut Journal>,
    ) -> Result<(), ImportError> {
        let written = |kind: &str, guid: &Guid| {
            journal.as_ref().is_some_and(|journal| journal.has_written(kind, guid.as_str()))
        };
        // The first piece speaks for the conversation, and its row is there when the others come.
        if !talk.continued {
            // It may be there from a run that was broken off, or from the old account's time.
            self.report
                .came_in(CountKind::Conversations, known.is_some() && !written("conversations", &talk.guid));
            for person in talk.participants.iter().filter(|person| who(person).is_none()) {
                self.report.note(CountKind::Conversations, FindingCode::PersonUnknown, person);
            }
        }
        let is_new = known.is_none() && !talk.continued;
        let mut intents = Vec::new();
        if is_new {
            intents.push(Intent { kind: "conversations", guid: talk.guid.to_string(), previous: None });
        }
        let guids: Vec<&str> = talk.messages.iter().map(|message| message.guid.as_str()).collect();
        let there = self.there("messages", &guids).await?;
        let mut new = Vec::new();
        let mut seen = HashSet::new();
        for message in &talk.messages {
            let guid = &message.guid;
            let problem = match (who(&message.author), there.get(guid.as_str())) {
                (None, _) => FindingCode::PersonUnknown,
                _ if !seen.insert(guid) => FindingCode::Duplicate,
                (Some(author), Some(row))
                    if row.author == author.person || Some(row.author) == account.old_person =>
                {
                    self.report.came_in(CountKind::Messages, !written("messages", guid));
                    continue;
                }
                (Some(_), Some(_)) => FindingCode::GuidTaken,
                (Some(author), None) => {
                    self.report.imported(CountKind::Messages);
                    intents.push(Intent { kind: "messages", guid: guid.to_string(), previous: None });
                    new.push((author.person, message));
                    continue;
                }
            };
            self.report.left_out(CountKind::Messages, problem, guid);
        }
        let Some(journal) = journal else { return Ok(()) };
        if is_new {
            self.last_conversation = Some(talk.guid.clone());
        }
        let ours = self.last_conversation.as_ref() == Some(&talk.guid)
            || journal.has_written("conversations", talk.guid.as_str());
        journal.note(intents).await?;
        self.pod.begin().await?;
        let id = self.write_conversation(account, who, is_new, &talk).await?;
        if talk.continued && ours {
            self.move_conversation_up(id, &talk).await?;
        }
        let rows = new
            .iter()
            .map(|(author, message)| {
                let (guid, text, at) = (message.guid.as_str(), message.text.as_str(), message.created_at);
                vec![id.into(), (*author).into(), guid.into(), text.into(), at.into(), at.into()]
            })
            .collect();
        let columns = ["conversation_id", "author_id", "guid", "text", "created_at", "updated_at"];
        self.pod.insert("messages", &columns, rows, Existing::Refuse).await?;
        self.pod.commit().await?;
        Ok(())
    }

    /// The conversation and who takes part; gives its row number.
    ///
    /// Nothing in an archive shows that the others really took part. People of this pod would find the
    /// conversation among their own, so they get it only from an archive that a trusted pod has signed.
    async fn write_conversation(
        &mut self,
        account: &NewAccount,
        who: &(impl Fn(&DiasporaId) -> Option<Member> + Sync),
        new: bool,
        talk: &Conversation,
    ) -> Result<i64, ImportError> {
        let last = talk.messages.iter().map(|message| message.created_at).max();
        let last = last.map_or(talk.created_at, |last| last.max(talk.created_at));
        // Also when a run that was broken off has written it.
        let subject = self.fit(&talk.subject, 255, CountKind::Conversations, &talk.guid);
        if new {
            let author = who(&talk.author).map_or(account.person, |member| member.person);
            let (guid, at) = (talk.guid.as_str(), talk.created_at);
            let row = vec![guid.into(), author.into(), subject.into(), at.into(), last.into()];
            let columns = ["guid", "author_id", "subject", "created_at", "updated_at"];
            self.pod.insert("conversations", &columns, vec![row], Existing::Refuse).await?;
        }
        let ids = self.ids("conversations", &[talk.guid.as_str()]).await?;
        let id = *ids.get(talk.guid.as_str()).ok_or(ImportError::Changed("a conversation"))?;
        let mut members: Vec<i64> = talk
            .participants
            .iter()
            .filter_map(who)
            .filter(|member| !member.local || account.trusted || member.person == account.person)
            .map(|member| member.person)
            .collect();
        members.sort_unstable();
        members.dedup();
        let all = talk.messages.iter().filter(|message| who(&message.author).is_some()).count();
        let all = i64::try_from(all).unwrap_or(i64::MAX);
        let rows = members
            .into_iter()
            .map(|person| {
                let unread = if person == account.person { talk.state.unread.clamp(0, all) } else { 0 };
                vec![id.into(), person.into(), unread.into(), talk.created_at.into(), last.into()]
            })
            .collect();
        let columns = ["conversation_id", "person_id", "unread", "created_at", "updated_at"];
        self.pod.insert("conversation_visibilities", &columns, rows, Existing::Keep).await?;
        Ok(id)
    }

    /// Notes that a conversation goes on until the last message of a piece, as diaspora* does with each message.
    async fn move_conversation_up(&mut self, id: i64, piece: &Conversation) -> Result<(), ImportError> {
        let Some(last) = piece.messages.iter().map(|message| message.created_at).max() else { return Ok(()) };
        for (table, column) in [("conversations", "id"), ("conversation_visibilities", "conversation_id")] {
            let sql = format!("UPDATE {table} SET updated_at = ? WHERE {column} = {id} AND updated_at < ?");
            self.pod.run("the conversation", sql, &[last.into(), last.into()]).await?;
        }
        Ok(())
    }

    /// Posts the user wants to hear about.
    pub(super) async fn import_subscriptions(
        &mut self,
        account: &NewAccount,
        posts: Vec<Guid>,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = posts.iter().map(Guid::as_str).collect();
        let ids = self.ids("posts", &guids).await?;
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        for post in &posts {
            let planned = self.planned.as_ref().is_some_and(|planned| planned.posts.contains_key(post));
            let id = ids.get(post.as_str()).copied().or(planned.then_some(0));
            match id {
                None => self.report.left_out(CountKind::Subscriptions, FindingCode::ParentMissing, &post),
                Some(_) if !seen.insert(post) => {
                    self.report.left_out(CountKind::Subscriptions, FindingCode::Duplicate, &post);
                }
                Some(id) => {
                    self.report.imported(CountKind::Subscriptions);
                    rows.push((id, post));
                }
            }
        }
        if self.writes() && !rows.is_empty() {
            let now = self.now;
            let rows = rows
                .into_iter()
                .map(|(id, post)| {
                    let guid: Value = participation_guid(account, post).into();
                    vec![id.into(), "Post".into(), account.person.into(), guid, now.into(), now.into()]
                })
                .collect();
            let columns = ["target_id", "target_type", "author_id", "guid", "created_at", "updated_at"];
            self.pod.insert("participations", &columns, rows, Existing::Keep).await?;
        }
        Ok(())
    }

    /// Posts the user does not want to see, as the hash of lists that Rails reads.
    pub(super) async fn import_hidden_posts(
        &mut self,
        account: &NewAccount,
        posts: Vec<Guid>,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = posts.iter().map(Guid::as_str).collect();
        let there = self.ids("posts", &guids).await?;
        for post in &posts {
            let planned = self.planned.as_ref().is_some_and(|planned| planned.posts.contains_key(post));
            if !planned && !there.contains_key(post.as_str()) {
                self.report.note(CountKind::StatusMessages, FindingCode::ParentMissing, post);
            }
        }
        let mut ids: Vec<i64> = there.into_values().collect();
        ids.sort_unstable();
        if ids.is_empty() || !self.writes() {
            return Ok(());
        }
        let yaml = ids.iter().fold("---\nPost:\n".to_owned(), |yaml, id| yaml + &format!("- '{id}'\n"));
        let sql = format!("UPDATE users SET hidden_shareables = ? WHERE id = {}", account.user);
        self.pod.run("hidden posts", sql, &[yaml.into()]).await?;
        Ok(())
    }
}

/// A participation needs a name in the network; the same one in every run of an import.
fn participation_guid(account: &NewAccount, post: &Guid) -> String {
    use sha2::Digest as _;
    let digest =
        sha2::Sha256::new().chain_update(account.id.as_str()).chain_update(" ").chain_update(post.as_str());
    hex(digest.finalize().get(..16).unwrap_or_default())
}
