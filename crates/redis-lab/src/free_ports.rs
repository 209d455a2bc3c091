//! Ports that nobody listens on.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a node's bus port is above its port.
pub(crate) const BUS: u16 = 10_000;

/// Ports whose bus ports too are below the range from which the kernel takes those of outgoing connections.
const RANGE: Range<u16> = 10_100..22_000;

/// How far apart the ports of two processes begin, so that they seldom look at the same ones at once.
const STRIDE: u32 = 97;

/// Finds a number of ports that are free together with their bus ports, others at each call.
pub(crate) fn find(address: IpAddr, count: usize) -> io::Result<Vec<u16>> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let width = u32::from(RANGE.end - RANGE.start);
    let first = std::process::id() * STRIDE % width;
    let mut found = Vec::with_capacity(count);
    for _ in 0..width {
        let port = RANGE.start + ((first + NEXT.fetch_add(1, Ordering::Relaxed)) % width) as u16;
        if is_free(address, port) && is_free(address, port + BUS) {
            found.push(port);
            if found.len() == count {
                return Ok(found);
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "too few free ports"))
}

/// Tells whether nobody listens on a port now.
pub(crate) fn is_free(address: IpAddr, port: u16) -> bool {
    TcpListener::bind((address, port)).is_ok()
}
