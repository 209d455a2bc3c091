//! Appending an event: one script, and the hottest.

use bytes::Bytes;
use ports::{Append, Appended, Operation, Result};
use protocol::{EventBody, Position};
use redis::Value;

use crate::error;
use crate::keys::{ConversationKeys, Keys, partition_of};
use crate::link::Call;
use crate::script::Script;
use crate::value::{Items, digits};

static APPEND: Script = Script::placed("append", include_str!("../scripts/log/append.lua"));

/// An append that is under way, or that was made.
pub(super) struct Request {
    /// What is appended.
    pub(super) append: Append,
    keys: ConversationKeys,
    outbox: Bytes,
    /// Tells this request from others of the same id.
    token: Bytes,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// What the port tells.
    pub(super) appended: Appended,
    /// The generation of the message that it is about; 0 if it is a message itself.
    pub(super) target_gen: u64,
}

/// The message that a request is about, when it is known which that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Where it is now.
    pub(super) at: Position,
}

impl Request {
    /// Makes one.
    pub(super) fn new(append: Append, keys: &Keys, token: Bytes) -> Self {
        let outbox = keys.outbox(partition_of(append.conversation));
        Self { keys: keys.conversation(append.conversation), append, outbox, token }
    }

    /// Gives the call that makes it, or finds that it was made.
    pub(super) fn call(&self) -> Call {
        self.call_with(self.append.body.clone(), self.target(), Bytes::new())
    }

    /// Gives the call that makes it again, about the very message that it was about: `at` is where that is now.
    pub(super) fn call_about(&self, target: Target) -> Call {
        let Target { at } = target;
        let body = self.body_about(at.seq);
        self.call_with(body, Some(at.seq), digits(at.r#gen))
    }

    /// Gives the keys that tell whether it is still there.
    pub(super) fn verify_keys(&self) -> Vec<Bytes> {
        vec![self.keys.conversation(), self.keys.log()]
    }

    /// Gives the number of the message that it is about.
    pub(super) fn target(&self) -> Option<u64> {
        match &self.append.operation {
            Operation::Message => None,
            Operation::Edit { target, .. }
            | Operation::Delete { target }
            | Operation::React { target, .. } => Some(*target),
        }
    }

    /// Gives about how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        512 + self.append.body.len()
    }

    fn call_with(&self, body: Bytes, target: Option<u64>, target_gen: Bytes) -> Call {
        let Append { from, id, digest, operation, at, .. } = &self.append;
        let of_it = &self.keys;
        let mut keys = vec![
            of_it.conversation(),
            of_it.members(),
            of_it.log(),
            of_it.requests(from),
            of_it.older_requests(from),
            self.outbox.clone(),
        ];
        let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let (letter, what) = match operation {
            Operation::Message => ("m", Bytes::new()),
            Operation::Edit { text: edited, .. } => ("e", text(edited)),
            Operation::Delete { .. } => ("d", Bytes::new()),
            Operation::React { emoji, active: true, .. } => ("r", text(emoji)),
            Operation::React { emoji, active: false, .. } => ("u", text(emoji)),
        };
        let mut arguments = vec![
            text(from.as_str()),
            text(id.as_str()),
            format!("{digest:x}").into(),
            self.token.clone(),
            digits(at.0),
            body,
            Bytes::from_static(letter.as_bytes()),
        ];
        if let Some(target) = target {
            keys.extend([of_it.changes(), of_it.reactions(), of_it.reacted()]);
            arguments.extend([digits(target), target_gen, what]);
        }
        Call::new(&APPEND, keys, arguments)
    }

    /// Gives the body with another target.
    fn body_about(&self, target: u64) -> Bytes {
        match EventBody::decode(&self.append.body) {
            Ok(mut body) if body.target != Some(target) => {
                body.target = Some(target);
                body.encode()
            }
            _ => self.append.body.clone(),
        }
    }
}

/// Reads what the script answers.
pub(super) fn outcome(answer: Value) -> Result<Done> {
    let mut items = Items::of(error::outcome(answer)?)?;
    let position = Position { seq: items.number()?, r#gen: items.number()? };
    let (sent_at, duplicate) = (items.time()?, items.flag()?);
    let appended = Appended { position, sent_at, duplicate, version: items.number()? };
    Ok(Done { appended, target_gen: items.number()? })
}
