//! The guarded HTTP client.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, ClientBuilder, RequestBuilder, Response, redirect};
use url::{Host, Url};

use crate::domain::Timestamp;

use super::address::{PublicResolver, is_public};
use super::allowed::{AllowedNetworks, has_no_credentials};
use super::error::HttpError;

/// The number of bytes of an answer to a POST that are kept: enough for a pod's error message.
const POST_ANSWER_BYTES: usize = 4 << 10;
/// The maximum length of a redirect address in bytes.
const MAX_URL_BYTES: usize = 2048;
/// The maximum number of header lines in an answer.
const MAX_HEADERS: usize = 100;

/// Options of the client.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Allowed hosts in addition to the public internet.
    pub allowed: AllowedNetworks,
    /// Certificates (PEM) of authorities that are trusted in addition to the system's, for test networks.
    pub extra_authorities: Vec<String>,
    /// The maximum size of an answer's body in bytes.
    pub body_bytes: usize,
    /// The time limit for name resolution and connecting.
    pub connect: Duration,
    /// The time limit for the whole request.
    pub total: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            allowed: AllowedNetworks::none(),
            extra_authorities: Vec::new(),
            body_bytes: 1 << 20,
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// An HTTP client that cannot be directed into a private network. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    /// The client for public addresses; it uses https only.
    for_public_hosts: reqwest::Client,
    /// The client for allowed hosts. It does not follow redirects either, so it never contacts other hosts.
    for_allowed_hosts: reqwest::Client,
    options: ClientOptions,
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// The body; after a POST no more than its first 4 KiB.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns whether the status means success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The time of a retry (RFC 9110, "Retry-After").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After a delay.
    Delay(Duration),
    /// At a time.
    At(Timestamp),
}

/// The handling of a body that exceeds the limit, which is in bytes.
#[derive(Clone, Copy)]
enum OverflowPolicy {
    Reject(usize),
    Truncate(usize),
}

impl Client {
    /// Creates the client, and reads the system's trusted certificates.
    ///
    /// # Errors
    /// [`HttpError::Setup`] if there are no trusted certificates, or an extra one is invalid.
    pub fn new(options: ClientOptions) -> Result<Self, HttpError> {
        let mut authorities = Vec::new();
        for pem in &options.extra_authorities {
            let certificates = Certificate::from_pem_bundle(pem.as_bytes()).map_err(setup)?;
            if certificates.is_empty() {
                return Err(HttpError::Setup(
                    "an extra authority contains no certificate in PEM form".to_owned(),
                ));
            }
            authorities.extend(certificates);
        }
        let builder = || {
            ClientBuilder::new()
                .user_agent(concat!("Pappus/", env!("CARGO_PKG_VERSION")))
                .tls_certs_merge(authorities.clone())
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .http1_only()
                .http1_max_headers(MAX_HEADERS)
                .pool_max_idle_per_host(2)
                .pool_idle_timeout(Duration::from_secs(2))
                .connect_timeout(options.connect)
                .timeout(options.total)
        };
        let for_public_hosts = builder().https_only(true).dns_resolver(PublicResolver).build().map_err(setup)?;
        let for_allowed_hosts = builder().build().map_err(setup)?;
        Ok(Self { for_public_hosts, for_allowed_hosts, options })
    }

    /// Returns the base address of a host in the form used in diaspora* IDs, `HOST` or `HOST:PORT`: https, except for
    /// allowed hosts that use http.
    ///
    /// # Errors
    /// [`HttpError::BadUrl`] if it is not a valid host.
    pub fn base_url(&self, host: &str) -> Result<Url, HttpError> {
        self.options.allowed.base_url(host).ok_or_else(|| HttpError::BadUrl(shorten(host)))
    }

    /// Returns the address over https if plain http is not allowed there: pods keep a wrong `pods.ssl` for good.
    pub fn upgraded(&self, url: &Url) -> Url {
        let mut upgraded = url.clone();
        if url.scheme() == "http" && !self.options.allowed.allow(url) {
            // Both are web addresses, so this cannot fail.
            _ = upgraded.set_scheme("https");
        }
        upgraded
    }

    /// Requests a document of a media type such as `application/jrd+json`.
    ///
    /// # Errors
    /// [`HttpError`]. The body exceeds the limit: [`HttpError::TooLarge`].
    pub async fn get(&self, url: &Url, accept: &str) -> Result<Answer, HttpError> {
        let request = self.choose(url)?.get(url.clone()).header(ACCEPT, accept);
        self.send(request, &place(url), OverflowPolicy::Reject(self.options.body_bytes)).await
    }

    /// Sends a body of a media type such as `application/json`. Keeps the first 4 KiB of the answer.
    ///
    /// # Errors
    /// [`HttpError`]. An error status is an answer, not an error.
    pub async fn post(&self, url: &Url, content_type: &str, body: Vec<u8>) -> Result<Answer, HttpError> {
        let request = self.choose(url)?.post(url.clone()).header(CONTENT_TYPE, content_type).body(body);
        self.send(request, &place(url), OverflowPolicy::Truncate(POST_ANSWER_BYTES)).await
    }

    /// Returns the client for this address, if it may be contacted. Names are checked when they are resolved; literal
    /// addresses bypass the resolver, so they are checked here.
    fn choose(&self, url: &Url) -> Result<&reqwest::Client, HttpError> {
        let bad = || HttpError::BadUrl(shorten(url.as_str()));
        let host = url.host().filter(|_| has_no_credentials(url)).ok_or_else(bad)?;
        if self.options.allowed.allow(url) {
            return Ok(&self.for_allowed_hosts);
        }
        match url.scheme() {
            "https" => {}
            "http" => return Err(HttpError::NotHttps(place(url))),
            _ => return Err(bad()),
        }
        let is_public_host = match host {
            Host::Domain(_) => true,
            Host::Ipv4(address) => is_public(IpAddr::V4(address)),
            Host::Ipv6(address) => is_public(IpAddr::V6(address)),
        };
        if is_public_host { Ok(&self.for_public_hosts) } else { Err(HttpError::NotPublic(place(url))) }
    }

    async fn send(
        &self,
        request: RequestBuilder,
        host: &str,
        overflow: OverflowPolicy,
    ) -> Result<Answer, HttpError> {
        let (connect, total) = (self.options.connect, self.options.total);
        let failed = |error| HttpError::from_library(error, host, connect, total);
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status.is_redirection() {
            let location = header(response.headers(), &LOCATION).filter(|url| url.len() <= MAX_URL_BYTES);
            let location = location.map(str::to_owned);
            return Err(HttpError::Redirect { host: host.to_owned(), status: status.as_u16(), location });
        }
        Ok(Answer {
            status: status.as_u16(),
            content_type: header(response.headers(), &CONTENT_TYPE).map(str::to_owned),
            retry_after: header(response.headers(), &RETRY_AFTER).and_then(retry_after),
            body: match read(&mut response, overflow).await.map_err(failed)? {
                Some(body) => body,
                None => return Err(HttpError::TooLarge { host: host.to_owned(), limit: overflow.limit() }),
            },
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.options).finish_non_exhaustive()
    }
}

impl OverflowPolicy {
    fn limit(self) -> usize {
        match self {
            Self::Reject(limit) | Self::Truncate(limit) => limit,
        }
    }
}

/// Reads the body; `None` if it exceeds the limit and is rejected. Stops reading at the limit.
async fn read(response: &mut Response, overflow: OverflowPolicy) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let limit = overflow.limit();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let space = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(space)]);
        if chunk.len() > space {
            return Ok(match overflow {
                OverflowPolicy::Reject(_) => None,
                OverflowPolicy::Truncate(_) => Some(body),
            });
        }
    }
    Ok(Some(body))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn retry_after(text: &str) -> Option<RetryAfter> {
    match text.parse() {
        Ok(seconds) => Some(RetryAfter::Delay(Duration::from_secs(seconds))),
        Err(_) => DateTime::parse_from_rfc2822(text)
            .ok()
            .map(|time| RetryAfter::At(Timestamp::from(time.with_timezone(&Utc)))),
    }
}

/// Returns the host of an address, with the port if the address contains it.
pub(crate) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn shorten(text: &str) -> String {
    text.chars().take(120).collect()
}

fn setup(error: reqwest::Error) -> HttpError {
    HttpError::Setup(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_used_only_where_it_is_allowed() {
        let allowed = AllowedNetworks::new(["http://pod.lan:3000", "https://safe.lan:3000"]).unwrap();
        let client = Client::new(ClientOptions { allowed, ..ClientOptions::default() }).unwrap();
        for (url, expected) in [
            ("http://pod.example/receive/public", "https://pod.example/receive/public"),
            ("http://pod.example:8080/", "https://pod.example:8080/"),
            ("https://pod.example/", "https://pod.example/"),
            ("http://pod.lan:3000/", "http://pod.lan:3000/"),
            ("http://safe.lan:3000/", "https://safe.lan:3000/"),
        ] {
            assert_eq!(client.upgraded(&Url::parse(url).unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn retry_after_in_both_forms() {
        assert_eq!(retry_after("120"), Some(RetryAfter::Delay(Duration::from_mins(2))));
        let time = "2026-11-22T08:49:37Z".parse().unwrap();
        assert_eq!(retry_after("Sun, 22 Nov 2026 08:49:37 GMT"), Some(RetryAfter::At(time)));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("-1"), None);
    }
}
