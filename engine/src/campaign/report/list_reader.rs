//! The list of a campaign, read one account at a time.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::campaign::report::list::{AccountResult, LIST_FORMAT, ListHead, ListTotals};

/// The reason a list cannot be read, as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum ListReadError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is not a list, or damaged.
    #[error("it is not a campaign list: {0}")]
    Json(#[from] serde_json::Error),
    /// Its format version is not supported.
    #[error("its format is {0:?}; this version of Pappus reads {LIST_FORMAT:?}")]
    Format(String),
    /// Its totals are not the sums of its accounts.
    #[error("its totals do not match the accounts it lists")]
    Totals,
}

/// Reads a list. `visit` gets the accounts in their order; if it returns false, reading stops with an error.
pub(in crate::campaign) fn read_list(
    path: &Path,
    mut visit: impl FnMut(AccountResult) -> bool,
) -> Result<(ListHead, ListTotals), ListReadError> {
    let mut totals = ListTotals::default();
    let mut add_and_visit = |result: AccountResult| {
        totals.add(&result);
        visit(result)
    };
    let mut reader =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, File::open(path)?));
    let mut fields = ListSeed { visit: &mut add_and_visit }.deserialize(&mut reader)?;
    reader.end()?;
    let listed_totals = fields.remove("totals").unwrap_or_default();
    let head = head(fields)?;
    if serde_json::from_value::<ListTotals>(listed_totals)? != totals {
        return Err(ListReadError::Totals);
    }
    Ok((head, totals))
}

/// Reads a list's data on the whole campaign, without the accounts.
pub(in crate::campaign) fn read_head(path: &Path) -> Result<ListHead, ListReadError> {
    let mut reader = serde_json::Deserializer::from_reader(BufReader::new(File::open(path)?));
    let mut fields = Map::new();
    // The reader stops at the accounts, which serde reports as an error.
    let result = HeadSeed(&mut fields).deserialize(&mut reader);
    match head(fields) {
        Ok(head) => Ok(head),
        Err(error) => Err(result.err().map_or(error, Into::into)),
    }
}

fn head(fields: Map<String, Value>) -> Result<ListHead, ListReadError> {
    let head: ListHead = serde_json::from_value(Value::Object(fields))?;
    if head.format == LIST_FORMAT { Ok(head) } else { Err(ListReadError::Format(head.format)) }
}

struct ListSeed<'a> {
    visit: &'a mut dyn FnMut(AccountResult) -> bool,
}

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the list of a campaign")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut fields, mut has_accounts) = (Map::new(), false);
        while let Some(name) = map.next_key::<String>()? {
            if fields.contains_key(&name) || (has_accounts && name == "accounts") {
                return Err(A::Error::custom(format_args!("{name} occurs twice")));
            }
            if name == "accounts" {
                has_accounts = true;
                map.next_value_seed(AccountsSeed { visit: &mut *self.visit })?;
            } else {
                fields.insert(name, map.next_value()?);
            }
        }
        if has_accounts { Ok(fields) } else { Err(A::Error::missing_field("accounts")) }
    }
}

struct AccountsSeed<'a> {
    visit: &'a mut dyn FnMut(AccountResult) -> bool,
}

impl<'de> DeserializeSeed<'de> for AccountsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AccountsSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("accounts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut accounts: A) -> Result<(), A::Error> {
        while let Some(account) = accounts.next_element()? {
            if !(self.visit)(account) {
                return Err(A::Error::custom("reading was stopped"));
            }
        }
        Ok(())
    }
}

struct HeadSeed<'a>(&'a mut Map<String, Value>);

impl<'de> DeserializeSeed<'de> for HeadSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeadSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the list of a campaign")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "accounts" {
                return Ok(());
            }
            let value = map.next_value()?;
            self.0.insert(name, value);
        }
        Ok(())
    }
}
