//! Addresses of pictures on the web.

use url::Url;

/// Returns an address as a browser would send it, if it begins with `http:` or `https:`.
///
/// Addresses come from archives and from other pods, and diaspora* prints an avatar's address into an attribute as it
/// is stored (`personImage` in `handlebars-helpers.js`). The result contains no quotes, angle brackets, spaces,
/// backticks or control characters, and its host has only characters that host names may have.
pub fn web_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !url.host_str()?.chars().all(is_plain) {
        return None;
    }
    let mut address = String::with_capacity(url.as_str().len());
    for c in url.as_str().chars() {
        match c {
            // The parser does not encode these in every part of an address.
            '"' => address.push_str("%22"),
            '\'' => address.push_str("%27"),
            '<' => address.push_str("%3C"),
            '>' => address.push_str("%3E"),
            '`' => address.push_str("%60"),
            '!'..='~' => address.push(c),
            // The parser encodes everything else.
            _ => return None,
        }
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::web_address;

    #[test]
    fn an_address_is_written_as_browsers_send_it() {
        let address = |text: &str| web_address(text).unwrap();
        assert_eq!(
            address("https://pod.example/uploads/a.png?x=1&y=2#z"),
            "https://pod.example/uploads/a.png?x=1&y=2#z"
        );
        assert_eq!(address(" HTTP://Pod.Example:80/ü b.png\n"), "http://pod.example/%C3%BC%20b.png");
        assert_eq!(address("https://bücher.example/"), "https://xn--bcher-kva.example/");
        assert_eq!(address("http://[::1]:3000/a"), "http://[::1]:3000/a");
    }

    #[test]
    fn addresses_cannot_end_an_attribute() {
        let evil = "\"'<>` \t\n\u{0}\u{7f}\u{a0}\u{2028}";
        for text in [
            format!("http://x.example/{evil} onerror=alert(1)"),
            format!("http://x.example/a?{evil}"),
            format!("http://x.example/a#{evil}"),
            format!("http://{evil}:{evil}@x.example/a"),
            format!("https:\\\\x.example\\{evil}"),
            "http://x.example/\" onerror=\"alert(1)".to_owned(),
        ] {
            let address = web_address(&text).unwrap();
            assert!(address.starts_with("http"), "{address}");
            assert!(address.bytes().all(|c| c.is_ascii_graphic()), "{address}");
            assert!(!address.contains(['"', '\'', '<', '>', '`']), "{address}");
            assert_eq!(web_address(&address).unwrap(), address, "encoding is idempotent");
        }
    }

    #[test]
    fn everything_else_is_rejected() {
        for text in [
            "",
            "/uploads/a.png",
            "javascript:alert(1)//http://x.example/",
            "data:image/png;base64,AAAA",
            "ftp://x.example/a",
            "http://x\"y.example/a",
            "http://x'y.example/a",
            "http://x`y.example/a",
            "http://x$(y).example/a",
            "http://",
        ] {
            assert_eq!(web_address(text), None, "{text}");
        }
    }
}
