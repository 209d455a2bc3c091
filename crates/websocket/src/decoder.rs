//! From bytes to messages, without I/O.

use crate::head::{Head, HeadBuffer, is_control};
use crate::{Message, Violation};
use bytes::Bytes;
use fastwebsockets::{OpCode, unmask};
use std::mem;

/// Takes a client's bytes in any pieces, and gives its messages.
///
/// It holds no more than one unfinished message (at most the limit) and one unfinished control frame (125 bytes),
/// and of these only what has come, never what was declared.
#[derive(Debug)]
pub struct Decoder {
    max_message_bytes: usize,
    max_fragments: u32,
    head: HeadBuffer,
    /// The frame whose payload has not come whole.
    frame: Option<OpenFrame>,
    message: OpenMessage,
    /// The payload of the open control frame; apart, since it may come between the fragments of a message.
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct OpenFrame {
    opcode: OpCode,
    fin: bool,
    /// Turned so that its first byte is the next to be used.
    mask: [u8; 4],
    /// How much of the payload is still to come, in bytes.
    remaining: usize,
}

#[derive(Debug, Default)]
struct OpenMessage {
    /// `None` between messages.
    kind: Option<Kind>,
    fragments: u32,
    payload: Vec<u8>,
    /// How much of a text's payload is known to be UTF-8, in bytes; it ends at a character.
    valid: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl Decoder {
    /// Makes a decoder for a new connection, with the limits on a message's bytes and on its frames.
    pub fn new(max_message_bytes: usize, max_fragments: u32) -> Self {
        Self {
            max_message_bytes,
            max_fragments,
            head: HeadBuffer::default(),
            frame: None,
            message: OpenMessage::default(),
            control: Vec::new(),
        }
    }

    /// Takes bytes off `input` until a message is whole, and gives it; `None` means that all was taken and more is
    /// needed.
    ///
    /// # Errors
    ///
    /// How the client broke the protocol or a limit, told as early as it can be known: an endless text that is not
    /// UTF-8 is refused at the wrong byte, and too large a message by its declared length. What follows has no meaning.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.head.read(input)? {
                    Some(head) => self.open(head)?,
                    None => return Ok(None),
                },
            };
            let message = if is_control(frame.opcode) {
                self.take_control(frame, input)?
            } else {
                self.take_data(frame, input)?
            };
            if message.is_some() || self.frame.is_some() {
                return Ok(message);
            }
        }
    }

    /// Tells whether nothing is unfinished: no frame, no message.
    pub fn is_idle(&self) -> bool {
        self.head.is_empty() && self.frame.is_none() && self.message.kind.is_none()
    }

    /// Gives how much memory is held for what is unfinished, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.message.payload.capacity() + self.control.capacity()
    }

    /// Checks a head against what is open and against the limits.
    fn open(&mut self, head: Head) -> Result<OpenFrame, Violation> {
        if !is_control(head.opcode) {
            self.message.continue_with(head.opcode)?;
            if self.message.fragments >= self.max_fragments {
                return Err(Violation::TooManyFragments);
            }
            self.message.fragments += 1;
            let room = self.max_message_bytes.saturating_sub(self.message.payload.len());
            if head.length > room as u64 {
                return Err(Violation::TooLarge);
            }
        }
        // Within the limit, or within 125 bytes: it fits.
        Ok(OpenFrame { opcode: head.opcode, fin: head.fin, mask: head.mask, remaining: head.length as usize })
    }

    fn take_control(
        &mut self,
        mut frame: OpenFrame,
        input: &mut &[u8],
    ) -> Result<Option<Message>, Violation> {
        let whole = self.control.len() + frame.remaining;
        frame.take(input, &mut self.control, whole);
        if frame.remaining > 0 {
            self.frame = Some(frame);
            return Ok(None);
        }
        let payload = mem::take(&mut self.control);
        Ok(Some(match frame.opcode {
            OpCode::Ping => Message::Ping(Bytes::from(payload)),
            OpCode::Pong => Message::Pong(Bytes::from(payload)),
            _ => Message::from_close_payload(payload)?,
        }))
    }

    fn take_data(&mut self, mut frame: OpenFrame, input: &mut &[u8]) -> Result<Option<Message>, Violation> {
        let message = &mut self.message;
        let most = if frame.fin { message.payload.len() + frame.remaining } else { self.max_message_bytes };
        frame.take(input, &mut message.payload, most);

        let whole = frame.fin && frame.remaining == 0;
        if message.kind == Some(Kind::Text) {
            message.check_text(whole)?;
        }
        if frame.remaining > 0 {
            self.frame = Some(frame);
        }
        if !whole {
            return Ok(None);
        }
        let OpenMessage { kind, payload, .. } = mem::take(message);
        let payload = Bytes::from(payload);
        Ok(Some(if kind == Some(Kind::Text) { Message::Text(payload) } else { Message::Binary(payload) }))
    }
}

impl OpenFrame {
    /// Moves what has come of the payload into `buffer`, unmasked, without growing it over `most` bytes.
    fn take(&mut self, input: &mut &[u8], buffer: &mut Vec<u8>, most: usize) {
        let count = self.remaining.min(input.len());
        let (taken, rest) = input.split_at(count);
        *input = rest;

        let start = buffer.len();
        let needed = start + count;
        if needed > buffer.capacity() {
            let capacity = (2 * buffer.capacity()).clamp(needed, most.max(needed));
            buffer.reserve_exact(capacity - start);
        }
        buffer.extend_from_slice(taken);
        unmask(&mut buffer[start..], self.mask);
        self.mask.rotate_left(count % 4);
        self.remaining -= count;
    }
}

impl OpenMessage {
    /// Starts a message, or goes on with the one that is open, as the opcode of a data frame says.
    fn continue_with(&mut self, opcode: OpCode) -> Result<(), Violation> {
        let kind = match (self.kind, opcode) {
            (Some(kind), OpCode::Continuation) => kind,
            (None, OpCode::Continuation) => return Err(Violation::UnexpectedContinuation),
            (Some(_), _) => return Err(Violation::InterruptedMessage),
            (None, OpCode::Text) => Kind::Text,
            (None, _) => Kind::Binary,
        };
        self.kind = Some(kind);
        Ok(())
    }

    /// Checks what has come of a text since the last time; unless the message is whole, it may end within a character.
    fn check_text(&mut self, whole: bool) -> Result<(), Violation> {
        match simdutf8::compat::from_utf8(&self.payload[self.valid..]) {
            Ok(_) => self.valid = self.payload.len(),
            Err(error) if error.error_len().is_none() && !whole => self.valid += error.valid_up_to(),
            Err(_) => return Err(Violation::InvalidUtf8),
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests;
