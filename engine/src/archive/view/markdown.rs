//! Renders Markdown as diaspora* does, to static, safe HTML.
//!
//! Raw HTML becomes text, images become links, headings become bold paragraphs to stay out of the page's outline, and
//! only web and e-mail links are kept. Every block has automatic text direction.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::inline::{begin_link, escape, is_linkable, write_text};
use super::marks::PostLink;

/// A Markdown text that a template prints as HTML.
#[derive(Clone, Copy)]
pub(super) struct Markdown<'a>(pub(super) &'a str);

impl Markdown<'_> {
    /// Returns whether nothing would be shown.
    pub(super) fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Renderer::new(f).run(self.0)
    }
}

// All content of the text passes `escape`.
impl HtmlSafe for Markdown<'_> {}

/// The beginning of a Markdown text, without its markup, on one line of at most [`Excerpt::MAX_CHARS`] characters.
#[derive(Clone, Copy)]
pub(super) struct Excerpt<'a>(pub(super) &'a str);

impl Excerpt<'_> {
    /// The most characters.
    const MAX_CHARS: usize = 140;
    /// The most bytes of the text that are parsed; limits the time for long texts.
    const MAX_BYTES: usize = 2048;

    /// Returns whether nothing would be shown.
    pub(super) fn is_empty(&self) -> bool {
        self.plain().is_empty()
    }

    fn plain(&self) -> String {
        let source = &self.0[..self.0.floor_char_boundary(Self::MAX_BYTES)];
        let mut text = String::new();
        for event in Parser::new_ext(source, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES) {
            match event {
                Event::Text(part) | Event::Code(part) | Event::Html(part) | Event::InlineHtml(part) => {
                    text.push_str(&part);
                }
                Event::SoftBreak | Event::HardBreak | Event::Start(_) => text.push(' '),
                _ => {}
            }
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let Some((end, _)) = text.char_indices().nth(Self::MAX_CHARS) else { return text };
        // A word or mention that was cut in half would be unreadable.
        let cut = text[..end].rfind(' ').unwrap_or(end);
        let open = text[..cut].rfind("@{").filter(|at| !text[*at..cut].contains('}')).unwrap_or(cut);
        format!("{}…", text[..open].trim_end())
    }
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_text(f, &self.plain(), false)
    }
}

// All content of the text passes `escape`.
impl HtmlSafe for Excerpt<'_> {}

/// An open link, or image that is shown as one.
struct OpenLink<'a> {
    url: CowStr<'a>,
    /// True if an `<a>` was written, unlike for other schemes or inside another link.
    is_written: bool,
    /// True if it has no text so far.
    is_empty: bool,
}

struct Renderer<'a, 'o, W> {
    out: &'o mut W,
    /// Text not yet written: the parser returns it in pieces, and a mention or URL may span several.
    text: String,
    links: Vec<OpenLink<'a>>,
    in_head: bool,
}

impl<'a, 'o, W: Write> Renderer<'a, 'o, W> {
    fn new(out: &'o mut W) -> Self {
        Self { out, text: String::new(), links: Vec::new(), in_head: false }
    }

    fn run(&mut self, source: &'a str) -> fmt::Result {
        for event in Parser::new_ext(source, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES) {
            if let Event::Text(text) = event {
                self.text.push_str(&text);
                continue;
            }
            self.flush()?;
            self.event(event)?;
        }
        self.flush()
    }

    fn flush(&mut self) -> fmt::Result {
        if self.text.is_empty() {
            return Ok(());
        }
        self.mark_links_as_nonempty();
        let with_links = !self.links.iter().any(|link| link.is_written);
        write_text(self.out, &self.text, with_links)?;
        self.text.clear();
        Ok(())
    }

    fn mark_links_as_nonempty(&mut self) {
        self.links.iter_mut().for_each(|link| link.is_empty = false);
    }

    fn event(&mut self, event: Event<'a>) -> fmt::Result {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(text) => {
                self.mark_links_as_nonempty();
                self.out.write_str("<code>")?;
                escape(self.out, &text)?;
                self.out.write_str("</code>")
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                self.mark_links_as_nonempty();
                escape(self.out, &text)
            }
            // diaspora* preserves the line breaks of a paragraph.
            Event::SoftBreak | Event::HardBreak => self.out.write_str("<br>\n"),
            Event::Rule => self.out.write_str("<hr>\n"),
            // None of these is enabled.
            Event::Text(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => Ok(()),
        }
    }

    fn start(&mut self, tag: Tag<'a>) -> fmt::Result {
        let html = match tag {
            Tag::Paragraph => "<p dir=\"auto\">",
            Tag::Heading { .. } => "<p dir=\"auto\"><strong>",
            Tag::BlockQuote(_) => "<blockquote dir=\"auto\">\n",
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => "<pre dir=\"auto\"><code>",
            Tag::HtmlBlock => "<p class=\"raw\" dir=\"auto\">",
            Tag::List(None) => "<ul dir=\"auto\">\n",
            Tag::List(Some(1)) => "<ol dir=\"auto\">\n",
            Tag::List(Some(first)) => return writeln!(self.out, "<ol dir=\"auto\" start=\"{first}\">"),
            Tag::Item => "<li>",
            Tag::Table(_) => "<div class=\"table\"><table>\n",
            Tag::TableHead => {
                self.in_head = true;
                "<thead><tr>"
            }
            Tag::TableRow => "<tr>",
            Tag::TableCell if self.in_head => "<th scope=\"col\" dir=\"auto\">",
            Tag::TableCell => "<td dir=\"auto\">",
            Tag::Emphasis => "<em>",
            Tag::Strong => "<strong>",
            Tag::Strikethrough => "<s>",
            Tag::Link { link_type, dest_url, .. } => {
                return self.begin_link(dest_url, link_type == LinkType::Email);
            }
            Tag::Image { dest_url, .. } => return self.begin_link(dest_url, false),
            _ => return Ok(()),
        };
        self.out.write_str(html)
    }

    fn end(&mut self, tag: TagEnd) -> fmt::Result {
        let html = match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => "</p>\n",
            TagEnd::Heading(_) => "</strong></p>\n",
            TagEnd::BlockQuote(_) => "</blockquote>\n",
            TagEnd::CodeBlock => "</code></pre>\n",
            TagEnd::List(true) => "</ol>\n",
            TagEnd::List(false) => "</ul>\n",
            TagEnd::Item => "</li>\n",
            TagEnd::Table => "</tbody></table></div>\n",
            TagEnd::TableHead => {
                self.in_head = false;
                "</tr></thead>\n<tbody>\n"
            }
            TagEnd::TableRow => "</tr>\n",
            TagEnd::TableCell if self.in_head => "</th>",
            TagEnd::TableCell => "</td>",
            TagEnd::Emphasis => "</em>",
            TagEnd::Strong => "</strong>",
            TagEnd::Strikethrough => "</s>",
            TagEnd::Link | TagEnd::Image => return self.end_link(),
            _ => return Ok(()),
        };
        self.out.write_str(html)
    }

    fn begin_link(&mut self, url: CowStr<'a>, is_email: bool) -> fmt::Result {
        let post = PostLink::parse(&url);
        let is_written = (is_email || post.is_some() || is_linkable(&url))
            && !self.links.iter().any(|link| link.is_written);
        match post {
            Some(post) if is_written => post.begin(self.out)?,
            _ if is_written => begin_link(self.out, &url, is_email)?,
            _ => {}
        }
        self.links.push(OpenLink { url, is_written, is_empty: true });
        Ok(())
    }

    fn end_link(&mut self) -> fmt::Result {
        let Some(link) = self.links.pop() else { return Ok(()) };
        if link.is_empty {
            // A link without text would be invisible, also to screen readers.
            escape(self.out, &link.url)?;
            self.mark_links_as_nonempty();
        }
        self.out.write_str(if link.is_written { "</a>" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::Markdown;

    fn html(text: &str) -> String {
        Markdown(text).to_string()
    }

    #[test]
    fn paragraphs_keep_their_lines_and_lists_their_order() {
        assert_eq!(
            html("a\nb\n\n#tag *c* **d** ~~e~~"),
            concat!(
                "<p dir=\"auto\">a<br>\nb</p>\n",
                "<p dir=\"auto\">#tag <em>c</em> <strong>d</strong> <s>e</s></p>\n"
            )
        );
        assert_eq!(html("3. x\n4. y"), "<ol dir=\"auto\" start=\"3\">\n<li>x</li>\n<li>y</li>\n</ol>\n");
    }

    #[test]
    fn raw_html_becomes_text() {
        let shown = html("</script><script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b");
        assert!(shown.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(shown.contains("a &lt;img src=x onerror=alert(1)&gt; b"));
        assert!(!shown.contains("<script") && !shown.contains("<img"));
    }

    #[test]
    fn links_lead_to_the_web_only() {
        assert_eq!(html("[x](javascript:alert(1))"), "<p dir=\"auto\">x</p>\n");
        assert_eq!(html("[x](JaVaScRiPt:alert%281%29) [](data:a)"), "<p dir=\"auto\">x data:a</p>\n");
        assert_eq!(html("<javascript:alert(1)>"), "<p dir=\"auto\">javascript:alert(1)</p>\n");
        assert_eq!(
            html("[x](https://a.example/\"onclick=\"alert(1))"),
            "<p dir=\"auto\"><a href=\"https://a.example/&quot;onclick=&quot;alert(1)\" \
             rel=\"noopener noreferrer\">x</a></p>\n"
        );
        assert!(html("<a@pod.example>").contains("href=\"mailto:a@pod.example\""));
    }

    #[test]
    fn pictures_become_links_and_links_never_nest() {
        let link = "<a href=\"https://a.example/p.png\" rel=\"noopener noreferrer\">";
        assert_eq!(html("![cat](https://a.example/p.png)"), format!("<p dir=\"auto\">{link}cat</a></p>\n"));
        assert_eq!(
            html("![](https://a.example/p.png)"),
            format!("<p dir=\"auto\">{link}https://a.example/p.png</a></p>\n")
        );
        let nested =
            html("[![](https://a.example/p.png)](https://b.example) [https://c.example](https://d.example)");
        assert_eq!((nested.matches("<a ").count(), nested.matches("</a>").count()), (2, 2));
    }

    #[test]
    fn headings_stay_out_of_the_outline() {
        let shown = html("# big\n\nunder\n===\n\n###### small");
        assert!(!shown.contains("<h"));
        assert!(shown.starts_with("<p dir=\"auto\"><strong>big</strong></p>"));
    }

    #[test]
    fn addresses_and_mentions_with_underscores_stay_whole() {
        assert!(html("https://a.example/a_b_c*d").contains("href=\"https://a.example/a_b_c*d\""));
        assert!(html("@{A & B ; a_b@pod.example}").contains("title=\"a_b@pod.example\">@A &amp; B</bdi>"));
        assert!(html("`@{a@b}` `https://a`").contains("<code>@{a@b}</code> <code>https://a</code>"));
    }

    #[test]
    fn tables_have_heads() {
        let shown = html("|a|b|\n|-|-|\n|1|2|");
        assert!(shown.contains("<thead><tr><th scope=\"col\" dir=\"auto\">a</th>"), "{shown}");
        assert!(
            shown.contains("<tbody>\n<tr><td dir=\"auto\">1</td>")
                && shown.ends_with("</tbody></table></div>\n")
        );
    }

    #[test]
    fn every_block_has_automatic_direction() {
        assert_eq!(html("مرحبا\n\nhello"), "<p dir=\"auto\">مرحبا</p>\n<p dir=\"auto\">hello</p>\n");
    }
}
