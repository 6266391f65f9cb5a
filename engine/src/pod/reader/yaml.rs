//! Parsers for the few columns in which Rails stores YAML.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The largest YAML text that is parsed, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Parses the additional values of a signed record (`additional_data`): a flat hash of texts.
///
/// A point in time, which Rails writes for `edited_at`, is formatted like in diaspora*'s exporter, as
/// `2026-11-22 06:13:34 UTC`. `None` when the text is not such a hash.
pub(super) fn additional_data(yaml: &str) -> Option<Map<String, Value>> {
    if yaml.len() > MAX_BYTES {
        return None;
    }
    let values: BTreeMap<String, Option<String>> = serde_saphyr::from_str(without_ruby_class(yaml)).ok()?;
    // The order of the hash is the order of the text, which a sorted map loses.
    let mut pairs: Vec<(usize, String, Option<String>)> = values
        .into_iter()
        .map(|(name, value)| (yaml.find(&format!("\n{name}:")).unwrap_or(usize::MAX), name, value))
        .collect();
    pairs.sort();
    Some(
        pairs
            .into_iter()
            .filter(|(_, name, _)| !name.contains("signature"))
            .map(|(_, name, value)| {
                let name = name.trim_start_matches(':').to_owned();
                (name, value.map_or(Value::Null, |text| Value::String(utc_time(text))))
            })
            .collect(),
    )
}

/// Parses `hidden_shareables`: post row IDs as texts, under the key `Post`.
pub(crate) fn hidden_posts(yaml: &str) -> Option<Vec<i64>> {
    if yaml.len() > MAX_BYTES {
        return None;
    }
    let values: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(without_ruby_class(yaml)).ok()?;
    Some(values.get("Post").into_iter().flatten().filter_map(|id| id.parse().ok()).collect())
}

/// Removes the Ruby class of hashes that some versions of Rails write on the first line.
fn without_ruby_class(yaml: &str) -> &str {
    match yaml.strip_prefix("--- !ruby/hash:") {
        Some(rest) => rest.split_once(char::is_whitespace).map_or("[]", |(_, body)| body),
        None => yaml,
    }
}

fn utc_time(text: String) -> String {
    let time = text.strip_suffix(" Z").or_else(|| text.strip_suffix(" +00:00"));
    let parsed =
        time.and_then(|time| chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%.f").ok());
    parsed.map_or(text, |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> String {
        additional_data(yaml).map_or("none".to_owned(), |map| serde_json::to_string(&map).unwrap())
    }

    #[test]
    fn hashes_as_rails_writes_them() {
        assert_eq!(
            read("---\nmedia_type: text/markdown\nfoo: ünï;semi\n"),
            r#"{"media_type":"text/markdown","foo":"ünï;semi"}"#
        );
        assert_eq!(
            read("---\nedited_at: 2026-11-22 02:35:30.000000000 Z\n"),
            r#"{"edited_at":"2026-11-22 02:35:30 UTC"}"#
        );
        assert_eq!(
            read("---\nthread_parent_guid: '08ebb385531f93e895af7a5f31605e5d'\n"),
            r#"{"thread_parent_guid":"08ebb385531f93e895af7a5f31605e5d"}"#
        );
        assert_eq!(
            read("--- !ruby/hash:ActiveSupport::HashWithIndifferentAccess\nz: '1'\na: 12\n"),
            r#"{"z":"1","a":"12"}"#
        );
        assert_eq!(read("---\nparent_author_signature: x\n"), "{}");
        assert_eq!(read("--- {}\n"), "{}");
        assert_eq!(read("--- !ruby/hash:ActiveSupport::HashWithIndifferentAccess {}\n"), "{}");
        assert_eq!(read("--- !ruby/object:Object ["), "none");
        assert_eq!(read("---\n- a\n"), "none");
        assert_eq!(read("---\n- a\n:\u{0}{"), "none");
    }

    #[test]
    fn hidden_shareables_as_rails_writes_them() {
        assert_eq!(hidden_posts("---\nPost:\n- '12'\n- '7'\n"), Some(vec![12, 7]));
        assert_eq!(hidden_posts("--- {}\n"), Some(vec![]));
        assert_eq!(hidden_posts("nonsense"), None);
    }
}
