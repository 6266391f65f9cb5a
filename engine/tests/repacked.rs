//! Archives of Pappus that somebody unpacked and packed again, with whatever program: they verify as before.

use std::io::Read as _;
use std::path::Path;

use flate2::read::DeflateDecoder;
use pappus_engine::archive::limits::Limits;
use pappus_engine::archive::open::{Archive, OpenError, Origin};
use proptest::prelude::*;

use crate::support::forge::{Forge, PHOTO};
use crate::support::raw_zip::{End, RawEntry, write};

/// The entries of a whole archive.
fn entries() -> Vec<RawEntry> {
    let found = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&found);
    let forge =
        Forge { entries: Box::new(move |entries| seen.borrow_mut().clone_from(entries)), ..Forge::default() };
    forge.bytes();
    found.take()
}

fn content(entry: &RawEntry) -> Vec<u8> {
    let mut bytes = Vec::new();
    match entry.central.method {
        0 => bytes.clone_from(&entry.data),
        _ => _ = DeflateDecoder::new(entry.data.as_slice()).read_to_end(&mut bytes).unwrap(),
    }
    bytes
}

fn name(entry: &RawEntry) -> String {
    String::from_utf8(entry.central.name.clone()).unwrap()
}

fn folder(name: &str) -> RawEntry {
    RawEntry { attributes: 0o040_755 << 16 | 0x10, ..RawEntry::stored(name, b"") }
}

/// Sizes and CRC behind the data, as programs write them that do not go back.
fn describe(entry: &mut RawEntry, signed: bool, wide: bool) {
    let header = entry.central.clone();
    let size = if wide { 8 } else { 4 };
    let mut block = if signed { b"PK\x07\x08".to_vec() } else { Vec::new() };
    block.extend_from_slice(&header.crc.to_le_bytes());
    block.extend_from_slice(&u64::from(header.packed).to_le_bytes()[..size]);
    block.extend_from_slice(&u64::from(header.unpacked).to_le_bytes()[..size]);
    entry.descriptor = block;
    entry.both(|header| header.flags |= 8);
    (entry.local.crc, entry.local.packed, entry.local.unpacked) = (0, 0, 0);
}

/// How a program packs.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Debug, Clone)]
struct Packer {
    order: Vec<usize>,
    stored: Vec<bool>,
    descriptors: Vec<Option<(bool, bool)>>,
    prefix: &'static str,
    folders: bool,
    backslashes: bool,
    leftovers: bool,
    twice: Option<usize>,
    extras: bool,
    utf8_flag: bool,
    reversed: bool,
    wide_end: bool,
    comment: &'static [u8],
    behind: &'static [u8],
}

fn packer() -> impl Strategy<Value = Packer> {
    const ENTRIES: usize = 8;
    let prefixes = ["", "alice/", "./", "./a b/", "ünï/alice@pod.example-20261122T100000Z/", "a/b/c/"];
    let behinds: [&[u8]; 5] = [b"", b"\n", b"\r\n", &[0; 700], b"<!-- served in 0.2 s -->"];
    let ways = (
        Just((0..ENTRIES).collect::<Vec<_>>()).prop_shuffle(),
        proptest::collection::vec(any::<bool>(), ENTRIES),
        proptest::collection::vec(proptest::option::of(any::<(bool, bool)>()), ENTRIES),
        proptest::sample::select(prefixes.to_vec()),
        proptest::option::of(0..ENTRIES),
        proptest::sample::select(vec![&b""[..], b"made by a program", &[b'x'; 65_535]]),
        proptest::sample::select(behinds.to_vec()),
    );
    (ways, any::<[bool; 7]>()).prop_map(|(ways, flags)| {
        let (order, stored, descriptors, prefix, twice, comment, behind) = ways;
        let [folders, backslashes, leftovers, extras, utf8_flag, reversed, wide_end] = flags;
        Packer {
            order,
            stored,
            descriptors,
            prefix,
            folders,
            backslashes,
            leftovers,
            twice,
            extras,
            utf8_flag,
            reversed,
            wide_end,
            comment,
            behind,
        }
    })
}

impl Packer {
    fn pack(&self, entries: &[RawEntry]) -> Vec<u8> {
        let mut packed: Vec<RawEntry> =
            self.order.iter().map(|place| self.entry(*place, &entries[*place])).collect();
        if let Some(place) = self.twice {
            packed.push(self.entry((place + 1) % entries.len(), &entries[place]));
        }
        let named = |name: &str| format!("{}{name}", self.prefix);
        if self.folders {
            packed.insert(0, folder("./"));
            packed.insert(1, folder(&named("photos/")));
            packed.push(folder(&named("view/")));
        }
        if self.leftovers {
            packed.insert(0, RawEntry::stored(&named(".DS_Store"), b"\0\0\0\x01Bud1"));
            let beside = self.prefix.trim_start_matches("./");
            packed.push(RawEntry::deflated(&format!("__MACOSX/{beside}._diaspora.json"), &[7; 300]));
            packed.push(RawEntry::deflated("__MACOSX/._alice", &[7; 300]));
            packed.push(RawEntry::stored(&named("photos/Thumbs.db"), b"x"));
            packed.push(RawEntry::stored(&named("photos/._aa.png"), b"x"));
            packed.push(RawEntry::stored(&named("Icon\r"), b""));
            packed.push(RawEntry::stored("desktop.ini", b"x"));
        }
        for entry in &mut packed {
            if self.backslashes {
                entry.both(|header| {
                    header.name.iter_mut().filter(|byte| **byte == b'/').for_each(|byte| *byte = b'\\');
                });
            }
            if self.utf8_flag {
                entry.both(|header| header.flags |= 1 << 11);
            }
            if self.extras {
                // Times, owners, alignment: other lengths in the two headers.
                entry.local.extra =
                    b"UT\x09\x00\x03aaaabbbbux\x0b\x00\x01\x04\x00\x00\x00\x00\x04\x00\x00\x00\x00".to_vec();
                entry.central.extra = b"UT\x05\x00\x03aaaa\x0a\x00\x04\x00\x00\x00\x00\x00".to_vec();
                // How hard it was packed.
                entry.local.flags |= 2;
            }
        }
        let end = End {
            wide_entries: self.wide_end.then_some(packed.len() as u64),
            comment: self.comment.to_vec(),
            reversed: self.reversed,
            behind: self.behind.to_vec(),
            ..End::default()
        };
        write(&packed, &end)
    }

    fn entry(&self, place: usize, entry: &RawEntry) -> RawEntry {
        let (name, bytes) = (format!("{}{}", self.prefix, name(entry)), content(entry));
        let mut entry = if self.stored[place] {
            RawEntry::stored(&name, &bytes)
        } else {
            RawEntry::deflated(&name, &bytes)
        };
        if let Some((signed, wide)) = self.descriptors[place] {
            describe(&mut entry, signed, wide);
        }
        entry
    }
}

/// The document, and the photos with their names.
type Content = (Vec<u8>, Vec<(String, Vec<u8>)>);

/// What a verified archive holds; an error's sentence when it is refused.
fn opened(path: &Path) -> Result<Content, String> {
    let archive = Archive::open(path, Limits::default(), None).map_err(|error| error.to_string())?;
    let mut archive = archive.verify(&()).map_err(|error| error.to_string())?;
    assert!(matches!(archive.report().origin, Origin::Pappus { .. }));
    assert!(archive.report().findings.list().is_empty());
    let (mut document, mut photos) = (Vec::new(), Vec::new());
    archive.document().unwrap().read_to_end(&mut document).unwrap();
    archive
        .photos(|name, _, bytes| -> Result<(), OpenError> {
            let mut whole = Vec::new();
            bytes.read_to_end(&mut whole)?;
            photos.push((name.to_owned(), whole));
            Ok(())
        })
        .unwrap();
    photos.sort();
    Ok((document, photos))
}

fn read(bytes: &[u8]) -> Result<Content, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    std::fs::write(&path, bytes).unwrap();
    opened(&path)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_archive_that_was_packed_again_verifies(packer in packer()) {
        let forge = Forge::default();
        let expected = ["aa.png", "bb.png"].map(|name| (name.to_owned(), PHOTO.to_vec())).to_vec();
        prop_assert_eq!(read(&packer.pack(&entries())), Ok((forge.document, expected)));
    }

    #[test]
    fn whatever_was_changed_before_it_was_packed_again_shows(
        packer in packer(),
        place in 0..8_usize,
        at in any::<proptest::sample::Index>(),
    ) {
        let mut entries = entries();
        let (name, mut bytes) = (name(&entries[place]), content(&entries[place]));
        let at = at.index(bytes.len());
        bytes[at] ^= 1;
        entries[place] = RawEntry::deflated(&name, &bytes);
        prop_assert!(read(&packer.pack(&entries)).is_err());
    }

    #[test]
    fn no_damage_upsets_the_reader(
        packer in packer(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = packer.pack(&entries());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Refused, or the very same: damage behind the end or in what counts for nothing changes nothing.
        if let Ok((document, photos)) = read(&bytes) {
            prop_assert!(document == Forge::default().document);
            prop_assert_eq!(photos.len(), 2);
        }
    }
}

#[test]
fn what_other_programs_left_beside_the_files_is_ignored() {
    let expected = read(&write(&entries(), &End::default())).unwrap();
    for left in [
        "diaspora.json:Zone.Identifier",
        ".Trash-1000/info/a.json.trashinfo",
        "System Volume Information/WPSettings.dat",
        ".dropbox",
        "photos/.dropbox.attr",
        ".sync_0a1b2c.db",
        ".comments/diaspora.json.xml",
        "manifest.json~",
        "photos/Thumbs.db",
        "desktop.ini",
    ] {
        let mut packed = entries();
        packed.push(RawEntry::stored(left, b"left"));
        assert!(read(&write(&packed, &End::default())).unwrap() == expected, "{left}");
    }
    let mut packed = entries();
    packed.push(RawEntry::stored("diaspora.json.txt", b"added"));
    assert!(read(&write(&packed, &End::default())).unwrap_err().contains("added later"));
}

/// An archive with these photos, each with its bytes, whose files have other names when it is packed again.
fn with_other_names(photos: &[(&str, &[u8], &str)]) -> Result<Content, String> {
    let names: Vec<String> = photos.iter().map(|(_, _, name)| format!("photos/{name}")).collect();
    let forge = Forge {
        photos: photos.iter().map(|(name, bytes, _)| ((*name).to_owned(), bytes.to_vec())).collect(),
        entries: Box::new(move |entries| {
            for (entry, name) in entries[2..].iter_mut().zip(&names) {
                *entry = RawEntry::deflated(name, &content(entry));
            }
        }),
        ..Forge::default()
    };
    read(&forge.bytes())
}

#[test]
fn photos_keep_their_names_whatever_a_file_system_made_of_them() {
    let long = format!("{}.jpg", "n".repeat(200));
    for (listed, found) in [
        // macOS decomposes, and other systems compose.
        ("\u{fc}bung.png", "u\u{308}bung.png"),
        ("u\u{308}bung.png", "\u{fc}bung.png"),
        ("\u{ac00}.png", "\u{1100}\u{1161}.png"),
        // Without case, and in eight and three letters.
        ("Photo.JPG", "photo.jpg"),
        ("photo.jpeg", "PHOTO~1.JPE"),
        // Colons and slashes on macOS; what Windows forbids.
        ("10:30.png", "10/30.png"),
        ("10:30.png", "10_30.png"),
        ("what?.png", "what_.png"),
        ("a<b>|\"*.png", "a_b____.png"),
        ("dots...", "dots"),
        ("con.png", "_con.png"),
        // Too long for a file system, and a name that was taken.
        (long.as_str(), "nnnnnnn.jpg"),
        ("a.png", "a (1).png"),
        ("~.png", "~.png~"),
        // In bytes of another encoding, as unpackers show it.
        ("caf\u{e9}.png", "caf\u{c3}\u{a9}.png"),
    ] {
        let photos = [(listed, &b"one"[..], found), ("bb.png", &b"two"[..], "bb.png")];
        let (_, photos) = with_other_names(&photos).unwrap_or_else(|error| panic!("{found}: {error}"));
        let mut expected = vec![(listed.to_owned(), b"one".to_vec()), ("bb.png".to_owned(), b"two".to_vec())];
        expected.sort();
        assert_eq!(photos, expected, "{found}");
    }
}

#[test]
fn the_bytes_alone_tell_which_photo_a_file_is() {
    // Two with the same bytes, two of the same size, and two that have changed names with each other.
    let same = [("\u{e4}.png", &b"same"[..], "a\u{308}.png"), ("\u{f6}.png", b"same", "o\u{308}.png")];
    let (_, photos) = with_other_names(&same).unwrap();
    assert_eq!(photos, same.map(|(name, bytes, _)| (name.to_owned(), bytes.to_vec())));
    let alike = [("A:.png", &b"one"[..], "A_ (2).png"), ("A?.png", b"two", "A_.png")];
    let (_, photos) = with_other_names(&alike).unwrap();
    assert_eq!(photos, alike.map(|(name, bytes, _)| (name.to_owned(), bytes.to_vec())));
    let swapped = [("aa.png", &b"one"[..], "bb.png"), ("bb.png", b"two", "aa.png")];
    assert!(with_other_names(&swapped).unwrap_err().contains("changed after the archive was created"));
    // Other bytes are another file.
    let mut packed = entries();
    packed[2] = RawEntry::stored("photos/AA.png", &[b'x'; PHOTO.len()]);
    assert!(read(&write(&packed, &End::default())).unwrap_err().contains("added later"));
    // A page or a document with another name stays what it is: added.
    let mut packed = entries();
    let page = packed.iter().position(|entry| name(entry) == "index.html").unwrap();
    packed[page] = RawEntry::deflated("INDEX.HTM", &content(&packed[page]));
    assert!(read(&write(&packed, &End::default())).unwrap_err().contains("added later"));
}

#[test]
fn a_zip_that_was_to_be_split_has_a_marker() {
    let expected = read(&write(&entries(), &End::default())).unwrap();
    let mut packed = entries();
    packed[0].gap = b"PK00".to_vec();
    assert!(read(&write(&packed, &End::default())).unwrap() == expected);
    packed[0].gap = b"PK00PK00".to_vec();
    assert!(read(&write(&packed, &End::default())).is_err());
}

#[test]
fn whether_a_stock_pod_takes_it_is_said() {
    let for_stock_pods = |bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        std::fs::write(&path, bytes).unwrap();
        let archive = Archive::open(&path, Limits::default(), None).unwrap().verify(&()).unwrap();
        archive.report().for_stock_pods
    };
    let whole = entries();
    assert!(for_stock_pods(&write(&whole, &End::default())));
    let mut other = whole.clone();
    other.swap(0, 1);
    assert!(!for_stock_pods(&write(&other, &End::default())), "extras.json is the first .json");
    let mut other = whole;
    describe(&mut other[0], true, false);
    assert!(!for_stock_pods(&write(&other, &End::default())), "sizes behind the data");
}
