//! Names of files in a depot.

use super::DepotError;

/// Maximum characters of a name: any file system and any server for S3 accepts as many.
const MAX_LENGTH: usize = 240;
/// Maximum depth of folders, the file itself counted.
const MAX_DEPTH: usize = 4;

/// Returns whether a file in a depot can have this name: ASCII letters, digits and `@ . _ - + = ,`, in at most three
/// folders (`/`), no part beginning with a dot or a hyphen.
pub fn is_depot_name(name: &str) -> bool {
    let good = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'_' | b'-' | b'+' | b'=' | b',')
    };
    name.len() <= MAX_LENGTH
        && name.split('/').count() <= MAX_DEPTH
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(good))
}

pub(super) fn check(name: &str) -> Result<(), DepotError> {
    if is_depot_name(name) { Ok(()) } else { Err(DepotError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for name in
            ["a@b.example-20261122T100000Z.zip.age", "campaign.json", "june/campaign.json.sig", "a/b/c/d"]
        {
            assert!(is_depot_name(name), "{name}");
        }
        let long = "a".repeat(MAX_LENGTH + 1);
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
