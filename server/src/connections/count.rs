//! Limits on the number of connections: in total, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::security::Address;

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitReached {
    /// The limit on all connections.
    Total,
    /// The limit for this address.
    Address,
}

/// A counter of connections, or of anything else with such limits. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max_total: usize,
    max_per_address: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A counted connection, until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    connections: Connections,
    address: Option<IpAddr>,
}

impl Connections {
    pub(crate) fn new(max_total: usize, max_per_address: usize) -> Self {
        Self(Arc::new(Inner { max_total, max_per_address, counts: Mutex::default() }))
    }

    /// Counts one more connection. Without an address only the total is counted. An IPv6 network counts as one address.
    pub(crate) fn acquire(&self, address: Option<IpAddr>) -> Result<Permit, LimitReached> {
        let address = address.map(|address| Address(address).subject());
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.0.max_total {
            return Err(LimitReached::Total);
        }
        if let Some(address) = address {
            let count = counts.by_address.entry(address).or_insert(0);
            if *count >= self.0.max_per_address {
                return Err(LimitReached::Address);
            }
            *count += 1;
        }
        counts.total += 1;
        Ok(Permit { connections: self.clone(), address })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.connections.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(count) = counts.by_address.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_released_on_drop() {
        let connections = Connections::new(3, 2);
        let acquire = |text: &str| connections.acquire(Some(text.parse().unwrap()));
        let first = acquire("192.0.2.1").unwrap();
        let _second = acquire("192.0.2.1").unwrap();
        assert_eq!(acquire("192.0.2.1").unwrap_err(), LimitReached::Address);
        let _other = acquire("2001:db8::1").unwrap();
        assert_eq!(acquire("198.51.100.1").unwrap_err(), LimitReached::Total);
        assert_eq!(connections.acquire(None).unwrap_err(), LimitReached::Total);
        drop(first);
        assert!(acquire("192.0.2.1").is_ok());
        assert!(
            connections.0.counts.lock().unwrap().by_address.len() == 2,
            "addresses without connections are removed"
        );
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let connections = Connections::new(9, 1);
        let acquire = |text: &str| connections.acquire(Some(text.parse().unwrap()));
        let _first = acquire("2001:db8:1:2::3").unwrap();
        assert!(acquire("2001:db8:1:2:ffff::9").is_err() && acquire("2001:db8:1:3::3").is_ok());
    }
}
