//! Writes the hostile archives into `tests/vectors/hostile`, replacing what is there.

#![expect(clippy::unwrap_used, reason = "a tool for developers")]

#[path = "../tests/hostile_vectors/mod.rs"]
mod hostile_vectors;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/hostile");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    for vector in hostile_vectors::all() {
        std::fs::write(folder.join(&vector.file), &vector.bytes)?;
        std::fs::write(folder.join(format!("{}.expect", vector.file)), vector.sidecar())?;
    }
    Ok(())
}
