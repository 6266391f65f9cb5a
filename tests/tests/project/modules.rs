//! The engine's modules depend on each other in one direction only: docs/architecture.md lists them, the lowest first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Maximum number of files in one folder, without `mod.rs`.
const MAX_FILES: usize = 15;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The modules in the order of the table in the documentation.
fn documented() -> Vec<String> {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `engine/src/"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

/// All Rust files below a folder.
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

/// The top-level module of one of the engine's files.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("engine/src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Other modules that a file names, without its comments and its own tests.
fn named(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = lines.flat_map(|line| line.split("crate::").skip(1));
    paths
        .map(|path| path.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect())
        .collect()
}

#[test]
fn each_module_uses_only_those_above_it_in_the_documentation() {
    let order = documented();
    let positions: BTreeMap<&str, usize> =
        order.iter().enumerate().map(|(position, module)| (module.as_str(), position)).collect();
    assert_eq!(positions.len(), order.len(), "a module is listed twice: {order:?}");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources(&root().join("engine/src")) {
        let module = module_of(&file);
        if module == "lib" {
            continue;
        }
        let Some(position) = positions.get(module.as_str()) else {
            wrong.push(format!("docs/architecture.md does not list {module}"));
            continue;
        };
        for other in named(&file).into_iter().filter(|other| *other != module) {
            // Anything else is a macro or an item of the crate itself.
            if let Some(used) = positions.get(other.as_str()) {
                seen += 1;
                if used >= position {
                    wrong.push(format!("{} uses {other}, which is below {module}", file.display()));
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn folders_stay_small_or_give_a_reason() {
    let mut large = Vec::new();
    for part in ["engine/src", "server/src", "cli/src"] {
        let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for file in sources(&root().join(part)) {
            if file.file_name().unwrap() != "mod.rs" {
                *folders.entry(file.parent().unwrap().to_owned()).or_default() += 1;
            }
        }
        for (folder, files) in folders.into_iter().filter(|(_, files)| *files > MAX_FILES) {
            let first = std::fs::read_to_string(folder.join("mod.rs")).unwrap_or_default();
            if !first.starts_with("//! One file per ") {
                large.push(format!("{}: {files} files", folder.display()));
            }
        }
    }
    assert!(large.is_empty(), "{large:#?}");
}
