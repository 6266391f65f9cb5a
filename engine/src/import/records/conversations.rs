//! Conversations.

use std::collections::{HashMap, HashSet};

use crate::domain::{Conversation, CountKind, DiasporaId, Message};
use crate::import::ImportError;
use crate::import::journal::notes::{Intent, Journal, Noted, kinds};
use crate::import::records::counters::list;
use crate::import::report::FindingCode;
use crate::import::scan::people::People;
use crate::import::target::{ExistingRow, NewAccount, Target};
use crate::pod::database::{Cell as _, OnConflict};

/// A person in a conversation.
#[derive(Clone, Copy)]
pub(in crate::import) struct Member {
    pub(in crate::import) person: i64,
    /// The person's own row here, if imported but not announced yet.
    also: Option<i64>,
    /// True if the person belongs to the target pod.
    local: bool,
    /// True if the archive vouches for them.
    pub(in crate::import) is_vouched_for: bool,
    /// True if they belong to the target pod and ignore the account.
    ignores: bool,
}

impl Member {
    /// Returns whether the archive proves that they wrote this: messages carry no signature.
    pub(in crate::import) fn may_say(self, talk: &Conversation, id: &DiasporaId) -> bool {
        // Authors who have deleted the conversation or closed the account since are no longer participants.
        self.is_vouched_for && (talk.participants.contains(id) || talk.author == *id)
    }
}

/// An existing conversation.
struct KnownConversation {
    id: i64,
    /// True if the account takes part, under its new name or its old one.
    takes_part: bool,
    /// True if it takes part under its new name.
    is_shown: bool,
    /// True if somebody of this pod who takes part ignores the account.
    is_ignored: bool,
}

/// The state of a conversation before its import.
struct Before<'a> {
    known: Option<KnownConversation>,
    /// The journal's entry for the conversation.
    noted: Option<Noted>,
    /// The journal's entries for people's visibilities of conversations.
    places: &'a HashMap<String, Noted>,
    /// The account's ID in the archive.
    old: &'a DiasporaId,
    /// True for its first part; a long one is imported in several.
    begins: bool,
}

impl Before<'_> {
    /// Returns whether this import created the conversation, or is creating it.
    fn is_ours(&self) -> bool {
        self.known.is_none() || self.noted.is_some_and(|noted| !noted.was_here())
    }

    fn place(&self, talk: &Conversation, person: &DiasporaId) -> Option<Noted> {
        self.places.get(&place_of(talk, person)).copied()
    }

    /// Returns whether the user has deleted it since.
    fn is_deleted(&self, talk: &Conversation) -> bool {
        let certain = |noted: Option<Noted>| noted.is_some_and(|noted| noted.certain);
        let place = self.place(talk, self.old);
        match &self.known {
            None => certain(self.noted) || certain(place),
            Some(known) => !known.is_shown && certain(place),
        }
    }

    /// Returns the people to be added as participants, and the notes on them.
    ///
    /// Nothing in an archive proves that the others took part. People of this pod would find the conversation among
    /// their own, so they get it only from an archive that a trusted pod has signed, and not if they ignore the
    /// account. The participants of a conversation that existed before stay the same: only the account itself is
    /// added.
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

/// Returns the journal's name for a person's visibility of a conversation.
fn place_of(talk: &Conversation, person: &DiasporaId) -> String {
    format!("{} {person}", talk.guid)
}

impl Target {
    /// Imports private conversations with their messages, as far as the people are known.
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
                // Messages of this pod's people exist here, except those from before their own move from the old pod.
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

    /// Returns whether a record is the first one of its conversation, or continues one whose beginning is missing.
    fn begins(&mut self, talk: &Conversation) -> bool {
        let before = self.last_conversation.replace(talk.guid.clone());
        !talk.continued || before.as_ref() != Some(&talk.guid)
    }

    /// Reports a conversation that the user has deleted. No more messages are added to it, either.
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
        let ignoring: Vec<i64> = account.ignored_by.values().copied().chain([-1]).collect();
        let is_one_of = |people: &str| format!("COUNT(CASE WHEN v.person_id IN ({people}) THEN 1 END)");
        let sql = format!(
            "SELECT c.guid, c.id, {}, {}, {} FROM conversations c \
             LEFT JOIN conversation_visibilities v ON v.conversation_id = c.id WHERE c.guid IN ({{}}) \
             GROUP BY c.guid, c.id",
            is_one_of(&list(&[new, old])),
            is_one_of(&list(&[new])),
            is_one_of(&list(&ignoring))
        );
        let rows = self.pod.rows_in("conversations", &sql, guids).await?;
        let read = |row: &crate::pod::database::Row| {
            let (takes_part, is_shown) = (row.integer(2)? > 0, row.integer(3)? > 0);
            let is_ignored = row.integer(4)? > 0;
            Some((row.text(0)?, KnownConversation { id: row.integer(1)?, takes_part, is_shown, is_ignored }))
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
            None if is_own => self.touch_conversation(id, &talk).await?,
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

    /// Counts the messages of a conversation; returns the new ones with their authors' rows, and the notes on them.
    ///
    /// Messages carry no signature: the archive vouches for what the account wrote, and a trusted pod for what its
    /// people received from elsewhere. What others wrote in a conversation that existed before exists already.
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
                _ if before.known.as_ref().is_some_and(|known| known.is_ignored) => {
                    FindingCode::AuthorIgnored
                }
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
