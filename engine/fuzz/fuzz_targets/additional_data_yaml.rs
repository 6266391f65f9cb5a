//! The YAML columns of a pod's database.
#![no_main]

use libfuzzer_sys::fuzz_target;

// Private to the reader; the same file, compiled here.
#[path = "../../src/pod/reader/yaml.rs"]
mod yaml;

fuzz_target!(|text: &str| {
    if let Some(values) = yaml::additional_data(text) {
        assert!(values.keys().all(|name| !name.contains("signature")));
    }
    _ = yaml::hidden_posts(text);
});
