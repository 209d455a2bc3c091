//! Running scripts: each is one step, atomic and safe to be repeated.

use bytes::Bytes;
use futures_util::future::try_join_all;
use ports::Result;
use protocol::{ConversationId, LoginId, Timestamp, Username};
use redis::{FromRedisValue, Value};

use crate::RedisStore;
use crate::context::Context;
use crate::error::outcome;
use crate::link::{Call, ReadFrom};
use crate::value::unexpected;

/// How many writes of one request are under way at once.
const WRITES_AT_ONCE: usize = 256;

/// What tells a repeated call from a new one: chosen anew for each request, the same when the link repeats it.
#[derive(Clone, Debug)]
pub(crate) struct Token(Bytes);

/// What scripts take, as they take it: numbers in decimal digits, identifiers in hexadecimal ones.
pub(crate) trait Argument {
    /// Gives the argument.
    fn argument(self) -> Bytes;
}

/// Makes a list of arguments.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => {
        vec![$($crate::todo::Argument::argument($argument)),*]
    };
}
pub(crate) use arguments;

/// Makes a script of a file, which is preceded by what several of them need.
macro_rules! entity {
    ($name:literal) => {
        entity!($name, "prelude")
    };
    ($name:literal, $($before:literal),+) => {
        $crate::script::Script::new(
            $name,
            concat!(
                $(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts/entities/", $before, ".lua")),)+
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts/entities/", $name, ".lua")),
            ),
        )
    };
}
pub(crate) use entity;

impl Token {
    /// Gives a token that is the same for all requests of a name.
    pub(crate) fn named(name: impl Argument) -> Self {
        Self(name.argument())
    }

    /// Gives a new token from random bytes.
    pub(crate) fn random(bytes: [u8; 16]) -> Self {
        Self::named(hexadecimal(&bytes))
    }
}

impl RedisStore {
    /// Gives a token for a new request.
    pub(crate) fn token(&self) -> Token {
        Token::random(self.context.entropy.bytes())
    }

    /// Runs a script that writes.
    pub(crate) async fn write<T: FromRedisValue>(&self, call: Call) -> Result<T> {
        self::call(&self.context, call).await
    }

    /// Runs scripts that write, in no order, and gives their answers in the order of the calls.
    pub(crate) async fn write_many<T: FromRedisValue>(&self, calls: Vec<Call>) -> Result<Vec<T>> {
        let mut answers = Vec::with_capacity(calls.len());
        let mut calls = calls.into_iter().peekable();
        while calls.peek().is_some() {
            let some = calls.by_ref().take(WRITES_AT_ONCE).map(|call| self.write(call));
            answers.extend(try_join_all(some).await?);
        }
        Ok(answers)
    }

    /// Runs a script that reads, where the newest is.
    pub(crate) async fn look<T: FromRedisValue>(&self, call: Call) -> Result<T> {
        decode(self.context.link.read(call, ReadFrom::Master).await?)
    }

    /// Runs a script that reads, and gives nothing that a failover may still take back.
    pub(crate) async fn look_settled<T: FromRedisValue>(&self, call: Call) -> Result<T> {
        decode(self.context.link.read(call, ReadFrom::Settled).await?)
    }

    /// Runs scripts that read, in one round trip a node, and gives their answers in the order of the calls.
    pub(crate) async fn look_many<T: FromRedisValue>(&self, calls: Vec<Call>) -> Result<Vec<T>> {
        let answers = self.context.link.read_many(calls, ReadFrom::Master).await?;
        answers.into_iter().map(decode).collect()
    }
}

impl Argument for &Token {
    fn argument(self) -> Bytes {
        self.0.clone()
    }
}

impl Argument for Bytes {
    fn argument(self) -> Bytes {
        self
    }
}

impl Argument for Vec<u8> {
    fn argument(self) -> Bytes {
        self.into()
    }
}

impl Argument for String {
    fn argument(self) -> Bytes {
        self.into()
    }
}

impl Argument for &str {
    fn argument(self) -> Bytes {
        Bytes::copy_from_slice(self.as_bytes())
    }
}

impl Argument for &Username {
    fn argument(self) -> Bytes {
        self.as_str().argument()
    }
}

impl Argument for u64 {
    fn argument(self) -> Bytes {
        self.to_string().into()
    }
}

impl Argument for usize {
    fn argument(self) -> Bytes {
        self.to_string().into()
    }
}

impl Argument for bool {
    fn argument(self) -> Bytes {
        Bytes::from_static(if self { b"1" } else { b"0" })
    }
}

impl Argument for Timestamp {
    fn argument(self) -> Bytes {
        self.0.argument()
    }
}

impl Argument for ConversationId {
    fn argument(self) -> Bytes {
        hexadecimal(&self.0).into()
    }
}

impl Argument for LoginId {
    fn argument(self) -> Bytes {
        hexadecimal(&self.0).into()
    }
}

/// Runs a script that writes.
pub(crate) async fn call<T: FromRedisValue>(context: &Context, call: Call) -> Result<T> {
    #[cfg(test)]
    {
        super::interruption::check()?;
        // The link repeats a call whose answer was lost. In tests each is, and only the second answer counts.
        let _ = context.link.write(call.clone()).await;
    }
    decode(context.link.write(call).await?)
}

/// Gives an identifier in hexadecimal digits.
pub(crate) fn hexadecimal(identifier: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*identifier))
}

/// Reads an identifier from hexadecimal digits.
pub(crate) fn identifier(text: &str) -> Option<[u8; 16]> {
    let is_one = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_one.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(u128::to_be_bytes)
}

/// Reads a conversation's identifier that the store holds.
pub(crate) fn conversation_id(text: &str) -> Result<ConversationId> {
    identifier(text).map(ConversationId).ok_or_else(|| unexpected("an identifier that is none"))
}

/// Takes an answer apart, or gives the error with which the script refused.
fn decode<T: FromRedisValue>(answer: Value) -> Result<T> {
    // The library's own error would show what the store holds.
    T::from_redis_value(outcome(answer)?).map_err(|_| unexpected("an answer of another form"))
}
