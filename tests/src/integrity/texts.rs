//! Texts as Ruby reads them: tags, mentions, YAML.

use std::collections::{BTreeMap, BTreeSet};

/// The tags of a text in lower case: `#` at the beginning of a line or behind white space, then letters, marks,
/// digits, connectors, `-` and four Armenian signs, or `<3` (`Diaspora::Taggable`).
pub(super) fn tags(text: &str) -> BTreeSet<String> {
    let mut tags = BTreeSet::new();
    let mut before = '\n';
    for (place, letter) in text.char_indices() {
        let space = matches!(before, '\t'..='\r' | ' ');
        if letter == '#' && space {
            let rest = &text[place + 1..];
            let word: String = rest.chars().take_while(|c| in_tag(*c)).collect();
            if !word.is_empty() {
                tags.insert(word.to_lowercase());
            } else if rest.starts_with("<3") {
                tags.insert("<3".to_owned());
            }
        }
        before = letter;
    }
    tags.retain(|tag| tag.chars().count() <= 255);
    tags
}

/// Ruby's `[[:word:]]` and what diaspora* adds. Marks: those that the tests write.
fn in_tag(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '-' | '\u{55B}' | '\u{55C}' | '\u{55E}' | '\u{58A}')
        || matches!(c, '\u{300}'..='\u{36F}' | '\u{591}'..='\u{5BD}' | '\u{64B}'..='\u{65F}' | '\u{FE0F}')
}

/// The diaspora* IDs that a text mentions.
pub(super) fn mentions(text: &str) -> BTreeSet<String> {
    let inside = text.split("@{").skip(1).filter_map(|rest| rest.split_once('}').map(|(inside, _)| inside));
    inside.filter_map(|inside| inside.rsplit("; ").next()).map(|id| id.trim().to_owned()).collect()
}

/// Whether Ruby's YAML parser takes every character: it stops at control characters, and the byte order mark.
pub(super) fn is_yaml_text(yaml: &str) -> bool {
    yaml.chars().all(|c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{7E}' | '\u{85}' | '\u{A0}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
            || c >= '\u{10000}'
    })
}

/// Whether a value could be changed by being read: in quotes, these are line ends to Ruby's parser.
pub(super) fn has_odd_line_end(yaml: &str) -> bool {
    yaml.contains(['\u{85}', '\u{2028}', '\u{2029}'])
}

/// A hash of texts, as signatures keep what has no column.
pub(super) fn hash(yaml: &str) -> Option<BTreeMap<String, Option<String>>> {
    let plain = is_yaml_text(yaml) && !has_odd_line_end(yaml) && !yaml.contains("!ruby/object");
    plain.then(|| serde_saphyr::from_str(yaml).ok())?
}

/// A hash of lists of texts.
pub(super) fn lists(yaml: &str) -> Option<BTreeMap<String, Vec<String>>> {
    is_yaml_text(yaml).then(|| serde_saphyr::from_str(yaml).ok())?
}

/// A list of texts.
pub(super) fn list(yaml: &str) -> Option<Vec<String>> {
    is_yaml_text(yaml).then(|| serde_saphyr::from_str(yaml).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_ruby_reads() {
        let found: Vec<String> = tags("#A b#c\u{A0}#no\n#d-e, (#f) ##g #<3 #a").into_iter().collect();
        assert_eq!(found, ["<3", "a", "d-e"]);
        assert!(mentions("@{A; a@b.example} @{c@d.example}").len() == 2);
        assert!(hash("---\na: \"b\"\n").is_some());
        assert!(hash("---\na: \"\u{7F}\"\n").is_none());
        assert!(hash("---\na: \"\u{2028}\"\n").is_none());
        assert!(hash("---\n- a\n").is_none());
        assert!(lists("---\nPost:\n- '1'\n").is_some());
        assert!(list("--- []\n").is_some_and(|list| list.is_empty()));
    }
}
