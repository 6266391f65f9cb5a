//! The location of a person's hCard
//! ([WebFinger](https://diaspora.github.io/diaspora_federation/discovery/webfinger.html)).
//!
//! Pods answer in JSON (JRD, RFC 7033). Old ones support only the earlier form: `host-meta` (RFC 6415) names the
//! address of XRD documents.

use serde::Deserialize;
use url::Url;

use crate::domain::DiasporaId;

use crate::xml::{Element, XmlError};

/// Limit for an answer in bytes. diaspora*'s answers have about 1,500.
const MAX_BYTES: usize = 64 << 10;

const HCARD: &str = "http://microformats.org/profile/hcard";
const SEED_LOCATION: &str = "http://joindiaspora.com/seed_location";
const XRD_NAMESPACE: &str = "http://docs.oasis-open.org/ns/xri/xrd-1.0";

/// The reason an answer is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebFingerError {
    /// Larger than any real answer.
    #[error("the WebFinger answer has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// Not a JRD.
    #[error("the WebFinger answer is not JSON of the expected form: {0}")]
    Json(String),
    /// Not an XRD.
    #[error("the WebFinger answer is not an XRD document: {0}")]
    Xrd(String),
    /// About another person.
    #[error("the WebFinger answer is about {found:?}, not about {wanted}")]
    Subject {
        /// The requested person.
        wanted: DiasporaId,
        /// The person it is about.
        found: String,
    },
    /// A missing link.
    #[error("the WebFinger answer has no link {0}, which is required")]
    Missing(&'static str),
    /// A link that is not a web address.
    #[error("the WebFinger answer's link {0} is not a web address")]
    BadLink(&'static str),
}

/// A person's WebFinger data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebFinger {
    /// The person.
    pub subject: DiasporaId,
    /// The address of the hCard.
    pub hcard_url: Url,
    /// The person's pod.
    pub seed_location: Url,
}

/// A URL template with `{uri}`, for the XRD documents of a pod without WebFinger.
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
    /// Parses the JSON answer of `/.well-known/webfinger?resource=acct:ID`.
    ///
    /// # Errors
    /// [`WebFingerError`], also if the answer is about anyone other than `wanted`.
    pub fn from_jrd(bytes: &[u8], wanted: &DiasporaId) -> Result<Self, WebFingerError> {
        check_size(bytes)?;
        let jrd: Jrd =
            serde_json::from_slice(bytes).map_err(|error| WebFingerError::Json(error.to_string()))?;
        Self::new(&jrd.subject, &jrd.links, wanted)
    }

    /// Parses the XRD document of an old pod.
    ///
    /// # Errors
    /// [`WebFingerError`], also if the answer is about anyone other than `wanted`.
    pub fn from_xrd(bytes: &[u8], wanted: &DiasporaId) -> Result<Self, WebFingerError> {
        let root = parse_xrd(bytes)?;
        let subject = root.child("Subject").map_or("", |subject| subject.text.as_str());
        Self::new(subject, &links(&root), wanted)
    }

    fn new(subject: &str, links: &[Link], wanted: &DiasporaId) -> Result<Self, WebFingerError> {
        // Ignores the scheme and case, like diaspora*.
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
    /// Parses `/.well-known/host-meta`, the XML form.
    ///
    /// # Errors
    /// [`WebFingerError`] if the document has no such template.
    pub fn from_host_meta(bytes: &[u8]) -> Result<Self, WebFingerError> {
        let links = links(&parse_xrd(bytes)?);
        let mut templates =
            links.into_iter().filter(|link| link.rel == "lrdd").filter_map(|link| link.template);
        templates.find(|template| template.contains("{uri}")).map(Self).ok_or(WebFingerError::Missing("lrdd"))
    }

    /// Returns the address of the XRD document about this person.
    ///
    /// # Errors
    /// [`WebFingerError::BadLink`] if the template yields no valid address.
    pub fn url(&self, person: &DiasporaId) -> Result<Url, WebFingerError> {
        // Of the characters in an ID, only `@` and `:` are encoded in a query.
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
