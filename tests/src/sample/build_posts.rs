//! Rows of posts with their polls, places and visibilities.

use super::SampleError;
use super::circles::CIRCLES;
use super::people::{OPENING, day};
use super::posts::{Audience, POSTS, Post, What};
use super::sheet::{Value, text};
use super::story::{KnownPoll, KnownPost, Story};
use super::words::{expand, guid};

impl Story {
    pub(super) fn add_posts(&mut self) -> Result<(), SampleError> {
        let (page, video) = self.add_caches()?;
        for (post, offset) in POSTS.iter().zip((0..).step_by(617)) {
            self.add_post(post, day(post.day) + offset)?;
        }
        // Texts come second, because a text may link to a later post.
        for post in POSTS {
            let known = self.post(post.key)?;
            if let What::Says(words) = post.what {
                self.read_text("Post", known.id, known.at, &expand(words))?;
            }
        }
        let goodbye = self.post("ida-goodbye")?.id;
        self.sheet.set("posts", goodbye, "open_graph_cache_id", Value::Number(page))?;
        let app = self.post("ida-mentions")?.id;
        self.sheet.set("posts", app, "o_embed_cache_id", Value::Number(video))?;
        // Rails writes ids as strings here; `toggle_hidden_shareable` made them so.
        let hidden = format!(
            "---\nPost:\n- '{}'\n- '{}'\n",
            self.post("theo-article")?.id,
            self.post("greta-welcome")?.id
        );
        self.set_user("ida", "hidden_shareables", hidden.into())
    }

    fn add_caches(&mut self) -> Result<(i64, i64), SampleError> {
        let page = self.sheet.add(
            "open_graph_caches",
            OPENING,
            [
                ("title", text("A page about diaspora*")),
                ("ob_type", text("website")),
                ("url", text("https://diasporafoundation.org/")),
                ("description", text("Invented description")),
            ],
        )?;
        let video = self.sheet.add(
            "o_embed_caches",
            OPENING,
            [
                ("url", text("https://video.example/watch/1")),
                ("data", text("---\ntype: video\nversion: '1.0'\ntitle: Invented\n")),
            ],
        )?;
        Ok((page, video))
    }

    fn add_post(&mut self, post: &'static Post, at: i64) -> Result<(), SampleError> {
        let (kind, words, root) = match post.what {
            What::Says(words) => ("StatusMessage", Some(expand(words)), None),
            What::Reshares(key) => ("Reshare", None, Some(key)),
            What::ResharesNothing => ("Reshare", None, None),
        };
        let cells = [
            ("author_id", Value::Number(self.person(post.author)?)),
            ("guid", guid("post", post.key).into()),
            ("type", text(kind)),
            ("text", words.into()),
            ("public", Value::Flag(matches!(post.audience, Audience::Everybody))),
            ("root_guid", root.map(|key| guid("post", key)).into()),
            ("provider_display_name", post.app.into()),
        ];
        let id = self.sheet.add("posts", at, cells)?;
        if let Some(key) = root {
            let root = self.post(key)?.id;
            self.increase("posts", root, "reshares_count");
        }
        if let Some((address, latitude, longitude)) = post.place {
            let cells = [
                ("address", text(address)),
                ("lat", text(latitude)),
                ("lng", text(longitude)),
                ("status_message_id", Value::Number(id)),
            ];
            self.sheet.add("locations", at, cells)?;
        }
        let poll = post.poll.map(|(question, answers)| self.add_poll(post.key, id, at, question, answers));
        let known = KnownPost { id, author: post.author, at, interacted_at: at, poll: poll.transpose()? };
        self.posts.insert(post.key, known);
        self.show(post, "Post", id)
    }

    fn add_poll(
        &mut self,
        key: &str,
        post: i64,
        at: i64,
        question: &'static str,
        answers: &[&'static str],
    ) -> Result<KnownPoll, SampleError> {
        let poll_guid = guid("poll", key);
        let cells = [
            ("question", text(question)),
            ("status_message_id", Value::Number(post)),
            ("guid", poll_guid.clone().into()),
        ];
        let id = self.sheet.add("polls", at, cells)?;
        let mut known = Vec::new();
        for (number, answer) in answers.iter().enumerate() {
            let answer_guid = guid("answer", &format!("{key}:{number}"));
            let cells = [
                ("answer", text(answer)),
                ("poll_id", Value::Number(id)),
                ("guid", answer_guid.clone().into()),
            ];
            known.push((self.sheet.add("poll_answers", at, cells)?, answer_guid));
        }
        Ok(KnownPoll { id, guid: poll_guid, answers: known })
    }

    /// Shows a limited post, or a photo in it, to its aspects and to the people here in them.
    pub(super) fn show(&mut self, post: &Post, kind: &'static str, id: i64) -> Result<(), SampleError> {
        let seen_by: Vec<&str> = match post.audience {
            Audience::Everybody => return Ok(()),
            Audience::Received(people) => people.to_vec(),
            Audience::Aspects(aspects) => {
                for name in aspects {
                    let cells = [
                        ("shareable_id", Value::Number(id)),
                        ("shareable_type", text(kind)),
                        ("aspect_id", Value::Number(self.aspect(post.author, name)?)),
                    ];
                    self.sheet.add("aspect_visibilities", post.day, cells)?;
                }
                let mine = CIRCLES.iter().filter(|contact| contact.owner == post.author);
                mine.filter(|contact| contact.aspects.iter().any(|name| aspects.contains(name)))
                    .map(|contact| contact.person)
                    .collect()
            }
        };
        for name in seen_by {
            if !self.is_open(name) {
                continue;
            }
            let cells = [
                ("shareable_id", Value::Number(id)),
                ("shareable_type", text(kind)),
                ("user_id", Value::Number(self.user(name)?)),
            ];
            self.sheet.add("share_visibilities", post.day, cells)?;
        }
        Ok(())
    }
}
