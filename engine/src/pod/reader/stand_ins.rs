//! What stands for values that a database holds and nobody can write.
//!
//! A time that must be there is the beginning of what is known of it, and otherwise [`NO_TIME`]; one that may be absent
//! is left out, as nobody was born on an invented day. Either way the record is there, and an omission says so.

use chrono::{DateTime, Utc};

use super::notes::{Notes, Problem};
use crate::domain::{OmissionCode, RecordKind, Timestamp};
use crate::pod::database::{Reading, Row, Unsayable};

/// Stands for a time of which nothing is known: 1970-01-01T00:00:00Z, which sorts before everything on a pod.
const NO_TIME: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// What stands for a part of one record, each with its reason.
#[derive(Debug, Default)]
pub(super) struct StandIns(Vec<Problem>);

impl StandIns {
    /// A time that must be there.
    pub(super) fn time(&mut self, row: &Row, column: usize) -> Timestamp {
        self.time_of(row.time_reading(column))
    }

    /// A time that must be there, as it was read.
    pub(super) fn time_of(&mut self, reading: Reading<Timestamp>) -> Timestamp {
        let nothing = Timestamp::from(NO_TIME);
        let (time, problem) = match reading {
            Reading::Known(time) => return time,
            Reading::Absent => {
                let reason = format!("its time is empty; {nothing} stands for it");
                (nothing, Problem::new(OmissionCode::MissingValue, reason))
            }
            Reading::Unsayable(Unsayable { held, near }) => {
                let time = near.unwrap_or(nothing);
                let reason = format!("its time is {held} in the pod's database; {time} stands for it");
                (time, Problem::new(OmissionCode::UnreadableTime, reason))
            }
        };
        self.0.push(problem);
        time
    }

    /// A time or a date that may be absent; `what` names it.
    pub(super) fn optional<T>(&mut self, reading: Reading<T>, what: &str) -> Option<T> {
        match reading {
            Reading::Known(value) => Some(value),
            Reading::Absent => None,
            Reading::Unsayable(Unsayable { held, .. }) => {
                let reason = format!("its {what} is {held} in the pod's database and is left out");
                self.0.push(Problem::new(OmissionCode::UnreadableTime, reason));
                None
            }
        }
    }

    /// Says of which record they are.
    pub(super) fn note(self, notes: &mut Notes, kind: RecordKind, id: Option<i64>, name: Option<&str>) {
        for problem in self.0 {
            notes.omit(problem, kind, id, name.map(str::to_owned));
        }
    }
}

impl Notes {
    /// A record of a row whose number and name are in these columns, with what stands for parts of it; nothing when it
    /// cannot be one, which becomes an omission.
    pub(super) fn record<T>(
        &mut self,
        kind: RecordKind,
        (row, id, name): (&Row, usize, usize),
        make: impl FnOnce(&mut StandIns) -> Result<T, Problem>,
    ) -> Option<T> {
        use crate::pod::database::Cell as _;
        let mut stand_ins = StandIns::default();
        match make(&mut stand_ins) {
            Ok(record) => {
                if !stand_ins.0.is_empty() {
                    stand_ins.note(self, kind, row.integer(id), row.text(name).as_deref());
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
