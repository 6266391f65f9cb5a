//! Posts and what hangs on them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Check, texts};
use crate::rows::{Record, flag, number, text};

impl Check<'_> {
    pub(super) fn posts(&mut self) {
        let by_guid = self.rows.by("posts", "guid");
        let tagged = self.tagged();
        let owners = self.owners();
        for post in self.rows.of("posts") {
            if text(post, "type") == "Reshare" {
                self.reshare(post, &by_guid);
            }
            let fits = text(post, "interacted_at") >= text(post, "created_at");
            self.must(fits, "posts", post, "it was talked about before it was there");
            if text(post, "type") == "StatusMessage" && owners.contains_key(&number(post, "author_id")) {
                self.tags("posts", "Post", post, &tagged);
            }
        }
        for comment in self.rows.of("comments") {
            self.tags("comments", "Comment", comment, &tagged);
        }
        for tag in self.rows.of("tags") {
            let name = text(tag, "name");
            self.must(name == name.to_lowercase(), "tags", tag, "it is not in lower case");
            let fits = texts::tags(&format!("#{name}")).contains(name);
            self.must(fits, "tags", tag, "it holds what no tag holds");
        }
        for tagging in self.rows.of("taggings") {
            self.must(!tagging.contains_key("tagger_id"), "taggings", tagging, "somebody tags");
        }
        self.mentions();
        self.audiences();
        self.polls();
    }

    fn reshare(&mut self, post: &Record, by_guid: &HashMap<&str, &Record>) {
        self.must(flag(post, "public"), "posts", post, "a reshare is limited");
        self.must(!post.contains_key("text"), "posts", post, "a reshare has words of its own");
        let root = post.get("root_guid");
        self.must(root != post.get("guid"), "posts", post, "it reshares itself");
        let root = root.and_then(|root| by_guid.get(root.as_str()));
        let public = root.is_none_or(|root| flag(root, "public"));
        self.must(public, "posts", post, "it reshares a limited post");
    }

    /// Names of the tags on everything, by class and number.
    fn tagged(&self) -> HashMap<(String, i64), BTreeSet<String>> {
        let names = self.by_id("tags");
        let mut tagged: HashMap<(String, i64), BTreeSet<String>> = HashMap::new();
        for tagging in self.rows.of("taggings") {
            let record = (text(tagging, "taggable_type").to_owned(), number(tagging, "taggable_id"));
            if let Some(tag) = names.get(&number(tagging, "tag_id")) {
                tagged.entry(record).or_default().insert(text(tag, "name").to_owned());
            }
        }
        tagged
    }

    fn tags(
        &mut self,
        table: &str,
        class: &str,
        record: &Record,
        tagged: &HashMap<(String, i64), BTreeSet<String>>,
    ) {
        let there = tagged.get(&(class.to_owned(), number(record, "id"))).cloned().unwrap_or_default();
        let wanted = texts::tags(text(record, "text"));
        self.must(there == wanted, table, record, &format!("tagged {there:?}, not {wanted:?}"));
    }

    fn mentions(&mut self) {
        let people = self.by_id("people");
        for mention in self.rows.of("mentions") {
            let table = if text(mention, "mentions_container_type") == "Post" { "posts" } else { "comments" };
            let records = self.by_id(table);
            let Some(record) = records.get(&number(mention, "mentions_container_id")) else { continue };
            let named = texts::mentions(text(record, "text"));
            let person = people.get(&number(mention, "person_id"));
            let mut fits = person.is_some_and(|person| named.contains(text(person, "diaspora_handle")));
            // Whoever has moved is still called by the old name.
            for step in self.rows.of("account_migrations") {
                let old = people.get(&number(step, "old_person_id"));
                fits |= text(step, "new_person_id") == text(mention, "person_id")
                    && old.is_some_and(|old| named.contains(text(old, "diaspora_handle")));
            }
            self.must(fits, "mentions", mention, "nobody mentions them");
        }
    }

    /// Limited posts are shown to aspects of their authors; public ones need no visibility.
    fn audiences(&mut self) {
        let owners = self.owners();
        let aspects = self.by_id("aspects");
        let tables: BTreeMap<&str, BTreeMap<i64, &Record>> =
            [("Post", self.by_id("posts")), ("Photo", self.by_id("photos"))].into();
        let shared = |record: &Record| {
            tables.get(text(record, "shareable_type"))?.get(&number(record, "shareable_id")).copied()
        };
        for visibility in self.rows.of("aspect_visibilities") {
            let owner = shared(visibility).and_then(|record| owners.get(&number(record, "author_id")));
            let user = aspects.get(&number(visibility, "aspect_id")).map(|aspect| number(aspect, "user_id"));
            let own = owner.is_some() && owner.copied() == user;
            self.must(own, "aspect_visibilities", visibility, "the aspect is somebody else's");
        }
        for visibility in self.rows.of("share_visibilities") {
            let limited = shared(visibility).is_some_and(|record| !flag(record, "public"));
            self.must(limited, "share_visibilities", visibility, "everybody can see it anyway");
        }
    }

    fn polls(&mut self) {
        let posts = self.by_id("posts");
        let answers = self.by_id("poll_answers");
        for poll in self.rows.of("polls") {
            let there = answers.values().filter(|answer| text(answer, "poll_id") == text(poll, "id")).count();
            self.must(there >= 2, "polls", poll, "there is nothing to choose");
            let post = posts.get(&number(poll, "status_message_id"));
            let fits = post.is_some_and(|post| text(post, "type") == "StatusMessage");
            self.must(fits, "polls", poll, "it hangs on a reshare");
        }
        let mut seen = HashSet::new();
        for vote in self.rows.of("poll_participations") {
            let answer = answers.get(&number(vote, "poll_answer_id"));
            let fits = answer.is_some_and(|answer| text(answer, "poll_id") == text(vote, "poll_id"));
            self.must(fits, "poll_participations", vote, "the answer is of another poll");
            let first = seen.insert((text(vote, "poll_id"), text(vote, "author_id")));
            self.must(first, "poll_participations", vote, "somebody votes twice");
        }
    }
}
