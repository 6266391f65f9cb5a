//! Plain text inside Markdown: escaping, mentions, and bare URLs.

use std::fmt::{self, Write};

use super::marks::PostLink;
use super::words::changes_direction;

/// Returns whether links may point to a URL. Any other URL remains text.
pub(super) fn is_linkable(url: &str) -> bool {
    has_scheme(url, "http://") || has_scheme(url, "https://") || has_scheme(url, "mailto:")
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        && text.len() > scheme.len()
}

/// Escapes text for HTML elements and quoted attributes.
pub(super) fn escape(out: &mut impl Write, text: &str) -> fmt::Result {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let replacement = match byte {
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'&' => "&amp;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            // Browsers reject or misinterpret these.
            0..=8 | 11..=31 | 127 => "",
            _ => continue,
        };
        out.write_str(&text[written..at])?;
        out.write_str(replacement)?;
        written = at + 1;
    }
    out.write_str(&text[written..])
}

/// Writes the start tag of a link. When people follow it, browsers send no referrer.
pub(super) fn begin_link(out: &mut impl Write, url: &str, is_email: bool) -> fmt::Result {
    out.write_str("<a href=\"")?;
    out.write_str(if is_email { "mailto:" } else { "" })?;
    escape(out, url)?;
    out.write_str("\" rel=\"noopener noreferrer\">")
}

/// Writes text with readable mentions and, outside of links, URLs as links.
pub(super) fn write_text(out: &mut impl Write, text: &str, with_links: bool) -> fmt::Result {
    let mut written = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(step) = bytes[at..].iter().position(|byte| matches!(byte, b'@' | b'd' | b'h' | b'H')) {
        at += step;
        let rest = &text[at..];
        if let Some(mention) = Mention::parse(rest) {
            escape(out, &text[written..at])?;
            mention.write(out)?;
            at += mention.length;
            written = at;
        } else if let Some((link, length)) =
            post_link(rest).filter(|_| with_links && is_word_start(&text[..at]))
        {
            escape(out, &text[written..at])?;
            link.begin(out)?;
            escape(out, &rest[..length])?;
            out.write_str("</a>")?;
            at += length;
            written = at;
        } else if let Some(length) = url_length(rest).filter(|_| with_links && is_word_start(&text[..at])) {
            let url = &rest[..length];
            escape(out, &text[written..at])?;
            begin_link(out, url, false)?;
            escape(out, url)?;
            out.write_str("</a>")?;
            at += length;
            written = at;
        } else {
            at += 1;
        }
    }
    escape(out, &text[written..])
}

fn is_word_start(before: &str) -> bool {
    !before.chars().next_back().is_some_and(char::is_alphanumeric)
}

/// Parses the link to a post at the start of a text; also returns its length.
fn post_link(text: &str) -> Option<(PostLink<'_>, usize)> {
    let rest = text.strip_prefix("diaspora://")?;
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.' | ':' | '/'));
    let length = text.len() - rest.len() + rest.find(is_end).unwrap_or(rest.len());
    // Trailing punctuation belongs to the sentence.
    let url = text[..length].trim_end_matches(['.', ':', '-', '_', '/']);
    PostLink::parse(url).map(|link| (link, url.len()))
}

/// Returns the length of the URL at the start of a text, if any.
fn url_length(text: &str) -> Option<usize> {
    if !has_scheme(text, "http://") && !has_scheme(text, "https://") {
        return None;
    }
    let is_end =
        |c: char| c.is_whitespace() || c.is_control() || changes_direction(c) || matches!(c, '<' | '>' | '"');
    let mut url = &text[..text.find(is_end).unwrap_or(text.len())];
    // Trailing punctuation belongs to the sentence; a closing bracket only if it was opened outside the URL.
    let surplus = |close, open| url.matches(close).count().saturating_sub(url.matches(open).count());
    let (mut round, mut square) = (surplus(')', '('), surplus(']', '['));
    while let Some(last) = url.bytes().next_back() {
        match last {
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'*' | b'_' => {}
            b')' if round > 0 => round -= 1,
            b']' if square > 0 => square -= 1,
            _ => break,
        }
        url = &url[..url.len() - 1];
    }
    url.split_once("//").filter(|(_, host)| !host.is_empty()).map(|_| url.len())
}

/// Maximum length of a mention in bytes; searching further for the end would be slow in a text full of `@{`.
const MAX_MENTION_BYTES: usize = 1024;

/// A mention as diaspora* stores it: `@{Name ; id@pod}` or `@{id@pod}`.
struct Mention<'a> {
    name: Option<&'a str>,
    id: &'a str,
    length: usize,
}

impl<'a> Mention<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let content = text.strip_prefix("@{")?;
        let content = &content[..content.bytes().take(MAX_MENTION_BYTES).position(|byte| byte == b'}')?];
        let (name, id) = match content.rsplit_once(';') {
            Some((name, id)) => (Some(name.trim()).filter(|name| !name.is_empty()), id.trim()),
            None => (None, content.trim()),
        };
        let is_valid = id.contains('@') && !id.contains(|c: char| c.is_whitespace() || changes_direction(c));
        is_valid.then_some(Self { name, id, length: content.len() + 3 })
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        out.write_str("<bdi class=\"mention\"")?;
        if self.name.is_some() {
            out.write_str(" title=\"")?;
            escape(out, self.id)?;
            out.write_str("\"")?;
        }
        out.write_str(">@")?;
        escape(out, self.name.unwrap_or(self.id))?;
        out.write_str("</bdi>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut out = String::new();
        write_text(&mut out, text, true).unwrap();
        out
    }

    #[test]
    fn mentions_become_readable() {
        assert_eq!(
            text("hi @{Bob <b> ; bob@pod.example}, @{eve@pod.example}!"),
            "hi <bdi class=\"mention\" title=\"bob@pod.example\">@Bob &lt;b&gt;</bdi>, \
             <bdi class=\"mention\">@eve@pod.example</bdi>!"
        );
        for raw in ["@{", "@{}", "@{Bob}", "@{a b@c}", "@", "@{\u{202e}a@b}"] {
            assert_eq!(text(raw), raw);
        }
    }

    #[test]
    fn urls_become_links_without_surrounding_punctuation() {
        let link = |url: &str| format!("<a href=\"{url}\" rel=\"noopener noreferrer\">{url}</a>");
        assert_eq!(
            text("(see https://a.example/b_(c)?)."),
            format!("(see {}?).", link("https://a.example/b_(c)"))
        );
        assert_eq!(text("HTTP://a.example"), link("HTTP://a.example"));
        assert_eq!(text("https://a/\"onclick=\""), format!("{}&quot;onclick=&quot;", link("https://a/")));
        for raw in ["https://", "http://...", "xhttps://a.example", "javascript:alert(1)", "hhh"] {
            assert_eq!(text(raw), raw);
        }
    }

    #[test]
    fn urls_end_where_the_text_direction_changes() {
        assert!(text("https://a.example/\u{202e}gpj.exe").contains("href=\"https://a.example/\""));
    }

    #[test]
    fn only_web_and_mail_urls_are_linkable() {
        assert!(["https://a", "HTTP://a", "mailto:a@b"].iter().all(|url| is_linkable(url)));
        for url in
            ["javascript:alert(1)", " https://a", "data:text/html,x", "//a", "/a", "file:///a", "https:", "ä"]
        {
            assert!(!is_linkable(url), "{url}");
        }
    }
}
