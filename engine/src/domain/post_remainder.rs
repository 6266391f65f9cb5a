//! Parts of a post that diaspora*'s own importer rejects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entity, Guid, Location, OwnPost, Poll, Post, RecordKind};

/// The longest text that the network accepts, in characters.
const MAX_TEXT_CHARS: usize = 65_535;
/// The longest question or answer of a poll, in characters.
const MAX_POLL_TEXT_CHARS: usize = 255;
/// The fewest answers of a poll.
const MIN_ANSWERS: usize = 2;

/// Parts of a post that `diaspora.json` omits because an import into a stock pod would abort there.
///
/// The rules are those of the `diaspora_federation` library (`lib/diaspora_federation/validators`, `Reshare`): its
/// `ValidationError` is not among the errors that diaspora* 0.9.1 tolerates in a record
/// (`ArchiveImporter::EntityImporter`). diaspora*'s models allow none of this either, but databases are older than
/// models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostRemainder {
    /// GUID of the post.
    pub guid: Guid,
    /// The whole text, if longer than 65,535 characters; the document contains its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The location, if it lacks a coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Entity<Location>>,
    /// The poll, if it has fewer than two answers, or a question or an answer that is empty or longer than 255
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Entity<Poll>>,
    /// GUID of a reshare's original, if its author is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_guid: Option<Guid>,
}

impl PostRemainder {
    /// Removes from a post the parts that a stock pod rejects; returns `None` when it accepts everything.
    pub fn take_from(own_post: &mut OwnPost) -> Option<Self> {
        let guid = own_post.post.guid().clone();
        let mut remainder = Self { guid, text: None, location: None, poll: None, root_guid: None };
        match &mut own_post.post {
            Post::StatusMessage(message) => {
                remainder.location = message.location.take_if(|Entity(location)| !has_coordinates(location));
                remainder.poll = message.poll.take_if(|Entity(poll)| !is_valid_poll(poll));
                if let Some((end, _)) = message.text.char_indices().nth(MAX_TEXT_CHARS) {
                    let beginning = message.text.get(..end).unwrap_or_default().to_owned();
                    remainder.text = Some(std::mem::replace(&mut message.text, beginning));
                }
            }
            Post::Reshare(reshare) if reshare.root_author.is_none() => {
                remainder.root_guid = reshare.root_guid.take();
            }
            Post::Reshare(_) => {}
        }
        (!remainder.reasons().is_empty()).then_some(remainder)
    }

    /// Returns each part's kind of record, its GUID, and the reason the document omits it.
    pub fn reasons(&self) -> Vec<(RecordKind, &Guid, &'static str)> {
        let mut reasons = Vec::new();
        if self.text.is_some() {
            let reason = "its text is longer than the 65,535 characters that stock pods accept; diaspora.json contains \
                          the beginning, extras.json the whole text";
            reasons.push((RecordKind::Post, &self.guid, reason));
        }
        if self.location.is_some() {
            let reason = "a stock pod's import stops at a location without coordinates, so it is in extras.json \
                          instead";
            reasons.push((RecordKind::Post, &self.guid, reason));
        }
        if let Some(Entity(poll)) = &self.poll {
            let reason = "a stock pod's import stops at a poll without a question, with fewer than two answers, or \
                          with texts that are empty or longer than 255 characters, so it is in extras.json instead";
            reasons.push((RecordKind::Poll, &poll.guid, reason));
        }
        if self.root_guid.is_some() {
            let reason = "a stock pod's import stops at a reshare whose original has no author, so the reference to \
                          the original is in extras.json instead";
            reasons.push((RecordKind::Post, &self.guid, reason));
        }
        reasons
    }

    /// Restores each part that the post lacks.
    pub fn put_back(self, own_post: &mut OwnPost) {
        match &mut own_post.post {
            Post::StatusMessage(message) => {
                message.location = message.location.take().or(self.location);
                message.poll = message.poll.take().or(self.poll);
                if let Some(text) = self.text.filter(|text| text.starts_with(&message.text)) {
                    message.text = text;
                }
            }
            Post::Reshare(reshare) => reshare.root_guid = reshare.root_guid.take().or(self.root_guid),
        }
    }
}

fn has_coordinates(location: &Location) -> bool {
    !location.lat.is_empty() && !location.lng.is_empty()
}

fn is_valid_poll(poll: &Poll) -> bool {
    let is_valid_text = |text: &str| !text.is_empty() && text.chars().nth(MAX_POLL_TEXT_CHARS).is_none();
    is_valid_text(&poll.question)
        && poll.poll_answers.len() >= MIN_ANSWERS
        && poll.poll_answers.iter().all(|Entity(answer)| is_valid_text(&answer.answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn message(fields: &Value) -> OwnPost {
        let mut data = json!({
            "author": "a@pod.example", "guid": "0123456789abcdef", "created_at": "2026-11-22T06:13:34Z",
            "public": true, "text": "x", "photos": [],
        });
        data.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let post =
            json!({ "subscribed_pods_uris": [], "entity_type": "status_message", "entity_data": data });
        serde_json::from_value(post).unwrap()
    }

    fn poll(question: &str, answers: &[&str]) -> Value {
        let answers: Vec<Value> = answers
            .iter()
            .enumerate()
            .map(|(n, text)| {
                let data = json!({ "guid": format!("answeransweran{n:02}"), "answer": text });
                json!({ "entity_type": "poll_answer", "entity_data": data })
            })
            .collect();
        let data = json!({ "guid": "pollpollpollpoll", "question": question, "poll_answers": answers });
        json!({ "poll": { "entity_type": "poll", "entity_data": data } })
    }

    fn location(lat: &str, lng: &str) -> Value {
        let data = json!({ "address": "Here", "lat": lat, "lng": lng });
        json!({ "location": { "entity_type": "location", "entity_data": data } })
    }

    fn reshare(fields: &Value) -> OwnPost {
        let mut data = json!({
            "author": "a@pod.example", "guid": "0123456789abcdef", "created_at": "2026-11-22T06:13:34Z",
        });
        data.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let post = json!({ "subscribed_pods_uris": [], "entity_type": "reshare", "entity_data": data });
        serde_json::from_value(post).unwrap()
    }

    #[test]
    fn parts_that_stock_pods_reject_are_removed_and_restored() {
        let long = "ü".repeat(256);
        let text = json!({ "text": "ü".repeat(70_000) });
        for original in [
            message(&location("", "8.5")),
            message(&location("47.3", "")),
            message(&poll("?", &[])),
            message(&poll("?", &["one"])),
            message(&poll("", &["one", "two"])),
            message(&poll(&long, &["one", "two"])),
            message(&poll("?", &["one", ""])),
            message(&poll("?", &[&long, "two"])),
            message(&text),
            reshare(&json!({ "root_guid": "fedcba9876543210" })),
        ] {
            let mut own_post = original.clone();
            let remainder = PostRemainder::take_from(&mut own_post).unwrap();
            assert_ne!(own_post, original);
            assert_eq!((remainder.reasons().len(), PostRemainder::take_from(&mut own_post)), (1, None));
            if let Post::StatusMessage(message) = &own_post.post {
                assert!(message.text.chars().count() <= MAX_TEXT_CHARS);
            }
            remainder.put_back(&mut own_post);
            assert_eq!(own_post, original);
        }
    }

    #[test]
    fn parts_that_stock_pods_accept_stay() {
        let root = json!({ "root_guid": "fedcba9876543210", "root_author": "b@pod.example" });
        for original in [
            message(&json!({})),
            message(&location("0", "0")),
            message(&poll("?", &["one", "two"])),
            message(&poll(&"ü".repeat(255), &["one", " ", "three"])),
            message(&json!({ "text": "ü".repeat(MAX_TEXT_CHARS) })),
            reshare(&root),
            reshare(&json!({})),
        ] {
            let mut own_post = original.clone();
            assert_eq!(PostRemainder::take_from(&mut own_post), None);
            assert_eq!(own_post, original);
        }
    }

    #[test]
    fn values_in_the_document_take_precedence() {
        let mut own_post = message(&location("1", "2"));
        let mut other = message(&location("", "2"));
        let mut remainder = PostRemainder::take_from(&mut other).unwrap();
        remainder.text = Some("something else".to_owned());
        let before = own_post.clone();
        remainder.put_back(&mut own_post);
        assert_eq!(own_post, before);
    }
}
