//! Lenient reading of records in archives that Pappus did not write.
//!
//! A malformed optional value is dropped, but the record around it is not. A record that serde accepts stays
//! unchanged. One that it rejects is read into a [`Value`], each field is converted to the expected type or removed,
//! and the result is read again. Stock importers are lenient in similar ways: they read few fields, and trim
//! and lowercase IDs (`Person.by_account_identifier`).

mod fields;
mod records;
mod times;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub(crate) use records::username;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::DiasporaId;

/// A value that was dropped from a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostValue {
    /// Its path in the record, such as `photos[0].height`.
    pub(crate) path: String,
    /// The reason it could not be read.
    pub(crate) problem: String,
}

/// A kind of record that can be read leniently.
pub(crate) trait Record: DeserializeOwned {
    /// Converts a value to the form that serde accepts. Whatever cannot be converted is removed and noted.
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        let _ = (value, repair);
    }

    /// Checks for values that serde accepts but that are unusable.
    fn check(&mut self, repair: &mut Repair<'_>) {
        let _ = repair;
    }
}

/// Reads a record; also returns the values that were dropped. `account` is the default author where the record must
/// be the account's and does not name it.
///
/// # Errors
/// The reason the record cannot be read at all.
pub(crate) fn read_record<T: Record>(
    value: &RawValue,
    account: Option<&DiasporaId>,
) -> Result<(T, Vec<LostValue>), serde_json::Error> {
    let mut repair = Repair { account, path: Vec::new(), lost: Vec::new() };
    let mut record: T = if let Ok(record) = serde_json::from_str(value.get()) {
        record
    } else {
        // As in diaspora*, the last of duplicate fields counts.
        let mut value: Value = serde_json::from_str(value.get())?;
        T::repair(&mut value, &mut repair);
        serde_json::from_value(value)?
    };
    record.check(&mut repair);
    Ok((record, repair.lost))
}

/// A record that is being repaired, and the values dropped from it.
pub(crate) struct Repair<'a> {
    account: Option<&'a DiasporaId>,
    path: Vec<String>,
    lost: Vec<LostValue>,
}

impl Repair<'_> {
    /// Notes that the value at the current path, or a field there, is dropped.
    fn note_lost(&mut self, field: &str, problem: impl Into<String>) {
        let mut path = String::new();
        for part in self.path.iter().map(String::as_str).chain([field]).filter(|part| !part.is_empty()) {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        self.lost.push(LostValue { path, problem: super::shortened(&problem.into()) });
    }

    /// Repairs a part of the record.
    fn within<T>(&mut self, part: impl Into<String>, repair: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part.into());
        let result = repair(self);
        self.path.pop();
        result
    }
}
