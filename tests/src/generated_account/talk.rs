//! Comments, likes, votes with their signatures; subscriptions, hidden posts, conversations.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::writing::{Known, KnownPost, Writing};
use super::{Comment, Talk, Under, Who};
use crate::sample::sheet::{Value, text};
use crate::sample::{SampleError, sign};

/// Names and values that are signed, in order.
type Signed = Vec<(&'static str, Option<String>)>;

impl Writing<'_> {
    pub(super) fn add_talk(&mut self) -> Result<(), SampleError> {
        let life = self.life;
        let mut liked = BTreeSet::new();
        for comment in &life.comments {
            self.add_comment(comment, &mut liked)?;
        }
        for (under, who) in &life.likes {
            let Some(post) = self.post(*under) else { continue };
            self.add_like("Post", post.id, &post.guid, *under, *who, &mut liked)?;
        }
        let mut voted = BTreeSet::new();
        for (number, who, answer) in &life.votes {
            self.add_vote(*number, *who, *answer, &mut voted)?;
        }
        let mut subscribed = BTreeSet::new();
        for under in &life.subscriptions {
            let Some(post) = self.post(*under) else { continue };
            if subscribed.insert(post.id) {
                let (guid, at) = self.next("participation");
                let cells = [
                    ("target_id", Value::Number(post.id)),
                    ("target_type", text("Post")),
                    ("author_id", Value::Number(1)),
                    ("guid", guid.into()),
                ];
                self.sheet.add("participations", at, cells)?;
            }
        }
        let hidden: BTreeSet<i64> =
            life.hidden.iter().filter_map(|under| self.post(*under)).map(|post| post.id).collect();
        if !hidden.is_empty() {
            let yaml =
                hidden.iter().fold("---\nPost:\n".to_owned(), |yaml, id| yaml + &format!("- '{id}'\n"));
            self.sheet.set("users", 1, "hidden_shareables", yaml.into())?;
        }
        for talk in &life.talks {
            self.add_conversation(talk)?;
        }
        Ok(())
    }

    fn add_comment(
        &mut self,
        comment: &Comment,
        liked: &mut BTreeSet<(&'static str, i64, i64)>,
    ) -> Result<(), SampleError> {
        // What others say elsewhere is not the account's.
        let under = match (comment.under, comment.author) {
            (Under::Public(number) | Under::Limited(number), Who::Other(..)) => Under::Own(number),
            (under, _) => under,
        };
        let (Some(post), Some((author, name))) = (self.post(under), self.who(comment.author)) else {
            return Ok(());
        };
        let (author, name) = (author.clone(), name.clone());
        let (guid, at) = self.next("comment");
        let words = self.words(&comment.text);
        let cells = [
            ("author_id", Value::Number(author.id)),
            ("commentable_id", Value::Number(post.id)),
            ("commentable_type", text("Post")),
            ("guid", guid.clone().into()),
            ("text", words.clone().into()),
        ];
        let id = self.sheet.add("comments", at, cells)?;
        let mut signed = base(&name, &guid, &post.guid);
        signed.push(("text", Some(words)));
        signed.push(("created_at", Some(wire(at))));
        let mut yaml = String::new();
        if comment.edited {
            signed.push(("edited_at", Some(wire(at + 60))));
            yaml = format!("edited_at: {}.000000000 Z\n", stored(at + 60));
        }
        for (name, value) in &comment.extra {
            signed.push((name, value.clone()));
            if let Some(value) = value {
                _ = writeln!(yaml, "{name}: {}", quoted(value));
            }
        }
        let turn = comment.turn % signed.len();
        signed.rotate_left(turn);
        self.add_signature(("comment_signatures", "comment_id", id), under, &author, &name, &signed, &yaml)?;
        for who in &comment.likes {
            self.add_like("Comment", id, &guid, under, *who, liked)?;
        }
        Ok(())
    }

    fn add_like(
        &mut self,
        class: &'static str,
        target: i64,
        target_guid: &str,
        under: Under,
        who: Who,
        liked: &mut BTreeSet<(&'static str, i64, i64)>,
    ) -> Result<(), SampleError> {
        let Some((author, name)) = self.who(who) else { return Ok(()) };
        let (author, name) = (author.clone(), name.clone());
        if !liked.insert((class, target, author.id)) {
            return Ok(());
        }
        let (guid, at) = self.next("like");
        let cells = [
            ("author_id", Value::Number(author.id)),
            ("target_id", Value::Number(target)),
            ("target_type", text(class)),
            ("guid", guid.clone().into()),
        ];
        let id = self.sheet.add("likes", at, cells)?;
        let mut signed = base(&name, &guid, target_guid);
        signed.push(("parent_type", Some(class.to_owned())));
        signed.push(("positive", Some("true".to_owned())));
        self.add_signature(("like_signatures", "like_id", id), under, &author, &name, &signed, "")
    }

    fn add_vote(
        &mut self,
        number: usize,
        who: Who,
        answer: usize,
        voted: &mut BTreeSet<(i64, i64)>,
    ) -> Result<(), SampleError> {
        let polls: Vec<KnownPost> = self.own.iter().filter(|post| post.poll.is_some()).cloned().collect();
        let Some(post) = polls.get(number % polls.len().max(1)) else { return Ok(()) };
        let (Some(((poll, poll_guid), answers)), Some((author, name))) = (&post.poll, self.who(who)) else {
            return Ok(());
        };
        let (author, name) = (author.clone(), name.clone());
        let (answer_id, answer_guid) = &answers[answer % answers.len()];
        if !voted.insert((*poll, author.id)) {
            return Ok(());
        }
        let (guid, at) = self.next("vote");
        let cells = [
            ("author_id", Value::Number(author.id)),
            ("poll_id", Value::Number(*poll)),
            ("poll_answer_id", Value::Number(*answer_id)),
            ("guid", guid.clone().into()),
        ];
        let id = self.sheet.add("poll_participations", at, cells)?;
        let mut signed = base(&name, &guid, poll_guid);
        signed.push(("poll_answer_guid", Some(answer_guid.clone())));
        let row = ("poll_participation_signatures", "poll_participation_id", id);
        self.add_signature(row, Under::Own(0), &author, &name, &signed, "")
    }

    /// The pod keeps signatures of people from elsewhere under posts of its own people.
    fn add_signature(
        &mut self,
        (table, column, id): (&'static str, &'static str, i64),
        under: Under,
        author: &Known,
        name: &Known,
        signed: &Signed,
        yaml: &str,
    ) -> Result<(), SampleError> {
        if author.local || !matches!(under, Under::Own(_)) {
            return Ok(());
        }
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let order = self.order(names.join(" "))?;
        let values: Vec<&str> =
            signed.iter().map(|(_, value)| value.as_deref().unwrap_or_default()).collect();
        let cells = [
            (column, Value::Number(id)),
            ("author_signature", sign(name.keys.private, &values.join(";"))?.into()),
            ("signature_order_id", Value::Number(order)),
            ("additional_data", (!yaml.is_empty()).then(|| format!("---\n{yaml}")).into()),
        ];
        self.sheet.add(table, 0, cells).map(drop)
    }

    fn order(&mut self, names: String) -> Result<i64, SampleError> {
        if let Some(id) = self.orders.get(&names) {
            return Ok(*id);
        }
        let id = self.sheet.add("signature_orders", 0, [("order", names.clone().into())])?;
        self.orders.insert(names, id);
        Ok(id)
    }

    fn add_conversation(&mut self, talk: &Talk) -> Result<(), SampleError> {
        let mut members: Vec<i64> = vec![1];
        let author = self.who(talk.author).map_or(1, |(author, _)| author.id);
        let others = talk.people.iter().filter_map(|number| self.person(*number)).map(|person| person.id);
        for id in std::iter::once(author).chain(others) {
            if !members.contains(&id) {
                members.push(id);
            }
        }
        let (talk_guid, at) = self.next("conversation");
        let cells = [
            ("author_id", Value::Number(author)),
            ("guid", talk_guid.into()),
            ("subject", talk.subject.clone().into()),
        ];
        let id = self.sheet.add("conversations", at, cells)?;
        for member in &members {
            let unread = if *member == 1 { talk.unread.min(talk.messages.len()) } else { 0 };
            let cells = [
                ("conversation_id", Value::Number(id)),
                ("person_id", Value::Number(*member)),
                ("unread", i64::try_from(unread).ok().into()),
            ];
            self.sheet.add("conversation_visibilities", at, cells)?;
        }
        for (number, words) in &talk.messages {
            let (guid, at) = self.next("message");
            let cells = [
                ("conversation_id", Value::Number(id)),
                ("author_id", Value::Number(members[number % members.len()])),
                ("guid", guid.into()),
                ("text", words.clone().into()),
            ];
            self.sheet.add("messages", at, cells)?;
        }
        Ok(())
    }
}

fn base(author: &Known, guid: &str, parent: &str) -> Signed {
    vec![
        ("author", Some(author.handle.clone())),
        ("guid", Some(guid.to_owned())),
        ("parent_guid", Some(parent.to_owned())),
    ]
}

fn time(seconds: i64, format: &str) -> String {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().format(format).to_string()
}

/// As the federation writes a time.
fn wire(seconds: i64) -> String {
    time(seconds, "%Y-%m-%dT%H:%M:%SZ")
}

/// As Ruby's YAML writes a time.
fn stored(seconds: i64) -> String {
    time(seconds, "%Y-%m-%d %H:%M:%S")
}

/// As Ruby's YAML writes a text it is not sure of.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            ' '..='\u{7E}' | '\u{A1}'..='\u{167F}' | '\u{3040}'..='\u{D7FF}' => text.push(c),
            c => _ = write!(text, "\\U{:08X}", u32::from(c)),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_ruby_quotes_them() {
        assert_eq!(quoted("a\"\\\u{85}ü🎉"), "\"a\\\"\\\\\\U00000085ü\\U0001F389\"");
    }
}
