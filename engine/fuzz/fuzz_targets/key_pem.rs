//! Keys: whatever is taken can be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pappus_engine::domain::{PrivateKey, PublicKey};

fuzz_target!(|text: &str| {
    if let Ok(key) = PublicKey::from_pem(text) {
        _ = key.fingerprint();
        assert!(!key.verifying_key().unwrap().verifies_base64(b"text", "AAAA"));
    }
    let key = PrivateKey::from_pem(text.to_owned());
    if let Ok(signing) = key.signing_key() {
        let public = signing.public_key().unwrap();
        if let Ok(signature) = signing.sign_base64(b"text") {
            _ = public.verifying_key().map(|key| key.verifies_base64(b"text", &signature));
        }
    }
    _ = key.decrypt("open sesame");
});
