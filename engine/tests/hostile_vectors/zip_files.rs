//! Wrong containers.

use super::{Stage, Vector, open, verify};
use crate::support::forge::{Forge, PHOTO as PICTURE};
use crate::support::raw_zip::{End, RawEntry};

/// The first photo, in the entries of a forge.
const PHOTO: usize = 2;

fn photo(change: impl Fn(&mut RawEntry) + 'static) -> Forge {
    Forge::with_entries(move |entries| change(&mut entries[PHOTO]))
}

fn renamed(name: &'static [u8]) -> Forge {
    photo(move |entry| entry.both(|header| header.name = name.to_vec()))
}

/// Other bytes with the same CRC: the difference is a multiple of the CRC's polynomial.
fn with_the_same_crc(bytes: &[u8]) -> Vec<u8> {
    let difference = (0xedb8_8320_u64 << 1 | 1).to_le_bytes();
    let mut other = bytes.to_vec();
    other.iter_mut().zip(&difference[..5]).for_each(|(byte, change)| *byte ^= change);
    assert_eq!(crc32fast::hash(&other), crc32fast::hash(bytes));
    other
}

fn ended(end: End) -> Forge {
    Forge { end, ..Forge::default() }
}

pub(crate) fn names() -> Vec<Vector> {
    let long = [b"photos/".to_vec(), vec![b'n'; 600]].concat();
    vec![
        open("name-traversal", "zip_name_traversal", &renamed(b"photos/../../x.png")),
        open("name-absolute", "zip_name_absolute", &renamed(b"/etc/passwd")),
        open("name-drive", "zip_name_absolute", &renamed(b"C:/x.png")),
        open("name-backslash-traversal", "zip_name_traversal", &renamed(b"photos\\..\\..\\x.png")),
        open("name-backslash-drive", "zip_name_absolute", &renamed(b"C:\\x.png")),
        open("name-backslash-absolute", "zip_name_absolute", &renamed(b"\\\\server\\x.png")),
        open("name-nul", "zip_name_control_character", &renamed(b"photos/a\0.png")),
        open("name-line-break", "zip_name_control_character", &renamed(b"photos/a\n.png")),
        open("name-empty-part", "zip_name_empty", &renamed(b"photos//a.png")),
        open(
            "name-not-utf8",
            "zip_name_not_utf8",
            &photo(|entry| {
                entry.both(|header| {
                    header.name = b"photos/\xff.png".to_vec();
                    header.flags |= 1 << 11;
                });
            }),
        ),
        open(
            "name-second",
            "zip_name_second",
            &photo(|entry| {
                entry.both(|header| header.extra = b"\x75\x70\x08\x00\x01\x00\x00\x00\x00abc".to_vec());
            }),
        ),
        open(
            "name-too-long",
            "zip_name_too_long",
            &photo(move |entry| {
                entry.both(|header| header.name.clone_from(&long));
            }),
        ),
        open(
            "name-duplicate",
            "zip_duplicate",
            &photo(|entry| *entry = RawEntry::stored("photos/bb.png", b"another picture")),
        ),
        verify(
            "name-duplicate-with-the-same-checksum",
            "zip_duplicate",
            &Forge::with_entries(|entries| {
                entries.insert(PHOTO + 1, RawEntry::stored("photos/aa.png", &with_the_same_crc(PICTURE)));
            }),
        ),
        verify(
            "name-duplicate-manifest-with-the-same-checksum",
            "zip_duplicate",
            &Forge::with_entries(|entries| {
                let signature = entries.last().unwrap().data.clone();
                entries.push(RawEntry::stored("manifest.pod.sig", &with_the_same_crc(&signature)));
            }),
        ),
        open("name-duplicate-ignoring-case", "zip_duplicate_ignoring_case", &renamed(b"photos/BB.png")),
        open("name-duplicate-document", "zip_duplicate_ignoring_case", &renamed(b"Diaspora.JSON")),
    ]
}

pub(crate) fn kinds() -> Vec<Vector> {
    let mode = |mode: u32| photo(move |entry| entry.attributes = mode << 16);
    vec![
        open("symlink", "zip_symlink", &mode(0o120_777)),
        open("folder", "zip_folder", &renamed(b"photos/aa/")),
        open("folder-by-mode", "zip_folder", &mode(0o040_755)),
        open("pipe", "zip_special_file", &mode(0o010_600)),
        open("encrypted-entry", "zip_encrypted", &photo(|entry| entry.both(|header| header.flags |= 1))),
        open("unknown-method", "zip_unknown_method", &photo(|entry| entry.both(|header| header.method = 12))),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn places() -> Vec<Vector> {
    let whole = Forge::default().bytes();
    let cut = whole[..whole.len() * 3 / 4].to_vec();
    let appended = [whole.as_slice(), b"PK\x05\x06 appended"].concat();
    let another = [whole.as_slice(), &whole].concat();
    let zip = |name: &str, code, bytes| Vector::new(&format!("{name}.zip"), Stage::Open, code, bytes);
    let photo_at =
        |offset: Option<u32>| move |entries: &mut Vec<RawEntry>| entries[PHOTO + 1].offset = offset;
    vec![
        zip("truncated", "zip_truncated", cut),
        zip("appended-end", "zip_truncated", appended),
        zip("appended-archive", "zip_directory_damaged", another),
        open("comment", "zip_truncated", &ended(End { comment: b"PK\x05\x06".to_vec(), ..End::default() })),
        open("multi-part", "zip_multi_part", &ended(End { disk: 1, ..End::default() })),
        open(
            "entries-65534",
            "zip_directory_damaged",
            &ended(End { entries: Some(65_534), ..End::default() }),
        ),
        open("entries-too-few", "zip_directory_damaged", &ended(End { entries: Some(3), ..End::default() })),
        open(
            "entries-a-trillion",
            "zip_too_many_entries",
            &ended(End { entries: Some(0xffff), wide_entries: Some(1 << 40), ..End::default() }),
        ),
        open(
            "two-ends",
            "zip_directory_damaged",
            &ended(End {
                directory_at: Some(u32::MAX),
                entries: Some(3),
                wide_entries: Some(8),
                ..End::default()
            }),
        ),
        open(
            "locator-astray",
            "zip_directory_damaged",
            &ended(End {
                entries: Some(0xffff),
                wide_entries: Some(8),
                locator: Some(u64::MAX - 3),
                ..End::default()
            }),
        ),
        open(
            "directory-astray",
            "zip_directory_damaged",
            &ended(End { directory_at: Some(1), ..End::default() }),
        ),
        open("overlap", "zip_overlap", &Forge::with_entries(photo_at(Some(0)))),
        verify(
            "overlap-by-local-header",
            "zip_overlap",
            &photo(|entry| {
                // The local header says that its extra field reaches into the next entry.
                entry.local.extra = vec![0; 4];
                entry.data.truncate(entry.data.len() - 4);
            }),
        ),
        open(
            "hidden-prefix",
            "zip_hidden_data",
            &Forge::with_entries(|entries| {
                entries[0].gap = b"PK\x03\x04 another document".to_vec();
            }),
        ),
        verify(
            "hidden-between",
            "zip_hidden_data",
            &Forge::with_entries(|entries| {
                entries[1].gap = b"PK\x03\x04 another document".to_vec();
            }),
        ),
    ]
}

/// An archive whose headers and manifest declare the document by this many bytes too large.
fn with_declared_size(difference: i32) -> Forge {
    Forge {
        entries: Box::new(move |entries| {
            entries[0].both(|header| {
                header.unpacked = header.unpacked.checked_add_signed(difference).unwrap();
            });
        }),
        manifest: Box::new(move |manifest| {
            let size = manifest["entries"][0]["size"].as_u64().unwrap();
            manifest["entries"][0]["size"] = size.checked_add_signed(difference.into()).unwrap().into();
        }),
        ..Forge::default()
    }
}

pub(crate) fn sizes() -> Vec<Vector> {
    let bomb = vec![b' '; 40 << 20];
    let secret_bomb = bomb.clone();
    vec![
        open(
            "bomb",
            "zip_bomb",
            &Forge::with_entries(move |entries| {
                entries[1] = RawEntry::deflated("extras.json", &bomb);
            }),
        ),
        verify(
            "bomb-in-disguise",
            "zip_wrong_size",
            &Forge::with_entries(move |entries| {
                let declared = entries[1].central.unpacked;
                entries[1] = RawEntry::deflated("extras.json", &secret_bomb);
                entries[1].both(|header| header.unpacked = declared);
            }),
        ),
        open("too-large-together", "zip_too_large", &Forge::default()).with("limit unpacked_bytes 1000"),
        open("too-many-entries", "zip_too_many_entries", &Forge::default()).with("limit entries 3"),
        open(
            "stored-with-two-sizes",
            "zip_stored_sizes",
            &photo(|entry| entry.both(|header| header.unpacked += 1)),
        ),
        verify("size-declared-too-small", "zip_wrong_size", &with_declared_size(-1)),
        verify("size-declared-too-large", "zip_wrong_size", &with_declared_size(1)),
        verify(
            "bytes-after-deflate",
            "zip_wrong_size",
            &Forge::with_entries(|entries| {
                entries[0].data.extend_from_slice(b"more");
                entries[0].both(|header| header.packed += 4);
            }),
        ),
        verify("wrong-crc", "zip_wrong_crc", &photo(|entry| entry.both(|header| header.crc ^= 1))),
        verify(
            "damaged-data",
            "zip_damaged_data",
            &Forge::with_entries(|entries| {
                entries[0].data.iter_mut().skip(40).take(8).for_each(|byte| *byte = 0xff);
            }),
        ),
    ]
}

/// Info-ZIP's extra field for the Unicode form of a name: version, checksum of the name in the header, other name.
fn second_name(name: &[u8], text: &str) -> Vec<u8> {
    let crc = crc32fast::hash(name).to_le_bytes();
    let length = u16::try_from(5 + text.len()).unwrap().to_le_bytes();
    [&b"\x75\x70"[..], &length, b"\x01", &crc, text.as_bytes()].concat()
}

pub(crate) fn headers() -> Vec<Vector> {
    let local = |change: fn(&mut RawEntry)| Forge::with_entries(move |entries| change(&mut entries[0]));
    let disagree = "zip_headers_disagree";
    vec![
        verify("local-size", disagree, &local(|entry| entry.local.unpacked += 1)),
        verify("local-crc", disagree, &local(|entry| entry.local.crc ^= 1)),
        verify("local-name", disagree, &local(|entry| entry.local.name = b"another.json!".to_vec())),
        verify("local-method", disagree, &local(|entry| entry.local.method = 0)),
        verify("local-flags", disagree, &local(|entry| entry.local.flags = 1 << 11)),
        verify(
            "local-signature",
            disagree,
            &Forge::with_entries(|entries| {
                // The directory points into the entry before.
                let start: usize =
                    entries[..PHOTO].iter().map(|entry| 30 + entry.local.name.len() + entry.data.len()).sum();
                entries[1].data.extend_from_slice(b"0123");
                entries[PHOTO].offset = Some(u32::try_from(start).unwrap());
            }),
        ),
        verify(
            "descriptor-of-another-size",
            disagree,
            &Forge::with_entries(|entries| {
                let entry = &mut entries[0];
                let numbers = [entry.central.crc, entry.central.packed, entry.central.unpacked + 1];
                entry.descriptor = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                entry.both(|header| header.flags |= 8);
                (entry.local.crc, entry.local.packed, entry.local.unpacked) = (0, 0, 0);
            }),
        ),
        verify(
            "leftover-with-another-name-inside",
            disagree,
            &Forge::with_entries(|entries| {
                let mut entry = RawEntry::stored(".DS_Store", b"{\"version\":\"2.0\"}");
                entry.local.name = b"diaspora.json".to_vec();
                entries.insert(0, entry);
            }),
        ),
        verify(
            "hidden-behind-a-leftover",
            "zip_hidden_data",
            &Forge::with_entries(|entries| {
                let mut entry = RawEntry::stored("__MACOSX/._diaspora.json", b"");
                entry.descriptor = b"PK\x03\x04 another document".to_vec();
                entries.insert(0, entry);
            }),
        ),
        verify(
            "second-name-inside",
            disagree,
            &photo(|entry| {
                let name = b"photos/\xfc.png";
                entry.both(|header| header.name = name.to_vec());
                entry.central.extra = second_name(name, "photos/aa.png");
                entry.local.extra = second_name(name, "photos/zz.png");
            }),
        ),
    ]
}
