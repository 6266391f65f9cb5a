//! Every file in `tests/vectors/hostile` is refused with its own error, quickly and in little memory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pappus_engine::archive::convert::convert_to_diaspora;
use pappus_engine::archive::encryption::DecryptWith;
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::open::Archive;

/// Long enough for a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);
/// The whole process that reads them, in a debug build, all vectors of one folder.
const MOST_MEMORY_KB: u64 = 96 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/hostile")
}

/// What the file beside a vector says.
struct Sidecar {
    refused: String,
    limits: Limits,
    unlock: Option<DecryptWith>,
    key_passphrase: Option<String>,
}

fn sidecar(vector: &Path) -> Sidecar {
    let path = format!("{}.expect", vector.display());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut lines = text.lines();
    let refused = lines.next().unwrap().to_owned();
    let mut sidecar = Sidecar { refused, limits: Limits::default(), unlock: None, key_passphrase: None };
    for line in lines {
        match line.split_once(' ').unwrap() {
            ("passphrase", text) => sidecar.unlock = Some(DecryptWith::Passphrase(text.to_owned().into())),
            ("key-passphrase", text) => sidecar.key_passphrase = Some(text.to_owned()),
            ("limit", limit) => {
                let (name, value) = limit.split_once(' ').unwrap();
                let value = value.parse().unwrap();
                match name {
                    "entries" => sidecar.limits.entries = value,
                    "manifest_bytes" => sidecar.limits.manifest_bytes = value,
                    "unpacked_bytes" => sidecar.limits.unpacked_bytes = value,
                    _ => panic!("{path}: no such limit"),
                }
            }
            _ => panic!("{path}: {line}"),
        }
    }
    sidecar
}

/// Stage and code of the error a file ends with; empty when it is taken. The sentence must be one.
fn refusal(vector: &Path, sidecar: &Sidecar) -> String {
    let archive = match Archive::open(vector, sidecar.limits, sidecar.unlock.as_ref()) {
        Ok(archive) => archive,
        Err(error) => return checked("open", error.code(), &error.to_string()),
    };
    let mut archive = match archive.verify(&()) {
        Ok(archive) => archive,
        Err(error) => return checked("verify", error.code(), &error.to_string()),
    };
    let out = tempfile::tempdir().unwrap();
    let converted = convert_to_diaspora(&mut archive, out.path(), sidecar.key_passphrase.as_deref());
    let left = std::fs::read_dir(out.path()).unwrap().count();
    match converted {
        Ok(_) => String::new(),
        Err(error) => {
            assert_eq!(left, 0, "{} left files behind", vector.display());
            checked("convert", error.code(), &error.to_string())
        }
    }
}

fn checked(stage: &str, code: &str, sentence: &str) -> String {
    assert!((20..700).contains(&sentence.len()), "{code}: {sentence:?} is no sentence");
    assert!(!sentence.contains("PRIVATE KEY---"), "{code} tells a secret");
    format!("{stage} {code}")
}

/// The most memory this process has ever had, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Other tests take more memory than this may, so it runs in a process of its own.
#[test]
fn every_vector_is_refused_with_its_own_error() {
    let alone = ["--exact", "--ignored", "hostile::alone"];
    let ended = Command::new(std::env::current_exe().unwrap()).args(alone).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "a process of its own is started for it"]
fn alone() {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_none_or(|extension| extension != "expect"));
    paths.sort();
    assert!(paths.len() > 90, "{} vectors only", paths.len());
    let mut wrong = Vec::new();
    for path in &paths {
        let sidecar = sidecar(path);
        let start = Instant::now();
        let refused = refusal(path, &sidecar);
        if refused != sidecar.refused {
            wrong.push(format!("{}: {refused:?}, not {:?}", path.display(), sidecar.refused));
        }
        if start.elapsed() > LONGEST {
            wrong.push(format!("{}: took {:?}", path.display(), start.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(peak() < MOST_MEMORY_KB, "{} kB", peak());
}
