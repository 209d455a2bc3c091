//! The head of a client's frame (RFC 6455 §5.2), read from as many pieces as it comes in.

use crate::Violation;
use fastwebsockets::OpCode;

/// Two bytes, up to eight of length, four of mask.
const MAX_HEAD_BYTES: usize = 14;
const MASK_BYTES: usize = 4;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const SHORT_LENGTH: u8 = 0x7f;

/// What stands before the payload of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Whether the frame is the last of its message.
    pub(crate) fin: bool,
    pub(crate) opcode: OpCode,
    pub(crate) mask: [u8; MASK_BYTES],
    /// The length of the payload as declared, in bytes; nothing but the top bit was checked.
    pub(crate) length: u64,
}

/// Collects the bytes of one head.
#[derive(Debug, Default)]
pub(crate) struct HeadBuffer {
    bytes: [u8; MAX_HEAD_BYTES],
    filled: u8,
}

impl HeadBuffer {
    /// Tells whether no byte of a head waits for the others.
    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Takes the bytes of a head from `input`, and gives the head once it is whole.
    ///
    /// # Errors
    ///
    /// What is wrong with the frame already by its head, found with the second byte where that is enough.
    pub(crate) fn read(&mut self, input: &mut &[u8]) -> Result<Option<Head>, Violation> {
        if !self.fill(2, input) {
            return Ok(None);
        }
        let fin = self.bytes[0] & FINAL != 0;
        let short_length = self.bytes[1] & SHORT_LENGTH;
        let opcode = self.check(fin, short_length)?;

        let length_bytes = match short_length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_start = 2 + length_bytes;
        if !self.fill(mask_start + MASK_BYTES, input) {
            return Ok(None);
        }
        let length = self.length(short_length, mask_start)?;
        let mut mask = [0; MASK_BYTES];
        mask.copy_from_slice(&self.bytes[mask_start..mask_start + MASK_BYTES]);
        self.filled = 0;
        Ok(Some(Head { fin, opcode, mask, length }))
    }

    /// Takes bytes from `input` until `wanted` are there, and tells whether they are.
    fn fill(&mut self, wanted: usize, input: &mut &[u8]) -> bool {
        let filled = usize::from(self.filled);
        let count = wanted.saturating_sub(filled).min(input.len());
        let (taken, rest) = input.split_at(count);
        self.bytes[filled..filled + count].copy_from_slice(taken);
        self.filled += count as u8; // at most MAX_HEAD_BYTES
        *input = rest;
        filled + count >= wanted
    }

    /// Checks the first two bytes, and gives the opcode.
    fn check(&self, fin: bool, short_length: u8) -> Result<OpCode, Violation> {
        let [first, second, ..] = self.bytes;
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBit);
        }
        let opcode = OpCode::try_from(first & OPCODE).map_err(|_| Violation::ReservedOpcode)?;
        if second & MASKED == 0 {
            return Err(Violation::Unmasked);
        }
        if is_control(opcode) {
            if !fin {
                return Err(Violation::FragmentedControl);
            }
            if short_length > 125 {
                return Err(Violation::LongControl);
            }
        }
        Ok(opcode)
    }

    /// Reads the length, whose long forms stand before the mask.
    fn length(&self, short_length: u8, mask_start: usize) -> Result<u64, Violation> {
        let length = self.bytes[2..mask_start].iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
        match short_length {
            126 if length > 125 => Ok(length),
            127 if length > u64::from(u16::MAX) && length >> 63 == 0 => Ok(length),
            126 | 127 => Err(Violation::MalformedLength),
            _ => Ok(u64::from(short_length)),
        }
    }
}

/// Tells whether frames with this opcode stand for themselves and may come between the fragments of a message.
pub(crate) fn is_control(opcode: OpCode) -> bool {
    matches!(opcode, OpCode::Close | OpCode::Ping | OpCode::Pong)
}

#[cfg(test)]
mod tests {
    use super::{Head, HeadBuffer};
    use crate::Violation;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    fn read(bytes: &[u8]) -> Result<Option<Head>, Violation> {
        HeadBuffer::default().read(&mut &*bytes)
    }

    fn length(bytes: &[u8]) -> Result<Option<u64>, Violation> {
        Ok(read(&[bytes, &MASK].concat())?.map(|head| head.length))
    }

    #[test]
    fn all_three_lengths_are_read() {
        assert_eq!(length(&[0x82, 0x80]), Ok(Some(0)));
        assert_eq!(length(&[0x82, 0x80 | 125]), Ok(Some(125)));
        assert_eq!(length(&[0x82, 0x80 | 126, 0, 126]), Ok(Some(126)));
        assert_eq!(length(&[0x82, 0x80 | 126, 0xff, 0xff]), Ok(Some(65_535)));
        assert_eq!(length(&[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0]), Ok(Some(65_536)));
        assert_eq!(
            length(&[0x82, 0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Ok(Some(u64::MAX >> 1))
        );
    }

    #[test]
    fn longer_forms_than_needed_and_the_top_bit_are_refused() {
        assert_eq!(length(&[0x82, 0x80 | 126, 0, 125]), Err(Violation::MalformedLength));
        assert_eq!(
            length(&[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]),
            Err(Violation::MalformedLength)
        );
        assert_eq!(length(&[0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 1, 0, 0]), Err(Violation::MalformedLength));
    }

    #[test]
    fn the_second_byte_is_enough_to_refuse() {
        assert_eq!(read(&[0x81, 0x05]).err(), Some(Violation::Unmasked));
        for bit in [0x40, 0x20, 0x10] {
            assert_eq!(read(&[0x81 | bit, 0x85]).err(), Some(Violation::ReservedBit));
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            assert_eq!(read(&[0x80 | opcode, 0x85]).err(), Some(Violation::ReservedOpcode));
        }
        for opcode in [8, 9, 10] {
            assert_eq!(read(&[opcode, 0x80]).err(), Some(Violation::FragmentedControl));
            assert_eq!(read(&[0x80 | opcode, 0x80 | 126]).err(), Some(Violation::LongControl));
        }
    }
}
