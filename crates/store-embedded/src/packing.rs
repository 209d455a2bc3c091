//! Compact keys and values: their parts put together, and taken apart again.

use ports::{Error, Result};
use protocol::{ConversationId, Timestamp, Username};

/// What ends a name inside a key: no name contains it, so that names sort as they do alone.
const END_OF_NAME: u8 = 0;

/// Puts parts together; only the last may be of any length. Numbers are big-endian: their order is that of their bytes.
pub(crate) struct Packer(Vec<u8>);

/// Takes parts off the front of what a [`Packer`] made.
pub(crate) struct Parts<'a>(&'a [u8]);

impl Packer {
    /// Begins with one byte, and room for most keys.
    pub(crate) fn new(first: u8) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(first);
        Self(bytes)
    }

    /// Begins with nothing, and room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Adds a byte.
    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Adds a number.
    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds an identifier.
    pub(crate) fn id(mut self, id: &[u8; 16]) -> Self {
        self.0.extend_from_slice(id);
        self
    }

    /// Adds a name that other parts follow.
    pub(crate) fn name(mut self, name: &Username) -> Self {
        self.0.extend_from_slice(name.as_str().as_bytes());
        self.0.push(END_OF_NAME);
        self
    }

    /// Adds bytes of any length.
    pub(crate) fn rest(mut self, rest: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(rest.as_ref());
        self
    }

    /// Gives what was put together.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> Parts<'a> {
    /// Begins to take `bytes` apart.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Takes a byte.
    pub(crate) fn byte(&mut self) -> Result<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    /// Takes a number.
    pub(crate) fn number(&mut self) -> Result<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// Takes a time.
    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.number().map(Timestamp)
    }

    /// Takes an identifier.
    pub(crate) fn id(&mut self) -> Result<[u8; 16]> {
        self.take()
    }

    /// Takes a conversation's identifier.
    pub(crate) fn conversation(&mut self) -> Result<ConversationId> {
        self.take().map(ConversationId)
    }

    /// Takes a name that other parts follow.
    pub(crate) fn name(&mut self) -> Result<Username> {
        let end = self.0.iter().position(|byte| *byte == END_OF_NAME).ok_or_else(unreadable)?;
        let (name, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        username(name)
    }

    /// Takes all that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Takes all that is left as a name.
    pub(crate) fn last_name(self) -> Result<Username> {
        username(self.0)
    }

    /// Takes all that is left as text.
    pub(crate) fn last_text(self) -> Result<String> {
        std::str::from_utf8(self.0).map(str::to_owned).map_err(|_| unreadable())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (part, rest) = self.0.split_first_chunk().ok_or_else(unreadable)?;
        self.0 = rest;
        Ok(*part)
    }
}

/// Says that the store holds what this program did not write.
pub(crate) fn unreadable() -> Error {
    Error::Corrupt("a record has another layout".to_owned())
}

/// Encodes a record that is not on the hot path.
pub(crate) fn to_json<T: serde::Serialize>(record: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|error| Error::Corrupt(error.to_string()))
}

/// Decodes a record.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| Error::Corrupt(error.to_string()))
}

fn username(bytes: &[u8]) -> Result<Username> {
    let name = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
    Username::new(name).map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn what_is_put_together_is_taken_apart() {
        let name = Username::new("ada").unwrap();
        let bytes = Packer::new(3).id(&[7; 16]).name(&name).number(9).rest("x").bytes();
        let mut parts = Parts::of(&bytes);
        assert_eq!(parts.byte().unwrap(), 3);
        assert_eq!(parts.id().unwrap(), [7; 16]);
        assert_eq!(parts.name().unwrap(), name);
        assert_eq!(parts.number().unwrap(), 9);
        assert_eq!(parts.rest(), b"x");
    }

    #[test]
    fn names_in_keys_sort_as_they_do_alone() {
        let key = |name: &str| Packer::new(1).name(&Username::new(name).unwrap()).number(u64::MAX).bytes();
        assert!(key("ada") < key("ada-b"));
        assert!(key("ada-b") < key("ada.b"));
        assert!(key("ada.b") < key("adb"));
    }

    #[test]
    fn a_record_that_is_too_short_is_an_error() {
        assert!(Parts::of(&[1, 2]).number().is_err());
        assert!(Parts::of(b"ada").name().is_err());
    }
}
