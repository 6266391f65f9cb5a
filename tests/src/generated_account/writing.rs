//! A life while it becomes rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Life, NAME, Piece, Under, Who};
use crate::sample::sheet::{Sheet, Value};
use crate::sample::{KeyPair, PAIRS_1024, PAIRS_2048, POD_HOST, POD_URL, SampleError, guid};

/// The day everything begins.
pub(super) const BEGIN: i64 = 1_500_000_000;

/// Pods: the account's own first.
pub(super) const HOSTS: [&str; 4] = [POD_HOST, "contacts.example", "gone.example", "odd.example:3000"];

/// An empty life, for a default.
static NOBODY: Life = Life {
    settings: super::Settings {
        language: None,
        theme: None,
        flags: [false; 4],
        back: None,
        mail: Vec::new(),
    },
    profile: super::Profile {
        names: [None, None],
        words: [None, None, None],
        birthday: None,
        flags: [false; 3],
        tags: Vec::new(),
        picture: None,
    },
    aspects: Vec::new(),
    people: Vec::new(),
    posts: Vec::new(),
    photos: Vec::new(),
    comments: Vec::new(),
    likes: Vec::new(),
    votes: Vec::new(),
    subscriptions: Vec::new(),
    hidden: Vec::new(),
    tags: Vec::new(),
    talks: Vec::new(),
};

/// Somebody, once their row is there.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) handle: String,
    pub(super) keys: KeyPair,
    pub(super) local: bool,
    /// Who they were before they moved.
    pub(super) before: Option<Box<Known>>,
}

/// A row's number and GUID.
pub(super) type Row = (i64, String);

/// A post, once its row is there.
#[derive(Clone)]
pub(super) struct KnownPost {
    pub(super) id: i64,
    pub(super) guid: String,
    pub(super) at: i64,
    /// Poll and its answers: number and GUID.
    pub(super) poll: Option<(Row, Vec<Row>)>,
}

pub(super) struct Writing<'a> {
    pub(super) life: &'a Life,
    pub(super) sheet: Sheet,
    /// The account is the first person and the first user.
    pub(super) people: Vec<Known>,
    pub(super) own: Vec<KnownPost>,
    pub(super) public: Vec<KnownPost>,
    pub(super) limited: Vec<KnownPost>,
    pub(super) tags: BTreeMap<String, i64>,
    pub(super) orders: BTreeMap<String, i64>,
    pub(super) serial: i64,
}

impl Default for Writing<'_> {
    fn default() -> Self {
        Self {
            life: &NOBODY,
            sheet: Sheet::default(),
            people: Vec::new(),
            own: Vec::new(),
            public: Vec::new(),
            limited: Vec::new(),
            tags: BTreeMap::new(),
            orders: BTreeMap::new(),
            serial: 0,
        }
    }
}

/// The key pair of a person; two have old ones.
pub(super) fn keys(number: usize) -> KeyPair {
    match number {
        5 => PAIRS_1024[0],
        11 => PAIRS_1024[1],
        _ => PAIRS_2048[number % PAIRS_2048.len()],
    }
}

impl Writing<'_> {
    /// Another GUID, and a time a little later than the one before.
    pub(super) fn next(&mut self, kind: &str) -> (String, i64) {
        self.serial += 1;
        (guid(kind, &format!("life {}", self.serial)), BEGIN + self.serial * 61)
    }

    /// Somebody else's row, by any number; nobody in an empty world.
    pub(super) fn person(&self, number: usize) -> Option<&Known> {
        self.people.get(1 + number % self.life.people.len().max(1))
    }

    /// The one who does something, and the name it is done under.
    pub(super) fn who(&self, who: Who) -> Option<(&Known, &Known)> {
        match who {
            Who::Own => self.people.first().map(|own| (own, own)),
            Who::Other(number, early) => {
                let person = self.person(number)?;
                let name = person.before.as_deref().filter(|_| early).unwrap_or(person);
                Some((person, name))
            }
        }
    }

    pub(super) fn post(&self, under: Under) -> Option<KnownPost> {
        let (list, number) = match under {
            Under::Own(number) => (&self.own, number),
            Under::Public(number) => (&self.public, number),
            Under::Limited(number) => (&self.limited, number),
        };
        list.get(number % list.len().max(1)).cloned()
    }

    pub(super) fn tag(&mut self, name: &str) -> Result<i64, SampleError> {
        if let Some(id) = self.tags.get(name) {
            return Ok(*id);
        }
        let id = self.sheet.add("tags", 0, [("name", name.to_owned().into())])?;
        self.tags.insert(name.to_owned(), id);
        Ok(id)
    }

    pub(super) fn words(&self, text: &[Piece]) -> String {
        let mut words = String::new();
        for piece in text {
            match piece {
                Piece::Words(more) => words.push_str(more),
                Piece::Mention(number, named) => {
                    let handle = self.person(*number).map_or_else(own_handle, |person| person.handle.clone());
                    let name = if *named { "A B; " } else { "" };
                    _ = write!(words, "@{{{name}{handle}}}");
                }
            }
        }
        words
    }
}

pub(super) fn own_handle() -> String {
    format!("{NAME}@{POD_HOST}")
}

/// Where a photo's file is seen.
pub(super) fn images() -> String {
    format!("{POD_URL}uploads/images/")
}

pub(super) fn optional(text: Option<&str>) -> Value {
    text.map(str::to_owned).into()
}
