//! The client's address: the peer, or, for a trusted proxy, the address it forwards.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::config::Proxies;

/// The client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub IpAddr);

impl Address {
    /// Returns the address that limits count: an IPv6 network (/64) counts as one, as one user has all its addresses.
    pub fn subject(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(UNKNOWN))
    }
}

/// The address of clients whose address is unknown; they count as one.
const UNKNOWN: Address = Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

/// Adds the client's address to a request.
pub async fn add_address(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let address = origin(peer, request.headers(), &app.config.web.proxies);
    request.extensions_mut().insert(address);
    next.run(request).await
}

/// Returns the client's address. Without a peer's address the request came over the Unix socket, which only the proxy
/// opens. Each proxy appends the address it received the request from; the last one that is not a trusted proxy is
/// the client's.
fn origin(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &Proxies) -> Address {
    if peer.is_some_and(|peer| !proxies.contains(peer)) {
        return peer.map_or(UNKNOWN, |peer| Address(peer.to_canonical()));
    }
    let lists = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut entries: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let mut last = peer;
    while let Some(entry) = entries.pop() {
        // An unreadable entry is not attributed to the proxy itself, which may be allowed more than others.
        let Some(address) = forwarded(entry) else { return UNKNOWN };
        last = Some(address);
        if !proxies.contains(address) {
            break;
        }
    }
    last.map_or(UNKNOWN, |address| Address(address.to_canonical()))
}

/// Parses an address as proxies write it: some add the port, some put IPv6 addresses into brackets.
fn forwarded(entry: &str) -> Option<IpAddr> {
    let without_port = entry.parse().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    without_port.or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: Option<&str>, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let proxies = Proxies::parse("x", &["127.0.0.1".to_owned(), "10.0.0.0/8".to_owned()]).unwrap();
        origin(peer.map(|peer| peer.parse().unwrap()), &headers, &proxies).0.to_string()
    }

    #[test]
    fn only_trusted_proxies_forward_addresses() {
        assert_eq!(client(Some("203.0.113.5"), &["198.51.100.1"]), "203.0.113.5");
        assert_eq!(client(Some("127.0.0.1"), &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(Some("::ffff:127.0.0.1"), &["198.51.100.1"]), "198.51.100.1");
        // The client's own entries precede the proxy's.
        assert_eq!(client(Some("127.0.0.1"), &["1.1.1.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(Some("127.0.0.1"), &["1.1.1.1", "198.51.100.1, 10.1.2.3"]), "198.51.100.1");
        for unreadable in ["nonsense", "198.51.100.1, nonsense", "1.2.3.4:99999", ""] {
            assert_eq!(client(Some("127.0.0.1"), &[unreadable]), "0.0.0.0", "{unreadable}");
        }
        assert_eq!(client(Some("127.0.0.1"), &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client(Some("127.0.0.1"), &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client(Some("127.0.0.1"), &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client(Some("127.0.0.1"), &[]), "127.0.0.1");
        assert_eq!(client(None, &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(None, &[]), "0.0.0.0");
    }

    #[test]
    fn a_network_counts_as_one() {
        let subject = |text: &str| Address(text.parse().unwrap()).subject().to_string();
        assert_eq!(subject("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(subject("198.51.100.1"), "198.51.100.1");
    }
}
