//! Replacements for values in a database that the protocol cannot represent.
//!
//! A required time becomes the start of its known part, else [`NO_TIME`]; an optional one is left out, since an
//! invented birthday would be wrong. A flag that is neither true nor false gets the value of an empty one. In each case
//! the record is exported, with an omission that reports the replacement.

use chrono::{DateTime, Utc};

use super::AccountRow;
use super::notes::{Notes, Problem};
use crate::domain::{OmissionCode, RecordKind, Timestamp};
use crate::sql::{Reading, Row, UnrepresentableTime};

/// Replaces a time of which nothing is known: 1970-01-01T00:00:00Z, which sorts before everything on a pod.
const NO_TIME: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Replacements in one record, each with its reason.
#[derive(Debug, Default)]
pub(super) struct Replacements(Vec<Problem>);

impl Replacements {
    /// Reads a required time.
    pub(super) fn time(&mut self, row: &Row, column: &'static str) -> Timestamp {
        self.time_of(row.time_reading(column))
    }

    /// Returns a required time, or its replacement.
    pub(super) fn time_of(&mut self, reading: Reading<Timestamp>) -> Timestamp {
        let unknown = Timestamp::from(NO_TIME);
        let (time, problem) = match reading {
            Reading::Known(time) => return time,
            Reading::Absent => {
                let reason = format!("its time is empty; {unknown} replaces it");
                (unknown, Problem::new(OmissionCode::MissingValue, reason))
            }
            Reading::UnrepresentableTime(UnrepresentableTime { description, start }) => {
                let time = start.unwrap_or(unknown);
                let reason = format!("its time is {description} in the pod's database; {time} replaces it");
                (time, Problem::new(OmissionCode::UnreadableTime, reason))
            }
        };
        self.0.push(problem);
        time
    }

    /// Returns an optional time or date; `label` names it.
    pub(super) fn optional<T>(&mut self, reading: Reading<T>, label: &str) -> Option<T> {
        match reading {
            Reading::Known(value) => Some(value),
            Reading::Absent => None,
            Reading::UnrepresentableTime(UnrepresentableTime { description, .. }) => {
                let reason = format!("its {label} is {description} in the pod's database and is left out");
                self.0.push(Problem::new(OmissionCode::UnreadableTime, reason));
                None
            }
        }
    }

    /// Reads an optional whole number; `label` names it.
    pub(super) fn number(&mut self, row: &Row, column: &'static str, label: &str) -> Option<i64> {
        let number = row.integer(column);
        self.note_unreadable(number, row, column, |held| {
            format!(
                "its {label} is {held} in the pod's database, which is not a whole number, and is left out"
            )
        })
    }

    /// Reads an optional flag; `label` names it.
    pub(super) fn optional_flag(&mut self, row: &Row, column: &'static str, label: &str) -> Option<bool> {
        self.read_flag(row, column, label, "it is left out")
    }

    /// Reads a flag; `default` replaces an empty or unreadable one, and `label` names it.
    pub(super) fn flag(&mut self, row: &Row, column: &'static str, label: &str, default: bool) -> bool {
        self.read_flag(row, column, label, &format!("{default} replaces it")).unwrap_or(default)
    }

    fn read_flag(&mut self, row: &Row, column: &'static str, label: &str, consequence: &str) -> Option<bool> {
        let flag = row.boolean(column);
        self.note_unreadable(flag, row, column, |held| {
            format!(
                "its {label:?} is {held} in the pod's database, which is neither true nor false; {consequence}"
            )
        })
    }

    /// Returns a value unchanged; notes the reason if it is `None` although the column is not empty.
    fn note_unreadable<T>(
        &mut self,
        value: Option<T>,
        row: &Row,
        column: &'static str,
        reason: impl FnOnce(String) -> String,
    ) -> Option<T> {
        if value.is_none() && !row.is_null(column) {
            self.0.push(Problem::new(OmissionCode::UnreadableNumber, reason(row.display_value(column))));
        }
        value
    }

    /// Notes the replacements as omissions of the account itself.
    pub(super) fn note_account(self, notes: &mut Notes, account: &AccountRow) {
        self.note(notes, RecordKind::Account, Some(account.user_id), Some(account.id.as_str()));
    }

    /// Notes the replacements as omissions of their record.
    pub(super) fn note(self, notes: &mut Notes, kind: RecordKind, id: Option<i64>, name: Option<&str>) {
        for problem in self.0 {
            notes.omit(problem, kind, id, name.map(str::to_owned));
        }
    }
}

impl Notes {
    /// Builds a record from a row with its ID and name in these columns, and notes its replacements; if that fails,
    /// notes an omission and returns `None`.
    pub(super) fn record<T>(
        &mut self,
        kind: RecordKind,
        (row, id, name): (&Row, &'static str, &'static str),
        build: impl FnOnce(&mut Replacements) -> Result<T, Problem>,
    ) -> Option<T> {
        let mut replacements = Replacements::default();
        match build(&mut replacements) {
            Ok(record) => {
                if !replacements.0.is_empty() {
                    replacements.note(self, kind, row.integer(id), row.text(name).as_deref());
                }
                Some(record)
            }
            Err(problem) => {
                self.omit(problem, kind, row.integer(id), row.text(name));
                None
            }
        }
    }
}
