//! Conversations.

use std::collections::{HashMap, HashSet};

use crate::domain::CountKind;
use crate::domain::{Conversation, DiasporaId, Message};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, Noted, kinds};
use crate::import::report::FindingCode;
use crate::import::scan::people::People;
use crate::import::target::{ExistingRow, NewAccount, Target};
use crate::pod::database::{Cell as _, OnConflict};

/// Somebody in a conversation.
#[derive(Clone, Copy)]
pub(in crate::import) struct Member {
    pub(in crate::import) person: i64,
    /// Who they are here already, while nobody has been told of that move.
    also: Option<i64>,
    /// Whether the person lives on the target pod.
    local: bool,
    /// Whether the archive speaks for them.
    pub(in crate::import) is_vouched_for: bool,
    /// Whether they live on the target pod and ignore the account.
    ignores: bool,
}

impl Member {
    /// Whether the archive shows that they wrote this: messages carry no signature.
    pub(in crate::import) fn may_say(self, talk: &Conversation, id: &DiasporaId) -> bool {
        // Who began it and has deleted it since, or has closed the account, takes no part any more.
        self.is_vouched_for && (talk.participants.contains(id) || talk.author == *id)
    }
}

/// A conversation that is there.
struct KnownConversation {
    id: i64,
    /// Whether the account takes part, under its new name or its old one.
    takes_part: bool,
    /// Whether it does under its new name.
    is_shown: bool,
}

/// What is known of a conversation before it comes in.
struct Before<'a> {
    known: Option<KnownConversation>,
    /// What the journal says of the conversation.
    noted: Option<Noted>,
    /// What it says of people's places in conversations.
    places: &'a HashMap<String, Noted>,
    /// The account, as the archive calls it.
    old: &'a DiasporaId,
    /// Whether this is its first piece; a long one comes in several.
    begins: bool,
}

impl Before<'_> {
    /// Whether this import began the conversation, or does now.
    fn is_ours(&self) -> bool {
        self.known.is_none() || self.noted.is_some_and(|noted| !noted.was_here())
    }

    fn place(&self, talk: &Conversation, person: &DiasporaId) -> Option<Noted> {
        self.places.get(&place_of(talk, person)).copied()
    }

    /// Whether the user has deleted it since.
    fn is_deleted(&self, talk: &Conversation) -> bool {
        let certain = |noted: Option<Noted>| noted.is_some_and(|noted| noted.certain);
        let place = self.place(talk, self.old);
        match &self.known {
            None => certain(self.noted) || certain(place),
            Some(known) => !known.is_shown && certain(place),
        }
    }

    /// People who are to get a place, and what is to be noted of that.
    ///
    /// Nothing in an archive shows that the others really took part. People of this pod would find the
    /// conversation among their own, so they get it only from an archive that a trusted pod has signed, and not if they
    /// ignore the account. Who takes part in a conversation that was here before is settled: only the account's own place
    /// is added.
    fn new_places(
        &self,
        account: &NewAccount,
        who: &impl Fn(&DiasporaId) -> Option<Member>,
        talk: &Conversation,
    ) -> (Vec<i64>, Vec<Intent>) {
        let is_own = self.is_ours();
        let (mut members, mut intents) = (Vec::new(), Vec::new());
        for person in &talk.participants {
            let Some(member) = who(person) else { continue };
            let is_me = member.person == account.person;
            let may = is_me || is_own && (!member.local || account.is_vouched_for && !member.ignores);
            if !may || self.place(talk, person).is_some_and(|noted| noted.certain) {
                continue;
            }
            let (kind, guid) = (kinds::CONVERSATION_VISIBILITIES, place_of(talk, person));
            if is_me && self.known.as_ref().is_some_and(|known| known.is_shown) {
                intents.push(Intent::found(kind, &guid));
            } else {
                intents.push(Intent::write(kind, &guid));
                members.push(member.person);
            }
        }
        members.sort_unstable();
        members.dedup();
        (members, intents)
    }
}

/// By what the journal knows the place of somebody in a conversation.
fn place_of(talk: &Conversation, person: &DiasporaId) -> String {
    format!("{} {person}", talk.guid)
}

impl Target {
    /// Private conversations with their messages, as far as the people are known.
    pub(in crate::import) async fn import_conversations(
        &mut self,
        account: &NewAccount,
        old: &DiasporaId,
        people: &People,
        conversations: Vec<Conversation>,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let guids: Vec<&str> = conversations.iter().map(|talk| talk.guid.as_str()).collect();
        let mut there = self.known_conversations(account, &guids).await?;
        let noted = journal.noted("conversations", &guids).await?;
        let places: Vec<String> = conversations
            .iter()
            .flat_map(|talk| talk.participants.iter().map(|person| place_of(talk, person)))
            .collect();
        let places = journal.noted(kinds::CONVERSATION_VISIBILITIES, &places).await?;
        let who = |id: &DiasporaId| {
            if id == old {
                return Some(Member {
                    person: account.person,
                    also: account.old_person,
                    local: true,
                    is_vouched_for: true,
                    ignores: false,
                });
            }
            let member = |person: &crate::import::scan::people::Person| Member {
                person: person.id,
                also: person.also,
                local: person.user.is_some(),
                // What people of this pod have said is here, but for what they said before they came from the same one.
                is_vouched_for: account.is_vouched_for && (person.user.is_none() || id.host() == old.host()),
                ignores: person.user.is_some_and(|user| account.ignored_by.contains_key(&user)),
            };
            people.get(id).map(member)
        };
        let mut seen = HashSet::new();
        for talk in conversations {
            let guid = talk.guid.as_str();
            let (mut known, mut conversation_noted) = (there.remove(guid), noted.get(guid).copied());
            let begins = self.begins(&talk);
            if !begins || !seen.insert(talk.guid.clone()) {
                known = self.known_conversations(account, &[guid]).await?.remove(guid);
                conversation_noted = journal.noted("conversations", &[guid]).await?.remove(guid);
            }
            let before = Before { known, noted: conversation_noted, places: &places, old, begins };
            let (why, why_messages) = if before.is_deleted(&talk) {
                self.leave_out_deleted(&who, begins, &talk, journal).await?;
                continue;
            } else if before.known.as_ref().is_some_and(|known| !known.takes_part) {
                (FindingCode::GuidTaken, FindingCode::ParentNotVisible)
            } else if who(&talk.author).is_none() || !talk.participants.contains(old) {
                (FindingCode::PersonUnknown, FindingCode::ParentMissing)
            } else {
                self.import_conversation(account, &who, before, talk, journal).await?;
                continue;
            };
            if begins {
                self.report.left_out(CountKind::Conversations, why, &talk.guid);
            }
            for message in &talk.messages {
                self.report.left_out(CountKind::Messages, why_messages, &message.guid);
            }
        }
        Ok(())
    }

    /// Whether a record is the first one of its conversation: also one that says that it is not, when that is missing.
    fn begins(&mut self, talk: &Conversation) -> bool {
        let before = self.last_conversation.replace(talk.guid.clone());
        !talk.continued || before.as_ref() != Some(&talk.guid)
    }

    /// A conversation that the user has deleted. Nothing more comes into it, either.
    async fn leave_out_deleted(
        &mut self,
        who: &(impl Fn(&DiasporaId) -> Option<Member> + Sync),
        begins: bool,
        talk: &Conversation,
        journal: &Journal,
    ) -> Result<(), ImportError> {
        if begins {
            self.report.left_out(CountKind::Conversations, FindingCode::DeletedSince, &talk.guid);
        }
        let guids: Vec<&str> = talk.messages.iter().map(|message| message.guid.as_str()).collect();
        let noted = journal.noted("messages", &guids).await?;
        for message in &talk.messages {
            let why = match who(&message.author) {
                _ if noted.contains_key(message.guid.as_str()) => FindingCode::DeletedSince,
                None => FindingCode::PersonUnknown,
                Some(author) if !author.may_say(talk, &message.author) => FindingCode::Unsigned,
                Some(_) => FindingCode::ParentMissing,
            };
            self.report.left_out(CountKind::Messages, why, &message.guid);
        }
        Ok(())
    }

    async fn known_conversations(
        &mut self,
        account: &NewAccount,
        guids: &[&str],
    ) -> Result<HashMap<String, KnownConversation>, ImportError> {
        let (new, old) = (account.person, account.old_person.unwrap_or(account.person));
        let sql = format!(
            "SELECT c.guid, c.id, COUNT(v.id), COUNT(CASE WHEN v.person_id = {new} THEN 1 END) FROM conversations c \
             LEFT JOIN conversation_visibilities v ON v.conversation_id = c.id AND v.person_id IN ({new}, {old}) \
             WHERE c.guid IN ({{}}) GROUP BY c.guid, c.id"
        );
        let rows = self.pod.rows_in("conversations", &sql, guids).await?;
        let read = |row: &crate::pod::database::Row| {
            let (takes_part, is_shown) = (row.integer(2)? > 0, row.integer(3)? > 0);
            Some((row.text(0)?, KnownConversation { id: row.integer(1)?, takes_part, is_shown }))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn import_conversation(
        &mut self,
        account: &NewAccount,
        who: &(impl Fn(&DiasporaId) -> Option<Member> + Sync),
        before: Before<'_>,
        talk: Conversation,
        journal: &mut Journal,
    ) -> Result<(), ImportError> {
        let mut intents = Vec::new();
        let mut begun = None;
        if before.begins {
            match &before.known {
                Some(_) => self.report.is_here(CountKind::Conversations, before.noted),
                None => self.report.imported(CountKind::Conversations),
            }
            for person in talk.participants.iter().filter(|person| who(person).is_none()) {
                self.report.note(CountKind::Conversations, FindingCode::PersonUnknown, person);
            }
            let subject = talk.subject.clone();
            let (members, places) = before.new_places(account, who, &talk);
            intents.extend(places);
            begun = Some((subject, members));
        }
        let (new, messages) = self.sort_messages(account, who, &before, &talk, journal).await?;
        intents.extend(messages);
        if before.known.is_none() && before.begins {
            intents.push(Intent::write("conversations", &talk.guid));
        }
        if !self.writes() || intents.is_empty() {
            return Ok(());
        }
        journal.note(intents).await?;
        self.pod.begin().await?;
        let is_own = before.noted.is_some_and(|noted| !noted.was_here());
        let id = match (&before.known, &begun) {
            (Some(known), _) => known.id,
            (None, Some((subject, _))) => self.write_conversation(account, who, &talk, subject).await?,
            (None, None) => return Err(ImportError::Changed("a conversation")),
        };
        match begun {
            Some((_, members)) => self.write_places(account, who, id, &members, &talk).await?,
            None if is_own => self.move_conversation_up(id, &talk).await?,
            None => {}
        }
        let rows = new
            .iter()
            .map(|(author, message)| {
                let (guid, text, at) = (message.guid.as_str(), message.text.as_str(), message.created_at);
                vec![id.into(), (*author).into(), guid.into(), text.into(), at.into(), at.into()]
            })
            .collect();
        let columns = ["conversation_id", "author_id", "guid", "text", "created_at", "updated_at"];
        self.pod.insert("messages", &columns, rows, OnConflict::Fail).await?;
        Ok(self.commit_batch(journal).await?)
    }

    /// Counts the messages of a conversation; gives those that are new, with their authors' rows, and what is to be
    /// noted.
    ///
    /// Messages carry no signature: the archive says what the account wrote, and a trusted pod what came to its people
    /// from elsewhere. What others wrote in a conversation that was here before is here already.
    async fn sort_messages<'a>(
        &mut self,
        account: &NewAccount,
        who: &(impl Fn(&DiasporaId) -> Option<Member> + Sync),
        before: &Before<'_>,
        talk: &'a Conversation,
        journal: &Journal,
    ) -> Result<(Vec<(i64, &'a Message)>, Vec<Intent>), ImportError> {
        let guids: Vec<&str> = talk.messages.iter().map(|message| message.guid.as_str()).collect();
        let (there, noted) =
            (self.existing_rows("messages", &guids).await?, journal.noted("messages", &guids).await?);
        let may_say = |author: Member, id: &DiasporaId| {
            author.may_say(talk, id) && (before.is_ours() || author.person == account.person)
        };
        let is_theirs = |row: &ExistingRow, author: Member| {
            row.author == author.person || Some(row.author) == author.also
        };
        let (mut new, mut intents, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for message in &talk.messages {
            let guid = &message.guid;
            let noted = noted.get(guid.as_str()).copied();
            let problem = match (who(&message.author), there.get(guid.as_str())) {
                (None, _) => FindingCode::PersonUnknown,
                _ if !seen.insert(guid) => FindingCode::Duplicate,
                (Some(author), Some(row)) if is_theirs(row, author) => {
                    self.report.is_here(CountKind::Messages, noted);
                    if noted.is_none() {
                        intents.push(Intent::found("messages", guid));
                    }
                    continue;
                }
                (Some(_), Some(_)) => FindingCode::GuidTaken,
                (Some(_), None) if noted.is_some_and(|noted| noted.certain) => FindingCode::DeletedSince,
                (Some(author), None) if !may_say(author, &message.author) => FindingCode::Unsigned,
                (Some(author), None) => {
                    self.report.imported(CountKind::Messages);
                    intents.push(Intent::write("messages", guid));
                    new.push((author.person, message));
                    continue;
                }
            };
            self.report.left_out(CountKind::Messages, problem, guid);
        }
        Ok((new, intents))
    }
}
