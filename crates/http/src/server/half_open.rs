//! Counts, by address, the connections that have not finished a request yet: a stranger must not hold all of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

/// The counts of one server.
#[derive(Clone)]
pub(super) struct HalfOpen {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    limit: usize,
    exempt_loopback: bool,
}

/// A connection's place in the count of its address; dropping it gives the place back.
pub(super) struct Slot(Option<(HalfOpen, IpAddr)>);

impl HalfOpen {
    pub(super) fn new(limit: usize, exempt_loopback: bool) -> Self {
        Self { counts: Arc::default(), limit, exempt_loopback }
    }

    /// Counts a connection from `address`, unless that has too many.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Slot> {
        let address = counted(address);
        if self.exempt_loopback && address.is_loopback() {
            return Some(Slot(None));
        }
        let mut counts = self.counts.lock();
        let count = counts.entry(address).or_insert(0);
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Slot(Some((self.clone(), address))))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some((half_open, address)) = self.0.take() else {
            return;
        };
        if let Entry::Occupied(mut entry) = half_open.counts.lock().entry(address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// Gives what stands for the owner of `address`: with IPv6 the first 64 bits, since a household has all of the rest.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_own_count() {
        let half_open = HalfOpen::new(2, false);
        let slots: Vec<_> = (0..2).map(|_| half_open.admit(address("192.0.2.1")).unwrap()).collect();
        assert!(half_open.admit(address("192.0.2.1")).is_none());
        assert!(half_open.admit(address("::ffff:192.0.2.1")).is_none());
        assert!(half_open.admit(address("192.0.2.2")).is_some());
        drop(slots);
        assert!(half_open.admit(address("192.0.2.1")).is_some());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let half_open = HalfOpen::new(1, false);
        let _slot = half_open.admit(address("2001:db8:1:2::1")).unwrap();
        assert!(half_open.admit(address("2001:db8:1:2:ffff::9")).is_none());
        assert!(half_open.admit(address("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn loopback_can_be_left_out() {
        for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(HalfOpen::new(0, true).admit(address(loopback)).is_some(), "{loopback}");
            assert!(HalfOpen::new(0, false).admit(address(loopback)).is_none(), "{loopback}");
        }
        assert!(HalfOpen::new(0, true).admit(address("192.0.2.1")).is_none());
    }

    #[test]
    fn nothing_is_kept_of_those_who_left() {
        let half_open = HalfOpen::new(1, false);
        drop(half_open.admit(address("192.0.2.1")));
        drop(HalfOpen::new(0, false).admit(address("192.0.2.1")));
        assert!(half_open.counts.lock().is_empty());
    }
}
