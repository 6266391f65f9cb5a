//! Decides about the records of a batch. This module does not access databases: a plan follows from the records, from
//! their rows on the pod and their notes in the journal ([`super::scan::existing`]), and from the account and its
//! people.

pub(super) mod aspects;
pub(super) mod contacts;
pub(super) mod conversations;
pub(super) mod followed_tags;
pub(super) mod ignored_by;
pub(super) mod photos;
pub(super) mod posts;
pub(super) mod relayables;
pub(super) mod subscriptions;
#[cfg(test)]
mod tests;

use super::journal::notes::{Intent, Noted};
use super::report::{FindingCode, Report};
use super::scan::people::People;
use super::target::{ExistingRow, NewAccount};
use super::write::photos::PhotoFiles;
use crate::domain::{CountKind, DiasporaId};

/// The imported account, with the people and the photo files that its records refer to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) account: &'a NewAccount,
    /// The account's ID in the archive.
    pub(super) old_id: &'a DiasporaId,
    pub(super) people: &'a People,
    pub(super) files: &'a PhotoFiles,
}

/// The action for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// A new row.
    Insert,
    /// A row of the old person's, which becomes the account's.
    Adopt(ExistingRow),
    /// An existing row; with the journal's entry, unless others have created it.
    Present(Option<Noted>),
    /// Left out, for this reason.
    Omit(FindingCode),
    /// A remark on a record that is counted elsewhere.
    Note(FindingCode),
}

impl Action {
    /// Decides about a record of the account's own, by its existing row and the journal's entry.
    pub(super) fn of_own_record(
        row: Option<&ExistingRow>,
        noted: Option<Noted>,
        account: &NewAccount,
    ) -> Self {
        match row {
            Some(row) if Some(row.author) == account.old_person => Self::Adopt(*row),
            Some(row) if row.author != account.person => Self::Omit(FindingCode::GuidTaken),
            row => Self::of_row(noted, row.is_some()),
        }
    }

    /// Decides about a row that nobody else can have. A row that existed and is missing now was deleted by people.
    pub(super) fn of_row(noted: Option<Noted>, exists: bool) -> Self {
        match noted {
            _ if exists => Self::Present(noted),
            Some(noted) if noted.is_certain => Self::Omit(FindingCode::DeletedSince),
            _ => Self::Insert,
        }
    }
}

/// A record with its action, as the report counts it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: CountKind,
    /// GUID, diaspora* ID or name.
    pub(super) record: String,
    pub(super) action: Action,
}

/// The plan for a batch: what happens to each record, what the journal notes, and the rows to be written.
#[derive(Debug)]
pub(super) struct BatchPlan<R> {
    pub(super) entries: Vec<Entry>,
    pub(super) intents: Vec<Intent>,
    pub(super) rows: R,
}

impl<R> BatchPlan<R> {
    pub(super) fn new(rows: R) -> Self {
        Self { entries: Vec::new(), intents: Vec::new(), rows }
    }

    /// Adds a record; `noted_as` is the journal's name for its kind.
    pub(super) fn add(
        &mut self,
        kind: CountKind,
        noted_as: &'static str,
        record: &(impl ToString + ?Sized),
        action: Action,
    ) {
        match action {
            Action::Insert => self.intents.push(Intent::write(noted_as, record)),
            Action::Adopt(row) => self.intents.push(Intent::adopt(noted_as, record, Some(row.author))),
            Action::Present(None) => self.intents.push(Intent::found(noted_as, record)),
            Action::Present(Some(_)) | Action::Omit(_) | Action::Note(_) => {}
        }
        self.count(kind, record, action);
    }

    /// Adds a record, or a part of one, that the journal does not note by itself.
    pub(super) fn count(&mut self, kind: CountKind, record: &(impl ToString + ?Sized), action: Action) {
        self.entries.push(Entry { kind, record: record.to_string(), action });
    }

    /// Leaves a record out.
    pub(super) fn omit(&mut self, kind: CountKind, code: FindingCode, record: &(impl ToString + ?Sized)) {
        self.count(kind, record, Action::Omit(code));
    }

    /// Reports what happens to the records.
    pub(super) fn report(&self, report: &mut Report) {
        for Entry { kind, record, action } in &self.entries {
            match action {
                Action::Insert => report.imported(*kind),
                Action::Adopt(_) => report.adopted(*kind),
                Action::Present(noted) => report.present(*kind, *noted),
                Action::Omit(code) => report.left_out(*kind, *code, record),
                Action::Note(code) => report.note(*kind, *code, record),
            }
        }
    }
}
