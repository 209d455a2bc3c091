//! How long things may take.

/// How long things may take, in virtual milliseconds. What goes wrong meanwhile stops these clocks: they start anew when it is mended.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// After everything is quiet: until every event has reached every device that is connected.
    pub converge: u64,
    /// Until a device that vanished without a word counts as gone.
    pub vanish: u64,
    /// Beyond that: the grace of a user, the sweeps of those who are to learn of it, and the ways.
    pub grace: u64,
    /// Until news of presence, of who may see it, and of typing have arrived.
    pub propagate: u64,
    /// The same where the news were lost in a fault: until everything is read anew.
    pub refresh: u64,
    /// Absences shorter than this are reconnects, which nobody is to see.
    pub reconnect: u64,
    /// Until one who was removed from a conversation learns nothing more of typing and receipts in it.
    pub revoke: u64,
    /// Until a push provider has been given what it is to be given.
    pub push: u64,
    /// How long a user may do nothing and is online still.
    pub inactivity: u64,
    /// How far the store goes back at most when it loses its tail.
    pub loss: u64,
    /// How long a frame is under way at most when nothing is wrong.
    pub way: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            converge: 30_000,
            vanish: 45_000,
            grace: 20_000,
            propagate: 10_000,
            refresh: 65_000,
            reconnect: 4_000,
            revoke: 30_000,
            push: 30_000,
            inactivity: 300_000,
            loss: 10_000,
            way: 5_000,
        }
    }
}
