//! Names of files in a depot.

use super::DepotError;

/// The maximum length of a name, in bytes; all file systems and servers for S3 accept it.
const MAX_BYTES: usize = 240;
/// The maximum number of folders in a name, plus one for the file.
const MAX_DEPTH: usize = 4;

/// Returns whether a file in a depot can have this name: ASCII letters, digits and `@ . _ - + = ,`, in at most three
/// folders (`/`), 240 bytes at most; no part begins with a dot or a hyphen.
pub fn is_depot_name(name: &str) -> bool {
    let is_allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'_' | b'-' | b'+' | b'=' | b',')
    };
    name.len() <= MAX_BYTES
        && name.split('/').count() <= MAX_DEPTH
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(is_allowed))
}

pub(super) fn check(name: &str) -> Result<(), DepotError> {
    if is_depot_name(name) { Ok(()) } else { Err(DepotError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_the_depot() {
        for name in
            ["a@b.example-20261122T100000Z.zip.age", "campaign.json", "june/campaign.json.sig", "a/b/c/d"]
        {
            assert!(is_depot_name(name), "{name}");
        }
        let long = "a".repeat(MAX_BYTES + 1);
        for name in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            ".part",
            "a/.b",
            "-a",
            "a b",
            "a\0",
            "ä",
            "a\\b",
            "a/b/c/d/e",
            &long,
        ] {
            assert!(!is_depot_name(name), "{name}");
        }
    }
}
