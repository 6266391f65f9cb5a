//! The data for the templates of whole pages.

use std::borrow::Cow;
use std::fmt::Display;

use askama::Template;
use askama::filters::Safe;
use base64::Engine as _;
use sha2::Digest as _;

use super::ViewHeader;
use super::chapter::Section;
use super::items::OmissionItem;
use super::words::{Count, PageWords, escaped, language, plain};
use crate::archive::manifest::CountKind;
use crate::domain::{OmissionCode, Timestamp};

/// The style sheet, as in the archive.
pub(super) const STYLE: &str = include_str!("../../../templates/view/style.css");

/// Appended to the style sheet file: hides the hint that `index.html` shows if opened inside the ZIP, where this file
/// is not available.
pub(super) const UNPACKED_STYLE: &str = ".unpack { display: none; }\n";

/// Returns the Content Security Policy's hash of the inline styles, which only `index.html` has.
pub(super) fn style_hash() -> String {
    let digest = sha2::Sha256::digest(STYLE.as_bytes());
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(digest))
}

/// The data of every page.
pub(super) struct Frame {
    /// The diaspora* ID.
    pub(super) account: String,
    /// The display name, or the ID if there is none.
    pub(super) name: String,
    pub(super) pod_url: String,
    created_at: Timestamp,
    /// The language of the account's own texts, if known.
    pub(super) lang: String,
    /// The pages' texts, in that language or in English.
    pub(super) words: PageWords,
    /// The kinds of pages that the archive has, in the order of the navigation. Nothing links to the others.
    pub(super) sections: Vec<Section>,
}

impl Frame {
    fn created_time(&self) -> Safe<String> {
        self.words.html("view-made-at", &[("time", &self.words.moment(self.created_at))])
    }

    /// Returns a text with the name of a file or field.
    fn code(&self, key: &str, name: &str, code: &str) -> Safe<String> {
        self.words.html(key, &[(name, &format!("<code>{code}</code>"))])
    }

    fn footer(&self) -> Safe<String> {
        let account = isolate("", &self.account);
        let day = self.words.day(self.created_at);
        self.words.html("view-footer", &[("account", &account), ("day", &day)])
    }

    /// Returns a text with a value that may be in another language and direction.
    pub(super) fn isolated(&self, key: &str, name: &str, lang: &str, value: &str) -> Safe<String> {
        self.words.html(key, &[(name, &isolate(lang, value))])
    }

    pub(super) fn look_on(&self, host: &str) -> Safe<String> {
        self.isolated("view-look-on", "host", "", host)
    }

    pub(super) fn reshare_of(&self, author: &str) -> Safe<String> {
        self.words.html("view-reshare", &[("author", &person_mark(author))])
    }

    /// Returns the reason of omissions with this code.
    pub(super) fn reason(&self, code: OmissionCode) -> String {
        self.words.text(&format!("omission-{}", code.as_str().replace('_', "-"))).into_owned()
    }
}

fn isolate(lang: &str, value: &str) -> String {
    format!("<bdi lang=\"{lang}\">{}</bdi>", escaped(value))
}

/// Returns the mark that [`super::marks`] replaces with a person's name.
pub(super) fn person_mark(id: &str) -> String {
    format!("<!--person {}-->", escaped(id))
}

impl From<ViewHeader> for Frame {
    fn from(header: ViewHeader) -> Self {
        let name = plain(&header.name);
        let account = header.account.to_string();
        Self {
            name: if name.is_empty() { account.clone() } else { name },
            account,
            pod_url: plain(&header.pod_url),
            created_at: header.created_at,
            lang: language(header.language.as_deref()),
            words: PageWords::new(header.language.as_deref()),
            sections: Vec::new(),
        }
    }
}

/// A page of records.
#[derive(Template)]
#[template(path = "view/page.html")]
pub(super) struct Page<'a> {
    pub(super) frame: &'a Frame,
    /// The relative path to the folder of `index.html`.
    pub(super) root: &'static str,
    pub(super) section: Option<Section>,
    pub(super) number: u32,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    /// Records, rendered by the templates of [`super::items`].
    pub(super) body: &'a str,
}

impl Page<'_> {
    fn heading(&self) -> Cow<'_, str> {
        self.frame.words.text(self.section.map_or("", Section::title))
    }

    fn title(&self) -> Safe<String> {
        let (section, name) = (self.heading(), escaped(&self.frame.name));
        let key = if self.number > 1 || self.next.is_some() { "view-title-page" } else { "view-title" };
        self.frame.words.html(key, &[("section", &section), ("number", &self.number), ("name", &name)])
    }

    fn position(&self) -> Safe<String> {
        self.frame.words.html("view-page", &[("number", &self.number)])
    }
}

/// The first page.
#[derive(Template)]
#[template(path = "view/index.html")]
pub(super) struct Index<'a> {
    pub(super) frame: &'a Frame,
    pub(super) root: &'static str,
    pub(super) section: Option<Section>,
    /// The inline copy of the styles, and their hash for the policy.
    pub(super) style: &'static str,
    pub(super) style_hash: String,
    /// The profile, rendered by its template.
    pub(super) profile: &'a str,
    pub(super) counts: Vec<CountRow<'a>>,
    pub(super) years: Vec<YearRow<'a>>,
    pub(super) last_posts: String,
    pub(super) reasons: Vec<(String, Count<'a>)>,
    pub(super) omissions: u64,
    /// All omissions, rendered, if they are few; otherwise they have separate pages.
    pub(super) few_omissions: Option<&'a str>,
    /// The number of omissions that are only counted.
    pub(super) unlisted: u64,
}

impl Index<'_> {
    fn title(&self) -> Safe<String> {
        self.frame.words.html("view-title-index", &[("name", &escaped(&self.frame.name))])
    }

    fn omitted(&self) -> String {
        self.frame.words.counted("view-omitted", self.omissions)
    }

    fn unlisted(&self) -> String {
        self.frame.words.counted("view-unlisted", self.unlisted)
    }

    fn check_by_hand(&self) -> Safe<String> {
        let codes = [
            ("public_key", "public_key"),
            ("account", "account"),
            ("manifest", "manifest.json"),
            ("file", "key.pem"),
            ("newline", "\\n"),
        ];
        let codes = codes.map(|(name, code)| (name, format!("<code>{code}</code>")));
        let values: Vec<(&str, &dyn Display)> =
            codes.iter().map(|(name, code)| (*name, code as &dyn Display)).collect();
        self.frame.words.html("view-check-by-hand", &values)
    }
}

/// A row of the table of contents.
pub(super) struct CountRow<'a> {
    pub(super) label: String,
    pub(super) count: Count<'a>,
    pub(super) link: Option<String>,
}

impl<'a> CountRow<'a> {
    pub(super) fn new(frame: &'a Frame, kind: CountKind, count: u64) -> Self {
        let words = &frame.words;
        let section = match kind {
            CountKind::StatusMessages
            | CountKind::Reshares
            | CountKind::Polls
            | CountKind::OthersComments
            | CountKind::OthersLikes => Some(Section::Posts),
            CountKind::Contacts => Some(Section::Contacts),
            CountKind::OwnComments => Some(Section::Comments),
            CountKind::OwnLikes => Some(Section::Likes),
            CountKind::Conversations | CountKind::Messages => Some(Section::Conversations),
            _ => None,
        };
        let label = words.text(&format!("kind-{}", kind.as_str().replace('_', "-"))).into_owned();
        let section = section.filter(|section| frame.sections.contains(section));
        Self { label, count: words.number(count), link: section.map(|section| section.path(1)) }
    }
}

/// A year with posts.
pub(super) struct YearRow<'a> {
    pub(super) year: i32,
    pub(super) posts: Count<'a>,
    /// "post" or "posts".
    pub(super) noun: String,
    pub(super) link: String,
    /// Its months with posts, if there are several.
    pub(super) months: Vec<MonthRow<'a>>,
}

/// A month with posts.
pub(super) struct MonthRow<'a> {
    pub(super) name: &'a str,
    pub(super) link: String,
}

/// Renders a list of omissions entry by entry.
pub(super) fn render(items: &[OmissionItem]) -> Result<String, askama::Error> {
    let mut out = String::new();
    items.iter().try_for_each(|item| item.render_into(&mut out))?;
    Ok(out)
}
