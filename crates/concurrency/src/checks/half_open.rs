//! How many connections of one address have not finished a request: `http/src/server/half_open.rs`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::thread;

use crate::explore::{explore, join};

#[path = "../../../http/src/server/half_open.rs"]
mod counts;
use counts::HalfOpen;

/// An address never has more places than it may, and has all of them again once they were given back.
pub fn an_address_has_no_more_places_than_it_may() {
    explore(|| {
        const LIMIT: usize = 1;
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let (counts, held) = (HalfOpen::new(LIMIT, false), Arc::new(AtomicUsize::new(0)));
        let connections = [(); 3].map(|()| {
            let (counts, held) = (counts.clone(), held.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    if let Some(place) = counts.admit(address) {
                        assert!(held.fetch_add(1, Ordering::SeqCst) < LIMIT);
                        crate::stand_ins::step();
                        held.fetch_sub(1, Ordering::SeqCst);
                        drop(place);
                    }
                }
            })
        });
        join(connections);
        let places: Vec<_> = (0..LIMIT).map(|_| counts.admit(address)).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(counts.admit(address).is_none());
    });
}
