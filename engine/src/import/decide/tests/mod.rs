//! An account and people for the tests of decisions.

mod conversations;

use std::collections::HashMap;

use super::{Action, BatchPlan, Context};
use crate::domain::{DiasporaId, Guid};
use crate::import::journal::notes::{Noted, RowOrigin};
use crate::import::scan::people::{People, Person};
use crate::import::target::NewAccount;
use crate::import::write::photos::PhotoFiles;

/// The account `alice@new.example` (person 1, formerly person 2), and people of its archive.
pub(in crate::import) struct Fixture {
    pub(in crate::import) account: NewAccount,
    pub(in crate::import) old_id: DiasporaId,
    pub(in crate::import) people: People,
    pub(in crate::import) files: PhotoFiles,
}

impl Fixture {
    pub(in crate::import) fn new() -> Self {
        let aspects = [("Friends".to_owned(), 7)].into();
        let id = "alice@new.example".parse().unwrap();
        let account = NewAccount::new(id, 1, 10, Some(2), aspects);
        let mut people = People::default();
        for (id, person, user) in [
            ("alice@old.example", 2, None),
            ("bob@far.example", 3, None),
            ("closed@far.example", 4, None),
            ("ignored@far.example", 5, None),
            ("carol@new.example", 6, Some(60)),
            ("dave@old.example", 8, None),
        ] {
            let is_closed = id.starts_with("closed");
            let person = Person { id: person, user, is_closed, has_moved: false, pending_id: None };
            people.insert(id.parse().unwrap(), person);
        }
        Self { account, old_id: "alice@old.example".parse().unwrap(), people, files: HashMap::new() }
    }

    pub(in crate::import) fn context(&self) -> Context<'_> {
        Context { account: &self.account, old_id: &self.old_id, people: &self.people, files: &self.files }
    }
}

/// Returns the journal's entry for a row that an earlier run has written.
pub(in crate::import) fn written() -> Noted {
    Noted { origin: RowOrigin::Written, is_certain: true, is_earlier: true }
}

/// Returns the journal's entry for a row that an earlier run found here.
pub(in crate::import) fn found() -> Noted {
    Noted { origin: RowOrigin::Found, is_certain: true, is_earlier: true }
}

/// Returns the journal's entry for a row that certainly existed: if it is missing, people have deleted it.
pub(in crate::import) fn deleted() -> Noted {
    written()
}

pub(in crate::import) fn guid(number: i64) -> Guid {
    format!("{number:032}").parse().unwrap()
}

pub(in crate::import) fn actions<R>(plan: &BatchPlan<R>) -> Vec<Action> {
    plan.entries.iter().map(|entry| entry.action).collect()
}
