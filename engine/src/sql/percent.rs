//! Percent-encoding of the parts of a database address.

use std::fmt::Write as _;

use zeroize::Zeroizing;

/// Encodes all characters except unreserved ones and those in `keep`.
///
/// `Url::set_password` does not encode `%`, which would change a password like `50%41`.
pub(crate) fn encode(text: &str, keep: &[u8]) -> Zeroizing<String> {
    // The capacity is sufficient for any text, since growing the buffer would leave a copy of the secret in memory.
    let mut encoded = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Decodes `%XX`; `None` if the result is not UTF-8. A `%` without two hexadecimal digits is unchanged.
pub(crate) fn decode(text: &str) -> Option<Zeroizing<String>> {
    let bytes = text.as_bytes();
    let mut decoded = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        let hex = bytes.get(position + 1..position + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let value = hex
            .filter(|pair| byte == b'%' && !pair.contains('+'))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        decoded.push(value.unwrap_or(byte));
        position += if value.is_some() { 3 } else { 1 };
    }
    std::str::from_utf8(&decoded).ok().map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_and_decodes() {
        assert_eq!(encode("p@ss:w/ör%41?#", b"").as_str(), "p%40ss%3Aw%2F%C3%B6r%2541%3F%23");
        assert_eq!(encode("/srv/a b", b"/").as_str(), "/srv/a%20b");
        for text in ["", "plain", "p@ss:w/ör%41?#", "%", "%4", "100%"] {
            assert_eq!(decode(&encode(text, b"")).unwrap().as_str(), text);
        }
        assert_eq!(decode("a%+1%zz%").unwrap().as_str(), "a%+1%zz%");
        assert!(decode("%ff").is_none());
    }
}
