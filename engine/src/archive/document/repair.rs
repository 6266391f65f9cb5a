//! Repair of strings that are almost JSON: bytes that are not UTF-8, raw control characters, and halves of surrogate
//! pairs. They occur in archives of stock pods that other programs have changed.

use std::fmt::Write as _;

/// The length of an escape sequence with a code unit, such as `\u00fc`.
const ESCAPE_BYTES: usize = 6;

/// Returns whether a text may contain escaped surrogates, each of which needs its other half.
pub(super) fn may_have_surrogates(text: &str) -> bool {
    text.contains("\\ud") || text.contains("\\uD")
}

/// Returns the text of a value with valid strings: invalid parts become U+FFFD, and control characters are escaped.
/// Text outside strings stays unchanged.
pub(super) fn repair_strings(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = &*text;
    let mut repaired = String::with_capacity(text.len());
    let mut is_inside = false;
    while let Some(character) = rest.chars().next() {
        let length = match character {
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
        rest = rest.get(length..).unwrap_or_default();
    }
    repaired
}

/// Copies the escape sequence at the beginning, or a pair of surrogates; returns its length.
fn copy_escape(rest: &str, repaired: &mut String) -> usize {
    let length = match (code_unit(rest), rest.get(ESCAPE_BYTES..).and_then(code_unit)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE_BYTES,
        (Some(0xd800..=0xdfff), _) => {
            repaired.push_str("\\ufffd");
            return ESCAPE_BYTES;
        }
        (Some(_), _) => ESCAPE_BYTES,
        (None, _) => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
    };
    repaired.push_str(rest.get(..length).unwrap_or_default());
    length
}

/// Returns the code unit of an escape sequence.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // `from_str_radix` would accept a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_invalid_parts_of_strings_change() {
        for unchanged in [
            r#"{"a": ["\ud83c\udf3c", "\u00fc", "\\ud83c", "\"\n", "ü🌼"], "b": 1.5}"#,
            "{\"a\":\n\t1}",
            "[\"open",
            "\"\\",
            "\"\\u12",
        ] {
            assert_eq!(repair_strings(unchanged.as_bytes()), unchanged);
        }
        for (bytes, expected) in [
            (&br#""a\ud83c""#[..], r#""a\ufffd""#),
            (br#""\udf3c\ud83c\ud83c\udf3c\uD83Cx""#, r#""\ufffd\ufffd\ud83c\udf3c\ufffdx""#),
            (b"[\"a\nb\tc\", 1]", r#"["a\u000ab\u0009c", 1]"#),
            (b"\"a\xffb\xe2\x82\"", "\"a\u{fffd}b\u{fffd}\""),
        ] {
            assert_eq!(repair_strings(bytes), expected);
            serde_json::from_str::<serde_json::Value>(expected).unwrap();
        }
    }
}
