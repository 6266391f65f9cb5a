//! Two archives that somebody packed into one ZIP: none is chosen silently.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::open::{Archive, OpenError};

use crate::support::forge::{Forge, document};
use crate::support::raw_zip::{End, RawEntry, write};

fn open(entries: &[RawEntry]) -> Result<(), OpenError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    std::fs::write(&path, write(entries, &End::default())).unwrap();
    Archive::open(&path, Limits::default(), None).map(drop)
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The same account's document, some time later.
fn later() -> String {
    let mut later = document();
    later["user"]["email"] = "alice@elsewhere.example".into();
    later.to_string()
}

#[test]
fn two_documents_of_one_account_are_named() {
    let (one, two) = (document().to_string(), later());
    let half = &one[..one.len() - 20];
    for (first, second) in [
        (("alice.json", one.as_bytes().to_vec()), ("alice (1).json", two.as_bytes().to_vec())),
        (("2024/alice.json", one.as_bytes().to_vec()), ("2025/alice.json", two.as_bytes().to_vec())),
        (("alice.json", two.as_bytes().to_vec()), ("alice.json.gz", packed(&one))),
        (("a.json.gz", packed(&one)), ("b.json.gz", packed(&two))),
        // One of them is cut off.
        (("alice.json", half.as_bytes().to_vec()), ("alice.json.gz", packed(&one))),
    ] {
        let entries = [&first, &second].map(|(name, bytes)| RawEntry::deflated(name, bytes));
        let refused = open(&entries).unwrap_err();
        assert_eq!(refused.code(), "two_documents");
        let said = refused.to_string();
        for words in [first.0, second.0, "keep only the newer"] {
            assert!(said.contains(words), "{said}");
        }
    }
}

#[test]
fn the_same_document_twice_is_one() {
    let one = document().to_string();
    let marked = format!("\u{feff}{one}");
    for second in
        [("copy.json", one.as_bytes().to_vec()), ("copy.json.gz", packed(&one)), ("b.json", marked.into())]
    {
        let entries =
            [RawEntry::deflated("alice.json", one.as_bytes()), RawEntry::deflated(second.0, &second.1)];
        open(&entries).unwrap_or_else(|error| panic!("{}: {error}", second.0));
    }
}

#[test]
fn two_unpacked_archives_in_one_zip_are_named() {
    let found = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&found);
    let keep = move |entries: &mut Vec<RawEntry>| seen.borrow_mut().clone_from(entries);
    Forge::with_entries(keep).bytes();
    let archive = found.take();
    let within = |folder: &str| -> Vec<RawEntry> {
        let mut entries = archive.clone();
        for entry in &mut entries {
            let name = String::from_utf8(entry.central.name.clone()).unwrap();
            let name = format!("{folder}{name}");
            entry.both(|header| header.name = name.as_bytes().to_vec());
        }
        entries
    };
    open(&within("alice/")).unwrap();
    for folders in [["alice/", "alice 2/"], ["both/a/", "both/b/"], ["", "older/"]] {
        let entries = folders.map(within).concat();
        let refused = open(&entries).unwrap_err();
        assert_eq!(refused.code(), "two_documents", "{refused}");
        let said = refused.to_string();
        for folder in folders {
            assert!(said.contains(&format!("\"{folder}manifest.pod.sig\"")), "{said}");
        }
        assert!(said.contains("pack each folder"), "{said}");
    }
}
