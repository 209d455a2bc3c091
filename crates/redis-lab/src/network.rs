//! Cuts nodes off, in a network of the test's own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::own_network;

/// The addresses of a lab in a network of its own, and the packets that vanish there.
#[derive(Debug)]
pub(crate) struct Network {
    /// Labs of one test share the network; each has its own third byte and its own table of rules.
    lab: u8,
    dropped: Mutex<Dropped>,
}

/// Which packets vanish.
#[derive(Debug, Default)]
struct Dropped {
    /// All to and from these nodes.
    cut: BTreeSet<IpAddr>,
    /// All between a first node and a second.
    between: BTreeSet<(IpAddr, IpAddr)>,
}

impl Network {
    /// Gives addresses if this process is in a network of its own.
    pub(crate) fn here() -> Option<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        own_network::is_here()
            .then(|| Self { lab: NEXT.fetch_add(1, Ordering::Relaxed), dropped: Mutex::default() })
    }

    /// Gives the address of a node.
    pub(crate) fn address(&self, node: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(127, 0, self.lab, u8::try_from(node + 1).unwrap_or(u8::MAX)))
    }

    /// Changes which packets vanish.
    fn change(&self, change: impl FnOnce(&mut Dropped)) -> Result<()> {
        let mut dropped = self.dropped.lock();
        change(&mut dropped);
        apply(&rules(self.lab, &dropped))
    }

    /// Lets all packets through, and forgets the table.
    pub(crate) fn remove(&self) {
        let _ = apply(&rules(self.lab, &Dropped::default()));
    }
}

impl Lab {
    /// Cuts a node off from everybody, clients too: packets to and from it vanish, as when its machine loses power.
    ///
    /// # Errors
    ///
    /// [`Error::Network`] outside of [`crate::in_own_network`].
    pub fn cut(&self, node: usize) -> Result<()> {
        let address = self.node(node).address();
        self.own_network()?.change(|dropped| {
            dropped.cut.insert(address);
        })
    }

    /// Cuts some nodes off from the other nodes: clients reach all of them, and some of those nodes each other.
    ///
    /// # Errors
    ///
    /// [`Error::Network`] outside of [`crate::in_own_network`].
    pub fn partition(&self, some: &[usize]) -> Result<()> {
        let (these, others): (Vec<_>, Vec<_>) =
            self.nodes().iter().partition(|node| some.contains(&node.index()));
        self.own_network()?.change(|dropped| {
            for this in &these {
                dropped.between.extend(others.iter().map(|other| (this.address(), other.address())));
            }
        })
    }

    /// Ends all cuts and partitions.
    ///
    /// # Errors
    ///
    /// [`Error::Network`] outside of [`crate::in_own_network`].
    pub fn heal(&self) -> Result<()> {
        self.own_network()?.change(|dropped| *dropped = Dropped::default())
    }

    fn own_network(&self) -> Result<&Network> {
        self.network.as_ref().ok_or_else(|| Error::Network("the test runs in that of everybody".to_owned()))
    }
}

/// Gives what the packet filter has to do, in place of what it did before.
fn rules(lab: u8, dropped: &Dropped) -> String {
    let table = format!("table ip redis_lab_{lab}");
    let mut text = format!("{table} {{}}\ndelete {table}\n{table} {{\n");
    text.push_str("chain input { type filter hook input priority 0; policy accept;\n");
    for node in &dropped.cut {
        // A node reaches itself also without a network.
        let _ = writeln!(
            text,
            "ip saddr {node} ip daddr != {node} drop\nip daddr {node} ip saddr != {node} drop"
        );
    }
    for (this, other) in &dropped.between {
        let _ =
            writeln!(text, "ip saddr {this} ip daddr {other} drop\nip saddr {other} ip daddr {this} drop");
    }
    text.push_str("}\n}\n");
    text
}

fn apply(rules: &str) -> Result<()> {
    let mut filter = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Error::Network(format!("cannot run nft (Debian: apt install nftables): {error}")))?;
    if let Some(mut input) = filter.stdin.take() {
        input.write_all(rules.as_bytes())?;
    }
    let output = filter.wait_with_output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Error::Network(format!("nft: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}
