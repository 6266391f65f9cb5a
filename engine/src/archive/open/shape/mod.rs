//! Whether documents hold what they should: every record is parsed with the types of the domain.

mod document;
mod extras;

pub(super) use document::DocumentShape;
pub(super) use extras::ExtrasShape;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{FindingCode, Findings};
use crate::archive::document::{DocumentError, LostValue, Place, Record, read_record};
use crate::archive::manifest::CountKind;

/// What to do about a record that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Refuse the archive: whoever signed it has written it like this.
    Signed,
    /// Say so and go on: the archive is what a stock pod wrote, mistakes included.
    Stock,
}

/// Parses records, counts them, and remembers what could not be read.
pub(super) struct Tally {
    strictness: Strictness,
    pub(super) counts: BTreeMap<CountKind, u64>,
    pub(super) findings: Findings,
}

impl Tally {
    pub(super) fn new(strictness: Strictness) -> Self {
        Self { strictness, counts: BTreeMap::new(), findings: Findings::default() }
    }

    /// Reads a record. Of what others wrote, an odd value costs itself; we write none.
    fn parse<T: Record>(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Option<T>, DocumentError> {
        let read = match self.strictness {
            Strictness::Signed => serde_json::from_str(value.get()).map(|record| (record, Vec::new())),
            Strictness::Stock => read_record(value, None),
        };
        match read {
            Ok((record, lost)) => {
                for LostValue { path, problem } in lost {
                    let place = if path.is_empty() { place.to_string() } else { format!("{place}.{path}") };
                    let message = format!("this value is left out, and what is around it stays: {problem}");
                    self.findings.add(FindingCode::ValueLeftOut, place, message);
                }
                Ok(Some(record))
            }
            Err(error) => self.refuse(place, &error.to_string()).map(|()| None),
        }
    }

    /// A value that is not what belongs there.
    fn refuse(&mut self, place: &Place<'_>, problem: &str) -> Result<(), DocumentError> {
        let refusal = DocumentError::record(place, &problem);
        if self.strictness == Strictness::Signed {
            return Err(refusal);
        }
        if let DocumentError::Record { place, problem } = refusal {
            let message = format!("this record cannot be read and will be left out: {problem}");
            self.findings.add(FindingCode::UnreadableRecord, place, message);
        }
        Ok(())
    }

    /// A record of which nothing but its being there is of interest.
    fn count_one<T: Record>(
        &mut self,
        place: &Place<'_>,
        value: &RawValue,
        kind: CountKind,
    ) -> Result<(), DocumentError> {
        if self.parse::<T>(place, value)?.is_some() {
            self.count(kind, 1);
        }
        Ok(())
    }

    pub(super) fn count(&mut self, kind: CountKind, number: u64) {
        if number > 0 {
            *self.counts.entry(kind).or_default() += number;
        }
    }
}
