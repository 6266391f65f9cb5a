//! Answers to whoever looks people up, as diaspora* gives them.

use super::pod::Pod;
use crate::sample::PAIRS_2048;

/// The WebFinger document of somebody on the pod at `url`, which ends in `/`.
pub(super) fn web_finger(id: &str, guid: &str, url: &str) -> String {
    let document = serde_json::json!({ "subject": format!("acct:{id}"), "links": [
        { "rel": "http://microformats.org/profile/hcard", "href": format!("{url}hcard/users/{guid}") },
        { "rel": "http://joindiaspora.com/seed_location", "href": url },
    ]});
    document.to_string()
}

/// The hCard of somebody with this key, in PEM form.
pub(super) fn hcard(guid: &str, key: &str) -> String {
    let card = include_str!("../../vectors/federation/hcard.html");
    let page = card.split_once("-----BEGIN").and_then(|(before, rest)| {
        let (_, after) = rest.split_once("PUBLIC KEY-----\n</pre>")?;
        Some(format!("{before}{key}</pre>{after}").replace("0d11e0d11e0d11e0", guid))
    });
    page.unwrap_or_default()
}

impl Pod {
    /// The answer about one of its users, of the pod at `url`; 404 for anything else.
    pub(super) fn look_up(&self, (path, query): (&str, &str), url: &str) -> (u16, String) {
        let id = query.strip_prefix("resource=acct:").unwrap_or_default();
        if path == "/.well-known/webfinger" {
            let user = self.users.values().find(|user| user.id.as_str() == id);
            return user.map_or((404, String::new()), |user| (200, web_finger(id, &user.guid, url)));
        }
        let guid = path.strip_prefix("/hcard/users/").unwrap_or_default();
        if self.users.contains_key(guid) {
            (200, hcard(guid, PAIRS_2048[1].public))
        } else {
            (404, String::new())
        }
    }
}
