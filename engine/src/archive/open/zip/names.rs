//! Names of entries: decoding, safety, system files and duplicates.

use std::borrow::Cow;
use std::collections::HashMap;

use super::fields::{EXTRA_UNICODE_NAME, FLAG_UTF8, Fields, extra};
use super::{Entry, NameProblem, Role, ZipError};

/// The upper half of code page 437, the encoding of names without the UTF-8 flag (PKWARE APPNOTE, appendix D).
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
                             αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Reads the name of an entry from a header: its bytes, its flags, and its extra fields.
///
/// Backslashes separate folders, as some Windows programs write them, and a leading `./` is ignored. A second name in
/// an extra field (Info-ZIP) must belong to the first one.
pub(super) fn read(bytes: &[u8], flags: u16, extras: &[u8]) -> Result<String, ZipError> {
    let unsafe_name =
        |problem| ZipError::UnsafeName { name: String::from_utf8_lossy(bytes).into_owned(), problem };
    let name = match (std::str::from_utf8(bytes), extra(extras, EXTRA_UNICODE_NAME)?) {
        (first, Some(second)) => {
            let second = unicode_name(second, bytes).ok_or_else(|| unsafe_name(NameProblem::SecondName))?;
            // Two UTF-8 names must be equal; a name in another encoding may differ in its bytes.
            if first.is_ok_and(|first| (flags & FLAG_UTF8 != 0 || first.is_ascii()) && first != second) {
                return Err(unsafe_name(NameProblem::SecondName));
            }
            Cow::from(second)
        }
        (Ok(name), None) => Cow::from(name),
        (Err(_), None) if flags & FLAG_UTF8 != 0 => return Err(unsafe_name(NameProblem::NotUtf8)),
        (Err(_), None) => Cow::from(bytes.iter().map(|byte| code_page_437(*byte)).collect::<String>()),
    };
    let name = name.replace('\\', "/");
    let mut name = name.as_str();
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    Ok(name.to_owned())
}

/// Parses Info-ZIP's extra field: a version, the CRC of the name in the header, and the name in UTF-8.
fn unicode_name<'a>(content: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let mut fields = Fields(content);
    let (version, crc) = (fields.bytes(1).ok()?, fields.u32().ok()?);
    (version == [1] && crc == crc32fast::hash(name))
        .then_some(fields.0)
        .and_then(|name| std::str::from_utf8(name).ok())
}

fn code_page_437(byte: u8) -> char {
    match byte.checked_sub(128) {
        None => char::from(byte),
        Some(upper) => CODE_PAGE_437.chars().nth(upper.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// Folders that systems create: macOS (copies of all files, and on drives of other systems), Synology and QNAP
/// (previews), Android, Windows (on drives), KDE (comments on files), Dropbox, Syncthing.
const SYSTEM_FOLDERS: [&str; 15] = [
    "__MACOSX",
    ".AppleDouble",
    ".Spotlight-V100",
    ".TemporaryItems",
    ".Trashes",
    ".fseventsd",
    "@eaDir",
    ".@__thumb",
    ".thumbnails",
    "System Volume Information",
    "$RECYCLE.BIN",
    ".comments",
    ".dropbox.cache",
    ".stfolder",
    ".stversions",
];

/// The beginning of the trash folder that Linux desktops create on drives; the user's number follows.
const TRASH: &str = ".Trash-";

/// Files that systems create in folders, in lowercase.
const SYSTEM_FILES: [&str; 12] = [
    ".ds_store",
    ".localized",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    ".directory",
    ".nomedia",
    ".picasa.ini",
    ".dropbox",
    ".dropbox.attr",
    ".owncloudsync.log",
];

/// The beginning of names of ownCloud's and Nextcloud's databases (`.sync_….db`, with `-wal` and `-shm`).
const SYNC_DATABASE: &str = ".sync_";
/// The endings of files that belong to another file, in lowercase: Windows's note on a download, as WSL shows it, and
/// the backups of editors.
const COMPANION_ENDINGS: [&str; 2] = [":zone.identifier", "~"];

/// Returns whether an entry is a file that operating systems, editors, or programs for photos and synchronization
/// create in folders.
pub(super) fn is_system_file(name: &str) -> bool {
    let file_name = name.rsplit('/').next().unwrap_or_default();
    let lower = file_name.to_ascii_lowercase();
    name.split('/').any(|part| SYSTEM_FOLDERS.contains(&part) || part.starts_with(TRASH))
        // macOS's metadata files on foreign file systems.
        || file_name.starts_with("._")
        || (file_name.starts_with(SYNC_DATABASE) && file_name.contains(".db"))
        || SYSTEM_FILES.contains(&lower.as_str())
        || COMPANION_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// Returns the problem of a name, if any.
pub(super) fn problem(name: &str) -> Option<NameProblem> {
    // The name of Finder's folder icon ends in a carriage return.
    let visible_name = name.strip_suffix('\r').filter(|_| is_system_file(name)).unwrap_or(name);
    let has_drive = name.as_bytes().get(1) == Some(&b':')
        && name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if visible_name.chars().any(char::is_control) {
        Some(NameProblem::ControlCharacter)
    } else if name.starts_with('/') || has_drive {
        Some(NameProblem::Absolute)
    } else if name.split('/').any(|part| part == "..") {
        Some(NameProblem::Traversal)
    } else if name.strip_suffix('/').unwrap_or(name).split('/').any(|part| part.is_empty() || part == ".") {
        Some(NameProblem::Empty)
    } else {
        None
    }
}

/// Checks that no two files have the same name, or names that differ only in case. A duplicate with the same size and
/// CRC is marked as a copy; its bytes are compared when they are read.
pub(super) fn mark_copies(entries: &mut [Entry]) -> Result<(), ZipError> {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    for position in 0..entries.len() {
        let (earlier, rest) = entries.split_at_mut(position);
        let Some(entry) = rest.first_mut().filter(|entry| entry.role == Role::File) else { continue };
        let lower = entry.name.to_lowercase();
        let Some(other) = seen.get(&lower).and_then(|first| Some((*first, earlier.get(*first)?))) else {
            seen.insert(lower, position);
            continue;
        };
        let (first, other) = other;
        let name = entry.name.to_string();
        if other.name != entry.name {
            return Err(ZipError::DuplicateIgnoringCase { name, other: other.name.to_string() });
        }
        if (other.unpacked, other.crc) != (entry.unpacked, entry.crc) {
            return Err(ZipError::Duplicate { name });
        }
        entry.role = Role::CopyOf(first);
    }
    Ok(())
}

/// Returns the common folder of all files, with its slash, or an empty string.
///
/// Unpacking an archive into a folder and packing that folder again prefixes all names with it. If something else was
/// packed beside the folder, the files named in `marks` identify it.
pub(super) fn root(entries: &[Entry], marks: &[&str]) -> String {
    let files = || entries.iter().filter(|entry| matches!(entry.role, Role::File)).map(|entry| &*entry.name);
    let folder = |name: &str| name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let marked = files().find(|name| marks.contains(&name.rsplit('/').next().unwrap_or_default()));
    if let Some(name) = marked {
        return folder(name);
    }
    let Some(mut common) = files().next().map(folder) else { return String::new() };
    for name in files() {
        while !name.starts_with(&common) {
            common = folder(common.trim_end_matches('/'));
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_within_the_folder_are_accepted() {
        for name in ["diaspora.json", "photos/a.b.webp", "view/ünï/..a/b", "ab:c", "a/Icon\r"] {
            assert_eq!(problem(name), None, "{name}");
        }
        for (name, expected) in [
            ("", NameProblem::Empty),
            ("a//b", NameProblem::Empty),
            ("a/./b", NameProblem::Empty),
            ("../a", NameProblem::Traversal),
            ("photos/../../a", NameProblem::Traversal),
            ("a/..", NameProblem::Traversal),
            ("/etc/passwd", NameProblem::Absolute),
            ("C:/x", NameProblem::Absolute),
            ("a\0b", NameProblem::ControlCharacter),
            ("a\nb", NameProblem::ControlCharacter),
            ("a\r", NameProblem::ControlCharacter),
        ] {
            assert_eq!(problem(name), Some(expected), "{name}");
        }
    }

    fn second(name: &[u8], unicode: &str) -> Vec<u8> {
        let length = u16::try_from(unicode.len() + 5).unwrap();
        let crc = crc32fast::hash(name);
        [&[0x75, 0x70][..], &length.to_le_bytes(), &[1], &crc.to_le_bytes(), unicode.as_bytes()].concat()
    }

    #[test]
    fn names_are_decoded() {
        let none: &[u8] = &[];
        for (bytes, flags, extras, expected) in [
            (&b"photos/a.png"[..], 0, none, "photos/a.png"),
            (b"photos\\a.png", 0, none, "photos/a.png"),
            (b"././a", 0, none, "a"),
            ("ü/ß".as_bytes(), FLAG_UTF8, none, "ü/ß"),
            // Without the flag names are in UTF-8 or in code page 437.
            ("ü/ß".as_bytes(), 0, none, "ü/ß"),
            (b"\x81/\xe1.json", 0, none, "ü/ß.json"),
            (b"?/a", 0, &second(b"?/a", "?/a"), "?/a"),
            (b"\xfc/a", 0, &second(b"\xfc/a", "ü/a"), "ü/a"),
        ] {
            assert_eq!(read(bytes, flags, extras).unwrap(), expected, "{bytes:?}");
        }
        assert_eq!(CODE_PAGE_437.chars().count(), 128);
        for (bytes, flags, extras) in [
            (&b"a\xff"[..], FLAG_UTF8, none),
            (b"a.png", 0, &second(b"b.png", "a.png")[..]),
            (b"a.png", 0, &second(b"a.png", "b.png")),
            (b"a.png", 0, &[0x75, 0x70, 1, 0, 1]),
        ] {
            assert!(read(bytes, flags, extras).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn system_files_are_recognized() {
        for name in [
            "__MACOSX/a/._b.json",
            "a/.DS_Store",
            "._a.json",
            "x/Thumbs.db",
            "Desktop.ini",
            "Icon\r",
            "photos/@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg",
            ".fseventsd/0001",
            "photos/.nomedia",
            "photos/.thumbnails/1.jpg",
            ".Picasa.ini",
            "diaspora.json:Zone.Identifier",
            ".Trash-1000/info/a.trashinfo",
            "System Volume Information/IndexerVolumeGuid",
            ".dropbox",
            "photos/.dropbox.attr",
            ".sync_0a1b2c.db",
            ".sync_0a1b2c.db-wal",
            ".comments/diaspora.json.xml",
            "manifest.json~",
        ] {
            assert!(is_system_file(name), "{name}");
        }
        for name in [
            "a.json",
            "_a",
            ".a",
            "DS_Store",
            "photos/.hidden.png",
            "MACOSX/a",
            "icon",
            "a/eaDir/b",
            "nomedia",
            "a~/b",
            "comments/a",
            "dropbox",
            ".sync_",
            "zone.identifier",
        ] {
            assert!(!is_system_file(name), "{name}");
        }
    }
}
