//! `manifest.json`: what is read and written again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::archive::manifest::Manifest;

fuzz_target!(|data: &[u8]| {
    let Ok(manifest) = serde_json::from_slice::<Manifest>(data) else { return };
    let text = serde_json::to_string(&manifest).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
});
