//! Why a store cannot be opened, and what scripts refuse.

use ports::{Error, Result};
use redis::Value;

use crate::value::{Items, unexpected};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The options do not fit.
    #[error("the redis options are not usable: {0}")]
    Options(String),
    /// No node answers.
    #[error("no redis node can be reached: {0}")]
    Unreachable(String),
    /// The name or the password is wrong, or the user may not do what is needed.
    #[error("redis refuses the user: {0}")]
    Denied(String),
    /// It is a Redis, but no cluster.
    #[error("redis is not in cluster mode: set cluster-enabled yes and form a cluster")]
    NoCluster,
    /// A newer program wrote the store.
    #[error("the store in redis has layout {found}, and this program knows layouts up to {known}")]
    NewerLayout {
        /// The layout that it has.
        found: u64,
        /// The newest layout that this program knows.
        known: u64,
    },
    /// It was reached, and failed then.
    #[error("the store in redis cannot be opened: {0}")]
    Store(#[from] Error),
}

/// What a script begins its answer with when it refuses: `{'err', code, …}`.
const REFUSED: &[u8] = b"err";

/// The limits that scripts name, which the ports know by static names.
const LIMITS: &[&str] = &[
    "different emojis on a message",
    "members",
    "devices",
    "contacts",
    "blocks",
    "logins",
    "bytes in a name",
];

/// Gives what a script answered, or the error that it refused with.
pub(crate) fn outcome(value: Value) -> Result<Value> {
    let is_refusal = match &value {
        Value::Array(items) => matches!(items.first(), Some(Value::BulkString(word)) if word == REFUSED),
        _ => false,
    };
    if !is_refusal {
        return Ok(value);
    }
    let mut items = Items::of(value)?;
    items.value()?;
    let code = items.text()?;
    Err(match code.as_str() {
        "username_taken" => Error::UsernameTaken,
        "user_not_found" => Error::UserNotFound,
        "conversation_not_found" => Error::ConversationNotFound,
        "message_not_found" => Error::MessageNotFound,
        "id_conflict" => Error::IdConflict,
        "not_allowed" => Error::NotAllowed,
        "conflict" => Error::Conflict,
        "limit_reached" => {
            let what = items.text()?;
            let known = LIMITS.iter().find(|limit| **limit == what);
            Error::LimitReached(known.copied().unwrap_or("of these"))
        }
        _ => unexpected(&format!("the unknown refusal {code}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(words: &[&str]) -> Value {
        Value::Array(words.iter().map(|word| Value::BulkString(word.as_bytes().to_vec())).collect())
    }

    #[test]
    fn a_refusal_is_an_error_of_the_ports() {
        assert_eq!(outcome(refusal(&["err", "not_allowed"])), Err(Error::NotAllowed));
        let limit = refusal(&["err", "limit_reached", "members"]);
        assert_eq!(outcome(limit), Err(Error::LimitReached("members")));
        assert!(matches!(outcome(refusal(&["err", "what"])), Err(Error::Corrupt(_))));
        assert!(matches!(outcome(refusal(&["err"])), Err(Error::Corrupt(_))));
    }

    #[test]
    fn everything_else_is_an_answer() {
        for answer in [refusal(&["ok", "err"]), Value::Nil, Value::Array(Vec::new()), Value::Int(1)] {
            assert_eq!(outcome(answer.clone()), Ok(answer));
        }
    }
}
