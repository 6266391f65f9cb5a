//! Errors of the operating system in words that say what to do.

use std::io::{Error, ErrorKind};

/// The beginning of the number that Rust adds to the system's text: `No such file or directory (os error 2)`.
const NUMBER: &str = " (os error ";

/// Replaces the system's texts in a sentence by words for people. What to do about it is added at the end of a
/// sentence; in the middle, the sentence goes on with its own advice.
pub(crate) fn explained(sentence: &str) -> String {
    let (mut explained, mut rest) = (String::new(), sentence);
    while let Some((before, numbered)) = rest.split_once(NUMBER) {
        let Some((number, after)) = numbered.split_once(')') else { break };
        let error = number.parse().ok().map(Error::from_raw_os_error);
        let text = error.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = text.split_once(NUMBER).map_or("", |(text, _)| text);
        match (error.and_then(|error| words(error.kind())), before.strip_suffix(text)) {
            (Some((what, advice)), Some(before)) => {
                explained.extend([before, what]);
                if after.is_empty() {
                    explained.extend(["; ", advice]);
                }
            }
            _ => explained.push_str(before),
        }
        rest = after;
    }
    explained + rest
}

/// Returns what happened and what to do, for errors that people meet.
fn words(kind: ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::NotFound => ("there is no such file or folder", "check its name and path"),
        ErrorKind::PermissionDenied => {
            ("this user has no permission", "run the command as its owner, or change its permissions")
        }
        ErrorKind::IsADirectory => ("this is a folder, not a file", "name the file in it"),
        ErrorKind::NotADirectory => ("a part of the path is a file, not a folder", "check the path"),
        ErrorKind::AlreadyExists => ("it exists already", "choose another name"),
        ErrorKind::StorageFull => ("the disk is full", "free up space, and try again"),
        ErrorKind::ReadOnlyFilesystem => ("the disk is read-only", "choose a place on another one"),
        ErrorKind::ConnectionRefused => ("the connection is refused", "see that the server is running"),
        ErrorKind::AddrInUse => ("another program uses this address", "choose another port"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_texts_become_sentences() {
        let missing = Error::from_raw_os_error(2);
        for (sentence, expected) in [
            (
                format!("a.zip is refused: {missing}"),
                "a.zip is refused: there is no such file or folder; check its name and path",
            ),
            (
                format!("reading b: {missing}; run this as its owner"),
                "reading b: there is no such file or folder; run this as its owner",
            ),
            (
                format!("{}, then {missing}.", Error::from_raw_os_error(13)),
                "this user has no permission, then there is no such file or folder.",
            ),
            // Without better words the text stays, and its number goes.
            (format!("c: {}", Error::from_raw_os_error(5)), "c: Input/output error"),
            ("d: Broken (os error 2)".to_owned(), "d: Broken"),
            ("e (os error x) and (os error 2".to_owned(), "e and (os error 2"),
            ("nothing of it".to_owned(), "nothing of it"),
        ] {
            assert_eq!(explained(&sentence), expected, "{sentence}");
        }
    }
}
