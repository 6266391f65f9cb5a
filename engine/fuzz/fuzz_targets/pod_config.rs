//! A pod's configuration: three files and the addresses in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::pod::config::{PodUrl, read_pod_directory};
use pappus_engine::sql::DatabaseUrl;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(url) = PodUrl::parse(text) {
            assert!(PodUrl::parse(url.as_str()).is_ok(), "{url:?}");
        }
        _ = DatabaseUrl::parse(text);
    }
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config");
    std::fs::create_dir(&config).unwrap();
    for name in ["database.yml", "diaspora.toml", "diaspora.yml"] {
        if let Some(part) = parts.next() {
            std::fs::write(config.join(name), part).unwrap();
        }
    }
    _ = read_pod_directory(dir.path(), &|_| None);
});
