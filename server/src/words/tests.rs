use std::collections::{BTreeMap, BTreeSet};

use pappus_engine::words::EngineTexts;

use super::*;

/// Returns the keys of all files, including the engine's, with their placeholders.
fn keys(code: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    let server_files = Files::iter().map(|name| (Files::get(&name), name));
    let files = server_files.chain(EngineTexts::iter().map(|name| (EngineTexts::get(&name), name)));
    for (file, name) in files.filter(|(_, name)| name.starts_with(&format!("{code}/"))) {
        let text = String::from_utf8(file.unwrap().data.into_owned()).unwrap();
        let mut key = String::new();
        for line in text.lines() {
            if let Some((new_key, _)) =
                line.split_once(" =").filter(|_| line.starts_with(char::is_alphabetic))
            {
                new_key.clone_into(&mut key);
                assert!(all.insert(key.clone(), BTreeSet::new()).is_none(), "{name}: {key} is defined twice");
            }
            for part in line.split("{ $").skip(1) {
                let end = part
                    .find(|character: char| !character.is_alphanumeric() && character != '_')
                    .unwrap_or(part.len());
                all.get_mut(&key).unwrap().insert(part[..end].to_owned());
            }
        }
    }
    all
}

#[test]
fn every_language_has_every_text() {
    let english = keys("en");
    assert!(english.len() > 20);
    for (code, _) in LANGUAGES {
        assert_eq!(keys(code), english, "{code}");
    }
}

#[test]
fn every_language_is_named_in_every_language() {
    for (code, _) in LANGUAGES {
        assert!(keys("en").contains_key(&format!("language-{code}")), "{code}");
    }
}

/// Reads all files in folders and the folders below them.
fn texts_in(mut folders: Vec<std::path::PathBuf>) -> Vec<(std::path::PathBuf, String)> {
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                texts.push((path, text));
            }
        }
    }
    texts
}

/// Checks every key that the code or a template, here or in the engine, uses as a literal.
#[test]
fn used_texts_exist() {
    let english = keys("en");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let engine = root.join("../engine");
    let folders: Vec<_> =
        [root, &engine].iter().flat_map(|root| [root.join("src"), root.join("templates")]).collect();
    let mut uses = 0;
    for (path, text) in texts_in(folders) {
        for call in [
            "words.say(\"",
            "words.text(\"",
            "words.one(\"",
            "words.with(\"",
            "words.html(\"",
            "words.counted(\"",
        ] {
            for part in text.split(call).skip(1) {
                let key = part.split('"').next().unwrap();
                uses += 1;
                assert!(english.contains_key(key), "{}: {key}", path.display());
            }
        }
    }
    assert!(uses > 10);
}

/// A summary of problems links to the fields by their names.
#[test]
fn every_field_that_can_have_a_problem_has_a_name() {
    let english = keys("en");
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut fields = BTreeSet::new();
    for (_, text) in texts_in(vec![templates]) {
        let parts = text.split("problems.of(\"").skip(1);
        fields.extend(parts.map(|part| part.split('"').next().unwrap().to_owned()));
    }
    assert!(fields.contains("username") && fields.contains("downloads_until"), "{fields:?}");
    for field in fields {
        assert!(english.contains_key(&format!("field-{field}")), "{field}");
    }
}
