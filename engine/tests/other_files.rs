//! Files that are no archives: each is named, with what to do.

use pappus_engine::archive::open::FindingCode;

use crate::stock_files::{gzip, open};
use crate::support::forge::{Forge, document};
use crate::support::raw_zip::{End, RawEntry, write};

#[test]
fn a_message_says_which_file_and_what_it_is() {
    let text = document().to_string();
    let mut broken = RawEntry::deflated("aa.png", b"one");
    broken.both(|header| header.crc ^= 1);
    for (bytes, photos, words) in [
        (
            text.as_bytes().to_vec(),
            Some(write(&[broken], &End::default())),
            "the photos' ZIP: the entry \"aa.png\"",
        ),
        (text.as_bytes().to_vec(), Some(b"<html>".to_vec()), "the photos' ZIP: "),
        (b"Rar!\x1a\x07\x01\x00".to_vec(), None, "packed as RAR"),
        (b"7z\xbc\xaf\x27\x1c\x00".to_vec(), None, "packed as 7z"),
        (gzip(&Forge::default().bytes()), None, "a file of the format ZIP"),
        (b"\n<!DOCTYPE html>\n<html><head><title>Sign in".to_vec(), None, "is a web page"),
        (b"<HTML><body>404</body></HTML>".to_vec(), None, "is a web page"),
        (
            write(&[RawEntry::stored("mail/ida.zip", &Forge::default().bytes())], &End::default()),
            None,
            "another ZIP, \"ida.zip\"",
        ),
    ] {
        let error = open(&bytes, photos.as_deref()).map(|_| ()).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn documents_of_other_software_are_named() {
    let actor = br#"{"@context": ["https://www.w3.org/ns/activitystreams"], "type": "Person"}"#;
    let outbox = br#"{"@context": "https://www.w3.org/ns/activitystreams", "orderedItems": []}"#;
    let mastodon = write(
        &[RawEntry::deflated("actor.json", actor), RawEntry::deflated("outbox.json", outbox)],
        &End::default(),
    );
    let holding = |name: &str| write(&[RawEntry::stored(name, b"age or tar")], &End::default());
    for (bytes, said) in [
        (mastodon, "ActivityPub export"),
        (outbox.to_vec(), "ActivityPub export"),
        (b"{}".to_vec(), "not a diaspora* archive"),
        (br#"{"name": "package"}"#.to_vec(), "not a diaspora* archive"),
        (br#"{"user": {"username": "alice"}}"#.to_vec(), "before 0.7"),
        (holding("alice.zip.age"), "\"alice.zip.age\": unpack the ZIP"),
        (holding("alice.tar.gz"), "\"alice.tar.gz\": unpack the ZIP"),
        (holding("a.png"), "if it is the photos' ZIP"),
    ] {
        let refused = open(&bytes, None).map(|_| ()).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    for version in [serde_json::json!(2), serde_json::json!(2.0), serde_json::json!("2")] {
        let mut document = document();
        document["version"] = version;
        let archive = open(document.to_string().as_bytes(), None).unwrap();
        assert!(archive.report().findings.list().iter().all(|finding| finding.code == FindingCode::Unsigned));
    }
}

#[test]
fn what_a_download_left_instead_of_an_archive_is_named() {
    let mut tar = vec![b'x'; 257];
    tar.extend(b"ustar");
    tar.resize(1024, 0);
    let page: &[u8] =
        b"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\">\n<html lang='en'>";
    let bucket: &[u8] =
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>";
    let early: &[u8] =
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<export>\n  <user>\n    <username>alice</username>";
    let friendica =
        br#"{"version":"2023.12","schema":1542,"baseurl":"https://f.example","user":{"uid":1},"contact":[]}"#;
    let hubzilla =
        br#"{"compatibility":{"project":"hubzilla","version":"8.8"},"channel":{"channel_id":1},"abook":[]}"#;
    let later = document().to_string().replace("\"2.0\"", "\"3.0\"");
    for (bytes, said) in [
        (gzip(&tar), "packed as tar.gz: unpack it"),
        (gzip(b"<!DOCTYPE html><title>Sign in</title>"), "is a web page"),
        (page.to_vec(), "is a web page"),
        (bucket.to_vec(), "is a web page"),
        (b"<!-- cached -->\n<HTML><head>".to_vec(), "is a web page"),
        (early.to_vec(), "XML export of an early diaspora*"),
        (gzip(early), "XML export of an early diaspora*"),
        (b"PK\x07\x08PK\x03\x04\x14".to_vec(), "one part of several"),
        (friendica.to_vec(), "an export of Friendica and not a diaspora* archive"),
        (gzip(hubzilla), "an export of Hubzilla and not a diaspora* archive"),
        (br#"{"error":"Not found"}"#.to_vec(), "not a diaspora* archive"),
        (later.into_bytes(), "has version \"3.0\""),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'>".to_vec(), "is not an archive"),
    ] {
        let refused = open(&bytes, None).map(|_| ()).unwrap_err();
        assert!(refused.contains(said), "{said}: {refused}");
    }
    // What is odd about a ZIP, and what to do.
    let text = document().to_string();
    let mut link = RawEntry::stored("alice.json", text.as_bytes());
    link.attributes = 0o120_777 << 16;
    let mut locked = RawEntry::stored("alice.json", text.as_bytes());
    locked.both(|header| header.flags |= 1);
    let mut deflate64 = RawEntry::stored("alice.json", text.as_bytes());
    deflate64.both(|header| header.method = 9);
    for (entry, said) in [
        (link, "symbolic link, but archives contain files only: replace it with the file"),
        (locked, "pack it again without a password"),
        (deflate64, "with the method \"Deflate\""),
        (RawEntry::stored("/home/alice/alice.json", text.as_bytes()), "pack the files again from inside"),
        (RawEntry::stored("C:\\alice\\alice.json", text.as_bytes()), "pack the files again from inside"),
    ] {
        let refused = open(&write(&[entry], &End::default()), None).map(|_| ()).unwrap_err();
        assert!(refused.contains(said), "{said}: {refused}");
    }
    for (photos, said) in [(page, "is a web page"), (bucket, "is a web page")] {
        let refused = open(document().to_string().as_bytes(), Some(photos)).map(|_| ()).unwrap_err();
        assert!(refused.starts_with("the photos' ZIP: ") && refused.contains(said), "{refused}");
    }
}

#[test]
fn a_wrong_file_is_named() {
    let text = document().to_string();
    let mut tar = vec![b'x'; 257];
    tar.extend(b"ustar");
    tar.resize(1024, 0);
    let armor = "-----BEGIN AGE ENCRYPTED FILE-----\n";
    for (photos, said) in [
        (gzip(&tar), "packed as tar.gz"),
        (tar, "packed as tar:"),
        (text.clone().into_bytes(), "archive document, not a ZIP of photos"),
        (gzip(text.as_bytes()), "archive document, not a ZIP of photos"),
        (Vec::new(), "empty"),
    ] {
        let refused = open(text.as_bytes(), Some(&photos)).unwrap_err();
        assert!(refused.starts_with("the photos' ZIP: ") && refused.contains(said), "{refused}");
    }
    for locked in ["age-encryption.org/v1\n-> X25519", armor] {
        let refused = open(&gzip(locked.as_bytes()), None).unwrap_err();
        assert!(refused.contains("of the format age"), "{refused}");
    }
    let mut old = document();
    old.as_object_mut().unwrap().remove("version");
    let refused = open(old.to_string().as_bytes(), None).unwrap_err();
    assert!(refused.contains("before 0.7"), "{refused}");
}
