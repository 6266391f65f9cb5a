//! Validation of `extras.json`.

use serde_json::value::RawValue;

use super::Tally;
use crate::archive::document::{DocumentError, DocumentVisitor, Next, Place};
use crate::domain::ExtraSettings;

/// Validates every record of `extras.json`.
pub(in crate::archive::open) struct ExtrasShape<'a> {
    pub(in crate::archive::open) tally: &'a mut Tally,
    pub(in crate::archive::open) format: Option<String>,
}

impl DocumentVisitor for ExtrasShape<'_> {
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        match place.name {
            "format" => self.format = self.tally.parse(place, value)?,
            "settings" => _ = self.tally.parse::<ExtraSettings>(place, value)?,
            _ if place.list().is_some() => self.tally.refuse_list(place)?,
            _ => self.tally.refuse(place, "no such field belongs here")?,
        }
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        match place.list() {
            Some(list) => self.tally.record(list, place, value)?,
            None => self.tally.refuse(place, "no such list belongs here")?,
        }
        Ok(Next::Continue)
    }
}
