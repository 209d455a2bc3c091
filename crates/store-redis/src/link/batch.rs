//! A batch: calls of several slots as one pipeline, and its answers taken apart again.

use std::collections::HashSet;

use redis::{ServerError, Value};

use super::call::{Call, Command};
use super::lanes::Pending;
use super::queue::Taken;
use super::topology::NodeId;
use crate::script::Script;

/// What of a batch depends on where it is sent.
pub(super) struct Place<'a> {
    /// The identifier of the node.
    pub(super) node: NodeId,
    /// Its configuration epoch.
    pub(super) epoch: u64,
    /// The hashes of the scripts that it has.
    pub(super) loaded: &'a mut HashSet<String>,
}

/// How a batch is sent.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Whether several calls of a slot are one transaction: all of them run or none, so that none overtakes one that is refused.
    pub(super) transactions: bool,
    /// How many replicas are waited for at the end, and for how many milliseconds at most.
    pub(super) wait: Option<(u8, u64)>,
}

/// An encoded batch.
#[derive(Default)]
pub(super) struct Encoded {
    /// What is sent.
    pub(super) bytes: Vec<u8>,
    /// What each of the answers is.
    expected: Vec<Expected>,
}

/// What an answer is.
#[derive(Clone, Copy)]
enum Expected {
    /// Nothing that matters unless it is an error, which then is the error of the next group.
    Preamble,
    /// The answer of a call.
    Call,
    /// That a call waits for EXEC.
    Queued,
    /// The answers of that many calls.
    Transaction(usize),
    /// The number of replicas.
    Wait,
}

/// What came back.
pub(super) struct Answers {
    /// The answer of each call, in order.
    pub(super) calls: Vec<Value>,
    /// How many replicas have everything; none if that was not asked or is not known.
    pub(super) replicas: Option<u64>,
}

impl Encoded {
    /// Encodes a batch.
    pub(super) fn new(groups: &[Taken<Pending>], mut place: Place<'_>, manner: Manner) -> Self {
        let mut encoded = Self::default();
        for group in groups {
            for pending in &group.calls {
                encoded.load(&pending.call, &mut place);
            }
            let is_transaction = manner.transactions && group.calls.len() > 1;
            if is_transaction {
                encoded.command(&[b"MULTI"], Expected::Preamble);
            }
            for pending in &group.calls {
                if pending.ask.is_some() {
                    encoded.command(&[b"ASKING"], Expected::Preamble);
                }
                encoded.call(&pending.call, &place);
                encoded.expected.push(if is_transaction { Expected::Queued } else { Expected::Call });
            }
            if is_transaction {
                encoded.command(&[b"EXEC"], Expected::Transaction(group.calls.len()));
            }
        }
        if let Some((replicas, milliseconds)) = manner.wait {
            let (replicas, milliseconds) = (replicas.to_string(), milliseconds.to_string());
            encoded.command(&[b"WAIT", replicas.as_bytes(), milliseconds.as_bytes()], Expected::Wait);
        }
        encoded
    }

    /// Gives how many answers there will be.
    pub(super) fn answers(&self) -> usize {
        self.expected.len()
    }

    /// Takes the answers apart.
    pub(super) fn take_apart(&self, values: Vec<Value>) -> Answers {
        let mut answers = Answers { calls: Vec::with_capacity(values.len()), replicas: None };
        // The first error of a transaction, because of which all of its calls were refused.
        let mut refused: Option<ServerError> = None;
        for (expected, value) in self.expected.iter().zip(values) {
            match (expected, value) {
                (Expected::Preamble | Expected::Queued, Value::ServerError(error)) => {
                    refused.get_or_insert(error);
                }
                (Expected::Preamble | Expected::Queued, _) => {}
                (Expected::Call, value) => {
                    refused = None;
                    answers.calls.push(value);
                }
                (Expected::Transaction(calls), value) => {
                    let error = refused.take();
                    match (value, error) {
                        (Value::Array(values), None) if values.len() == *calls => {
                            answers.calls.extend(values);
                        }
                        (Value::ServerError(late), error) => {
                            let error = Value::ServerError(error.unwrap_or(late));
                            answers.calls.extend(std::iter::repeat_n(error, *calls));
                        }
                        (other, _) => answers.calls.extend(std::iter::repeat_n(other, *calls)),
                    }
                }
                (Expected::Wait, Value::Int(replicas)) => answers.replicas = u64::try_from(replicas).ok(),
                (Expected::Wait, _) => {}
            }
        }
        answers
    }

    /// Has the node load a call's script if it was not asked to yet.
    fn load(&mut self, call: &Call, place: &mut Place<'_>) {
        if let Command::Script(script) = call.command
            && !place.loaded.contains(script.hash())
        {
            place.loaded.insert(script.hash().to_owned());
            self.command(&[b"SCRIPT", b"LOAD", script.source.as_bytes()], Expected::Preamble);
        }
    }

    fn call(&mut self, call: &Call, place: &Place<'_>) {
        match call.command {
            Command::Script(script) => self.script(script, call, place),
            Command::Plain(name) => {
                write_head(&mut self.bytes, 1 + call.keys.len() + call.arguments.len());
                write_part(&mut self.bytes, name.as_bytes());
                self.parts(call);
            }
        }
    }

    fn script(&mut self, script: &Script, call: &Call, place: &Place<'_>) {
        let placed = if script.placed { 3 } else { 0 };
        write_head(&mut self.bytes, 3 + call.keys.len() + placed + call.arguments.len());
        write_part(&mut self.bytes, b"EVALSHA");
        write_part(&mut self.bytes, script.hash().as_bytes());
        write_part(&mut self.bytes, call.keys.len().to_string().as_bytes());
        for key in &call.keys {
            write_part(&mut self.bytes, key);
        }
        if script.placed {
            let floor = call.floor.as_ref().map(|floor| floor.argument()).unwrap_or_default();
            write_part(&mut self.bytes, &floor);
            write_part(&mut self.bytes, place.node.as_str().as_bytes());
            write_part(&mut self.bytes, place.epoch.to_string().as_bytes());
        }
        for argument in &call.arguments {
            write_part(&mut self.bytes, argument);
        }
    }

    fn parts(&mut self, call: &Call) {
        for part in call.keys.iter().chain(&call.arguments) {
            write_part(&mut self.bytes, part);
        }
    }

    fn command(&mut self, parts: &[&[u8]], expected: Expected) {
        write_command(&mut self.bytes, parts);
        self.expected.push(expected);
    }
}

/// Encodes a command.
pub(super) fn write_command(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    write_head(bytes, parts.len());
    for part in parts {
        write_part(bytes, part);
    }
}

fn write_head(bytes: &mut Vec<u8>, parts: usize) {
    bytes.push(b'*');
    bytes.extend_from_slice(parts.to_string().as_bytes());
    bytes.extend_from_slice(b"\r\n");
}

fn write_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.push(b'$');
    bytes.extend_from_slice(part.len().to_string().as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(part);
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use redis::parse_redis_value;

    use super::*;
    use crate::link::lanes::Pending;

    static PLAIN: Script = Script::new("plain", "return 1");
    static PLACED: Script = Script::placed("placed", "return 2");

    fn pending(script: &'static Script, key: &'static str) -> Pending {
        let (key, argument) = (Bytes::from_static(key.as_bytes()), Bytes::from_static(b"x"));
        Pending::new(Call::new(script, vec![key], vec![argument]), std::time::Duration::ZERO, Box::new(drop))
    }

    fn group(slot: u16, calls: Vec<Pending>) -> Taken<Pending> {
        Taken { slot, calls }
    }

    fn encode(groups: &[Taken<Pending>], loaded: &mut HashSet<String>) -> Encoded {
        let place = Place { node: NodeId::new("node"), epoch: 7, loaded };
        Encoded::new(groups, place, Manner { transactions: true, wait: Some((1, 500)) })
    }

    /// Gives the words of what is sent, without their lengths; a script's hash is its name.
    fn words(encoded: &Encoded) -> String {
        let text = String::from_utf8_lossy(&encoded.bytes);
        let words: Vec<&str> = text.split("\r\n").filter(|word| !word.starts_with(['*', '$'])).collect();
        let words = words.join(" ").replace(PLAIN.hash(), "plain");
        words.replace(PLACED.hash(), "placed").trim_end().to_owned()
    }

    fn error(text: &str) -> Value {
        parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap_or_default()
    }

    fn codes(answers: &Answers) -> Vec<String> {
        let code = |value: &Value| match value {
            Value::ServerError(error) => error.code().to_owned(),
            Value::Int(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        answers.calls.iter().map(code).collect()
    }

    #[test]
    fn the_calls_of_a_slot_are_one_transaction_and_all_share_one_wait() {
        let groups = [
            group(1, vec![pending(&PLACED, "a")]),
            group(2, vec![pending(&PLAIN, "b"), pending(&PLAIN, "b")]),
        ];
        let mut loaded = HashSet::new();
        let encoded = encode(&groups, &mut loaded);
        let expected = "SCRIPT LOAD return 2 EVALSHA placed 1 a  node 7 x \
            SCRIPT LOAD return 1 MULTI EVALSHA plain 1 b x EVALSHA plain 1 b x EXEC WAIT 1 500";
        assert_eq!(words(&encoded), expected);
        assert_eq!(encoded.answers(), 8);
        // The second time the scripts are there.
        let expected =
            "EVALSHA placed 1 a  node 7 x MULTI EVALSHA plain 1 b x EVALSHA plain 1 b x EXEC WAIT 1 500";
        assert_eq!(words(&encode(&groups, &mut loaded)), expected);
    }

    #[test]
    fn a_call_that_asks_elsewhere_says_so() {
        let mut asking = pending(&PLAIN, "a");
        asking.ask = Some(NodeId::new("node"));
        let mut loaded = HashSet::from([PLAIN.hash().to_owned()]);
        let encoded = encode(&[group(1, vec![asking])], &mut loaded);
        assert_eq!(words(&encoded), "ASKING EVALSHA plain 1 a x WAIT 1 500");
        let answers = encoded.take_apart(vec![Value::Okay, Value::Int(5), Value::Int(1)]);
        assert_eq!((codes(&answers), answers.replicas), (vec!["5".to_owned()], Some(1)));
    }

    #[test]
    fn each_call_has_its_answer() {
        let groups = [
            group(1, vec![pending(&PLAIN, "a")]),
            group(2, vec![pending(&PLAIN, "b"), pending(&PLAIN, "b")]),
        ];
        let mut loaded = HashSet::from([PLAIN.hash().to_owned()]);
        let encoded = encode(&groups, &mut loaded);
        let queued = || Value::SimpleString("QUEUED".to_owned());
        let done = Value::Array(vec![Value::Int(2), Value::Int(3)]);
        let answers = vec![Value::Int(1), Value::Okay, queued(), queued(), done, Value::Int(2)];
        let answers = encoded.take_apart(answers);
        assert_eq!((codes(&answers).join(" ").as_str(), answers.replicas), ("1 2 3", Some(2)));

        // One that is refused before the transaction has all refused, for the reason of the first.
        let refused = vec![
            Value::Int(1),
            Value::Okay,
            error("MOVED 2 127.0.0.1:7000"),
            queued(),
            error("EXECABORT Transaction discarded because of previous errors."),
            error("UNBLOCKED force unblock from blocking operation"),
        ];
        let answers = encoded.take_apart(refused);
        assert_eq!((codes(&answers).join(" ").as_str(), answers.replicas), ("1 MOVED MOVED", None));

        // One that is refused at the end.
        let late = vec![Value::Int(1), Value::Okay, queued(), queued(), error("TRYAGAIN x"), Value::Int(0)];
        let answers = encoded.take_apart(late);
        assert_eq!((codes(&answers).join(" ").as_str(), answers.replicas), ("1 TRYAGAIN TRYAGAIN", Some(0)));
    }
}
