//! Validation of documents: every record is parsed with the domain types.

mod document;

pub(super) use document::DocumentShape;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::photo_names::PhotoNames;
use super::{FindingCode, Findings};
use crate::archive::document::{DocumentError, LostValue, Place, Record, read_record};
use crate::archive::lists::{List, ListRecord as _, ListTask, TypedList};
use crate::archive::manifest::CountKind;

/// The treatment of records that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Refuse the archive: its signer wrote them.
    Signed,
    /// Report them and continue: stock pods write such records.
    Stock,
}

/// Parses and counts records, and collects findings.
pub(super) struct Tally {
    strictness: Strictness,
    pub(super) counts: BTreeMap<CountKind, u64>,
    pub(super) findings: Findings,
    /// The photo files beside a stock document.
    pub(super) photo_names: PhotoNames,
}

impl Tally {
    pub(super) fn new(strictness: Strictness) -> Self {
        let (counts, findings) = (BTreeMap::new(), Findings::default());
        Self { strictness, counts, findings, photo_names: PhotoNames::default() }
    }

    /// Returns whether invalid values are reported instead of refused.
    pub(super) fn is_lenient(&self) -> bool {
        self.strictness == Strictness::Stock
    }

    /// Reads a record, leniently in stock archives; in signed ones it must be valid.
    fn parse<T: Record>(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Option<T>, DocumentError> {
        let result = match self.strictness {
            Strictness::Signed => serde_json::from_str(value.get()).map(|record| (record, Vec::new())),
            Strictness::Stock => read_record(value, None),
        };
        match result {
            Ok((record, lost)) => {
                for LostValue { path, problem } in lost {
                    let place = if path.is_empty() { place.to_string() } else { format!("{place}.{path}") };
                    let message =
                        format!("this value is left out, and the rest of the record remains: {problem}");
                    self.findings.add(FindingCode::ValueLeftOut, place, message);
                }
                Ok(Some(record))
            }
            Err(error) => self.refuse(place, &error.to_string()).map(|()| None),
        }
    }

    /// Refuses a value, or reports it in a stock archive.
    fn refuse(&mut self, place: &Place<'_>, problem: &str) -> Result<(), DocumentError> {
        let error = DocumentError::record(place, &problem);
        if self.strictness == Strictness::Signed {
            return Err(error);
        }
        if let DocumentError::Record { place, problem } = error {
            let message = format!("this record cannot be read and will be left out: {problem}");
            self.findings.add(FindingCode::UnreadableRecord, place, message);
        }
        Ok(())
    }

    /// Refuses a field that should be a list but is no array.
    fn refuse_list(&mut self, place: &Place<'_>) -> Result<(), DocumentError> {
        if place.list().is_some() { self.refuse(place, "this should be an array") } else { Ok(()) }
    }

    /// Reads and counts a record of a list.
    fn record(&mut self, list: List, place: &Place<'_>, value: &RawValue) -> Result<(), DocumentError> {
        list.with_type(CountRecord { tally: self, place, value })
    }

    pub(super) fn count(&mut self, kind: CountKind, number: u64) {
        if number > 0 {
            *self.counts.entry(kind).or_default() += number;
        }
    }
}

/// Reads and counts one record.
struct CountRecord<'a> {
    tally: &'a mut Tally,
    place: &'a Place<'a>,
    value: &'a RawValue,
}

impl ListTask for CountRecord<'_> {
    type Output = Result<(), DocumentError>;

    fn run<L: TypedList>(self) -> Self::Output {
        if let Some(record) = self.tally.parse::<L::Record>(self.place, self.value)? {
            record.count(L::LIST, |kind, number| self.tally.count(kind, number));
            for name in record.photo_files() {
                self.tally.photo_names.add_document_name(name);
            }
        }
        Ok(())
    }
}
