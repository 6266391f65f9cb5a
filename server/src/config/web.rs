//! The web server's part of the configuration.

use std::path::Path;
use std::time::Duration;

use url::{Host, Url};

use super::listen::group;
use super::{ConfigFileError, Listen, Proxies, WebSection};

/// The web server.
#[derive(Debug, Clone)]
pub struct Web {
    /// The listening address.
    pub listen: Listen,
    /// The public URL: an origin, ending in `/`.
    pub public_url: Url,
    /// Proxies whose forwarded headers are trusted.
    pub proxies: Proxies,
    /// Lifetime of a session.
    pub session_lifetime: Duration,
    /// Addresses that may read `/metrics`.
    pub metrics_from: Proxies,
    /// Sustained rate of requests per second from one address; bursts may be ten times as many.
    pub requests_per_second: u32,
    /// The group of the Unix socket, by number.
    pub socket_group: Option<u32>,
    /// Timeout for the headers of a request, and for an idle connection.
    pub header_timeout: Duration,
    /// Timeout for a body or a response that makes no progress.
    pub body_timeout: Duration,
    /// Maximum number of open connections.
    pub connections: usize,
    /// Maximum number of connections from one address that is not a proxy, and of requests in progress from any.
    pub connections_per_address: usize,
    /// Maximum number of event streams from one address.
    pub streams_per_address: usize,
}

impl Web {
    /// Resolves the section of the file; paths in it are relative to `folder`.
    pub(super) fn resolve(section: &WebSection, folder: &Path) -> Result<Self, ConfigFileError> {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds.max(1)));
        let at_least_one = |count: u32| usize::try_from(count.max(1)).unwrap_or(usize::MAX);
        Ok(Self {
            listen: Listen::parse(&section.listen, folder)?,
            public_url: public_url(&section.public_url)?,
            proxies: Proxies::parse("web.trusted_proxies", &section.trusted_proxies)?,
            session_lifetime: Duration::from_secs(u64::from(section.session_hours.max(1)) * 3600),
            metrics_from: Proxies::parse("web.metrics_from", &section.metrics_from)?,
            requests_per_second: section.requests_per_second.max(1),
            socket_group: section.socket_group.as_deref().map(group).transpose()?,
            header_timeout: seconds(section.header_seconds),
            body_timeout: seconds(section.body_seconds),
            connections: at_least_one(section.connections),
            connections_per_address: at_least_one(section.connections_per_address),
            streams_per_address: at_least_one(section.streams_per_address),
        })
    }

    /// Returns whether people reach the service over TLS, so that cookies may require it.
    pub fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Returns whether only programs on this machine reach the service.
    pub fn is_local(&self) -> bool {
        match self.public_url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Returns a warning when people reach the service through an unlisted proxy on this machine: all requests would
    /// appear to come from it, and share one rate limit.
    pub fn unknown_proxy(&self) -> Option<String> {
        let Listen::Port(listen) = self.listen else { return None };
        if self.is_local() || !listen.ip().is_loopback() || self.proxies.can_include(listen.ip()) {
            return None;
        }
        let address = listen.ip();
        let (state, fix) = if self.proxies.is_empty() {
            ("is empty".to_owned(), format!("Set trusted_proxies = [\"{address}\"] in [web]"))
        } else {
            (format!("does not have {address}"), format!("Add \"{address}\" to trusted_proxies in [web]"))
        };
        Some(format!(
            "web.trusted_proxies {state}, but people reach {} through a proxy on this machine, as web.listen is \
             {listen}: everybody would count as {address}, so that one visitor's wrong passwords lock everybody out \
             and anybody reads /metrics. {fix}, or let the proxy use a Unix socket: \
             listen = \"unix:/run/pappus/web.sock\"",
            self.public_url
        ))
    }

    /// Returns a warning when the service listens beyond this machine for an https URL without trusted proxies: the
    /// service cannot detect a proxy. Not an error, since published ports of containers look the same.
    pub fn missing_proxy(&self) -> Option<String> {
        let Listen::Port(listen) = self.listen else { return None };
        let is_open = !listen.ip().is_loopback() && self.is_secure();
        if self.is_local() || !is_open || !self.proxies.is_empty() {
            return None;
        }
        Some(format!(
            "web.trusted_proxies is empty, web.listen is {listen}, and the service has no TLS of its own. If people reach \
             {} through a proxy, everybody counts as that proxy's address, so that one visitor's wrong passwords lock \
             everybody out: set trusted_proxies in [web] to the address from which the proxy connects. If there is no \
             proxy, passwords cross the network in clear: put one with TLS before the service, and set listen = \
             \"127.0.0.1:{}\" if it runs on this machine",
            self.public_url,
            listen.port()
        ))
    }

    /// Returns scheme, host and port as browsers send them: `https://move.pod.example`.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }
}

fn public_url(address: &str) -> Result<Url, ConfigFileError> {
    let invalid = |reason: &str| ConfigFileError::Value {
        key: "web.public_url",
        reason: format!("is {address:?}, which {reason}"),
    };
    let url = Url::parse(address).map_err(|error| invalid(&format!("is not an address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid("is not of the form https://move.pod.example/"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(invalid(
            "has more than scheme, host and port: Pappus needs a host name, or a port, of its own",
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use crate::config::tests::resolve;

    #[test]
    fn unknown_and_missing_proxies_are_reported() {
        let problem = |public: &str, lines: &str| {
            let text = format!(
                "[pod]\nurl = \"https://closing.example\"\n[web]\npublic_url = \"{public}\"\n{lines}\n"
            );
            resolve(&text).unwrap().web.unknown_proxy()
        };
        let warning = problem("https://move.example/", "").unwrap();
        assert!(
            warning.contains("trusted_proxies = [\"127.0.0.1\"]") && warning.contains("unix:"),
            "{warning}"
        );
        assert!(problem("https://move.example/", "listen = \"[::1]:8090\"").unwrap().contains("[\"::1\"]"));
        for (proxies, listen, address) in [
            ("[\"10.0.0.9\"]", "127.0.0.1", "127.0.0.1"),
            ("[\"10.0.0.0/8\", \"2001:db8::/32\"]", "[::1]", "::1"),
            // Programs reach an IPv4 address from an IPv4 address.
            ("[\"::1\"]", "127.0.0.1", "127.0.0.1"),
        ] {
            let lines = format!("trusted_proxies = {proxies}\nlisten = \"{listen}:8090\"");
            let warning = problem("https://move.example/", &lines).unwrap();
            assert!(warning.contains(&format!("web.trusted_proxies does not have {address}")), "{warning}");
            assert!(warning.contains(&format!("Add \"{address}\" to trusted_proxies")), "{warning}");
            assert_eq!(problem("http://localhost:8090/", &lines), None, "{proxies}");
        }
        for (public, lines) in [
            ("https://move.example/", "trusted_proxies = [\"127.0.0.1\"]"),
            ("https://move.example/", "trusted_proxies = [\"10.0.0.9\", \"127.0.0.0/8\"]"),
            ("https://move.example/", "trusted_proxies = [\"127.0.0.2\"]"),
            ("https://move.example/", "trusted_proxies = [\"10.0.0.9\"]\nlisten = \"unix:web.sock\""),
            ("https://move.example/", "trusted_proxies = [\"10.0.0.9\"]\nlisten = \"0.0.0.0:8090\""),
            ("https://move.example/", "listen = \"unix:web.sock\""),
            ("https://move.example/", "listen = \"0.0.0.0:8090\""),
            ("http://127.0.0.1:8090/", ""),
            ("http://[::1]:8090/", ""),
            ("http://localhost:8090/", ""),
        ] {
            assert_eq!(problem(public, lines), None, "{public} {lines}");
        }
        let warning = |public: &str, lines: &str| {
            let text = format!(
                "[pod]\nurl = \"https://closing.example\"\n[web]\npublic_url = \"{public}\"\n{lines}\n"
            );
            resolve(&text).unwrap().web.missing_proxy()
        };
        for listen in ["0.0.0.0:8090", "[::]:8090", "192.0.2.1:8090"] {
            let listen = format!("listen = \"{listen}\"");
            assert!(warning("https://move.example/", &listen).is_some(), "{listen}");
            let with_proxy = format!("{listen}\ntrusted_proxies = [\"192.0.2.7\"]");
            assert_eq!(warning("https://move.example/", &with_proxy), None, "{listen}");
        }
        assert_eq!(warning("https://move.example/", ""), None, "refused already");
        assert_eq!(warning("https://move.example/", "listen = \"unix:web.sock\""), None);
        // A host that only resembles the loopback address is not local.
        assert!(problem("http://127.0.0.1.example/", "").is_some());
    }
}
