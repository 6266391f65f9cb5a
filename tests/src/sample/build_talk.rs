//! Rows of relayables with their signatures, subscriptions, conversations and reports.

use std::collections::BTreeMap;

use super::people::{OPENING, day};
use super::sheet::{Value, text};
use super::story::{KnownPost, Story};
use super::talk::{
    COMMENTS, CONVERSATIONS, Comment, Conversation, LIKE, LIKES, Like, ORDERS, REPORTS, SUBSCRIBERS, VOTE,
    VOTES,
};
use super::words::{expand, guid, wire_time};
use super::{SampleError, sign};

/// The values of a relayable by property, as the federation writes them.
type Properties = BTreeMap<&'static str, String>;

/// Who follows which post, how often they spoke there, and since when.
type Threads = BTreeMap<(&'static str, &'static str), (i64, i64)>;

impl Story {
    pub(super) fn add_talk(&mut self) -> Result<(), SampleError> {
        for order in ORDERS {
            self.sheet.add("signature_orders", OPENING, [("order", text(order))])?;
        }
        let mut threads = Threads::new();
        for (comment, offset) in COMMENTS.iter().zip((4000..).step_by(1811)) {
            let at = self.add_comment(comment, offset)?;
            self.follow(&mut threads, comment.author, comment.post, at)?;
        }
        for (like, offset) in LIKES.iter().zip((90_000..).step_by(907)) {
            let (post, at) = self.add_like(like, offset)?;
            self.follow(&mut threads, like.author, post, at)?;
        }
        for (vote, offset) in VOTES.iter().zip((150_000..).step_by(409)) {
            let at = self.add_vote(*vote, offset)?;
            self.follow(&mut threads, vote.0, vote.1, at)?;
        }
        for &(name, post) in SUBSCRIBERS {
            let at = self.post(post)?.at + 200_000;
            threads.insert((name, post), (1, at));
        }
        self.add_participations(&threads)?;
        for conversation in CONVERSATIONS {
            self.add_conversation(conversation)?;
        }
        self.add_reports()
    }

    fn add_comment(&mut self, comment: &'static Comment, offset: i64) -> Result<i64, SampleError> {
        let post = self.post(comment.post)?;
        let at = post.at + offset;
        let words = expand(comment.text);
        let comment_guid = guid("comment", comment.key);
        let cells = [
            ("text", words.clone().into()),
            ("commentable_id", Value::Number(post.id)),
            ("author_id", Value::Number(self.person(comment.author)?)),
            ("guid", comment_guid.clone().into()),
        ];
        let id = self.sheet.add("comments", at, cells)?;
        self.comments.insert(comment.key, super::story::KnownComment { id, post: comment.post });
        self.increase("posts", post.id, "comments_count");
        if let Some(known) = self.posts.get_mut(comment.post) {
            known.interacted_at = known.interacted_at.max(at);
        }
        let mut properties = self.properties(comment.author, comment_guid, guid("post", comment.post))?;
        properties.insert("text", words.clone());
        properties.insert("created_at", wire_time(at));
        properties.extend(comment.extra.iter().map(|(name, signed, _)| (*name, (*signed).to_owned())));
        let yaml: Vec<String> =
            comment.extra.iter().map(|(name, _, yaml)| format!("{name}: {yaml}\n")).collect();
        let extra = (!yaml.is_empty()).then(|| format!("---\n{}", yaml.concat()));
        let row = ("comment_signatures", "comment_id", id);
        self.add_signature(comment.author, &post, row, comment.order, &properties, extra)?;
        self.read_text("Comment", id, at, &words)?;
        self.tell("Notifications::CommentOnPost", comment.author, &post, id, at)?;
        Ok(at)
    }

    fn add_like(&mut self, like: &'static Like, offset: i64) -> Result<(&'static str, i64), SampleError> {
        let (kind, table, target, post_key) = if like.comment {
            let comment = self.comment(like.target)?;
            ("Comment", "comments", comment.id, comment.post)
        } else {
            ("Post", "posts", self.post(like.target)?.id, like.target)
        };
        let post = self.post(post_key)?;
        let at = post.at + offset;
        let like_guid = guid("like", &format!("{}:{}", like.author, like.target));
        let cells = [
            ("target_id", Value::Number(target)),
            ("target_type", text(kind)),
            ("author_id", Value::Number(self.person(like.author)?)),
            ("guid", like_guid.clone().into()),
        ];
        let id = self.sheet.add("likes", at, cells)?;
        self.increase(table, target, "likes_count");
        let parent = guid(if like.comment { "comment" } else { "post" }, like.target);
        let mut properties = self.properties(like.author, like_guid, parent)?;
        properties.insert("parent_type", kind.to_owned());
        properties.insert("positive", "true".to_owned());
        let row = ("like_signatures", "like_id", id);
        self.add_signature(like.author, &post, row, LIKE, &properties, None)?;
        if !like.comment {
            self.tell("Notifications::Liked", like.author, &post, id, at)?;
        }
        Ok((post_key, at))
    }

    fn add_vote(
        &mut self,
        (author, post_key, answer): (&'static str, &'static str, usize),
        offset: i64,
    ) -> Result<i64, SampleError> {
        let post = self.post(post_key)?;
        let missing = || super::story::missing("answer in the poll of", post_key);
        let poll = post.poll.clone().ok_or_else(missing)?;
        let (answer_id, answer_guid) = poll.answers.get(answer).cloned().ok_or_else(missing)?;
        let at = post.at + offset;
        let vote_guid = guid("vote", &format!("{author}:{post_key}"));
        let cells = [
            ("poll_id", Value::Number(poll.id)),
            ("poll_answer_id", Value::Number(answer_id)),
            ("author_id", Value::Number(self.person(author)?)),
            ("guid", vote_guid.clone().into()),
        ];
        let id = self.sheet.add("poll_participations", at, cells)?;
        self.increase("poll_answers", answer_id, "vote_count");
        let mut properties = self.properties(author, vote_guid, poll.guid)?;
        properties.insert("poll_answer_guid", answer_guid);
        let row = ("poll_participation_signatures", "poll_participation_id", id);
        self.add_signature(author, &post, row, VOTE, &properties, None)?;
        Ok(at)
    }

    /// What every relayable signs. The author signs under the name of that time.
    fn properties(&self, author: &str, guid: String, parent: String) -> Result<Properties, SampleError> {
        let handle = self.known_person(author)?.handle.clone();
        Ok(Properties::from([("author", handle), ("guid", guid), ("parent_guid", parent)]))
    }

    /// diaspora* keeps the signature when the post is from here and the relayable is not.
    fn add_signature(
        &mut self,
        author: &str,
        post: &KnownPost,
        (table, column, id): (&'static str, &'static str, i64),
        order: usize,
        properties: &Properties,
        extra: Option<String>,
    ) -> Result<(), SampleError> {
        if self.is_local(author) || !self.is_local(post.author) {
            return Ok(());
        }
        let names = ORDERS.get(order).copied().unwrap_or_default();
        let values: Vec<&str> =
            names.split(' ').map(|name| properties.get(name).map_or("", String::as_str)).collect();
        let signature = sign(self.known_person(author)?.keys.private, &values.join(";"))?;
        let cells = [
            (column, Value::Number(id)),
            ("author_signature", signature.into()),
            ("signature_order_id", i64::try_from(order + 1).ok().into()),
            ("additional_data", extra.into()),
        ];
        self.sheet.add(table, 0, cells)?;
        Ok(())
    }

    /// People here follow the posts of others on which they say something.
    fn follow(
        &self,
        threads: &mut Threads,
        author: &'static str,
        post: &'static str,
        at: i64,
    ) -> Result<(), SampleError> {
        if self.is_open(author) && self.post(post)?.author != author {
            let thread = threads.entry((author, post)).or_insert((0, at));
            *thread = (thread.0 + 1, thread.1.min(at));
        }
        Ok(())
    }

    fn add_participations(&mut self, threads: &Threads) -> Result<(), SampleError> {
        for (&(name, post), &(count, at)) in threads {
            let cells = [
                ("guid", guid("participation", &format!("{name}:{post}")).into()),
                ("target_id", Value::Number(self.post(post)?.id)),
                ("target_type", text("Post")),
                ("author_id", Value::Number(self.person(name)?)),
                ("count", Value::Number(count)),
            ];
            self.sheet.add("participations", at, cells)?;
        }
        Ok(())
    }

    fn tell(
        &mut self,
        kind: &'static str,
        author: &str,
        post: &KnownPost,
        id: i64,
        at: i64,
    ) -> Result<(), SampleError> {
        if !self.is_open(post.author) || author == post.author {
            return Ok(());
        }
        let actor = self.person(author)?;
        self.notify(post.author, (kind, "Post", post.id), &format!("{kind} {id}"), at, &[actor])
    }

    fn add_conversation(&mut self, conversation: &Conversation) -> Result<(), SampleError> {
        let at = day(300);
        let cells = [
            ("subject", conversation.subject.into()),
            ("guid", guid("conversation", conversation.key).into()),
            ("author_id", Value::Number(self.person(conversation.author)?)),
        ];
        let id = self.sheet.add("conversations", at, cells)?;
        for (name, unread) in conversation.people {
            let cells = [
                ("conversation_id", Value::Number(id)),
                ("person_id", Value::Number(self.person(name)?)),
                ("unread", Value::Number(*unread)),
            ];
            self.sheet.add("conversation_visibilities", at, cells)?;
        }
        for ((number, (author, words)), at) in
            conversation.messages.iter().enumerate().zip((at..).step_by(3001))
        {
            let cells = [
                ("conversation_id", Value::Number(id)),
                ("author_id", Value::Number(self.person(author)?)),
                ("guid", guid("message", &format!("{}:{number}", conversation.key)).into()),
                ("text", text(words)),
            ];
            self.sheet.add("messages", at, cells)?;
        }
        Ok(())
    }

    fn add_reports(&mut self) -> Result<(), SampleError> {
        for &(reporter, kind, target, reason) in REPORTS {
            let item = if kind == "Post" { self.post(target)?.id } else { self.comment(target)?.id };
            let cells = [
                ("user_id", Value::Number(self.user(reporter)?)),
                ("item_id", Value::Number(item)),
                ("item_type", text(kind)),
                ("text", text(reason)),
            ];
            self.sheet.add("reports", day(400), cells)?;
        }
        Ok(())
    }
}
