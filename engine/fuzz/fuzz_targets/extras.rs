//! `extras.json`, list by list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::archive::document::{DocumentError, DocumentVisitor, Next, Place, read_extras};
use pappus_engine::archive::limits::Limits;
use pappus_engine::domain::{ExtraSettings, Extras};
use serde_json::value::RawValue;

struct Parse(bool);

impl DocumentVisitor for Parse {
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let text = value.get();
        self.0 &= match place.name {
            "settings" => serde_json::from_str::<ExtraSettings>(text).is_ok(),
            _ => serde_json::from_str::<String>(text).is_ok(),
        };
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.0 &= place.list().is_some_and(|list| list.check(value).is_ok());
        Ok(Next::Continue)
    }
}

fuzz_target!(|data: &[u8]| {
    let mut parse = Parse(true);
    let read = read_extras(data, &Limits::default(), &mut parse).is_ok();
    // What can be read whole must be readable piece by piece.
    if serde_json::from_slice::<Extras>(data).is_ok() && data.trim_ascii_start().first() == Some(&b'{') {
        assert!(read && parse.0);
    }
});
