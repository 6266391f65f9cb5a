//! The address of a pod.

use std::fmt;

use url::Url;

use super::ConfigError;
use crate::domain::DiasporaId;

/// Base address of a pod, e.g. `https://pod.example/`: scheme http or https, host, optional port, never a path.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PodUrl {
    url: Url,
    host: String,
}

impl PodUrl {
    /// Parses an address as diaspora* does: a path is dropped, since diaspora* always runs at the root of its host.
    /// An address without a scheme counts as https.
    ///
    /// # Errors
    /// [`ConfigError::BadUrl`] when it is not an http or https address with a host.
    pub fn parse(address: &str) -> Result<Self, ConfigError> {
        Self::parse_with_default(address, "https")
    }

    fn parse_with_default(address: &str, scheme: &str) -> Result<Self, ConfigError> {
        let address = address.trim();
        Self::try_parse(address, scheme).map_err(|reason| ConfigError::BadUrl {
            // The part before an @ may contain a password.
            url: if address.contains('@') { "(not shown)".to_owned() } else { format!("`{address}`") },
            reason,
        })
    }

    fn try_parse(address: &str, scheme: &str) -> Result<Self, String> {
        let parsed = if address.contains("://") {
            Url::parse(address)
        } else {
            Url::parse(&format!("{scheme}://{address}"))
        };
        let mut url = parsed.map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is neither http nor https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it contains a user name or password, unlike a pod's address".to_owned());
        }
        let host = url.host_str().ok_or("it has no host")?.to_owned();
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { url, host })
    }

    /// Parses the setting `environment.url`, which diaspora* changes to https when it requires TLS.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(super) fn from_setting(address: &str, require_ssl: bool) -> Result<Self, ConfigError> {
        let mut pod = Self::parse_with_default(address, "http")?;
        if require_ssl && pod.url.set_scheme("https").is_err() {
            let reason = "it cannot be turned into https".to_owned();
            return Err(ConfigError::BadUrl { url: pod.url.to_string(), reason });
        }
        Ok(pod)
    }

    /// Returns the address, ending in `/`.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Returns the host, without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the part after the `@` in the pod's diaspora* IDs; see [`DiasporaId::host_of_pod`].
    pub fn diaspora_host(&self) -> String {
        DiasporaId::host_of_pod(&self.url).unwrap_or_else(|| self.host.clone())
    }

    /// Returns scheme, host and port without a trailing slash: `https://pod.example`.
    pub fn origin(&self) -> String {
        self.as_str().trim_end_matches('/').to_owned()
    }
}

impl fmt::Debug for PodUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PodUrl").field(&self.as_str()).finish()
    }
}

impl fmt::Display for PodUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        for (address, shown, host, diaspora_host) in [
            ("https://pod.example/", "https://pod.example/", "pod.example", "pod.example"),
            (" http://Pod.Example:80 ", "http://pod.example/", "pod.example", "pod.example"),
            ("pod.example", "https://pod.example/", "pod.example", "pod.example"),
            ("localhost:3000", "https://localhost:3000/", "localhost", "localhost:3000"),
            (
                "https://www.pod.example:8443/a?b#c",
                "https://www.pod.example:8443/",
                "www.pod.example",
                "pod.example:8443",
            ),
            ("http://pod.example:443", "http://pod.example:443/", "pod.example", "pod.example"),
            ("https://[::1]:3000", "https://[::1]:3000/", "[::1]", "[::1]:3000"),
        ] {
            let pod = PodUrl::parse(address).unwrap();
            assert_eq!((pod.as_str(), pod.to_string().as_str()), (shown, shown));
            assert_eq!(pod.host(), host);
            assert_eq!(pod.diaspora_host(), diaspora_host);
            assert_eq!(format!("{}/", pod.origin()), shown);
        }
    }

    #[test]
    fn settings_become_https_when_required() {
        let setting = |address, require| PodUrl::from_setting(address, require).unwrap().to_string();
        assert_eq!(setting("http://pod.example", true), "https://pod.example/");
        assert_eq!(setting("pod.example", true), "https://pod.example/");
        assert_eq!(setting("pod.example/", false), "http://pod.example/");
        assert_eq!(setting("http://localhost:3000/", true), "https://localhost:3000/");
        assert_eq!(setting("https://pod.example/", false), "https://pod.example/");
    }

    #[test]
    fn rejects_other_addresses() {
        for address in
            ["", "https://", "ftp://pod.example/", "https://a b/", "https://u:hunter2@pod.example/"]
        {
            let error = PodUrl::parse(address).unwrap_err();
            assert!(matches!(error, ConfigError::BadUrl { .. }), "{address}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
