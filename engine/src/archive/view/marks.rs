//! Placeholders in rendered records for data that other records provide: the page of a linked post, the existence
//! of a photo's file, the votes of a poll, a person's name, the post that a comment or like belongs to.
//!
//! User content cannot imitate a mark, since `<` is escaped in texts.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::io;

use super::chapter::Section;
use super::drafts::{PhotoFiles, ScratchReader, Spans, Votes, hash};
use super::inline::{begin_link, escape, is_linkable};
use super::pages::Frame;

/// The start of every mark; its kind, a space and its value follow.
const BEGIN: &str = "<!--";
const END: &str = "-->";
/// The end of a photo's HTML, which follows a mark with its URL-encoded file name and its display name.
const PHOTO_END: &str = "<!--/photo-->";

/// The data that is known only after all records are read.
#[derive(Default)]
pub(super) struct Marks {
    /// The page of each of the account's posts, by the hashed GUID.
    pub(super) posts: HashMap<u64, u32>,
    pub(super) photos: PhotoFiles,
    pub(super) votes: Votes,
    /// The rendered name of each known person, by the hashed diaspora* ID.
    pub(super) people: Spans,
    /// The rendered description of each known post, by the hashed GUID.
    pub(super) parents: Spans,
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
        let is_valid = !host.is_empty() && host.chars().all(in_host) && guid.chars().all(in_guid);
        (is_valid && (16..=255).contains(&guid.len())).then_some(Self { host, guid })
    }

    /// Writes the start tag of the link.
    pub(super) fn begin(&self, out: &mut impl Write) -> fmt::Result {
        write!(out, "<a {BEGIN}post {}/{}{END} rel=\"noopener noreferrer\">", self.host, self.guid)
    }
}

/// Resolves the marks of rendered records.
#[derive(Clone, Copy)]
pub(super) struct Resolver<'a> {
    pub(super) marks: &'a Marks,
    /// The file with the rendered names and descriptions.
    pub(super) scratch: &'a ScratchReader,
    pub(super) frame: &'a Frame,
    /// The path from the page to the folder of posts.
    pub(super) root: &'static str,
}

impl Resolver<'_> {
    /// Writes a rendered record with its marks resolved.
    pub(super) fn resolve(&self, out: &mut String, mut text: &str) -> io::Result<()> {
        while let Some((before, rest)) = text.split_once(BEGIN) {
            out.push_str(before);
            let (mark, rest) = rest.split_once(END).unwrap_or((rest, ""));
            let (kind, value) = mark.split_once(' ').unwrap_or((mark, ""));
            text = rest;
            match kind {
                "post" => self.post(out, value),
                "photo" => text = self.photo(out, value, rest),
                "votes" => self.votes(out, value),
                "person" => self.person(out, value)?,
                _ => self.parent(out, value)?,
            }
        }
        out.push_str(text);
        Ok(())
    }

    fn post(&self, out: &mut String, address: &str) {
        let (host, guid) = address.split_once('/').unwrap_or((address, ""));
        out.push_str("href=\"");
        if let Some(page) = self.marks.posts.get(&hash(guid)) {
            out.push_str(self.root);
            out.push_str(&Section::Posts.file_name(*page));
            out.push_str("#p-");
        } else {
            out.push_str("https://");
            out.push_str(host);
            out.push_str("/posts/");
        }
        out.push_str(guid);
        out.push('"');
    }

    fn photo<'a>(&self, out: &mut String, head: &str, rest: &'a str) -> &'a str {
        let (file, name) = head.split_once(' ').unwrap_or((head, ""));
        let (photo, rest) = rest.split_once(PHOTO_END).unwrap_or((rest, ""));
        if self.marks.photos.contains(file) {
            out.push_str(photo);
        } else {
            out.push_str("<p class=\"missing\"><strong>");
            out.push_str(&self.frame.words.text("view-photo-missing"));
            out.push_str("</strong> <bdi>");
            out.push_str(name);
            out.push_str("</bdi></p>");
        }
        rest
    }

    fn votes(&self, out: &mut String, guid: &str) {
        let votes = self.marks.votes.get(&hash(guid)).copied().unwrap_or(0);
        // Writing to a string cannot fail.
        _ = write!(out, " <span class=\"votes\">{}</span>", self.frame.words.counted("view-votes", votes));
    }

    fn person(&self, out: &mut String, id: &str) -> io::Result<()> {
        if let Some(name) = self.marks.people.get(&hash(id)) {
            out.push_str("<bdi lang=\"\">");
            out.push_str(&name.read(self.scratch)?);
            out.push_str("</bdi> ");
        }
        out.push_str("<code>");
        out.push_str(id);
        out.push_str("</code>");
        Ok(())
    }

    fn parent(&self, out: &mut String, guid: &str) -> io::Result<()> {
        if let Some(description) = self.marks.parents.get(&hash(guid)) {
            return self.resolve(out, &description.read(self.scratch)?);
        }
        out.push_str(&self.frame.words.text("view-unknown-post"));
        let pod_url = &self.frame.pod_url;
        if is_linkable(pod_url) {
            let url = format!("{}/posts/{guid}", pod_url.trim_end_matches('/'));
            out.push_str(": ");
            // Writing to a string cannot fail.
            _ = begin_link(out, &url, false);
            _ = escape(out, &url);
            out.push_str("</a>");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::ViewHeader;
    use super::*;

    fn resolved(text: &str, marks: &Marks) -> String {
        let scratch = ScratchReader::Memory(Vec::new());
        let mut out = String::new();
        let frame = Frame::from(ViewHeader {
            account: "alice@pod.example".parse().unwrap(),
            name: String::new(),
            pod_url: "https://pod.example/".to_owned(),
            created_at: "2026-11-22T06:13:34Z".parse().unwrap(),
            language: None,
        });
        let resolver = Resolver { marks, scratch: &scratch, frame: &frame, root: "" };
        resolver.resolve(&mut out, text).unwrap();
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
        let start_tag = link(&format!("diaspora://bob@pod.example:3000/post/{guid}")).unwrap();
        assert_eq!(
            resolved(&format!("{start_tag}x</a>"), &marks),
            format!("<a href=\"https://pod.example:3000/posts/{guid}\" rel=\"noopener noreferrer\">x</a>")
        );
        marks.posts.insert(hash(guid), 7);
        assert_eq!(
            resolved(&format!("{start_tag}x</a>"), &marks),
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

    #[test]
    fn unknown_people_have_their_id_and_unknown_posts_their_address() {
        assert_eq!(
            resolved("<!--person bob@pod.example--> on <!--parent 0123456789abcdef-->.", &Marks::default()),
            "<code>bob@pod.example</code> on a post that is not in this archive: \
             <a href=\"https://pod.example/posts/0123456789abcdef\" rel=\"noopener noreferrer\">\
             https://pod.example/posts/0123456789abcdef</a>."
        );
    }
}
