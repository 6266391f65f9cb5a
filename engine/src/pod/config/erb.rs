//! The subset of ERB that podmins use in `database.yml`.
//!
//! Rails runs the file through ERB before it parses the YAML. Pappus cannot run Ruby, but nearly all tags in this file
//! only fetch an environment variable. Values are inserted unquoted, exactly as ERB does.

use std::path::Path;

use zeroize::Zeroizing;

use super::{ConfigError, Environment};

/// Replaces the ERB tags in `text`; tags in comment lines stay unchanged.
///
/// # Errors
/// [`ConfigError::Erb`] for a tag that does more than fetch one environment variable; [`ConfigError::ErbVariable`]
/// when a variable fetched with `ENV.fetch` is not set.
pub(super) fn resolve(
    text: &str,
    file: &Path,
    environment: Environment<'_>,
) -> Result<Zeroizing<String>, ConfigError> {
    let mut resolved = Zeroizing::new(String::with_capacity(text.len()));
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_start().starts_with('#') {
            resolved.push_str(line);
            continue;
        }
        let unsupported = || ConfigError::Erb { file: file.to_owned(), line: index + 1 };
        let mut rest = line;
        while let Some((before, tag)) = rest.split_once("<%") {
            let (tag, after) = tag.split_once("%>").ok_or_else(unsupported)?;
            resolved.push_str(before);
            rest = after;
            if tag.starts_with('#') {
                continue;
            }
            let fetch = tag
                .strip_prefix('=')
                .map(|tag| tag.strip_suffix('-').unwrap_or(tag))
                .and_then(Fetch::parse)
                .ok_or_else(unsupported)?;
            let value = environment(fetch.name).map(Zeroizing::new);
            match (value, fetch.default) {
                (Some(value), _) => resolved.push_str(&value),
                (None, Some(default)) => resolved.push_str(default),
                (None, None) => {
                    let name = fetch.name.to_owned();
                    return Err(ConfigError::ErbVariable { file: file.to_owned(), line: index + 1, name });
                }
            }
        }
        resolved.push_str(rest);
    }
    Ok(resolved)
}

/// A tag that fetches one environment variable.
#[derive(Debug, PartialEq)]
struct Fetch<'a> {
    name: &'a str,
    /// Value of an unset variable; `None` if Ruby would raise an error.
    default: Option<&'a str>,
}

impl<'a> Fetch<'a> {
    /// Parses `ENV['NAME']`, `ENV['NAME'] || 'default'`, `ENV.fetch('NAME')`, `ENV.fetch('NAME', 'default')` and
    /// `ENV.fetch('NAME') { 'default' }`.
    fn parse(ruby: &'a str) -> Option<Self> {
        let rest = ruby.trim().strip_prefix("ENV")?;
        if let Some(rest) = rest.strip_prefix('[') {
            let (name, rest) = parse_quoted(rest)?;
            let rest = rest.trim_start().strip_prefix(']')?.trim_start();
            // Ruby prints an unset variable (nil) as nothing.
            let default = if rest.is_empty() { "" } else { parse_only_literal(rest.strip_prefix("||")?)? };
            return Some(Self { name, default: Some(default) });
        }
        let (name, rest) = parse_quoted(rest.strip_prefix(".fetch")?.trim_start().strip_prefix('(')?)?;
        let rest = rest.trim_start();
        if let Some(default) = rest.strip_prefix(',') {
            return Some(Self {
                name,
                default: Some(parse_only_literal(default.trim_end().strip_suffix(')')?)?),
            });
        }
        let rest = rest.strip_prefix(')')?.trim();
        if rest.is_empty() {
            return Some(Self { name, default: None });
        }
        let block = rest.strip_prefix('{')?.strip_suffix('}')?;
        Some(Self { name, default: Some(parse_only_literal(block)?) })
    }
}

/// Parses a quoted string without escapes or interpolation; returns it and the rest.
fn parse_quoted(ruby: &str) -> Option<(&str, &str)> {
    let ruby = ruby.trim_start();
    let quote = ruby.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let (content, rest) = ruby.get(1..)?.split_once(quote)?;
    let is_plain = !content.contains('\\') && !content.contains("#{");
    is_plain.then_some((content, rest))
}

/// Parses a quoted string, a whole number or `nil` with nothing after it.
fn parse_only_literal(ruby: &str) -> Option<&str> {
    let ruby = ruby.trim();
    if ruby == "nil" {
        return Some("");
    }
    if !ruby.is_empty() && ruby.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(ruby);
    }
    parse_quoted(ruby).and_then(|(content, rest)| rest.is_empty().then_some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<String, ConfigError> {
        let environment = |name: &str| (name == "DB_PASSWORD").then(|| "s3cret".to_owned());
        resolve(text, Path::new("config/database.yml"), &environment).map(|text| text.to_string())
    }

    #[test]
    fn fetches_environment_variables() {
        for (tag, expected) in [
            ("<%= ENV['DB_PASSWORD'] %>", "s3cret"),
            ("<%=ENV[\"DB_PASSWORD\"]-%>", "s3cret"),
            ("<%= ENV['OTHER'] %>", ""),
            ("<%= ENV['OTHER'] || 'localhost' %>", "localhost"),
            ("<%= ENV['DB_PASSWORD'] || nil %>", "s3cret"),
            ("<%= ENV.fetch('DB_PASSWORD') %>", "s3cret"),
            ("<%= ENV.fetch( \"OTHER\", 'x, y' ) %>", "x, y"),
            ("<%= ENV.fetch('OTHER', 5432) %>", "5432"),
            ("<%= ENV.fetch('OTHER') { 25 } %>", "25"),
            ("<%= ENV['OTHER'] %>-<%= ENV['DB_PASSWORD'] %>", "-s3cret"),
            ("<%# ENV.fetch('OTHER') %>", ""),
        ] {
            assert_eq!(resolved(tag).unwrap(), expected, "{tag}");
        }
        let comment = "  # password: <%= Rails.application.secrets.db %>\na: b\n";
        assert_eq!(resolved(comment).unwrap(), comment);
    }

    #[test]
    fn other_ruby_code_is_rejected() {
        for tag in [
            "<%= File.read('/run/secrets/db') %>",
            "<% if ENV['X'] %>",
            "<%= ENV['X'].strip %>",
            "<%= ENV[name] %>",
            "<%= ENV.fetch('X', \"#{y}\") %>",
            "<%= ENV.fetch('X', default) %>",
            "<%= ENV.fetch('X') { |n| n } %>",
            "<%= ENVIRONMENT['X'] %>",
            "<%= %>",
            "<%=",
        ] {
            let error = resolved(&format!("a: b\nc: {tag}\n")).unwrap_err();
            assert!(matches!(error, ConfigError::Erb { line: 2, .. }), "{tag}: {error}");
            let text = error.to_string();
            assert!(text.contains("config/database.yml") && text.contains("--database-url"), "{text}");
        }
        let error = resolved("password: <%= ENV.fetch('MISSING') %>").unwrap_err();
        assert!(
            matches!(&error, ConfigError::ErbVariable { name, line: 1, .. } if name == "MISSING"),
            "{error}"
        );
    }
}
