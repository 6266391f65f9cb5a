//! The small values: what is read and written again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::domain::{DiasporaId, Guid, Timestamp};

fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<DiasporaId>() {
        assert_eq!(id.to_string(), text);
        assert_eq!(format!("{}@{}", id.username(), id.host()), text);
    }
    if let Ok(guid) = text.parse::<Guid>() {
        assert_eq!(guid.to_string(), text);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        let written = time.to_string();
        assert_eq!(written.parse::<Timestamp>().unwrap(), time, "{written}");
        _ = time.compact();
    }
});
