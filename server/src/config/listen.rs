//! The listening address, and the trusted proxies.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::ConfigFileError;

/// The listening address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address.
    Port(SocketAddr),
    /// A Unix socket, which the proxy on the same machine connects to.
    Socket(PathBuf),
}

impl Listen {
    /// Parses `ADDRESS:PORT` or `unix:PATH`; paths are relative to `folder`.
    pub(super) fn parse(text: &str, folder: &Path) -> Result<Self, ConfigFileError> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Socket(folder.join(path)));
        }
        text.parse().map(Self::Port).map_err(|_| ConfigFileError::Value {
            key: "web.listen",
            reason: format!(
                "is {text:?}: expected an address and a port (127.0.0.1:8090), or unix:/run/pappus/web.sock"
            ),
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => write!(formatter, "http://{address}/"),
            Self::Socket(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// Returns the number of a group given by name, as in /etc/group, or by number.
pub(super) fn group(text: &str) -> Result<u32, ConfigFileError> {
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let number = text.parse().ok().or_else(|| group_number(text, &groups));
    number.ok_or_else(|| ConfigFileError::Value {
        key: "web.socket_group",
        reason: format!("is {text:?}, which is neither a group of this machine nor a number"),
    })
}

/// Looks a group up in lines of the form `NAME:PASSWORD:NUMBER:MEMBERS`.
fn group_number(name: &str, groups: &str) -> Option<u32> {
    let mut fields = groups.lines().map(|line| line.split(':'));
    fields.find_map(|mut fields| (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten())
}

/// A set of addresses and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Parses addresses and networks; errors name `key`.
    pub(crate) fn parse(key: &'static str, entries: &[String]) -> Result<Self, ConfigFileError> {
        let parse = |entry: &String| {
            let network =
                entry.parse::<IpNet>().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from));
            network.ok_or_else(|| ConfigFileError::Value {
                key,
                reason: format!("has {entry:?}: expected an address (127.0.0.1) or a network (10.0.0.0/8)"),
            })
        };
        entries.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a program on this machine that connects to `listen`, a loopback address, can be in the set.
    pub(super) fn can_include(&self, listen: IpAddr) -> bool {
        let is_same_loopback =
            |address: IpAddr| address.is_loopback() && address.is_ipv4() == listen.is_ipv4();
        self.0.iter().any(|network| network.contains(&listen) || is_same_loopback(network.addr()))
    }

    /// Returns whether the set contains an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        // A dual-stack socket shows IPv4 addresses as IPv6 addresses.
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name_and_number() {
        let groups = "root:x:0:\nwww-data:x:33:a,b\nbroken\n";
        assert_eq!(group_number("www-data", groups), Some(33));
        assert_eq!((group_number("www", groups), group_number("broken", groups)), (None, None));
        assert_eq!(group("4242").unwrap(), 4242);
    }
}
