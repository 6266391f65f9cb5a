//! Counts and omissions of an export.

use std::collections::BTreeMap;

use crate::domain::{CountKind, DiasporaId, Omission, OmissionCode, Omissions, RecordKind, RecordRef};

/// Counts and omissions of one account.
#[derive(Debug, Default)]
pub struct Notes {
    /// Records written, by kind.
    pub counts: BTreeMap<CountKind, u64>,
    /// Records left out, in reading order.
    pub omissions: Omissions,
}

impl Notes {
    /// Counts one more record of a kind.
    pub fn count(&mut self, kind: CountKind) {
        *self.counts.entry(kind).or_default() += 1;
    }

    /// Notes an omission.
    pub fn omit(&mut self, problem: Problem, kind: RecordKind, id: Option<i64>, name: Option<String>) {
        let record = RecordRef { kind, id, name };
        self.omissions.push(Omission { code: problem.code, record, reason: problem.reason });
    }
}

/// The reason a row cannot be used.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Stable code of the reason.
    pub code: OmissionCode,
    /// The reason in a sentence, for people.
    pub reason: String,
}

impl Problem {
    /// Creates a problem from a code and a sentence.
    pub fn new(code: OmissionCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// Creates the problem of a text or record whose size in bytes exceeds readers' limits.
    pub fn too_large(bytes: usize) -> Self {
        let reason = format!("it has {bytes} bytes, which is more than readers accept for one record");
        Self::new(OmissionCode::TooLarge, reason)
    }

    /// Creates the problem of a missing required value; `label` names it.
    pub fn missing(label: &str) -> Self {
        Self::new(OmissionCode::MissingValue, format!("its {label} is empty"))
    }
}

/// Parses an identifier from a column; `label` names it.
///
/// # Errors
/// [`OmissionCode::MissingValue`] for NULL, [`OmissionCode::InvalidIdentifier`] for any invalid value.
pub(super) fn identifier<T>(text: Option<String>, label: &str) -> Result<T, Problem>
where
    T: TryFrom<String>,
    T::Error: std::fmt::Display,
{
    let text = text.ok_or_else(|| Problem::missing(label))?;
    text.try_into().map_err(|error: T::Error| {
        Problem::new(OmissionCode::InvalidIdentifier, format!("its {label} cannot be used: {error}"))
    })
}

/// Parses a person's diaspora* ID from a column. As on a pod, case and surrounding spaces are ignored.
///
/// # Errors
/// As [`identifier`].
pub(super) fn person_id(text: Option<String>, label: &str) -> Result<DiasporaId, Problem> {
    identifier(text.map(|id| normalized_id(&id)), label)
}

/// Returns a diaspora* ID in the form that the protocol allows, if it only differs in case and surrounding spaces.
pub(super) fn normalized_id(id: &str) -> String {
    id.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ignore_case_and_surrounding_spaces() {
        let id = |text: &str| person_id(Some(text.to_owned()), "diaspora* ID");
        assert_eq!(id("Jonas@Closing.example ").unwrap().as_str(), "jonas@closing.example");
        assert_eq!(id("jonas").unwrap_err().code, OmissionCode::InvalidIdentifier);
        assert_eq!(person_id(None, "diaspora* ID").unwrap_err().code, OmissionCode::MissingValue);
    }
}
