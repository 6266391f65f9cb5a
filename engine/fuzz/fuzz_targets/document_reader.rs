//! What the reader takes must be JSON, and every value it hands over must be where it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::archive::document::{DocumentError, DocumentVisitor, Next, Place, read_document, relayable};
use pappus_engine::archive::limits::Limits;
use serde_json::value::RawValue;

struct Check<'a>(&'a [u8]);

impl DocumentVisitor for Check<'_> {
    fn field(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        let start = usize::try_from(place.offset).unwrap();
        assert_eq!(&self.0[start..start + value.get().len()], value.get().as_bytes());
        _ = relayable(value);
        Ok(Next::Continue)
    }

    fn element(&mut self, place: &Place<'_>, value: &RawValue) -> Result<Next, DocumentError> {
        self.field(place, value)
    }
}

fuzz_target!(|data: &[u8]| {
    if read_document(data, &Limits::default(), &mut Check(data)).is_ok() {
        serde_json::from_slice::<serde_json::Value>(data).unwrap();
    }
});
