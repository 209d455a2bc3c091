//! A server's frames, each encoded once for all its receivers.

use bytes::Bytes;
use fastwebsockets::{Frame, OpCode, Payload};

/// The most payload that a control frame has (RFC 6455 §5.5).
const MAX_CONTROL_BYTES: usize = 125;
/// The most bytes of a head without a mask, rounded up to what the encoder wants.
const MAX_HEAD_BYTES: usize = 16;

/// Encodes a text message; `payload` must be UTF-8.
pub fn text(payload: &[u8]) -> Bytes {
    encode(OpCode::Text, payload)
}

/// Encodes a binary message.
pub fn binary(payload: &[u8]) -> Bytes {
    encode(OpCode::Binary, payload)
}

/// Encodes a ping; of the payload only the first 125 bytes are sent.
pub fn ping(payload: &[u8]) -> Bytes {
    encode(OpCode::Ping, &payload[..payload.len().min(MAX_CONTROL_BYTES)])
}

/// Encodes the answer to a ping with this payload; only its first 125 bytes are sent.
pub fn pong(payload: &[u8]) -> Bytes {
    encode(OpCode::Pong, &payload[..payload.len().min(MAX_CONTROL_BYTES)])
}

/// Encodes a close frame; a reason over 123 bytes is cut at a character.
pub fn close(code: u16, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(MAX_CONTROL_BYTES - 2)];
    encode(OpCode::Close, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// Encodes the answer to a client's close frame, which repeats its code (RFC 6455 §5.5.1).
pub fn close_reply(code: Option<u16>) -> Bytes {
    code.map_or_else(|| encode(OpCode::Close, &[]), |code| close(code, ""))
}

fn encode(opcode: OpCode, payload: &[u8]) -> Bytes {
    let mut head = [0; MAX_HEAD_BYTES];
    let head_bytes = Frame::new(true, opcode, None, Payload::Borrowed(payload)).fmt_head(&mut head);
    let mut frame = Vec::with_capacity(head_bytes + payload.len());
    frame.extend_from_slice(&head[..head_bytes]);
    frame.extend_from_slice(payload);
    Bytes::from(frame)
}

#[cfg(test)]
mod tests {
    use super::{binary, close, close_reply, ping, pong, text};

    #[test]
    fn frames_have_the_shortest_head() {
        assert_eq!(text(b"hi").as_ref(), b"\x81\x02hi");
        assert_eq!(binary(b"").as_ref(), b"\x82\x00");
        assert_eq!(binary(&[0; 125])[..2], [0x82, 125]);
        assert_eq!(binary(&[0; 126])[..4], [0x82, 126, 0, 126]);
        assert_eq!(binary(&[0; 65_535])[..4], [0x82, 126, 0xff, 0xff]);
        assert_eq!(binary(&[0; 65_536])[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn control_frames_stay_within_125_bytes() {
        assert_eq!(ping(b"x").as_ref(), b"\x89\x01x");
        assert_eq!(ping(&[7; 200]).len(), 2 + 125);
        assert_eq!(pong(&[7; 200]).len(), 2 + 125);
        assert_eq!(pong(b"x").as_ref(), b"\x8a\x01x");
    }

    #[test]
    fn close_has_code_and_reason() {
        assert_eq!(close(1000, "bye").as_ref(), b"\x88\x05\x03\xe8bye");
        assert_eq!(close_reply(Some(1000)).as_ref(), b"\x88\x02\x03\xe8");
        assert_eq!(close_reply(None).as_ref(), b"\x88\x00");
    }

    #[test]
    fn long_reason_is_cut_at_a_character() {
        let frame = close(1000, &"ä".repeat(100));
        assert_eq!(frame.len(), 2 + 2 + 122);
        assert!(std::str::from_utf8(&frame[4..]).is_ok());
    }
}
