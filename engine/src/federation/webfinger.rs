//! Where a person's hCard is
//! ([WebFinger](https://diaspora.github.io/diaspora_federation/discovery/webfinger.html)).
//!
//! Pods answer in JSON (JRD, RFC 7033). Old ones know only the form before that: `host-meta` (RFC 6415) names
//! an address, and an XRD document is there.

use serde::Deserialize;
use url::Url;

use crate::domain::DiasporaId;

use crate::xml::{Element, XmlError};

/// Bytes of an answer; diaspora*'s have one and a half thousand.
const MAX_BYTES: usize = 64 << 10;

const HCARD: &str = "http://microformats.org/profile/hcard";
const SEED_LOCATION: &str = "http://joindiaspora.com/seed_location";
const XRD_NAMESPACE: &str = "http://docs.oasis-open.org/ns/xri/xrd-1.0";

/// Why an answer is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebFingerError {
    /// More bytes than an answer ever has.
    #[error("the WebFinger answer has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// No JRD.
    #[error("the WebFinger answer is no JSON of the expected form: {0}")]
    Json(String),
    /// No XRD.
    #[error("the WebFinger answer is no XRD document: {0}")]
    Xrd(String),
    /// It is about somebody else.
    #[error("the WebFinger answer is about {found:?}, not about {wanted}")]
    Subject {
        /// Who was asked for.
        wanted: DiasporaId,
        /// Whom it is about.
        found: String,
    },
    /// A link that must be there.
    #[error("the WebFinger answer has no link {0}, which it must have")]
    Missing(&'static str),
    /// A link that leads nowhere.
    #[error("the WebFinger answer's link {0} is no address on the web")]
    BadLink(&'static str),
}

/// What WebFinger says about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebFinger {
    /// The person.
    pub subject: DiasporaId,
    /// Where the hCard is.
    pub hcard_url: Url,
    /// The person's pod.
    pub seed_location: Url,
}

/// An address with `{uri}` in it, where a pod without WebFinger has its XRD documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyTemplate(String);

#[derive(Deserialize)]
struct Jrd {
    subject: String,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    #[serde(default)]
    href: Option<String>,
    #[serde(default)]
    template: Option<String>,
}

impl WebFinger {
    /// Reads the JSON answer of `/.well-known/webfinger?resource=acct:ID`.
    ///
    /// # Errors
    /// [`WebFingerError`], also when it is about anybody but `wanted`.
    pub fn from_jrd(bytes: &[u8], wanted: &DiasporaId) -> Result<Self, WebFingerError> {
        check_size(bytes)?;
        let jrd: Jrd =
            serde_json::from_slice(bytes).map_err(|error| WebFingerError::Json(error.to_string()))?;
        Self::new(&jrd.subject, &jrd.links, wanted)
    }

    /// Reads the XRD document of an old pod.
    ///
    /// # Errors
    /// [`WebFingerError`], also when it is about anybody but `wanted`.
    pub fn from_xrd(bytes: &[u8], wanted: &DiasporaId) -> Result<Self, WebFingerError> {
        let root = parse_xrd(bytes)?;
        let subject = root.child("Subject").map_or("", |subject| subject.text.as_str());
        Self::new(subject, &links(&root), wanted)
    }

    fn new(subject: &str, links: &[Link], wanted: &DiasporaId) -> Result<Self, WebFingerError> {
        // As diaspora* does: the scheme and capitals do not matter.
        let found = subject.trim();
        let found = found.strip_prefix("acct:").unwrap_or(found).to_lowercase();
        if found != wanted.as_str() {
            let found = found.chars().take(80).collect();
            return Err(WebFingerError::Subject { wanted: wanted.clone(), found });
        }
        let link = |rel: &'static str| {
            let link = links.iter().find(|link| link.rel == rel);
            let href = link.and_then(|link| link.href.as_deref()).ok_or(WebFingerError::Missing(rel))?;
            Url::parse(href)
                .ok()
                .filter(|url| matches!(url.scheme(), "http" | "https"))
                .ok_or(WebFingerError::BadLink(rel))
        };
        Ok(Self { subject: wanted.clone(), hcard_url: link(HCARD)?, seed_location: link(SEED_LOCATION)? })
    }
}

impl LegacyTemplate {
    /// Reads `/.well-known/host-meta`, the XML form.
    ///
    /// # Errors
    /// [`WebFingerError`] when it names no such address.
    pub fn from_host_meta(bytes: &[u8]) -> Result<Self, WebFingerError> {
        let links = links(&parse_xrd(bytes)?);
        let mut templates =
            links.into_iter().filter(|link| link.rel == "lrdd").filter_map(|link| link.template);
        templates.find(|template| template.contains("{uri}")).map(Self).ok_or(WebFingerError::Missing("lrdd"))
    }

    /// Where the XRD document about this person is.
    ///
    /// # Errors
    /// [`WebFingerError::BadLink`] when the template makes no address.
    pub fn url(&self, person: &DiasporaId) -> Result<Url, WebFingerError> {
        // Of the characters of an ID only `@` and `:` are encoded in a query.
        let account = format!("acct:{person}").replace(':', "%3A").replace('@', "%40");
        Url::parse(&self.0.replace("{uri}", &account)).map_err(|_| WebFingerError::BadLink("lrdd"))
    }
}

fn check_size(bytes: &[u8]) -> Result<(), WebFingerError> {
    if bytes.len() > MAX_BYTES { Err(WebFingerError::TooLarge(bytes.len())) } else { Ok(()) }
}

fn parse_xrd(bytes: &[u8]) -> Result<Element, WebFingerError> {
    check_size(bytes)?;
    let root =
        Element::parse(bytes, MAX_BYTES).map_err(|error: XmlError| WebFingerError::Xrd(error.to_string()))?;
    if root.name == "XRD" && root.namespace == XRD_NAMESPACE {
        Ok(root)
    } else {
        Err(WebFingerError::Xrd("its root is not XRD".to_owned()))
    }
}

fn links(root: &Element) -> Vec<Link> {
    let elements = root.children.iter().filter(|child| child.name == "Link");
    elements
        .map(|link| {
            let value = |name| link.attribute(name).map(str::to_owned);
            Link { rel: value("rel").unwrap_or_default(), href: value("href"), template: value("template") }
        })
        .collect()
}
