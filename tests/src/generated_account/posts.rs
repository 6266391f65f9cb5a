//! Posts of the account with photos, polls, places, and the posts of others it speaks of.

use std::collections::BTreeSet;
use std::path::Path;

use super::pictures::pictures;
use super::writing::{KnownPost, Writing, images, optional};
use super::{Message, Photo, Post};
use crate::sample::SampleError;
use crate::sample::sheet::{Cell, Value, text};

impl Writing<'_> {
    /// Everybody has written a public post and a limited one, which the account may see.
    pub(super) fn add_foreign_posts(&mut self) -> Result<(), SampleError> {
        let people: Vec<i64> = self.people.iter().skip(1).map(|person| person.id).collect();
        for author in people {
            for public in [true, false] {
                let (guid, at) = self.next("post");
                let cells = [
                    ("author_id", Value::Number(author)),
                    ("guid", guid.clone().into()),
                    ("type", text("StatusMessage")),
                    ("text", text("somebody says something")),
                    ("public", Value::Flag(public)),
                ];
                let id = self.sheet.add("posts", at, cells)?;
                let known = KnownPost { id, guid, at, poll: None };
                if public {
                    self.public.push(known);
                } else {
                    let cells = [
                        ("shareable_id", Value::Number(id)),
                        ("shareable_type", text("Post")),
                        ("user_id", Value::Number(1)),
                    ];
                    self.sheet.add("share_visibilities", at, cells)?;
                    self.limited.push(known);
                }
            }
        }
        Ok(())
    }

    pub(super) fn add_posts(&mut self, uploads: &Path) -> Result<(), SampleError> {
        let folder = uploads.join("images");
        std::fs::create_dir_all(&folder)
            .map_err(|source| SampleError::File { path: folder.display().to_string(), source })?;
        let mut loose: Vec<String> = Vec::new();
        let life = self.life;
        // Photos outside posts come in between, as they do on a pod.
        let mut others = life.photos.iter();
        let mut reshared = BTreeSet::new();
        for post in &life.posts {
            match post {
                Post::Message(message) => self.add_message(message, &folder)?,
                Post::Reshare(root) => {
                    let root = root.filter(|_| !self.public.is_empty());
                    let root = root.map(|number| self.public[number % self.public.len()].guid.clone());
                    if root.as_ref().is_none_or(|root| reshared.insert(root.clone())) {
                        self.add_own(
                            "Reshare",
                            vec![("public", Value::Flag(true)), ("root_guid", root.into())],
                        )?;
                    }
                }
            }
            if let Some(photo) = others.next() {
                loose.push(self.add_photo(photo, None, photo.public, &folder)?.1);
            }
        }
        for photo in others {
            loose.push(self.add_photo(photo, None, photo.public, &folder)?.1);
        }
        if let Some(Ok(number)) = life.profile.picture
            && !loose.is_empty()
        {
            self.show_photo(&loose[number % loose.len()])?;
        }
        Ok(())
    }

    fn add_own(&mut self, class: &'static str, more: Vec<Cell>) -> Result<KnownPost, SampleError> {
        let (guid, at) = self.next("post");
        let cells = [("author_id", Value::Number(1)), ("guid", guid.clone().into()), ("type", text(class))];
        let id = self.sheet.add("posts", at, cells.into_iter().chain(more))?;
        let known = KnownPost { id, guid, at, poll: None };
        self.own.push(known.clone());
        Ok(known)
    }

    fn add_message(&mut self, message: &Message, folder: &Path) -> Result<(), SampleError> {
        let public = message.aspects.is_none();
        let cells = vec![
            ("public", Value::Flag(public)),
            ("text", self.words(&message.text).into()),
            ("provider_display_name", message.client.into()),
        ];
        let post = self.add_own("StatusMessage", cells)?;
        let mut shown = vec![("Post", post.id)];
        for photo in &message.photos {
            let (id, _) = self.add_photo(photo, Some(post.guid.clone()), public, folder)?;
            shown.push(("Photo", id));
        }
        for aspect in message.aspects.map(|bits| self.chosen(bits)).unwrap_or_default() {
            for (class, id) in &shown {
                let cells = [
                    ("shareable_id", Value::Number(*id)),
                    ("shareable_type", text(class)),
                    ("aspect_id", Value::Number(aspect)),
                ];
                self.sheet.add("aspect_visibilities", post.at, cells)?;
            }
        }
        if let Some((address, latitude, longitude)) = &message.place {
            let cells = [
                ("status_message_id", Value::Number(post.id)),
                ("address", optional(address.as_deref())),
                ("lat", text(latitude)),
                ("lng", text(longitude)),
            ];
            self.sheet.add("locations", post.at, cells)?;
        }
        if let Some((question, answers)) = &message.poll {
            self.add_poll(&post, question, answers)?;
        }
        Ok(())
    }

    fn add_poll(&mut self, post: &KnownPost, question: &str, answers: &[String]) -> Result<(), SampleError> {
        let (poll_guid, _) = self.next("poll");
        let cells = [
            ("status_message_id", Value::Number(post.id)),
            ("question", question.to_owned().into()),
            ("guid", poll_guid.clone().into()),
        ];
        let poll = self.sheet.add("polls", post.at, cells)?;
        let mut known = Vec::new();
        for answer in answers {
            let (answer_guid, _) = self.next("answer");
            let cells = [
                ("poll_id", Value::Number(poll)),
                ("answer", answer.clone().into()),
                ("guid", answer_guid.clone().into()),
            ];
            known.push((self.sheet.add("poll_answers", post.at, cells)?, answer_guid));
        }
        if let Some(last) = self.own.last_mut() {
            last.poll = Some(((poll, poll_guid), known));
        }
        Ok(())
    }

    fn add_photo(
        &mut self,
        photo: &Photo,
        post: Option<String>,
        public: bool,
        folder: &Path,
    ) -> Result<(i64, String), SampleError> {
        let (guid, at) = self.next("photo");
        let all = pictures();
        let (ending, width, height, bytes) = &all[photo.picture % all.len()];
        let stem: String = guid.chars().take(20).collect();
        let name = format!("{stem}.{ending}");
        if !photo.lost {
            let path = folder.join(&name);
            std::fs::write(&path, bytes)
                .map_err(|source| SampleError::File { path: path.display().to_string(), source })?;
        }
        let size = |size: u32| Value::from(photo.measured.then_some(i64::from(size)));
        let cells = [
            ("author_id", Value::Number(1)),
            ("guid", guid.into()),
            ("public", Value::Flag(public)),
            ("text", optional(photo.caption.as_deref())),
            ("remote_photo_path", images().into()),
            ("remote_photo_name", name.clone().into()),
            ("random_string", stem.into()),
            ("processed_image", name.clone().into()),
            ("unprocessed_image", name.clone().into()),
            ("status_message_guid", post.into()),
            ("width", size(*width)),
            ("height", size(*height)),
        ];
        Ok((self.sheet.add("photos", at, cells)?, name))
    }
}
