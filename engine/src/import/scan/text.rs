//! Tags and mentions in a text, as diaspora* finds them (`Diaspora::Taggable`, `Diaspora::Mentionable`).

use crate::domain::DiasporaId;

/// The longest tag that diaspora* allows, in characters.
const MAX_TAG_CHARS: usize = 255;

/// Returns the tags of a text, each once, as they are stored: in lowercase.
///
/// A tag starts with `#` at the beginning or after ASCII whitespace, and consists of letters, marks, digits, `_`, `-`
/// and four Armenian signs; `#<3` is a tag too.
pub(in crate::import) fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let mut is_after_space = true;
    for (position, c) in text.char_indices() {
        if c == '#' && is_after_space {
            let rest = text.get(position + 1..).unwrap_or_default();
            let end = rest.find(|c: char| !is_tag_character(c)).unwrap_or(rest.len());
            let name = if rest.starts_with("<3") { "<3" } else { rest.get(..end).unwrap_or_default() };
            if let Some(name) = normal_tag(name).filter(|name| !tags.contains(name)) {
                tags.push(name);
            }
        }
        // Whitespace in Ruby's regular expressions.
        is_after_space = matches!(c, '\t'..='\r' | ' ');
    }
    tags
}

/// Returns a tag's name as diaspora* stores it (`Tag.normalize`): in lowercase, with only the
/// characters of [tags]; none if none are left, or more than 255. Its pages print names as they are stored.
pub(crate) fn normal_tag(name: &str) -> Option<String> {
    if name.strip_prefix('#').unwrap_or(name).starts_with("<3") {
        return Some("<3".to_owned());
    }
    let name: String = name.chars().filter(|c| is_tag_character(*c)).flat_map(char::to_lowercase).collect();
    (!name.is_empty() && name.chars().count() <= MAX_TAG_CHARS).then_some(name)
}

/// Returns whether diaspora* would store a tag under exactly this name.
pub(crate) fn is_normal_tag(name: &str) -> bool {
    normal_tag(name).as_deref() == Some(name)
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '-' | '\u{55B}' | '\u{55C}' | '\u{55E}' | '\u{58A}')
        || is_mark(c)
}

/// Returns whether this is a combining mark, which is part of words, in one of the scripts in which people write tags.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5C7}' | '\u{610}'..='\u{61A}'
        | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{900}'..='\u{903}' | '\u{93A}'..='\u{94F}' | '\u{E31}'
        | '\u{E34}'..='\u{E3A}' | '\u{E47}'..='\u{E4E}' | '\u{200C}' | '\u{200D}')
}

/// Returns the people mentioned in a text, each once: `@{user@pod.example}` or `@{Name; user@pod.example}`.
pub(in crate::import) fn mentions(text: &str) -> Vec<DiasporaId> {
    let mut people: Vec<DiasporaId> = Vec::new();
    for part in text.split("@{").skip(1) {
        let Some((inside, _)) = part.split_once('}') else { continue };
        let id = inside.rsplit_once("; ").map_or(inside, |(_, id)| id);
        if let Ok(person) = id.trim().parse::<DiasporaId>()
            && !people.contains(&person)
        {
            people.push(person);
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_as_diaspora_finds_them() {
        assert_eq!(
            tags("#Foo bar #foo #ñandú-x_1, a#b ##c #<3x (#no) \n#привет!"),
            ["foo", "ñandú-x_1", "<3", "привет"]
        );
        assert_eq!(tags("# #, #!"), Vec::<String>::new());
        assert_eq!(tags(&format!("#{} #ok", "x".repeat(256))), ["ok"]);
    }

    #[test]
    fn names_as_diaspora_stores_them() {
        for (name, stored) in [
            ("Garden", Some("garden")),
            ("#Garden", Some("garden")),
            ("gar<img src=x onerror=alert(1)>", Some("garimgsrcxonerroralert1")),
            ("two words\"'", Some("twowords")),
            ("<3", Some("<3")),
            ("#<3 and more", Some("<3")),
            ("<script>", Some("script")),
            ("\u{130}\u{307}", Some("i\u{307}\u{307}")),
            ("&;", None),
            ("", None),
        ] {
            assert_eq!(normal_tag(name).as_deref(), stored, "{name}");
            assert!(stored.is_none_or(is_normal_tag), "{name}: what is stored stays");
        }
        assert_eq!(normal_tag(&"x".repeat(256)), None);
    }

    #[test]
    fn mentions_as_diaspora_finds_them() {
        let ids: Vec<String> = mentions(
            "Hi @{Ann; ann@pod.example} and @{bob@pod.example}, @{Ann; B; ann@pod.example} @{x} @{open",
        )
        .iter()
        .map(ToString::to_string)
        .collect();
        assert_eq!(ids, ["ann@pod.example", "bob@pod.example"]);
    }
}
