//! Records of archives that Pappus did not write, read as far as they can be.
//!
//! An odd optional value costs itself and nothing around it. A record that serde takes as it is passes untouched. One that
//! it refuses is read into a [`Value`], each field is brought into the form it should have or left out, and what comes of
//! that is read again. Stock importers are lenient in much the same places: they look at few fields, and strip IDs and
//! bring them to lower case (`Person.by_account_identifier`).

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

/// A value that was left out of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostValue {
    /// Where it stood in the record, such as `photos[0].height`.
    pub(crate) path: String,
    /// Why it could not be read.
    pub(crate) problem: String,
}

/// A kind of record that may be odd.
pub(crate) trait Record: DeserializeOwned {
    /// Brings a value into the form that serde takes. What cannot be is removed and noted.
    fn repair(value: &mut Value, repair: &mut Repair<'_>) {
        let _ = (value, repair);
    }

    /// Checks what serde takes and nobody can use.
    fn check(&mut self, repair: &mut Repair<'_>) {
        let _ = repair;
    }
}

/// Reads a record, and says what was left out of it. `account` stands in where the record must be the account's and does
/// not say so.
///
/// # Errors
/// What is missing or wrong in a record that nothing can be made of.
pub(crate) fn read_record<T: Record>(
    value: &RawValue,
    account: Option<&DiasporaId>,
) -> Result<(T, Vec<LostValue>), serde_json::Error> {
    let mut repair = Repair { account, path: Vec::new(), lost: Vec::new() };
    let mut record: T = if let Ok(record) = serde_json::from_str(value.get()) {
        record
    } else {
        // Of a field that stands twice, the last one counts, as for diaspora*.
        let mut value: Value = serde_json::from_str(value.get())?;
        T::repair(&mut value, &mut repair);
        serde_json::from_value(value)?
    };
    record.check(&mut repair);
    Ok((record, repair.lost))
}

/// A record that is being repaired, and what was left out of it.
pub(crate) struct Repair<'a> {
    account: Option<&'a DiasporaId>,
    path: Vec<String>,
    lost: Vec<LostValue>,
}

impl Repair<'_> {
    /// Notes that the value at the present place, or a field there, is left out.
    fn lose(&mut self, field: &str, problem: impl Into<String>) {
        let mut path = String::new();
        for part in self.path.iter().map(String::as_str).chain([field]).filter(|part| !part.is_empty()) {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        self.lost.push(LostValue { path, problem: super::shortened(&problem.into()) });
    }

    /// Repairs something within the record.
    fn within<T>(&mut self, part: impl Into<String>, repair: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part.into());
        let done = repair(self);
        self.path.pop();
        done
    }
}
