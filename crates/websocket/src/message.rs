//! What a reader gives.

use crate::Violation;
use bytes::Bytes;
use fastwebsockets::CloseCode;

/// One whole message, or one control frame, of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text; the bytes are valid UTF-8.
    Text(Bytes),
    /// Binary data.
    Binary(Bytes),
    /// A ping, to be answered by a pong with the same payload.
    Ping(Bytes),
    /// The answer to a ping, or an unasked sign of life.
    Pong(Bytes),
    /// The client closes; nothing comes after it.
    Close {
        /// The client's code, if it gave one; never one that must not be sent (RFC 6455 §7.4).
        code: Option<u16>,
        /// The client's reason, often empty.
        reason: String,
    },
}

impl Message {
    /// Reads the payload of a close frame (RFC 6455 §5.5.1): nothing, or a code and a reason in UTF-8.
    pub(crate) fn from_close_payload(mut payload: Vec<u8>) -> Result<Self, Violation> {
        let code = match payload.as_slice() {
            [] => return Ok(Self::Close { code: None, reason: String::new() }),
            [_] => return Err(Violation::MalformedClose),
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
        };
        if !CloseCode::from(code).is_allowed() {
            return Err(Violation::ForbiddenCloseCode);
        }
        let reason = String::from_utf8(payload.split_off(2)).map_err(|_| Violation::InvalidUtf8)?;
        Ok(Self::Close { code: Some(code), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::Message;
    use crate::Violation;

    fn close(code: u16, reason: &[u8]) -> Result<Message, Violation> {
        Message::from_close_payload([&code.to_be_bytes(), reason].concat())
    }

    #[test]
    fn close_without_payload_has_no_code() {
        let message = Message::from_close_payload(Vec::new());
        assert_eq!(message, Ok(Message::Close { code: None, reason: String::new() }));
    }

    #[test]
    fn close_gives_code_and_reason() {
        let expected = Message::Close { code: Some(4000), reason: "später".to_owned() };
        assert_eq!(close(4000, "später".as_bytes()), Ok(expected));
    }

    #[test]
    fn half_a_code_is_malformed() {
        assert_eq!(Message::from_close_payload(vec![3]), Err(Violation::MalformedClose));
    }

    #[test]
    fn reason_must_be_utf8() {
        assert_eq!(close(1000, &[0xff]), Err(Violation::InvalidUtf8));
    }

    #[test]
    fn codes_that_must_not_be_sent_are_refused() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535] {
            assert_eq!(close(code, b""), Err(Violation::ForbiddenCloseCode), "{code}");
        }
        for code in [1000, 1001, 1003, 1007, 1011, 1013, 3000, 3999, 4000, 4999] {
            assert!(close(code, b"").is_ok(), "{code}");
        }
    }
}
