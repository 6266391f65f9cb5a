//! Explanations of operating system errors, with advice.

use std::io::{Error, ErrorKind};

/// The text before the error number that Rust appends: `No such file or directory (os error 2)`.
const NUMBER_PREFIX: &str = " (os error ";

/// Replaces the system's error texts in a sentence with explanations. Adds advice only at the end: a sentence that
/// continues contains its own advice.
pub(crate) fn explain(sentence: &str) -> String {
    let (mut explained, mut remaining) = (String::new(), sentence);
    while let Some((before, numbered)) = remaining.split_once(NUMBER_PREFIX) {
        let Some((number, after)) = numbered.split_once(')') else { break };
        let error = number.parse().ok().map(Error::from_raw_os_error);
        let text = error.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = text.split_once(NUMBER_PREFIX).map_or("", |(text, _)| text);
        match (error.and_then(|error| explanation(error.kind())), before.strip_suffix(text)) {
            (Some((explanation, advice)), Some(before)) => {
                explained.extend([before, explanation]);
                if after.is_empty() {
                    explained.extend(["; ", advice]);
                }
            }
            _ => explained.push_str(before),
        }
        remaining = after;
    }
    explained + remaining
}

/// Returns an explanation and advice, for the errors that people are likely to encounter.
fn explanation(kind: ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::NotFound => ("there is no such file or folder", "check its name and path"),
        ErrorKind::PermissionDenied => (
            "this user has no permission",
            "run the command as the owner of the file, or change its permissions",
        ),
        ErrorKind::IsADirectory => ("this is a folder, not a file", "specify a file in it"),
        ErrorKind::NotADirectory => ("part of the path is a file, not a folder", "check the path"),
        ErrorKind::AlreadyExists => ("it already exists", "choose another name"),
        ErrorKind::StorageFull => ("the disk is full", "free up space, and try again"),
        ErrorKind::ReadOnlyFilesystem => ("the disk is read-only", "choose a folder on another disk"),
        ErrorKind::ConnectionRefused => ("the connection was refused", "check that the server is running"),
        ErrorKind::AddrInUse => ("another program uses this address", "choose another port"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_are_explained() {
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
            // Without an explanation, the text stays and the number is removed.
            (format!("c: {}", Error::from_raw_os_error(5)), "c: Input/output error"),
            ("d: Broken (os error 2)".to_owned(), "d: Broken"),
            ("e (os error x) and (os error 2".to_owned(), "e and (os error 2"),
            ("no system error".to_owned(), "no system error"),
        ] {
            assert_eq!(explain(&sentence), expected, "{sentence}");
        }
    }
}
