//! The sample pod while it is being built.

use std::collections::BTreeMap;

use super::keys::{KeyPair, KeySize};
use super::people::{Home, MOVES, PEOPLE, PODS};
use super::sheet::{Sheet, Value, text};
use super::{POD_HOST, SampleError, SamplePerson, words};

/// A person whose rows have been added.
pub(super) struct KnownPerson {
    pub(super) person_id: i64,
    pub(super) user_id: Option<i64>,
    pub(super) handle: String,
    pub(super) keys: KeyPair,
}

/// A post whose row has been added.
#[derive(Clone)]
pub(super) struct KnownPost {
    pub(super) id: i64,
    /// The author's name when the post was written.
    pub(super) author: &'static str,
    pub(super) at: i64,
    pub(super) interacted_at: i64,
    pub(super) poll: Option<KnownPoll>,
}

/// A poll whose rows have been added.
#[derive(Clone)]
pub(super) struct KnownPoll {
    pub(super) id: i64,
    pub(super) guid: String,
    /// IDs and GUIDs.
    pub(super) answers: Vec<(i64, String)>,
}

/// A comment whose row has been added.
#[derive(Clone)]
pub(super) struct KnownComment {
    pub(super) id: i64,
    pub(super) post: &'static str,
}

/// The rows so far, and the IDs that later rows refer to.
pub(super) struct Story {
    pub(super) sheet: Sheet,
    pub(super) size: KeySize,
    pub(super) people: BTreeMap<&'static str, KnownPerson>,
    pub(super) aspects: BTreeMap<(&'static str, &'static str), i64>,
    pub(super) posts: BTreeMap<&'static str, KnownPost>,
    pub(super) comments: BTreeMap<&'static str, KnownComment>,
    pub(super) tags: BTreeMap<String, i64>,
    /// Numbers of likes, comments, reshares, votes and taggings, by table, ID and column.
    counters: BTreeMap<(&'static str, i64, &'static str), i64>,
}

impl Story {
    pub(super) fn new(size: KeySize) -> Self {
        Self {
            sheet: Sheet::default(),
            size,
            people: BTreeMap::new(),
            aspects: BTreeMap::new(),
            posts: BTreeMap::new(),
            comments: BTreeMap::new(),
            tags: BTreeMap::new(),
            counters: BTreeMap::new(),
        }
    }

    pub(super) fn known_person(&self, name: &str) -> Result<&KnownPerson, SampleError> {
        self.people.get(name).ok_or_else(|| missing("person", name))
    }

    /// Returns the ID of the person, the new one after a move.
    pub(super) fn person(&self, name: &str) -> Result<i64, SampleError> {
        let name = MOVES.iter().find(|step| step.old == name).map_or(name, |step| step.new);
        Ok(self.known_person(name)?.person_id)
    }

    pub(super) fn user(&self, name: &str) -> Result<i64, SampleError> {
        self.known_person(name)?.user_id.ok_or_else(|| missing("user", name))
    }

    pub(super) fn post(&self, key: &str) -> Result<KnownPost, SampleError> {
        self.posts.get(key).cloned().ok_or_else(|| missing("post", key))
    }

    pub(super) fn comment(&self, key: &str) -> Result<KnownComment, SampleError> {
        self.comments.get(key).cloned().ok_or_else(|| missing("comment", key))
    }

    pub(super) fn aspect(&self, owner: &'static str, name: &'static str) -> Result<i64, SampleError> {
        self.aspects.get(&(owner, name)).copied().ok_or_else(|| missing("aspect", name))
    }

    /// Returns whether the person had an account on this pod under this name.
    pub(super) fn is_local(&self, name: &str) -> bool {
        self.people.get(name).is_some_and(|known| known.user_id.is_some())
    }

    /// Returns whether the person has an open account on this pod.
    pub(super) fn is_open(&self, name: &str) -> bool {
        self.is_local(name) && PEOPLE.iter().any(|human| human.name == name && human.person.is_empty())
    }

    pub(super) fn increase(&mut self, table: &'static str, id: i64, column: &'static str) {
        *self.counters.entry((table, id, column)).or_default() += 1;
    }

    /// Writes the counters of rows and the times of the last interaction with posts.
    pub(super) fn count(&mut self) -> Result<(), SampleError> {
        for ((table, id, column), number) in std::mem::take(&mut self.counters) {
            self.sheet.set(table, id, column, Value::Number(number))?;
        }
        for post in self.posts.values() {
            self.sheet.set("posts", post.id, "interacted_at", Value::Time(post.interacted_at))?;
        }
        Ok(())
    }

    /// Adds the tags of a row, in order.
    pub(super) fn tag(
        &mut self,
        kind: &'static str,
        id: i64,
        at: i64,
        tags: &[String],
    ) -> Result<(), SampleError> {
        for name in tags {
            let tag = self.tag_id(name)?;
            self.sheet.add(
                "taggings",
                at,
                [
                    ("tag_id", Value::Number(tag)),
                    ("taggable_id", Value::Number(id)),
                    ("taggable_type", text(kind)),
                    ("context", text("tags")),
                ],
            )?;
            self.increase("tags", tag, "taggings_count");
        }
        Ok(())
    }

    pub(super) fn tag_id(&mut self, name: &str) -> Result<i64, SampleError> {
        if let Some(id) = self.tags.get(name) {
            return Ok(*id);
        }
        let id = self.sheet.add("tags", 0, [("name", name.to_owned().into())])?;
        self.tags.insert(name.to_owned(), id);
        Ok(id)
    }

    /// Adds the mentions, tags and references to posts that diaspora* finds in a text.
    pub(super) fn read_text(
        &mut self,
        kind: &'static str,
        id: i64,
        at: i64,
        content: &str,
    ) -> Result<(), SampleError> {
        let mut mentioned = Vec::new();
        for handle in words::mentions(content) {
            let person = self.people.values().find(|known| known.handle == handle);
            let person = person.map(|known| known.person_id).ok_or_else(|| missing("person", &handle))?;
            if !mentioned.contains(&person) {
                mentioned.push(person);
            }
        }
        for person in mentioned {
            self.sheet.add(
                "mentions",
                at,
                [
                    ("mentions_container_id", Value::Number(id)),
                    ("mentions_container_type", text(kind)),
                    ("person_id", Value::Number(person)),
                ],
            )?;
        }
        self.tag(kind, id, at, &words::hashtags(content))?;
        for guid in words::linked_posts(content) {
            let target = self.posts.iter().find(|(key, _)| words::guid("post", key) == guid);
            let target = target.map(|(_, post)| post.id).ok_or_else(|| missing("post", &guid))?;
            self.sheet.add(
                "references",
                at,
                [
                    ("source_id", Value::Number(id)),
                    ("source_type", text(kind)),
                    ("target_id", Value::Number(target)),
                    ("target_type", text("Post")),
                ],
            )?;
        }
        Ok(())
    }

    pub(super) fn sample_people(&self) -> Vec<SamplePerson> {
        let mut people: Vec<SamplePerson> = PEOPLE
            .iter()
            .filter_map(|human| {
                let known = self.people.get(human.name)?;
                Some(SamplePerson {
                    name: human.name,
                    about: human.about,
                    person_id: known.person_id,
                    user_id: known.user_id,
                    diaspora_id: known.handle.clone(),
                    guid: words::guid("person", human.name),
                    keys: known.keys,
                })
            })
            .collect();
        people.sort_by_key(|person| person.person_id);
        people
    }
}

/// Returns the host of a diaspora* ID.
pub(super) fn host(home: Home) -> Result<&'static str, SampleError> {
    match home {
        Home::Here => Ok(POD_HOST),
        Home::Pod(index) => {
            PODS.get(index).map(|pod| pod.host).ok_or_else(|| missing("pod", &index.to_string()))
        }
    }
}

pub(super) fn missing(kind: &'static str, name: &str) -> SampleError {
    SampleError::Unknown { kind, name: name.to_owned() }
}
