//! A connection between two: both directions, and what happens to it.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::conditions::Way;
use super::flow::{Alarm, Content, Flow};
use crate::dice::Dice;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    names: [String; 2],
    dice: Dice,
    state: Mutex<State>,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Who made it.
    Client = 0,
    /// Who accepted it.
    Server = 1,
}

#[derive(Debug)]
struct State {
    way: Way,
    /// Whether one of the ends is gone without a word: then the way stays silent.
    lost: bool,
    ends: [End; 2],
}

/// What there is of one end.
#[derive(Debug, Default)]
struct End {
    /// What comes to it.
    incoming: Flow,
    /// Wakes a writer that waits for room when it learns that there is nobody to read.
    failure: Alarm,
    /// Whether it writes no more.
    finished: bool,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl Link {
    /// Makes a connection from the first to the second.
    pub(super) fn new(names: [&str; 2], way: Way, dice: Dice) -> Self {
        let state = State { way, lost: false, ends: Default::default() };
        Self { names: names.map(str::to_owned), dice, state: Mutex::new(state) }
    }

    /// Gives the name of who has an end.
    pub(super) fn name(&self, side: Side) -> &str {
        &self.names[side as usize]
    }

    /// Reads what has arrived at an end.
    pub(super) fn poll_read(
        &self,
        side: Side,
        context: &Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.state.lock().incoming(side).poll_read(context, into)
    }

    /// Writes at an end what `take` makes of the room that there is, and gives how many bytes that was.
    pub(super) fn poll_write(
        &self,
        side: Side,
        context: &Context<'_>,
        take: impl FnOnce(usize) -> Bytes,
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock();
        let end = &mut state.ends[side as usize];
        let failure = end.incoming.failure();
        if let Some((due, failure)) = failure
            && due <= Instant::now()
        {
            return Poll::Ready(Err(failure.into()));
        }
        if end.finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = state.incoming(side.other()).room();
        if room == 0 {
            state.incoming(side.other()).wait_for_room(context);
            if let Some((due, _)) = failure {
                // It is not past yet.
                let _ = state.ends[side as usize].failure.is_past(due, context.waker());
            }
            return Poll::Pending;
        }
        let bytes = take(room);
        let count = bytes.len();
        if count > 0 {
            self.send(&mut state, side.other(), Content::Bytes(bytes));
        }
        Poll::Ready(Ok(count))
    }

    /// Writes no more at an end.
    pub(super) fn finish(&self, side: Side) {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.ends[side as usize].finished, true) {
            self.send(&mut state, side.other(), Content::End);
        }
    }

    /// Lets an end go: the other one learns of it. Bytes that had come and were not read break the connection, as they do in TCP.
    pub(super) fn drop_end(&self, side: Side) {
        let mut state = self.state.lock();
        let unread = state.incoming(side).has_unread(Instant::now());
        state.incoming(side).close();
        self.send(&mut state, side.other(), if unread { Content::Reset } else { Content::Closed });
    }

    /// Breaks it at one end, which knows it now; what is under way is lost, and the other end learns of it a delay later.
    pub(super) fn cut(&self, side: Side) {
        let mut state = self.state.lock();
        let now = Instant::now();
        for at in [side, side.other()] {
            let due = if at == side { Some(now) } else { self.due(&state) };
            state.incoming(at).reset(now, due);
        }
        for at in [side, side.other()] {
            state.incoming(at).wake();
        }
    }

    /// Lets one of the ends be gone without a word: nothing arrives any more.
    pub(super) fn lose(&self) {
        let mut state = self.state.lock();
        state.lost = true;
        for end in &mut state.ends {
            end.incoming.hold(Instant::now());
        }
    }

    /// Says how the way is from now on.
    pub(super) fn set_way(&self, way: Way) {
        let mut state = self.state.lock();
        let was_silent = std::mem::replace(&mut state.way, way).silent;
        if state.lost || was_silent == state.way.silent {
            return;
        }
        let (now, delay) = (Instant::now(), state.way.delay.clone());
        for end in &mut state.ends {
            if was_silent {
                end.incoming.release(|| now + self.dice.millis(delay.clone()));
            } else {
                end.incoming.hold(now);
            }
        }
    }

    fn send(&self, state: &mut State, to: Side, content: Content) {
        let due = self.due(state);
        state.incoming(to).send(content, due);
    }

    /// Draws when something arrives that is sent now.
    fn due(&self, state: &State) -> Option<Instant> {
        let arrives = !state.way.silent && !state.lost;
        arrives.then(|| Instant::now() + self.dice.millis(state.way.delay.clone()))
    }
}

impl State {
    /// Gives what comes to an end.
    fn incoming(&mut self, side: Side) -> &mut Flow {
        &mut self.ends[side as usize].incoming
    }
}
