//! A person's public data as published by their pod: GUID, key, name, avatar
//! ([hCard](https://diaspora.github.io/diaspora_federation/discovery/hcard.html)).

use scraper::{ElementRef, Html, Selector};

use crate::domain::{DiasporaId, Guid, GuidError, KeyError, Profile, PublicKey};

/// Limit for a page in bytes. diaspora*'s pages have about 3,000; other software adds more around the card.
const MAX_BYTES: usize = 64 << 10;
/// Limit for the number of elements of a page. Parsing time may be quadratic: 26,000 elements take seconds.
const MAX_ELEMENTS: usize = 2_000;

/// The reason a page is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HCardError {
    /// Larger than any real page.
    #[error("the hCard has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// More elements than any real page.
    #[error("the hCard has more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    /// Not UTF-8.
    #[error("the hCard is not UTF-8 text")]
    NotUtf8,
    /// A missing property.
    #[error("the hCard lacks the required property {0}")]
    Missing(&'static str),
    /// The GUID is invalid.
    #[error("the hCard's uid: {0}")]
    Guid(#[from] GuidError),
    /// The key is invalid.
    #[error("the hCard's key: {0}")]
    Key(#[from] KeyError),
}

/// A person's card. Empty properties are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HCard {
    /// `uid`: the person's GUID.
    pub guid: Guid,
    /// `key`: the person's public key. Its text is the one that diaspora* stores for people of other pods: the
    /// element's whole text, including the final line break.
    pub public_key: PublicKey,
    /// `nickname`: the user name.
    pub nickname: Option<String>,
    /// `fn`: the display name.
    pub full_name: Option<String>,
    /// `given_name`: the display name's first part.
    pub first_name: Option<String>,
    /// `family_name`: its second part.
    pub last_name: Option<String>,
    /// `searchable`: true when the person may be found by name.
    pub searchable: bool,
    /// `entity_photo`: avatar, 300 pixels wide.
    pub photo: Option<String>,
    /// `entity_photo_medium`: avatar, 100 pixels wide.
    pub photo_medium: Option<String>,
    /// `entity_photo_small`: avatar, 50 pixels wide.
    pub photo_small: Option<String>,
    /// `url`: the pod, as published by software before diaspora* 0.6.
    pub url: Option<String>,
}

impl HCard {
    /// Parses a page of at most 64 KiB. Only the GUID and the key are required.
    ///
    /// # Errors
    /// [`HCardError`] states the problem.
    pub fn parse(bytes: &[u8]) -> Result<Self, HCardError> {
        if bytes.len() > MAX_BYTES {
            return Err(HCardError::TooLarge(bytes.len()));
        }
        // This counts a few too many, such as those inside comments.
        let is_start_tag = |pair: &&[u8]| matches!(pair, [b'<', letter] if letter.is_ascii_alphabetic());
        if bytes.windows(2).filter(is_start_tag).count() > MAX_ELEMENTS {
            return Err(HCardError::TooManyElements);
        }
        let page = Html::parse_document(str::from_utf8(bytes).map_err(|_| HCardError::NotUtf8)?);
        let text = |class: &str| first(&page, class).map(|element| element.text().collect::<String>());
        let trimmed =
            |class: &str| text(class).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let guid = trimmed("uid").ok_or(HCardError::Missing("uid"))?;
        let key = text("key").and_then(|text| key_text(&text)).ok_or(HCardError::Missing("key"))?;
        Ok(Self {
            guid: guid.parse()?,
            public_key: PublicKey::from_pem(&key)?,
            nickname: trimmed("nickname"),
            full_name: trimmed("fn"),
            first_name: trimmed("given_name"),
            last_name: trimmed("family_name"),
            searchable: trimmed("searchable").is_some_and(|text| text == "true"),
            photo: photo(&page, "entity_photo"),
            photo_medium: photo(&page, "entity_photo_medium"),
            photo_small: photo(&page, "entity_photo_small"),
            url: first(&page, "url").and_then(|link| attribute(link, "href")),
        })
    }

    /// Returns the public part of the profile, as diaspora* stores it for people of other pods.
    pub fn profile(&self, author: DiasporaId) -> Profile {
        Profile {
            author,
            edited_at: None,
            full_name: self.full_name.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            image_url: self.photo.clone(),
            image_url_medium: self.photo_medium.clone(),
            image_url_small: self.photo_small.clone(),
            bio: None,
            birthday: None,
            gender: None,
            location: None,
            searchable: Some(self.searchable),
            public: None,
            nsfw: None,
            tag_string: None,
        }
    }
}

/// Returns the first element of a class.
fn first<'a>(page: &'a Html, class: &str) -> Option<ElementRef<'a>> {
    let selector = Selector::parse(&format!(".{class}")).ok()?;
    page.select(&selector).next()
}

/// Returns a key's text without surrounding text; includes the line break that ends its last line.
fn key_text(text: &str) -> Option<String> {
    let text = text.trim_start();
    let key = text.trim_end();
    let line_break = if text.get(key.len()..)?.contains('\n') { "\n" } else { "" };
    (!key.is_empty()).then(|| format!("{key}{line_break}"))
}

/// Returns the address of the picture in the element of a class.
fn photo(page: &Html, class: &str) -> Option<String> {
    let selector = Selector::parse(".photo[src]").ok()?;
    first(page, class)?.select(&selector).next().and_then(|image| attribute(image, "src"))
}

fn attribute(element: ElementRef<'_>, name: &str) -> Option<String> {
    element.attr(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}
