//! What pods answer about people.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::domain::DiasporaId;
use pappus_engine::federation::{HCard, LegacyTemplate, WebFinger};

fuzz_target!(|bytes: &[u8]| {
    let wanted: DiasporaId = "odile.b@island.pod.test:3002".parse().unwrap();
    for found in
        [WebFinger::from_jrd(bytes, &wanted), WebFinger::from_xrd(bytes, &wanted)].into_iter().flatten()
    {
        assert_eq!(found.subject, wanted);
        assert!(found.hcard_url.as_str().starts_with("http"));
    }
    if let Ok(template) = LegacyTemplate::from_host_meta(bytes) {
        _ = template.url(&wanted);
    }
    if let Ok(card) = HCard::parse(bytes) {
        assert_eq!(card.profile(wanted.clone()).author, wanted);
    }
});
