use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Returns the keys of every file with their placeholders, by language.
fn keys(code: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for name in Files::iter().filter(|name| name.starts_with(&format!("{code}/"))) {
        let text = String::from_utf8(Files::get(&name).unwrap().data.into_owned()).unwrap();
        let mut key = String::new();
        for line in text.lines() {
            if let Some((found, _)) = line.split_once(" =").filter(|_| line.starts_with(char::is_alphabetic))
            {
                found.clone_into(&mut key);
                assert!(all.insert(key.clone(), BTreeSet::new()).is_none(), "{name}: {key} is there twice");
            }
            for part in line.split("{ $").skip(1) {
                let end = part
                    .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
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

/// Checks every key that the code or a template uses as a literal.
#[test]
fn what_is_asked_for_is_there() {
    let english = keys("en");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("templates")];
    let mut asked = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in ["words.say(\"", "words.one(\"", "words.with(\""] {
                for part in text.split(call).skip(1) {
                    let key = part.split('"').next().unwrap();
                    asked += 1;
                    assert!(english.contains_key(key), "{}: {key}", path.display());
                }
            }
        }
    }
    assert!(asked > 10);
}

#[test]
fn the_language_is_what_the_browser_wants_most() {
    let translations = Translations::built_in().unwrap();
    for (header, expected) in [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR,fr;q=0.9,de;q=0.5", "de"),
        ("fr", "en"),
        ("", "en"),
        ("*;q=x,,;;", "en"),
        ("en-GB,de;q=0.3", "en"),
    ] {
        assert_eq!(translations.accepted(header).code(), expected, "{header}");
    }
    assert!(translations.named("de").is_some() && translations.named("xx").is_none());
}

#[test]
fn numbers_and_days_are_as_people_write_them() {
    let translations = Translations::built_in().unwrap();
    let (english, german) = (translations.named("en").unwrap(), translations.named("de").unwrap());
    let time = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    assert_eq!(
        (english.day(time), german.day(time)),
        ("18 November 2026".into(), "18. November 2026".into())
    );
    assert_eq!(english.size(12_345_678), "12.3 MB");
    assert_eq!(german.size(12_345_678), "12,3 MB");
    assert_eq!((english.number(1_234_567), german.number(999)), ("1,234,567".into(), "999".into()));
    assert_eq!(german.number(1000), "1.000");
    assert_eq!(english.say("no such key"), "no such key");
}
