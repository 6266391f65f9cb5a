//! The data for the templates of whole pages.

use askama::Template;
use base64::Engine as _;
use sha2::Digest as _;

use super::ViewHeader;
use super::chapter::Section;
use super::items::OmissionItem;
use super::words::{Count, Day, Moment, language, plain};
use crate::archive::manifest::CountKind;
use crate::domain::OmissionCode;

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
    pub(super) made: Moment,
    pub(super) made_on: Day,
    /// The language of the account's own texts, if known.
    pub(super) lang: String,
}

impl From<ViewHeader> for Frame {
    fn from(header: ViewHeader) -> Self {
        let name = plain(&header.name);
        let account = header.account.to_string();
        Self {
            name: if name.is_empty() { account.clone() } else { name },
            account,
            pod_url: plain(&header.pod_url),
            made: Moment(header.created_at),
            made_on: Day(header.created_at),
            lang: language(header.language.as_deref()),
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
    pub(super) is_empty: bool,
    /// Records, rendered by the templates of [`super::items`].
    pub(super) body: &'a str,
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
    pub(super) counts: Vec<CountRow>,
    pub(super) years: Vec<YearRow>,
    pub(super) last_posts: String,
    pub(super) reasons: Vec<(OmissionCode, Count)>,
    pub(super) omissions: Count,
    /// All omissions, rendered, if they are few; otherwise they have separate pages.
    pub(super) few_omissions: Option<&'a str>,
    /// The number of omissions that are counted only.
    pub(super) unlisted: Count,
}

/// A row of the table of contents.
pub(super) struct CountRow {
    pub(super) label: &'static str,
    pub(super) count: Count,
    pub(super) link: Option<String>,
}

impl CountRow {
    pub(super) fn new(kind: CountKind, count: u64) -> Self {
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
        Self { label: kind.label(), count: Count(count), link: section.map(|section| section.path(1)) }
    }
}

/// A year with posts.
pub(super) struct YearRow {
    pub(super) year: i32,
    pub(super) posts: Count,
    pub(super) link: String,
}

/// Renders a list of omissions entry by entry.
pub(super) fn render(items: &[OmissionItem]) -> Result<String, askama::Error> {
    let mut out = String::new();
    items.iter().try_for_each(|item| item.render_into(&mut out))?;
    Ok(out)
}
