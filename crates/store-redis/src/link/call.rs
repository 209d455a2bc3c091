//! A call: a script or a command on keys of one slot.

use std::sync::Arc;

use bytes::Bytes;

use super::lanes::Answered;
use crate::keys::slot_of;
use crate::script::Script;

/// A call: a script, or a command that only reads, on keys of one slot.
#[derive(Clone)]
pub(crate) struct Call {
    pub(super) command: Command,
    pub(super) keys: Vec<Bytes>,
    pub(super) arguments: Vec<Bytes>,
    pub(super) floor: Option<Arc<dyn Floor>>,
}

/// What is called.
#[derive(Clone, Copy)]
pub(super) enum Command {
    /// A script.
    Script(&'static Script),
    /// A command of Redis that only reads: the keys come first, then the arguments.
    Plain(&'static str),
}

/// What the caller knows to be in the store, because it was acknowledged: less than that means that a failover took it back.
///
/// A placed script gets it as its first argument, and answers `{'lost'}` and does nothing if the store has less. Then what was lost is
/// called again, and after it the call itself.
pub(crate) trait Floor: Send + Sync {
    /// Gives the argument, each time when the call is sent.
    fn argument(&self) -> Bytes;

    /// Gives what has to be called again, in order, with what is to be told of the answers. The floor is nothing until then.
    fn lost(self: Arc<Self>) -> Vec<(Call, Answered)>;
}

impl Call {
    /// Calls a script.
    pub(crate) fn new(script: &'static Script, keys: Vec<Bytes>, arguments: Vec<Bytes>) -> Self {
        Self { command: Command::Script(script), keys, arguments, floor: None }
    }

    /// Calls a command that only reads one key.
    pub(crate) fn command(name: &'static str, key: Bytes, arguments: Vec<Bytes>) -> Self {
        Self { command: Command::Plain(name), keys: vec![key], arguments, floor: None }
    }

    /// Adds what the store must have; the script must be a placed one.
    pub(crate) fn above(mut self, floor: Arc<dyn Floor>) -> Self {
        self.floor = Some(floor);
        self
    }

    /// Gives the slot of its keys.
    pub(crate) fn slot(&self) -> u16 {
        self.keys.first().map_or(0, |key| slot_of(key))
    }

    /// Gives what it is called in logs.
    pub(super) fn name(&self) -> &'static str {
        match self.command {
            Command::Script(script) => script.name,
            Command::Plain(name) => name,
        }
    }

    /// Gives about how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let bytes = |parts: &[Bytes]| parts.iter().map(|part| part.len() + 16).sum::<usize>();
        64 + bytes(&self.keys) + bytes(&self.arguments)
    }
}
