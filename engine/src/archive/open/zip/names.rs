//! Names of entries: which are safe, and which are the same.

use std::collections::HashMap;

use super::{Entry, NameProblem, ZipError};

/// What is wrong with a name, if anything is.
pub(super) fn problem(name: &str) -> Option<NameProblem> {
    let drive = name.as_bytes().get(1) == Some(&b':') && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if name.chars().any(char::is_control) {
        Some(NameProblem::ControlCharacter)
    } else if name.contains('\\') {
        Some(NameProblem::Backslash)
    } else if name.starts_with('/') || drive {
        Some(NameProblem::Absolute)
    } else if name.split('/').any(|part| part == "..") {
        Some(NameProblem::Traversal)
    } else if name.strip_suffix('/').unwrap_or(name).split('/').any(|part| part.is_empty() || part == ".") {
        Some(NameProblem::Empty)
    } else {
        None
    }
}

/// No two entries may have one name, nor names that differ in case only.
pub(super) fn check_unique(entries: &[Entry]) -> Result<(), ZipError> {
    let mut seen: HashMap<String, &Entry> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let Some(other) = seen.insert(entry.name.to_lowercase(), entry) else { continue };
        let name = entry.name.to_string();
        return Err(if other.name == entry.name {
            ZipError::Duplicate { name }
        } else {
            ZipError::DuplicateIgnoringCase { name, other: other.name.to_string() }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_stay_where_they_are_pass() {
        for name in ["diaspora.json", "photos/a.b.webp", "view/ünï/..a/b", "ab:c"] {
            assert_eq!(problem(name), None, "{name}");
        }
        for (name, expected) in [
            ("", NameProblem::Empty),
            ("a//b", NameProblem::Empty),
            ("./a", NameProblem::Empty),
            ("../a", NameProblem::Traversal),
            ("photos/../../a", NameProblem::Traversal),
            ("a/..", NameProblem::Traversal),
            ("/etc/passwd", NameProblem::Absolute),
            ("C:/x", NameProblem::Absolute),
            ("a\\b", NameProblem::Backslash),
            ("a\0b", NameProblem::ControlCharacter),
            ("a\nb", NameProblem::ControlCharacter),
        ] {
            assert_eq!(problem(name), Some(expected), "{name}");
        }
    }
}
