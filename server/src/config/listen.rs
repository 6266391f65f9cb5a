//! Where the service listens, and whom it believes.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::ConfigFileError;

/// Where the service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// On a port.
    Port(SocketAddr),
    /// On a Unix socket, which the proxy on the same machine opens.
    Socket(PathBuf),
}

impl Listen {
    /// Reads `ADDRESS:PORT`, or `unix:PATH`; a path counts from `folder`.
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

/// The number of a group that is given by name, as in /etc/group, or by number.
pub(super) fn group(text: &str) -> Result<u32, ConfigFileError> {
    let known = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let number = text.parse().ok().or_else(|| number_of(text, &known));
    number.ok_or_else(|| ConfigFileError::Value {
        key: "web.socket_group",
        reason: format!("is {text:?}, which is neither a group of this machine nor a number"),
    })
}

/// Lines are of the form `NAME:PASSWORD:NUMBER:MEMBERS`.
fn number_of(name: &str, groups: &str) -> Option<u32> {
    let mut fields = groups.lines().map(|line| line.split(':'));
    fields.find_map(|mut fields| (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten())
}

/// Addresses and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
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

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is one of these.
    pub fn contains(&self, address: IpAddr) -> bool {
        // A socket for both kinds of addresses shows the older ones as newer ones.
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_numbers() {
        let groups = "root:x:0:\nwww-data:x:33:a,b\nbroken\n";
        assert_eq!(number_of("www-data", groups), Some(33));
        assert_eq!((number_of("www", groups), number_of("broken", groups)), (None, None));
        assert_eq!(group("4242").unwrap(), 4242);
    }
}
