//! Texts from a database that may contain invalid characters.

use std::borrow::Cow;

/// Decodes a column's bytes to a text that JSON and XML can represent.
///
/// Invalid UTF-8 and characters that XML 1.0 forbids (NUL and most control characters) become U+FFFD, as in
/// diaspora*'s exporter, so signatures over such texts are the same on both sides.
pub fn clean_text(bytes: &[u8]) -> String {
    // Nearly all texts are valid, and checking is much faster than replacing.
    let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    let is_suspicious = bytes.iter().fold(false, |found, byte| found | may_be_forbidden(*byte));
    if is_suspicious && text.chars().any(is_forbidden) {
        text.chars().map(|c| if is_forbidden(c) { '\u{FFFD}' } else { c }).collect()
    } else {
        text.into_owned()
    }
}

/// Returns whether the byte is a control character or the first byte of U+FFFE and U+FFFF; quick, for a first check.
fn may_be_forbidden(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0xEF
}

/// Returns whether a character cannot be in a text of an archive: XML 1.0 forbids it.
pub(crate) fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::clean_text;

    #[test]
    fn characters_that_json_or_xml_cannot_represent_are_replaced() {
        assert_eq!(clean_text("a\tb\r\nünï🎉\u{7f}".as_bytes()), "a\tb\r\nünï🎉\u{7f}");
        assert_eq!(clean_text(b"bell\x07 nul\0."), "bell\u{FFFD} nul\u{FFFD}.");
        assert_eq!(clean_text(b"\xff\xfe"), "\u{FFFD}\u{FFFD}");
        assert_eq!(clean_text("\u{FFFF}x\u{FFFD}".as_bytes()), "\u{FFFD}x\u{FFFD}");
    }
}
