//! The software of a pod, as far as it decides the order of the messages about a move.

use serde::Deserialize;
use url::Url;

use super::transport::{DeliveryResult, Transport, classify};
use crate::domain::{Guid, PublicKey};
use crate::http::{Answer, HttpError};

/// The software of a pod. Its reaction to a move was measured on running instances (docs/federation.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::IntoStaticStr, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum System {
    /// diaspora* or a fork of it: answers 202 and processes later. It gets the move first, and the rest once the move
    /// is processed.
    Diaspora,
    /// Hubzilla: answers after processing; stores later posts only if a Contact came before the move.
    Hubzilla,
    /// Friendica: refuses the move; a Contact becomes a follower request.
    Friendica,
    /// Socialhome: ignores the move.
    Socialhome,
    /// Other or unknown software: treated as diaspora*, where a wrong order does harm.
    Unknown,
}

impl System {
    /// Returns its name in the ledger, and in its `NodeInfo`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the steps that a friend on this system has to take to keep the friendship; `None` if there are none.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Diaspora | Self::Unknown => None,
            Self::Hubzilla => Some(
                "Hubzilla: approve the new connection request and do not delete it; whoever hears nothing opens the \
                 connection and saves it once.",
            ),
            Self::Friendica => Some(
                "Friendica: approve the new follower request as a mutual friend; until then posts are lost.",
            ),
            Self::Socialhome => Some("Socialhome: follow the new address by hand."),
        }
    }
}

/// Recognises a Hubzilla account without a request: the GUID ends in the host without dots, and the key is in PKCS#1
/// form.
pub fn is_hubzilla_person(host: &str, guid: &Guid, key: &PublicKey) -> bool {
    let host: String = host.split(':').next().unwrap_or_default().replace('.', "");
    !host.is_empty()
        && guid.as_str().ends_with(&host)
        && key.as_pem().trim_start().starts_with("-----BEGIN RSA PUBLIC KEY-----")
}

/// The list of `NodeInfo` documents.
#[derive(Deserialize)]
struct Links {
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    href: String,
}

/// A `NodeInfo` document.
#[derive(Deserialize)]
struct NodeInfo {
    software: Software,
}

#[derive(Deserialize)]
struct Software {
    name: String,
}

/// The content type of both documents.
const JSON: &str = "application/json";

/// Asks a pod for its software ([`NodeInfo`](https://nodeinfo.diaspora.software/protocol)). A pod that answers
/// without naming it is [`System::Unknown`].
///
/// # Errors
/// The answer, if it means that the pod has to be asked again later.
pub(super) async fn detect<T: Transport>(transport: &T, base: &Url) -> Result<System, Response> {
    let Ok(url) = base.join("/.well-known/nodeinfo") else { return Ok(System::Unknown) };
    let Some(links) = document::<Links>(transport.get(&url, JSON).await)? else { return Ok(System::Unknown) };
    let is_schema = |link: &&Link| link.rel.starts_with("http://nodeinfo.diaspora.software/ns/schema/");
    let Some(url) = links.links.iter().filter(is_schema).find_map(|link| document_url(base, &link.href))
    else {
        return Ok(System::Unknown);
    };
    let Some(info) = document::<NodeInfo>(transport.get(&url, JSON).await)? else {
        return Ok(System::Unknown);
    };
    Ok(match info.software.name.to_lowercase().as_str() {
        // Hubzilla may use the name of its predecessor.
        "redmatrix" | "red" => System::Hubzilla,
        name => name.parse().unwrap_or(System::Unknown),
    })
}

/// Returns the address of a document on the pod itself, with the scheme of its deliveries: a pod behind a proxy may
/// name the other scheme. `None` for an address on another host, whose document proves nothing about this pod.
fn document_url(base: &Url, href: &str) -> Option<Url> {
    let url = base.join(href).ok()?;
    let is_web = matches!(url.scheme(), "https" | "http");
    let is_on_pod = is_web && url.host() == base.host() && url.port() == base.port();
    let mut document_url = base.clone();
    document_url.set_path(url.path());
    document_url.set_query(url.query());
    is_on_pod.then_some(document_url)
}

/// An answer, or the reason why there is none.
pub(super) type Response = Result<Answer, HttpError>;

/// Parses a document; `None` if the pod has none, or not in this form.
///
/// # Errors
/// An answer that may come from a front end, such as a redirect: it proves nothing about the pod.
fn document<D: serde::de::DeserializeOwned>(answer: Response) -> Result<Option<D>, Response> {
    match answer {
        Ok(answer) if answer.is_success() => Ok(serde_json::from_slice(&answer.body).ok()),
        Ok(Answer { status: 404 | 410, .. }) | Err(HttpError::TooLarge { .. }) => Ok(None),
        _ if matches!(classify(&answer, None), DeliveryResult::RetryPod | DeliveryResult::Retry) => {
            Err(answer)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A pod with a few documents.
    struct Documents(HashMap<&'static str, &'static str>);

    impl Transport for Documents {
        async fn post(&self, url: &Url, _: &str, _: Vec<u8>) -> Result<Answer, HttpError> {
            Err(HttpError::BadUrl(url.to_string()))
        }

        async fn get(&self, url: &Url, _: &str) -> Result<Answer, HttpError> {
            let body = self.0.get(url.as_str());
            let (status, body) = body.map_or((404, "<h1>no</h1>"), |body| (200, *body));
            Ok(Answer { status, content_type: None, retry_after: None, body: body.as_bytes().to_vec() })
        }
    }

    #[test]
    fn documents_are_requested_with_the_scheme_of_deliveries_and_from_the_pod_only() {
        let url_for = |base: &str, href: &str| {
            document_url(&Url::parse(base).unwrap(), href).map_or_else(String::new, |url| url.to_string())
        };
        for (base, href, expected) in [
            (
                "https://pod.example/",
                "https://pod.example/nodeinfo/2.0?a",
                "https://pod.example/nodeinfo/2.0?a",
            ),
            ("https://pod.example/", "http://pod.example/nodeinfo/2.0", "https://pod.example/nodeinfo/2.0"),
            ("http://pod.lan:3000/", "https://pod.lan:3000/nodeinfo", "http://pod.lan:3000/nodeinfo"),
            ("https://pod.example/", "/nodeinfo/2.0", "https://pod.example/nodeinfo/2.0"),
            ("https://pod.example/", "https://other.example/nodeinfo/2.0", ""),
            ("https://pod.example/", "https://pod.example:8443/nodeinfo/2.0", ""),
            ("https://pod.example/", "ftp://pod.example/nodeinfo/2.0", ""),
        ] {
            assert_eq!(url_for(base, href), expected, "{href}");
        }
    }

    async fn detected(documents: &[(&'static str, &'static str)]) -> System {
        let base = Url::parse("https://pod.example/").unwrap();
        detect(&Documents(documents.iter().copied().collect()), &base).await.unwrap()
    }

    const LINKS: &str = r#"{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://pod.example/nodeinfo/2.0"}]}"#;
    const LINKS_URL: &str = "https://pod.example/.well-known/nodeinfo";
    const INFO_URL: &str = "https://pod.example/nodeinfo/2.0";

    #[tokio::test]
    async fn the_software_is_read_from_nodeinfo() {
        for (name, system) in [
            (r#"{"software":{"name":"diaspora","version":"0.9"}}"#, System::Diaspora),
            (r#"{"software":{"name":"Hubzilla"}}"#, System::Hubzilla),
            (r#"{"software":{"name":"redmatrix"}}"#, System::Hubzilla),
            (r#"{"software":{"name":"friendica"}}"#, System::Friendica),
            (r#"{"software":{"name":"socialhome"}}"#, System::Socialhome),
            (r#"{"software":{"name":"mastodon"}}"#, System::Unknown),
            ("{}", System::Unknown),
        ] {
            assert_eq!(detected(&[(LINKS_URL, LINKS), (INFO_URL, name)]).await, system, "{name}");
        }
        assert_eq!(detected(&[]).await, System::Unknown);
        let foreign_links = r#"{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://other.example/nodeinfo/2.0"}]}"#;
        let other = ("https://other.example/nodeinfo/2.0", r#"{"software":{"name":"hubzilla"}}"#);
        assert_eq!(detected(&[(LINKS_URL, foreign_links), other]).await, System::Unknown);
    }

    #[test]
    fn hubzilla_people_are_recognised_by_guid_and_key() {
        let key = |kind: &str| {
            let base64 = "MEgCQQCo9+BpMRYQ/dL3DS2CyJxRF+j6ctbT3/Qp84+KeFhnii7NT7fELilKUSnx\
                        S30WAvQCCo2yU1orfgqr41mM70MBAgMBAAE=";
            PublicKey::from_pem(&format!("-----BEGIN {kind}-----\n{base64}\n-----END {kind}-----\n"))
        };
        let guid: Guid = "Ks5bD2mqXchannelhubexample".parse().unwrap();
        let other: Guid = "0123456789abcdef".parse().unwrap();
        let Ok(key) = key("RSA PUBLIC KEY") else { panic!("a key in PKCS#1 form is a key") };
        assert!(is_hubzilla_person("hub.example", &guid, &key));
        assert!(is_hubzilla_person("hub.example:8080", &guid, &key));
        assert!(!is_hubzilla_person("pod.example", &guid, &key));
        assert!(!is_hubzilla_person("hub.example", &other, &key));
    }
}
