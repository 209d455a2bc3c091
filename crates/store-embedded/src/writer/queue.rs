//! The commands that wait for the writer, in order.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};
use ports::{Error, Result};

use super::Command;

/// A bounded queue that is filled by many and emptied by the writer.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    limit: usize,
}

struct State {
    commands: VecDeque<Command>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Commands are taken.
    Open,
    /// Those that wait are executed, others refused.
    Closing,
    /// A write has failed: nothing is executed any more.
    Failed,
}

impl Queue {
    /// Makes a queue of at most `limit` commands.
    pub(crate) fn new(limit: usize) -> Self {
        let state = State { commands: VecDeque::new(), phase: Phase::Open };
        Self { state: Mutex::new(state), filled: Condvar::new(), limit }
    }

    /// Adds a command. Fails with `Unavailable` if the queue is full or takes nothing any more.
    pub(crate) fn push(&self, command: Command) -> Result<()> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Open if state.commands.len() < self.limit => {}
            Phase::Open => return Err(Error::Unavailable("too many writes are waiting".to_owned())),
            Phase::Closing => return Err(closed()),
            Phase::Failed => return Err(Error::Unavailable("an earlier write failed".to_owned())),
        }
        state.commands.push_back(command);
        if state.commands.len() == 1 {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for commands and moves at most `limit` to `batch`; gives `false` once there will be none.
    pub(crate) fn take(&self, batch: &mut Vec<Command>, limit: usize) -> bool {
        let mut state = self.state.lock();
        while state.commands.is_empty() && state.phase == Phase::Open {
            self.filled.wait(&mut state);
        }
        let count = state.commands.len().min(limit);
        batch.extend(state.commands.drain(..count));
        !batch.is_empty()
    }

    /// Says whether commands are taken.
    pub(crate) fn is_open(&self) -> bool {
        self.state.lock().phase == Phase::Open
    }

    /// Takes no more commands; those that wait are still executed.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.filled.notify_one();
    }

    /// Takes no more commands and forgets those that wait.
    pub(crate) fn fail(&self) {
        let forgotten = {
            let mut state = self.state.lock();
            state.phase = Phase::Failed;
            std::mem::take(&mut state.commands)
        };
        // Outside of the lock: this wakes those who wait for them.
        drop(forgotten);
    }
}

/// Says that the store has been closed.
pub(crate) fn closed() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}
