//! The vectors in `tests/vectors/hostile` are those the generator makes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::hostile_vectors;

#[test]
fn the_folder_holds_what_the_generator_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/hostile");
    let hint = "run `cargo run -p pappus-engine --example hostile-vectors`";
    let mut made = BTreeSet::new();
    for vector in hostile_vectors::all() {
        let sidecar = format!("{}.expect", vector.file);
        assert!(vector.bytes.len() < 128 * 1024, "{} has {} bytes", vector.file, vector.bytes.len());
        let bytes = std::fs::read(folder.join(&vector.file)).unwrap_or_default();
        assert!(bytes == vector.bytes, "{} is not as it would be made now: {hint}", vector.file);
        let text = std::fs::read_to_string(folder.join(&sidecar)).unwrap_or_default();
        assert_eq!(text, vector.sidecar(), "{sidecar}: {hint}");
        assert!(made.insert(vector.file) && made.insert(sidecar), "a name is used twice");
    }
    let names =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stray: Vec<String> = names.filter(|name| !made.contains(name)).collect();
    assert!(stray.is_empty(), "nobody makes {stray:?}: {hint}");
}
