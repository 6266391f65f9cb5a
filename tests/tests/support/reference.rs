//! What a real diaspora* wrote, where those files are at hand beside the project.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The folder; without it a test says that it is skipped.
pub fn reference() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference");
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("skipped: the reference files are not beside the project");
        None
    }
}

pub fn shell(script: &str) {
    let status =
        Command::new("bash").args(["-euo", "pipefail", "-c", script]).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{script}");
}

/// Fills an empty PostgreSQL database with a pod.
pub fn restore(reference: &Path, pod: &str, database: &str) {
    let dump = reference.join(format!("pods/{pod}.sql.gz"));
    shell(&format!("zcat {} | psql -q -v ON_ERROR_STOP=1 '{database}'", dump.display()));
}

/// Puts the originals of these accounts' photos into a folder.
pub fn unpack_photos(reference: &Path, names: &[&str], images: &Path) {
    std::fs::create_dir_all(images).unwrap();
    for name in names {
        let photos = reference.join(format!("archives/{name}_photos.zip"));
        shell(&format!("cd {} && unzip -qo {}", images.display(), photos.display()));
    }
}

/// The document of an archive, ours or one that diaspora* wrote.
pub fn document(archive: &Path) -> Value {
    if archive.extension().is_some_and(|ending| ending == "gz") {
        let file = std::fs::File::open(archive).unwrap();
        serde_json::from_reader(std::io::BufReader::new(flate2::read::GzDecoder::new(file))).unwrap()
    } else {
        super::json(archive, "diaspora.json")
    }
}
