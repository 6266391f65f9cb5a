//! The rooms of the engine know each other in one direction only: docs/architecture.md lists them, the lowest first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A room may hold so many files side by side; `mod.rs` is not counted.
const FILES: usize = 15;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The rooms as the table in the documentation lists them.
fn documented() -> Vec<String> {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `engine/src/"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

/// All files of Rust below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The room of a file of the engine.
fn room(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("engine/src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Other rooms that a file names, without its comments and its own tests.
fn named(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let ways = lines.flat_map(|line| line.split("crate::").skip(1));
    ways.map(|way| way.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()).collect()
}

#[test]
fn each_room_knows_only_those_above_it_in_the_documentation() {
    let order = documented();
    let place: BTreeMap<&str, usize> =
        order.iter().enumerate().map(|(place, room)| (room.as_str(), place)).collect();
    assert_eq!(place.len(), order.len(), "a room is listed twice: {order:?}");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources(&root().join("engine/src")) {
        let room = room(&file);
        if room == "lib" {
            continue;
        }
        let Some(here) = place.get(room.as_str()) else {
            wrong.push(format!("docs/architecture.md does not list {room}"));
            continue;
        };
        for other in named(&file).into_iter().filter(|other| *other != room) {
            // What is no room is a macro or an item of the crate itself.
            if let Some(there) = place.get(other.as_str()) {
                seen += 1;
                if there >= here {
                    wrong.push(format!("{} knows {other}, which stands below {room}", file.display()));
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rooms_stay_small_or_say_why_not() {
    let mut large = Vec::new();
    for part in ["engine/src", "server/src", "cli/src"] {
        let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for file in sources(&root().join(part)) {
            if file.file_name().unwrap() != "mod.rs" {
                *folders.entry(file.parent().unwrap().to_owned()).or_default() += 1;
            }
        }
        for (folder, files) in folders.into_iter().filter(|(_, files)| *files > FILES) {
            let first = std::fs::read_to_string(folder.join("mod.rs")).unwrap_or_default();
            if !first.starts_with("//! One file per ") {
                large.push(format!("{}: {files} files", folder.display()));
            }
        }
    }
    assert!(large.is_empty(), "{large:#?}");
}
