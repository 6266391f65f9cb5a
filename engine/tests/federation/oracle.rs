//! The Python library `federation`, which nobody here wrote, opens what Pappus writes, and the other way round.

use std::path::Path;
use std::process::Command;

use pappus_engine::federation::{MagicEnvelope, ReceivedEntity, decrypt_envelope, encrypt_envelope};

use super::{NEW, id, private, public, signing, vector, verifying};

/// What the script ends with when the library cannot be had.
const SKIPPED: i32 = 77;

#[test]
fn another_implementation_understands_and_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for (from, to) in [("new", "sender"), ("reader", "reader")] {
        for half in ["private", "public"] {
            write(&format!("{to}.{half}.pem"), &vector(&format!("{from}.{half}.pem")));
        }
    }
    for name in ["profile", "contact"] {
        let payload = vector(&format!("{name}.xml"));
        let envelope = MagicEnvelope::seal(&id(NEW), &signing("new"), &payload).unwrap();
        write(&format!("{name}.xml"), &payload);
        write(&format!("{name}.envelope.xml"), &envelope);
        let encrypted = encrypt_envelope(&envelope, &public("reader")).unwrap();
        write(&format!("{name}.encrypted.json"), &encrypted);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/federation-oracle.sh");
    let ended = Command::new("bash").arg(script).arg(folder.path()).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    if ended.status.code() == Some(SKIPPED) {
        println!("skipped: {said}");
        return;
    }
    assert!(ended.status.success(), "{said}");
    println!("{said}");
    let key = private("reader").decrypting_key().unwrap();
    for name in ["profile", "contact"] {
        let theirs = read(&format!("{name}.theirs.envelope.xml"));
        let encrypted = read(&format!("{name}.theirs.encrypted.json"));
        assert_eq!(decrypt_envelope(encrypted.as_bytes(), &key).unwrap(), theirs.as_bytes());
        let opened = MagicEnvelope::parse(theirs.as_bytes()).unwrap().verify(&verifying("new")).unwrap();
        assert_eq!(opened.entity(), ReceivedEntity::from_xml(vector(&format!("{name}.xml")).as_bytes()));
    }
}
