//! Translated reasons for failed archives. Requests and campaigns store error messages in English.

use crate::words::Words;

/// Parts of error messages, and the translation key for each; the first match counts.
const REASONS: [(&str, &str); 20] = [
    ("there is no account", "failed-why-gone"),
    ("is no longer on the pod", "failed-why-gone"),
    ("no usable person", "failed-why-broken"),
    ("another export of this account", "failed-why-busy"),
    ("already exists", "failed-why-exists"),
    ("private key was not encrypted", "failed-why-key"),
    ("bug in pappus", "failed-why-defect"),
    // As earlier versions stored it.
    ("defect of pappus", "failed-why-defect"),
    ("no room left", "failed-why-full"),
    ("no space left", "failed-why-full"),
    ("is its disk mounted", "failed-why-place"),
    ("what opens", "failed-why-keys"),
    ("encrypt", "failed-why-keys"),
    ("photo", "failed-why-photos"),
    ("uploads", "failed-why-photos"),
    ("bucket", "failed-why-photos"),
    ("database", "failed-why-database"),
    ("statement", "failed-why-database"),
    ("cannot be written", "failed-why-place"),
    ("was not written", "failed-why-place"),
];

/// Returns the translated reason; for other error messages, a text that refers to the details.
pub(crate) fn reason(words: &Words, message: &str) -> String {
    let lower = message.to_lowercase();
    let matching = REASONS.iter().find(|(part, _)| lower.contains(part));
    words.say(matching.map_or("failed-why-other", |(_, key)| key))
}

#[cfg(test)]
mod tests {
    use pappus_engine::depot::DepotError;
    use pappus_engine::export::ExportError;
    use pappus_engine::pod::reader::ReadError;

    use super::{REASONS, reason};

    #[test]
    fn reasons_are_translated() {
        let all = crate::words::built_in().unwrap();
        let german = all.named("de").unwrap();
        let name = || "ida".to_owned();
        let broken = ReadError::BrokenAccount { name: name(), reason: "none".to_owned() };
        for (message, expected) in [
            (ExportError::Read(ReadError::UnknownAccount { name: name() }).to_string(), "nicht mehr"),
            (ExportError::Read(broken).to_string(), "keine brauchbare Person"),
            (ExportError::Panicked.to_string(), "Fehler in Pappus"),
            (DepotError::Full { location: "/srv".to_owned() }.to_string(), "kein Platz"),
            ("the account is no longer on the pod".to_owned(), "nicht mehr"),
            ("something else".to_owned(), "Einzelheiten"),
        ] {
            let text = reason(german, &message);
            assert!(text.contains(expected), "{message}: {text}");
        }
        for (_, key) in REASONS {
            for language in ["en", "de"] {
                assert!(all.named(language).unwrap().find(key).is_some(), "{language}: {key}");
            }
        }
    }
}
