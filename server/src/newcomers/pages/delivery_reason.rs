//! Reasons for failed deliveries in the reader's language. The ledger stores error messages in English.

use crate::words::Words;

/// Parts of error messages, and the translation key for each; the first match counts.
const REASONS: [(&str, &str); 15] = [
    ("dns error", "told-why-dns"),
    ("failed to lookup", "told-why-dns"),
    ("name resolution", "told-why-dns"),
    ("no such host", "told-why-dns"),
    ("certificate", "told-why-certificate"),
    ("did not answer within", "told-why-timeout"),
    ("cannot be reached", "told-why-unreachable"),
    ("is not reachable", "told-why-unreachable"),
    ("broke off", "told-why-unreachable"),
    ("redirects are not followed", "told-why-elsewhere"),
    ("is not on the public internet", "told-why-private"),
    ("does not use https", "told-why-private"),
    ("there is no such account", "told-why-no-account"),
    ("address is wrong", "told-why-address"),
    ("does not answer from outside", "told-why-own-pod"),
];

/// Returns the translated reason; `None` for other error messages.
pub(in crate::newcomers) fn reason(words: &Words, message: &str) -> Option<String> {
    let lower = message.to_lowercase();
    if let Some(rest) = lower.strip_prefix("the pod answered ") {
        let status: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return Some(words.one("told-why-status", "status", status));
    }
    REASONS.iter().find(|(part, _)| lower.contains(part)).map(|(_, key)| words.say(key))
}

#[cfg(test)]
mod tests {
    use pappus_engine::http::HttpError;

    use super::reason;

    #[test]
    fn reasons_are_translated() {
        let all = crate::words::built_in().unwrap();
        let german = all.named("de").unwrap();
        let host = || "pod.example".to_owned();
        let dns = "dns error: failed to lookup address information: Name or service not known".to_owned();
        for (error, expected) in [
            (HttpError::Connect { host: host(), reason: dns }, "gibt es nicht mehr"),
            (
                HttpError::Connect { host: host(), reason: "Connection refused (os error 111)".to_owned() },
                "nicht zu erreichen",
            ),
            (
                HttpError::Timeout { host: host(), after: std::time::Duration::from_secs(10) },
                "nicht rechtzeitig",
            ),
            (HttpError::Redirect { host: host(), status: 301, location: None }, "woandershin"),
        ] {
            let text = reason(german, &error.to_string()).unwrap_or_default();
            assert!(text.contains(expected), "{error}: {text}");
        }
        assert!(reason(german, "the pod answered 502: Bad Gateway").unwrap().contains("502"));
        assert_eq!(reason(german, "something else"), None);
    }
}
