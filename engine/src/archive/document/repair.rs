//! Repair of strings that are almost JSON: bytes that are not UTF-8, raw control characters, and halves of surrogate
//! pairs. Archives that stock pods wrote and other programs changed have them.

use std::fmt::Write as _;

/// The length of an escape sequence with a code unit, such as `\u00fc`.
const ESCAPE: usize = 6;

/// Returns whether a text may have escaped surrogates, of which each must have its other half.
pub(super) fn may_have_surrogates(text: &str) -> bool {
    text.contains("\\ud") || text.contains("\\uD")
}

/// Returns the text of a value with valid strings: what cannot be read becomes U+FFFD, and control characters are
/// escaped. Whatever is outside of strings stays as it is.
pub(super) fn repaired(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = &*text;
    let mut repaired = String::with_capacity(text.len());
    let mut is_inside = false;
    while let Some(character) = rest.chars().next() {
        let taken = match character {
            '\\' if is_inside => copy_escape(rest, &mut repaired),
            control if is_inside && control < ' ' => {
                // Writing to a string cannot fail.
                _ = write!(repaired, "\\u{:04x}", u32::from(control));
                1
            }
            other => {
                is_inside ^= other == '"';
                repaired.push(other);
                other.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    repaired
}

/// Copies the escape sequence at the beginning, or a pair of surrogates; returns its length.
fn copy_escape(rest: &str, repaired: &mut String) -> usize {
    let length = match (unit(rest), rest.get(ESCAPE..).and_then(unit)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE,
        (Some(0xd800..=0xdfff), _) => {
            repaired.push_str("\\ufffd");
            return ESCAPE;
        }
        (Some(_), _) => ESCAPE,
        (None, _) => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
    };
    repaired.push_str(rest.get(..length).unwrap_or_default());
    length
}

/// Returns the code unit of an escape sequence.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // The parser would accept a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_with_strings_changes() {
        for same in [
            r#"{"a": ["\ud83c\udf3c", "\u00fc", "\\ud83c", "\"\n", "ü🌼"], "b": 1.5}"#,
            "{\"a\":\n\t1}",
            "[\"open",
            "\"\\",
            "\"\\u12",
        ] {
            assert_eq!(repaired(same.as_bytes()), same);
        }
        for (bytes, expected) in [
            (&br#""a\ud83c""#[..], r#""a\ufffd""#),
            (br#""\udf3c\ud83c\ud83c\udf3c\uD83Cx""#, r#""\ufffd\ufffd\ud83c\udf3c\ufffdx""#),
            (b"[\"a\nb\tc\", 1]", r#"["a\u000ab\u0009c", 1]"#),
            (b"\"a\xffb\xe2\x82\"", "\"a\u{fffd}b\u{fffd}\""),
        ] {
            assert_eq!(repaired(bytes), expected);
            serde_json::from_str::<serde_json::Value>(expected).unwrap();
        }
    }
}
