//! Hosts that may be contacted although they are not on the public internet.

use std::collections::HashMap;
use std::str::FromStr;

use url::{Host, Url};

/// Hosts with their ports that the podmin trusts: test networks, and a pod's own machine behind its proxy.
///
/// Each entry is `HOST:PORT`, for plain http, or an origin such as `https://HOST:PORT`. The default port is 80 or
/// 443.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedNetworks(HashMap<(String, u16), Scheme>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// An invalid entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no host to allow (expected host:port, http://host:port or https://host:port)")]
pub struct AllowedNetworksError(String);

impl AllowedNetworks {
    /// Allows no exceptions, as in production.
    pub fn none() -> Self {
        Self::default()
    }

    /// Parses the entries.
    ///
    /// # Errors
    /// [`AllowedNetworksError`] names the first invalid one.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, AllowedNetworksError> {
        let mut allowed = Self::default();
        for entry in entries {
            let (place, scheme) = parse(entry.as_ref())?;
            allowed.0.insert(place, scheme);
        }
        Ok(allowed)
    }

    /// Returns the base address of a host in the form used in diaspora* IDs, `HOST` or `HOST:PORT`: https, except for
    /// allowed hosts that use http.
    pub(super) fn base_url(&self, host: &str) -> Option<Url> {
        let plain = Url::parse(&format!("http://{host}/")).ok()?;
        if self.scheme(&plain) == Some(Scheme::Http) {
            return Some(plain);
        }
        Url::parse(&format!("https://{host}/")).ok()
    }

    /// Returns whether the address is at an allowed host, with the scheme allowed there.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return false,
        };
        self.scheme(url) == Some(scheme)
    }

    fn scheme(&self, url: &Url) -> Option<Scheme> {
        let place = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        self.0.get(&place).copied()
    }
}

impl FromStr for AllowedNetworks {
    type Err = AllowedNetworksError;

    /// Parses entries separated by commas or spaces.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.split([',', ' ', '\n']).map(str::trim).filter(|entry| !entry.is_empty()))
    }
}

fn parse(entry: &str) -> Result<((String, u16), Scheme), AllowedNetworksError> {
    let wrong = || AllowedNetworksError(entry.chars().take(80).collect());
    let address = if entry.contains("://") { entry.to_owned() } else { format!("http://{entry}") };
    let url = Url::parse(&address).map_err(|_| wrong())?;
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(wrong()),
    };
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && no_password(&url);
    let host = url.host().filter(|host| !matches!(host, Host::Domain(""))).ok_or_else(wrong)?;
    let port = url.port_or_known_default().ok_or_else(wrong)?;
    if bare { Ok(((host.to_string(), port), scheme)) } else { Err(wrong()) }
}

/// Returns whether an address contains neither user name nor password.
pub(super) fn no_password(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_allow_exactly_one_origin() {
        let allowed: AllowedNetworks =
            "127.0.0.1:3001, https://pod.lan [::1]:3002 closing.pod.test:3003".parse().unwrap();
        let allow = |url: &str| allowed.allow(&Url::parse(url).unwrap());
        for url in [
            "http://127.0.0.1:3001/x",
            "https://pod.lan/x",
            "https://pod.lan:443/",
            "http://[::1]:3002/",
            "http://closing.pod.test:3003/",
        ] {
            assert!(allow(url), "{url}");
        }
        for url in [
            "https://127.0.0.1:3001/",
            "http://127.0.0.1/",
            "http://127.0.0.1:3002/",
            "http://pod.lan/",
            "http://pod.lan:443/",
            "http://x.pod.lan/",
            "ftp://pod.lan:443/",
            "http://closing.pod.test:3004/",
        ] {
            assert!(!allow(url), "{url}");
        }
        let base = |host: &str| allowed.base_url(host).unwrap().to_string();
        assert_eq!(base("127.0.0.1:3001"), "http://127.0.0.1:3001/");
        assert_eq!(base("pod.lan"), "https://pod.lan/");
        assert_eq!(base("pod.example:3000"), "https://pod.example:3000/");
    }

    #[test]
    fn other_entries_are_refused() {
        for entry in ["", "ftp://a", "a b", "http://", "a:b", "a:99999", "a/path", "http://u:p@a", "a?b"] {
            assert!(AllowedNetworks::new([entry]).is_err(), "{entry}");
        }
        assert_eq!("".parse::<AllowedNetworks>().unwrap(), AllowedNetworks::none());
    }
}
