//! Placeholders in rendered records for data that is known only at the end: the page of a linked post, the existence
//! of a photo's file, the votes of a poll.
//!
//! User content cannot imitate a mark: `<` and `"` of texts are escaped.

use std::collections::HashMap;
use std::fmt::{self, Write};

use super::chapter::Section;
use super::drafts::{PhotoFiles, Votes, hash};
use super::words::Count;

/// Starts the placeholder for the URL of a linked post: `HOST/GUID` follows.
const POST: &str = "href=\"pappus-post:";
/// Starts a photo: its URL-encoded file name and its display name follow.
const PHOTO: &str = "<!--photo ";
const PHOTO_END: &str = "<!--/photo-->";
/// Starts the placeholder for the votes of a poll answer: its GUID follows.
const VOTES: &str = "<!--votes ";
const END: &str = "-->";

/// The data that is known at the end.
#[derive(Default)]
pub(super) struct Marks {
    /// The page of each of the account's posts, by the hashed GUID.
    pub(super) posts: HashMap<u64, u32>,
    pub(super) photos: PhotoFiles,
    pub(super) votes: Votes,
}

/// A link to a post as diaspora* writes it: `diaspora://AUTHOR@HOST/post/GUID`.
pub(super) struct PostLink<'a> {
    host: &'a str,
    guid: &'a str,
}

impl<'a> PostLink<'a> {
    /// Parses a URL. Other types of records have no page.
    pub(super) fn parse(url: &'a str) -> Option<Self> {
        let (author, rest) = url.strip_prefix("diaspora://")?.split_once('/')?;
        let guid = rest.strip_prefix("post/")?;
        let host = author.split_once('@')?.1;
        let in_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let in_guid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.' | ':');
        let fits = !host.is_empty() && host.chars().all(in_host) && guid.chars().all(in_guid);
        (fits && (16..=255).contains(&guid.len())).then_some(Self { host, guid })
    }

    /// Writes the start tag of the link.
    pub(super) fn begin(&self, out: &mut impl Write) -> fmt::Result {
        write!(out, "<a {POST}{}/{}\" rel=\"noopener noreferrer\">", self.host, self.guid)
    }
}

/// Writes a rendered record with its marks resolved. `root` is the path from the page to the folder of posts.
pub(super) fn resolve(out: &mut String, mut text: &str, marks: &Marks, root: &str) {
    while let Some((at, mark)) = next_mark(text) {
        out.push_str(&text[..at]);
        let rest = &text[at + mark.len()..];
        text = match mark {
            POST => resolve_post(out, rest, marks, root),
            PHOTO => resolve_photo(out, rest, marks),
            _ => resolve_votes(out, rest, marks),
        };
    }
    out.push_str(text);
}

fn next_mark(text: &str) -> Option<(usize, &'static str)> {
    [POST, PHOTO, VOTES].into_iter().filter_map(|mark| Some((text.find(mark)?, mark))).min()
}

fn resolve_post<'a>(out: &mut String, rest: &'a str, marks: &Marks, root: &str) -> &'a str {
    let (address, rest) = rest.split_once('"').unwrap_or((rest, ""));
    let (host, guid) = address.split_once('/').unwrap_or((address, ""));
    out.push_str("href=\"");
    if let Some(page) = marks.posts.get(&hash(guid)) {
        out.push_str(root);
        out.push_str(&Section::Posts.file_name(*page));
        out.push_str("#p-");
    } else {
        out.push_str("https://");
        out.push_str(host);
        out.push_str("/posts/");
    }
    out.push_str(guid);
    out.push('"');
    rest
}

fn resolve_photo<'a>(out: &mut String, rest: &'a str, marks: &Marks) -> &'a str {
    let (head, rest) = rest.split_once(END).unwrap_or((rest, ""));
    let (file, name) = head.split_once(' ').unwrap_or((head, ""));
    let (photo, rest) = rest.split_once(PHOTO_END).unwrap_or((rest, ""));
    if marks.photos.contains(file) {
        out.push_str(photo);
    } else {
        out.push_str("<p class=\"missing\"><strong>Photo not in this archive:</strong> <bdi>");
        out.push_str(name);
        out.push_str("</bdi></p>");
    }
    rest
}

fn resolve_votes<'a>(out: &mut String, rest: &'a str, marks: &Marks) -> &'a str {
    let (guid, rest) = rest.split_once(END).unwrap_or((rest, ""));
    let votes = marks.votes.get(&hash(guid)).copied().unwrap_or(0);
    // Writing to a string cannot fail.
    _ = write!(
        out,
        " <span class=\"votes\">{} {}</span>",
        Count(votes),
        if votes == 1 { "vote" } else { "votes" }
    );
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, marks: &Marks) -> String {
        let mut out = String::new();
        resolve(&mut out, text, marks, "");
        out
    }

    fn link(url: &str) -> Option<String> {
        let mut out = String::new();
        PostLink::parse(url)?.begin(&mut out).unwrap();
        Some(out)
    }

    #[test]
    fn links_lead_into_the_archive_or_to_the_web() {
        let guid = "0123456789abcdef";
        let mut marks = Marks::default();
        let begun = link(&format!("diaspora://bob@pod.example:3000/post/{guid}")).unwrap();
        assert_eq!(
            resolved(&format!("{begun}x</a>"), &marks),
            format!("<a href=\"https://pod.example:3000/posts/{guid}\" rel=\"noopener noreferrer\">x</a>")
        );
        marks.posts.insert(hash(guid), 7);
        assert_eq!(
            resolved(&format!("{begun}x</a>"), &marks),
            format!("<a href=\"posts-7.html#p-{guid}\" rel=\"noopener noreferrer\">x</a>")
        );
        for url in [
            "diaspora://bob@pod.example/post/short",
            "diaspora://bob@pod.example/poll/0123456789abcdef",
            "diaspora://bob@pod.example/0123456789abcdef",
            "diaspora://pod.example/post/0123456789abcdef",
            "diaspora://bob@\"><script>/post/0123456789abcdef",
            "diaspora://bob@pod.example/post/0123456789abc\"def",
            "https://pod.example/posts/0123456789abcdef",
        ] {
            assert_eq!(link(url), None, "{url}");
        }
    }

    #[test]
    fn photos_without_a_file_are_named_and_votes_counted() {
        let text = "a<!--photo x.jpg The <b>sea--><img><!--/photo-->b<!--votes 0123456789abcdef-->c";
        let mut marks = Marks::default();
        marks.photos.insert("x.jpg".to_owned());
        assert_eq!(resolved(text, &marks), "a<img>b <span class=\"votes\">0 votes</span>c");
        marks.photos.clear();
        marks.votes.insert(hash("0123456789abcdef"), 1);
        let found = resolved(text, &marks);
        assert!(
            found.starts_with("a<p class=\"missing\">") && found.contains("<bdi>The <b>sea</bdi>"),
            "{found}"
        );
        assert!(
            found.ends_with("b <span class=\"votes\">1 vote</span>c") && !found.contains("<img>"),
            "{found}"
        );
    }
}
