//! Whether documents hold what they should: every record is parsed with the types of the domain.

mod document;
mod extras;

pub(super) use document::DocumentShape;
pub(super) use extras::ExtrasShape;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{FindingCode, Findings};
use crate::archive::document::{DocumentError, Place, relayable};
use crate::archive::manifest::CountKind;
use crate::domain::Relayable;

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

    fn parse<T: DeserializeOwned>(
        &mut self,
        place: &Place<'_>,
        value: &RawValue,
    ) -> Result<Option<T>, DocumentError> {
        match serde_json::from_str(value.get()) {
            Ok(record) => Ok(Some(record)),
            Err(error) => self.refuse(place, &error.to_string()).map(|()| None),
        }
    }

    /// diaspora* writes some relayables in a way that only a lenient reader takes; we do not.
    fn parse_relayable(
        &mut self,
        place: &Place<'_>,
        value: &RawValue,
    ) -> Result<Option<Relayable>, DocumentError> {
        match self.strictness {
            Strictness::Signed => self.parse(place, value),
            Strictness::Stock => match relayable(value) {
                Ok(record) => Ok(Some(record)),
                Err(error) => self.refuse(place, &error.to_string()).map(|()| None),
            },
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
    fn count_one<T: DeserializeOwned>(
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
