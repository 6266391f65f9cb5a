//! Hosts that may be contacted although they are not on the public internet.

use std::collections::HashMap;
use std::str::FromStr;

use url::{Host, Url};

/// Hosts with their ports that the podmin trusts: test networks, and a pod's own machine behind its proxy.
///
/// Each entry is an origin such as `https://HOST:PORT`, or `HOST` or `HOST:PORT` for both http and https, with the
/// default ports or the given one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedNetworks(HashMap<HostPort, Scheme>);

/// A host and a port.
type HostPort = (String, u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    Either,
}

impl Scheme {
    /// Returns the schemes that two entries for one port allow together.
    fn combine(self, other: Self) -> Self {
        if self == other { self } else { Self::Either }
    }
}

/// An invalid entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a host that can be allowed (expected host, host:port, http://host:port or https://host:port)"
)]
pub struct AllowedNetworksError(String);

impl AllowedNetworks {
    /// Returns an empty list, as in production: only the public internet is contacted.
    pub fn none() -> Self {
        Self::default()
    }

    /// Parses the entries.
    ///
    /// # Errors
    /// [`AllowedNetworksError`] with the first invalid entry.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, AllowedNetworksError> {
        let mut allowed = Self::default();
        for entry in entries {
            for (host_port, scheme) in parse(entry.as_ref())? {
                allowed
                    .0
                    .entry(host_port)
                    .and_modify(|known| *known = known.combine(scheme))
                    .or_insert(scheme);
            }
        }
        Ok(allowed)
    }

    /// Returns the base address of a host in the form used in diaspora* IDs, `HOST` or `HOST:PORT`: https, except for
    /// allowed hosts that use http.
    pub(super) fn base_url(&self, host: &str) -> Option<Url> {
        let plain_url = Url::parse(&format!("http://{host}/")).ok()?;
        if self.allow(&plain_url) {
            return Some(plain_url);
        }
        Url::parse(&format!("https://{host}/")).ok()
    }

    /// Returns whether the address is at an allowed host, with a scheme allowed there.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let host_port = url.host_str().map(str::to_owned).zip(url.port_or_known_default());
        match host_port.and_then(|host_port| self.0.get(&host_port)) {
            Some(Scheme::Http) => url.scheme() == "http",
            Some(Scheme::Https) => url.scheme() == "https",
            Some(Scheme::Either) => matches!(url.scheme(), "http" | "https"),
            None => false,
        }
    }
}

impl FromStr for AllowedNetworks {
    type Err = AllowedNetworksError;

    /// Parses entries separated by commas or spaces.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.split([',', ' ', '\n']).map(str::trim).filter(|entry| !entry.is_empty()))
    }
}

/// Parses an entry. Returns hosts and ports with the schemes that are allowed there.
fn parse(entry: &str) -> Result<Vec<(HostPort, Scheme)>, AllowedNetworksError> {
    let invalid = || AllowedNetworksError(entry.chars().take(80).collect());
    let has_scheme = entry.contains("://");
    let address = if has_scheme { entry.to_owned() } else { format!("http://{entry}") };
    let url = Url::parse(&address).map_err(|_| invalid())?;
    let scheme = match url.scheme() {
        "http" | "https" if !has_scheme => Scheme::Either,
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(invalid()),
    };
    let is_origin =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && has_no_credentials(&url);
    let host = url.host().filter(|host| !matches!(host, Host::Domain(""))).ok_or_else(invalid)?;
    let port = url.port_or_known_default().ok_or_else(invalid)?;
    if !is_origin {
        return Err(invalid());
    }
    let host = host.to_string();
    Ok(if scheme == Scheme::Either && url.port().is_none() {
        vec![((host.clone(), 80), Scheme::Http), ((host, 443), Scheme::Https)]
    } else {
        vec![((host, port), scheme)]
    })
}

/// Returns whether an address contains neither a user name nor a password.
pub(super) fn has_no_credentials(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts which addresses the entries allow and which they do not.
    fn assert_allow(entries: &str, allowed: &[&str], rejected: &[&str]) -> AllowedNetworks {
        let networks: AllowedNetworks = entries.parse().unwrap();
        for (urls, expected) in [(allowed, true), (rejected, false)] {
            for url in urls {
                assert_eq!(networks.allow(&Url::parse(url).unwrap()), expected, "{url} by {entries:?}");
            }
        }
        networks
    }

    fn base(networks: &AllowedNetworks, host: &str) -> String {
        networks.base_url(host).unwrap().to_string()
    }

    #[test]
    fn entries_allow_exactly_one_origin() {
        let networks = assert_allow(
            "http://127.0.0.1:3001, https://pod.lan http://[::1]:3002 http://closing.pod.test:3003",
            &[
                "http://127.0.0.1:3001/x",
                "https://pod.lan/x",
                "https://pod.lan:443/",
                "http://[::1]:3002/",
                "http://closing.pod.test:3003/",
            ],
            &[
                "https://127.0.0.1:3001/",
                "http://127.0.0.1/",
                "http://127.0.0.1:3002/",
                "http://pod.lan/",
                "http://pod.lan:443/",
                "http://x.pod.lan/",
                "ftp://pod.lan:443/",
                "http://closing.pod.test:3004/",
            ],
        );
        assert_eq!(base(&networks, "127.0.0.1:3001"), "http://127.0.0.1:3001/");
        assert_eq!(base(&networks, "pod.lan"), "https://pod.lan/");
        assert_eq!(base(&networks, "pod.example:3000"), "https://pod.example:3000/");
    }

    #[test]
    fn entries_without_a_scheme_allow_both() {
        let networks = assert_allow(
            "pod.test, pod.lan:3000 [::1]",
            &[
                "http://pod.test/",
                "https://pod.test/",
                "http://pod.lan:3000/",
                "https://pod.lan:3000/",
                "https://[::1]/",
            ],
            &[
                "https://pod.test:80/",
                "http://pod.test:443/",
                "http://pod.test:3000/",
                "https://pod.lan/",
                "ftp://pod.lan:3000/",
                "http://x.pod.test/",
            ],
        );
        assert_eq!(base(&networks, "pod.test"), "http://pod.test/");
        assert_eq!(base(&networks, "pod.lan:3000"), "http://pod.lan:3000/");
        assert_allow(
            "http://a:1 https://a:1",
            &["http://a:1/", "https://a:1/"],
            &["http://a/", "https://a/"],
        );
    }

    #[test]
    fn invalid_entries_are_rejected() {
        for entry in ["", "ftp://a", "a b", "http://", "a:b", "a:99999", "a/path", "http://u:p@a", "a?b"] {
            assert!(AllowedNetworks::new([entry]).is_err(), "{entry}");
        }
        assert_eq!("".parse::<AllowedNetworks>().unwrap(), AllowedNetworks::none());
    }
}
