//! The network of a simulated world: byte streams between named processes and devices, which are slow, silent or cut as a schedule says.
//!
//! A connection behaves as one of TCP between two machines does that runs on through every fault of the processes above it: bytes come in
//! order, each some delay after it was sent; a slow reader is felt once the window is full; what a silent way holds back arrives when it
//! is healed. Unlike there, nobody gives a silent peer up but the process itself.

mod conditions;
mod dialer;
mod flow;
mod link;
mod listener;
mod pipe;
mod serve;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use ports::Dial;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::dice::Dice;

use self::conditions::{Conditions, Way};
use self::dialer::Dialer;
pub use self::flow::WINDOW;
use self::link::{Link, Side};
use self::listener::Knock;
pub use self::listener::Listener;
pub use self::pipe::Pipe;
pub use self::serve::serve;

/// The network. Clones are the same.
#[derive(Clone, Debug)]
pub struct Network(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dice: Dice,
    state: Mutex<State>,
    /// Says that the conditions are others now.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    conditions: Conditions,
    /// Who listens, by address; those who do no longer stay until they are replaced.
    listeners: BTreeMap<String, mpsc::UnboundedSender<Knock>>,
    /// The connections in the order in which they were made, and some that have ended.
    links: Vec<Weak<Link>>,
}

impl Network {
    /// Makes a network on which a chunk of bytes takes a millisecond.
    pub fn new(dice: Dice) -> Self {
        Self(Arc::new(Inner { dice, state: Mutex::default(), changed: watch::Sender::new(()) }))
    }

    /// Listens at an address such as `chat-0:80`; without a port it is 80. Whoever listened there before gets no connections any more.
    ///
    /// The name in front of the port is the process's. Once the listener is dropped, connections are refused.
    pub fn listen(&self, address: &str) -> Listener {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.state.lock().listeners.insert(with_port(address), sender);
        Listener::new(receiver)
    }

    /// Connects a process or a device to an address, which takes the delay of the way there and of the way back.
    ///
    /// It hangs while the way is silent. A process that listens has the connection whether or not it accepts it, as it would from its
    /// operating system.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(&self, from: &str, address: &str) -> io::Result<Pipe> {
        let address = with_port(address);
        let to = name_of(&address);
        self.travel(from, to).await;
        let pipe = self.knock(from, &address);
        self.travel(from, to).await;
        pipe.ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
    }

    /// Gives a process its way to the others.
    pub fn dialer(&self, from: &str) -> Arc<dyn Dial> {
        Arc::new(Dialer::new(self.clone(), from))
    }

    /// Says how long a chunk takes one way, in milliseconds; each by chance, and none overtakes another of its connection.
    pub fn set_delay(&self, range_ms: RangeInclusive<u64>) {
        self.change(|conditions| conditions.delay = range_ms);
    }

    /// Says how long a chunk takes between two, one way, in milliseconds; `None` takes that back. `*` stands for anybody, and where more
    /// than one holds, the slowest does.
    pub fn slow(&self, a: &str, b: &str, range_ms: impl Into<Option<RangeInclusive<u64>>>) {
        self.change(|conditions| conditions.slow(a, b, range_ms.into()));
    }

    /// Makes the way between two silent, so that nothing arrives and nobody is told, or heals it: then everything that was sent in the
    /// meantime arrives. `*` stands for anybody; a way is silent as long as one that was made so holds for it.
    pub fn silence(&self, a: &str, b: &str, silent: bool) {
        self.change(|conditions| conditions.silence(a, b, silent));
    }

    /// Cuts all connections of a process or a device: what is under way is lost, its own ends fail now, and the others once the news has
    /// come to them.
    pub fn cut(&self, name: &str) {
        self.ends_of(name, Link::cut);
    }

    /// Lets the ends of a process or a device be gone without a word: its peers hear nothing more on these connections, ever.
    pub fn vanish(&self, name: &str) {
        self.ends_of(name, |link, _| link.lose());
    }

    fn change(&self, change: impl FnOnce(&mut Conditions)) {
        let mut state = self.0.state.lock();
        change(&mut state.conditions);
        for link in state.links() {
            link.set_way(state.way(link.name(Side::Client), link.name(Side::Server)));
        }
        drop(state);
        self.0.changed.send_replace(());
    }

    /// Does something to the connections of a name, for each end that is its own.
    fn ends_of(&self, name: &str, act: impl Fn(&Link, Side)) {
        let links = self.0.state.lock().links();
        for link in links {
            for side in [Side::Client, Side::Server] {
                if link.name(side) == name {
                    act(&link, side);
                }
            }
        }
    }

    /// Takes as long as a packet does, and for ever on a way that stays silent.
    async fn travel(&self, from: &str, to: &str) {
        let mut changed = self.0.changed.subscribe();
        let way = || self.0.state.lock().way(from, to);
        loop {
            let Way { delay, silent } = way();
            if silent {
                // It cannot fail: the sender is in this network.
                let _ = changed.changed().await;
                continue;
            }
            sleep(self.0.dice.millis(delay)).await;
            if !way().silent {
                return;
            }
        }
    }

    /// Makes a connection, if somebody listens at the address.
    fn knock(&self, from: &str, address: &str) -> Option<Pipe> {
        let to = name_of(address);
        let (listener, way) = {
            let state = self.0.state.lock();
            (state.listeners.get(address)?.clone(), state.way(from, to))
        };
        let link = Arc::new(Link::new([from, to], way, self.0.dice.clone()));
        let [near, far] = [Side::Client, Side::Server].map(|side| Pipe::new(link.clone(), side));
        listener.send((far, from.to_owned())).ok()?;
        self.0.state.lock().remember(&link);
        Some(near)
    }
}

impl State {
    fn way(&self, a: &str, b: &str) -> Way {
        self.conditions.way(a, b)
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.links.iter().filter_map(Weak::upgrade).collect()
    }

    fn remember(&mut self, link: &Arc<Link>) {
        if self.links.len() == self.links.capacity() {
            self.links.retain(|link| link.strong_count() > 0);
        }
        self.links.push(Arc::downgrade(link));
    }
}

fn with_port(address: &str) -> String {
    if address.contains(':') { address.to_owned() } else { format!("{address}:80") }
}

fn name_of(address: &str) -> &str {
    address.split_once(':').map_or(address, |(name, _)| name)
}
