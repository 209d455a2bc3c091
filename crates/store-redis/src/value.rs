//! What Redis answers, taken apart.

use bytes::Bytes;
use ports::{Error, Result};
use protocol::{Timestamp, Username};
use redis::Value;

/// Takes the elements of an array one after the other.
pub(crate) struct Items(std::vec::IntoIter<Value>);

impl Items {
    /// Begins with an array.
    pub(crate) fn of(value: Value) -> Result<Self> {
        array(value).map(|items| Self(items.into_iter()))
    }

    /// Says whether there are more.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// Takes an element as it is.
    pub(crate) fn value(&mut self) -> Result<Value> {
        self.0.next().ok_or_else(|| unexpected("too short an array"))
    }

    /// Takes a number.
    pub(crate) fn number(&mut self) -> Result<u64> {
        number(&self.value()?)
    }

    /// Takes a number that may be missing.
    pub(crate) fn optional_number(&mut self) -> Result<Option<u64>> {
        optional(self.value()?).map(|value| number(&value)).transpose()
    }

    /// Takes a time.
    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.number().map(Timestamp)
    }

    /// Takes whether something is so.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        self.number().map(|number| number != 0)
    }

    /// Takes bytes.
    pub(crate) fn bytes(&mut self) -> Result<Bytes> {
        bytes(self.value()?)
    }

    /// Takes a text.
    pub(crate) fn text(&mut self) -> Result<String> {
        text(self.value()?)
    }
}

/// Gives an array's elements.
pub(crate) fn array(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Nil => Ok(Vec::new()),
        other => Err(unexpected(&format!("no array but {}", kind(&other)))),
    }
}

/// Gives what is there, if anything is.
pub(crate) fn optional(value: Value) -> Option<Value> {
    // A script can only say false for nothing, which arrives as nil.
    (value != Value::Nil).then_some(value)
}

/// Gives a number.
pub(crate) fn number(value: &Value) -> Result<u64> {
    let number = match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(digits) => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        Value::SimpleString(digits) => digits.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| unexpected(&format!("no number but {}", kind(value))))
}

/// Gives bytes.
pub(crate) fn bytes(value: Value) -> Result<Bytes> {
    match value {
        Value::BulkString(bytes) => Ok(bytes.into()),
        Value::SimpleString(text) => Ok(text.into_bytes().into()),
        Value::Okay => Ok(Bytes::from_static(b"OK")),
        Value::Int(number) => Ok(number.to_string().into_bytes().into()),
        other => Err(unexpected(&format!("no text but {}", kind(&other)))),
    }
}

/// Gives a text.
pub(crate) fn text(value: Value) -> Result<String> {
    String::from_utf8(bytes(value)?.into()).map_err(|_| unexpected("a text that is not UTF-8"))
}

/// Gives a username.
pub(crate) fn username(name: &str) -> Result<Username> {
    Username::new(name).map_err(|_| unexpected("a name that is none"))
}

/// Encodes a number as an argument.
pub(crate) fn digits(number: u64) -> Bytes {
    number.to_string().into_bytes().into()
}

/// Says that the store holds what this program did not write.
pub(crate) fn unexpected(what: &str) -> Error {
    Error::Corrupt(format!("redis gave {what}"))
}

/// Names what kind of value it is, without its content.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nothing",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay => "a text",
        Value::Array(_) => "an array",
        Value::ServerError(_) => "an error",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn an_array_is_taken_apart() {
        let text = |text: &str| Value::BulkString(text.into());
        let array = Value::Array(vec![text("7"), Value::Int(8), text("ada"), Value::Nil, Value::Int(1)]);
        let mut items = Items::of(array).unwrap();
        assert_eq!((items.number().unwrap(), items.number().unwrap()), (7, 8));
        assert_eq!(items.text().unwrap(), "ada");
        assert_eq!(items.optional_number().unwrap(), None);
        assert!(items.flag().unwrap() && items.is_empty());
        assert!(items.number().is_err());
    }

    #[test]
    fn what_is_not_expected_is_an_error() {
        assert!(number(&Value::BulkString(b"x".to_vec())).is_err());
        assert!(number(&Value::Int(-1)).is_err());
        assert!(text(Value::BulkString(vec![0xff])).is_err());
        assert!(Items::of(Value::Int(1)).is_err());
    }
}
