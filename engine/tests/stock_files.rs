//! What stock pods give, as it reaches us: packed again, packed twice, saved by editors, with photos anywhere.

use std::io::{Read as _, Write as _};
use std::path::Path;

use age::secrecy::ExposeSecret as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use pappus_engine::archive::encryption::{DecryptWith, EncryptTo};
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::open::{Archive, FindingCode, OpenError, Verified};
use serde_json::Value;

use crate::support::forge::{Forge, document};
use crate::support::raw_zip::{End, RawEntry, write};

pub(crate) fn open(bytes: &[u8], photos: Option<&[u8]>) -> Result<Archive<Verified>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut archive = Archive::open(&file("a", bytes), Limits::default(), None).map_err(|e| e.to_string())?;
    if let Some(photos) = photos {
        archive = archive.with_photos(&file("p", photos)).map_err(|error| error.to_string())?;
    }
    archive.verify(&()).map_err(|error| error.to_string())
}

/// The document must be the very same.
fn is_read(what: &str, bytes: &[u8]) {
    let mut archive = open(bytes, None).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut text = Vec::new();
    archive.document().unwrap().read_to_end(&mut text).unwrap();
    let end = text.iter().rposition(|byte| !matches!(byte, 0 | 0x1a)).map_or(0, |last| last + 1);
    text.truncate(end);
    let read: Value = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(read, document(), "{what}");
    assert_eq!(archive.report().account.as_ref().unwrap().as_str(), "alice@pod.example:3000", "{what}");
}

fn photos(archive: &mut Archive<Verified>) -> Vec<(String, Vec<u8>)> {
    let mut photos = Vec::new();
    archive
        .photos(|name, size, bytes| -> Result<(), OpenError> {
            let mut whole = Vec::new();
            bytes.read_to_end(&mut whole)?;
            assert_eq!(whole.len() as u64, size);
            photos.push((name.to_owned(), whole));
            Ok(())
        })
        .unwrap();
    photos.sort();
    photos
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A text as editors save it.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        [mark, &text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()].concat()
    };
    vec![
        ("as it is", text.as_bytes().to_vec()),
        ("with a byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("UTF-16", wide(b"\xff\xfe", u16::to_le_bytes)),
        ("UTF-16, big end first", wide(b"\xfe\xff", u16::to_be_bytes)),
        ("UTF-16 without a mark", wide(b"", u16::to_le_bytes)),
    ]
}

#[test]
fn documents_in_every_encoding_and_packing() {
    let pretty = serde_json::to_string_pretty(&document()).unwrap().replace("hello", "höllo 🌼");
    let plain = pretty.replace("höllo 🌼", "hello");
    for text in [document().to_string(), plain, format!("\r\n \t{}\n\n", document())] {
        for (form, bytes) in forms(&text) {
            is_read(form, &bytes);
            is_read(&format!("{form}, packed"), &gzip(&bytes));
            is_read(&format!("{form}, packed twice"), &gzip(&gzip(&bytes)));
            for (name, bytes) in [("alice.json", bytes.clone()), ("a/b/alice.json.gz", gzip(&bytes))] {
                let zip = write(&[RawEntry::stored(name, &bytes)], &End::default());
                is_read(&format!("{form} as {name} in a ZIP"), &zip);
            }
        }
    }
    for (form, bytes) in forms(&pretty) {
        let mut archive = open(&bytes, None).unwrap();
        let mut text = String::new();
        archive.document().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, pretty, "{form}");
    }
}

#[test]
fn what_follows_a_whole_gzip_member_is_left() {
    let text = document().to_string();
    let packed = gzip(text.as_bytes());
    let (half, rest) = text.as_bytes().split_at(text.len() / 2);
    for (what, behind) in [
        ("zeros", vec![0; 5000]),
        ("a line break", b"\r\n".to_vec()),
        ("a text", b"<!-- 200 OK -->".to_vec()),
        ("zeros and a text", [&vec![0; 70_000][..], b"\n--boundary--"].concat()),
    ] {
        is_read(what, &[packed.as_slice(), &behind].concat());
        is_read(&format!("{what}, twice"), &[gzip(&packed).as_slice(), &behind].concat());
    }
    is_read("two members", &[gzip(half), gzip(rest)].concat());
    is_read("two members with zeros between", &[gzip(half), vec![0; 512], gzip(rest)].concat());
    let damaged = |bytes: &[u8]| open(bytes, None).map(|_| ()).unwrap_err();
    assert!(damaged(&packed[..packed.len() - 9]).contains("incomplete"));
    let second_cut = [gzip(half), gzip(rest)[..20].to_vec()].concat();
    assert!(damaged(&second_cut).contains("incomplete"), "{}", damaged(&second_cut));
}

#[test]
fn photos_are_found_in_any_folder_and_in_the_document_s_own_zip() {
    let text = document().to_string();
    let picture = |name: &str, bytes: &[u8]| RawEntry::stored(name, bytes);
    let expected = vec![("aa.png".to_owned(), b"one".to_vec()), ("bb.png".to_owned(), b"two".to_vec())];
    for (one, two) in [
        ("aa.png", "bb.png"),
        ("alice_photos/aa.png", "alice_photos/bb.png"),
        ("Photos/2019/aa.png", "Photos/bb.png"),
        ("uploads\\images\\aa.png", "bb.png"),
    ] {
        let zip = write(
            &[
                picture(one, b"one"),
                picture(two, b"two"),
                picture("__MACOSX/._aa.png", b"x"),
                picture("alice_photos/.DS_Store", b"x"),
            ],
            &End::default(),
        );
        let mut archive = open(text.as_bytes(), Some(&zip)).unwrap();
        assert_eq!(photos(&mut archive), expected, "{one}");
        let together = write(
            &[
                RawEntry::deflated("alice/alice.json", text.as_bytes()),
                picture(one, b"one"),
                picture(two, b"two"),
                picture("alice/readme.txt", b"x"),
            ],
            &End::default(),
        );
        let mut archive = open(&together, None).unwrap();
        assert_eq!(photos(&mut archive), expected, "{one}");
        is_read("together", &together);
    }
}

#[test]
fn photos_whose_names_a_file_system_changed_have_the_document_s_names() {
    let text = document().to_string().replace("aa.png", "\u{fc}bung.png").replace("bb.png", "caps.png");
    let files = [("u\u{308}bung.png", b"one"), ("Caps.PNG", b"two")]
        .map(|(name, bytes)| RawEntry::stored(&format!("photos/{name}"), bytes));
    let expected = [("caps.png".to_owned(), b"two".to_vec()), ("\u{fc}bung.png".to_owned(), b"one".to_vec())];
    let mut archive = open(text.as_bytes(), Some(&write(&files, &End::default()))).unwrap();
    assert_eq!(photos(&mut archive), expected);
    let [one, two] = files;
    let together = [RawEntry::deflated("alice.json", text.as_bytes()), one, two];
    let mut archive = open(&write(&together, &End::default()), None).unwrap();
    assert_eq!(photos(&mut archive), expected);
}

#[test]
fn photos_with_replaced_or_misread_characters_have_the_document_s_names() {
    let text = document().to_string().replace("aa.png", "what:.png").replace("bb.png", "\u{fc}.png");
    let expected = [("what:.png".to_owned(), b"one".to_vec()), ("\u{fc}.png".to_owned(), b"two".to_vec())];
    // In code page 1252, which is not the one that names without a flag are read in, and replaced.
    for other in [b"\xfc.png".as_slice(), b"_.png", b"?.png"] {
        let mut two = RawEntry::stored("x", b"two");
        two.both(|header| header.name = other.to_vec());
        let files = [RawEntry::stored("what_.png", b"one"), two];
        let mut archive = open(text.as_bytes(), Some(&write(&files, &End::default()))).unwrap();
        assert_eq!(photos(&mut archive), expected, "{other:?}");
    }
}

#[test]
fn what_is_odd_about_photos_is_said() {
    let text = document().to_string();
    let zip = write(
        &[
            RawEntry::deflated("alice.json.gz", &gzip(text.as_bytes())),
            RawEntry::stored("a/aa.png", b"one"),
            RawEntry::stored("b/aa.png", b"another"),
            RawEntry::stored("c/aa.png", b"one"),
            RawEntry::stored("alice_photos.zip", b"PK"),
        ],
        &End::default(),
    );
    let mut archive = open(&zip, None).unwrap();
    let codes: Vec<_> = archive.report().findings.list().iter().map(|f| (f.code, f.place.clone())).collect();
    let expected = [
        (FindingCode::PhotoNamedTwice, "b/aa.png".to_owned()),
        (FindingCode::NestedZip, "alice_photos.zip".to_owned()),
        (FindingCode::Unsigned, String::new()),
    ];
    assert_eq!(codes, expected);
    assert_eq!(photos(&mut archive), [("aa.png".to_owned(), b"one".to_vec())]);
}

#[test]
fn armor_is_opened_in_every_form() {
    let key = age::x25519::Identity::generate();
    let encrypt_to = EncryptTo::recipients(&[key.to_public().to_string()]).unwrap();
    let mut wrapped = encrypt_to.wrap(Vec::new()).unwrap();
    wrapped.write_all(&Forge::default().bytes()).unwrap();
    let mut armored =
        age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor).unwrap();
    armored.write_all(&wrapped.finish().unwrap()).unwrap();
    let armor = String::from_utf8(armored.finish().unwrap()).unwrap().replace("\r\n", "\n");
    let unlock = DecryptWith::identities(key.to_string().expose_secret()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.age");
    let verify = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let archive = Archive::open(Path::new(&path), Limits::default(), Some(&unlock));
        archive
            .map_err(|error| error.code())
            .and_then(|a| a.verify(&()).map_err(|error| error.code()))
            .map(|_| ())
    };
    for text in
        [armor.clone(), armor.replace('\n', "\r\n"), format!("\n{armor}\n\n"), armor.trim_end().to_owned()]
    {
        for (form, bytes) in forms(&text) {
            assert_eq!(verify(&bytes), Ok(()), "{form}");
        }
    }
    assert_eq!(verify(&armor.as_bytes()[..armor.len() / 2]), Err("encryption_damaged"));
    std::fs::write(&path, &armor).unwrap();
    let locked = Archive::open(&path, Limits::default(), None).map(|_| ()).unwrap_err();
    assert_eq!(locked.code(), "encryption_locked");
}

#[test]
fn sizes_that_a_pod_made_are_no_photos() {
    let text = document().to_string();
    let entries: Vec<RawEntry> = [
        "uploads/images/thumb_small_aa.png",
        "uploads/images/aa.png",
        "uploads/images/thumb_medium_aa.png",
        "sizes/thumb_large_aa.png",
        "uploads/images/scaled_full_aa.png",
        "scaled_full_bb.png",
        "thumb_cc.png",
    ]
    .iter()
    .map(|name| RawEntry::stored(name, name.as_bytes()))
    .collect();
    let mut archive = open(text.as_bytes(), Some(&write(&entries, &End::default()))).unwrap();
    let names: Vec<String> = photos(&mut archive).into_iter().map(|photo| photo.0).collect();
    // The original of one is not there: it is the best there is.
    assert_eq!(names, ["aa.png", "scaled_full_bb.png", "thumb_cc.png"]);
    assert!(!archive.report().findings.list().iter().any(|f| f.code == FindingCode::PhotoNamedTwice));
}

#[test]
fn the_document_is_found_among_other_files() {
    let text = document().to_string();
    let other = br#"{"name": "x", "version": "2.0", "user": ["x"]}"#;
    let mut second = document();
    second["user"]["username"] = "bob".into();
    second["user"]["profile"]["entity_data"]["author"] = "bob@pod.example:3000".into();
    let second = second.to_string();
    let packed = gzip(text.as_bytes());
    let zip = |entries: &[(&str, &[u8])]| {
        let entries: Vec<RawEntry> =
            entries.iter().map(|(name, bytes)| RawEntry::deflated(name, bytes)).collect();
        write(&entries, &End::default())
    };
    for entries in [
        &[("package.json", &other[..]), ("alice.json", text.as_bytes())][..],
        &[("a.json", &b"{broken"[..]), ("b.json", &[][..]), ("z.json", text.as_bytes())],
        &[("package.json", &other[..]), ("alice.json.gz", packed.as_slice())],
        &[("alice.json", text.as_bytes()), ("alice.json.gz", packed.as_slice()), ("z.json", &other[..])],
    ] {
        is_read(entries[0].0, &zip(entries));
    }
    let refused = open(&zip(&[("a.json", text.as_bytes()), ("b.json", second.as_bytes())]), None);
    let refused = refused.unwrap_err();
    let both = "alice@pod.example:3000 in \"a.json\" and bob@pod.example:3000 in \"b.json\"";
    assert!(refused.contains(both), "{refused}");
    // No document at all: the first is named as before.
    let refused = open(&zip(&[("a.json", &other[..]), ("b.json", &b"{}"[..])]), None).unwrap_err();
    assert!(refused.contains("user.username"), "{refused}");
}

#[test]
fn a_bad_byte_costs_no_record() {
    let text = document().to_string();
    for bad in [&b"\\ud83d"[..], b"\n\t", b"\xff"] {
        let (before, after) = text.split_once("{world}").unwrap();
        let bytes = [before.as_bytes(), bad, after.as_bytes()].concat();
        let archive = open(&bytes, None).unwrap();
        let findings = archive.report().findings.list();
        assert!(findings.iter().all(|finding| finding.code == FindingCode::Unsigned), "{findings:?}");
        // Whoever signs an archive writes valid strings.
        assert!(open(&Forge::document(bytes).bytes(), None).is_err());
    }
}

#[test]
fn padding_behind_a_document_is_no_part_of_it() {
    let text = document().to_string();
    for padding in [&[0; 700][..], b"\x1a", b"\r\n\x1a\0\0"] {
        is_read("plain", &[text.as_bytes(), padding].concat());
        is_read("packed", &gzip(&[text.as_bytes(), padding].concat()));
    }
    let refused = open(&[text.as_bytes(), b"\0{}"].concat(), None).unwrap_err();
    assert!(refused.contains("the end of the document"), "{refused}");
}
