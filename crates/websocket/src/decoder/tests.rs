//! Examples of every rule, and properties of any stream.

use super::Decoder;
use crate::{Message, Violation};
use bytes::Bytes;
use proptest::prelude::*;

const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const LIMIT: usize = 100_000;

fn masked(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, [0x3c, 0xa5, 0x0f, 0x71], payload)
}

/// Decodes the chunks, and gives the messages, and the violation that ended them if any.
fn decode_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Message>, Option<Violation>) {
    let mut decoder = Decoder::new(LIMIT, 16);
    let mut messages = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.decode(&mut chunk) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
        assert!(chunk.is_empty());
    }
    (messages, None)
}

fn decode(bytes: &[u8]) -> (Vec<Message>, Option<Violation>) {
    decode_chunks([bytes])
}

fn violation(frames: &[Vec<u8>]) -> Option<Violation> {
    decode(&frames.concat()).1
}

#[test]
fn lengths_and_masks_round_trip() {
    for length in [0, 1, 2, 3, 4, 5, 125, 126, 127, 65_535, 65_536] {
        for mask in [[0; 4], [0xff; 4], [1, 2, 3, 4]] {
            let payload: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let (messages, violation) = decode(&masked(FIN | BINARY, mask, &payload));
            assert_eq!(violation, None);
            assert_eq!(messages, [Message::Binary(Bytes::from(payload))]);
        }
    }
}

#[test]
fn control_frames_come_between_fragments() {
    let bytes = [
        frame(TEXT, "grü".as_bytes()),
        frame(FIN | PING, b"1"),
        frame(CONTINUATION, b""),
        frame(FIN | PONG, b"2"),
        frame(FIN | CONTINUATION, "ße".as_bytes()),
    ];
    let expected = [
        Message::Ping(Bytes::from_static(b"1")),
        Message::Pong(Bytes::from_static(b"2")),
        Message::Text(Bytes::from("grüße")),
    ];
    assert_eq!(decode(&bytes.concat()), (expected.to_vec(), None));
}

#[test]
fn characters_may_be_split_over_fragments() {
    let text = "a\u{e4}\u{20ac}\u{1f600}z";
    for cut in 0..=text.len() {
        let (first, second) = text.as_bytes().split_at(cut);
        let bytes = [frame(TEXT, first), frame(FIN | CONTINUATION, second)].concat();
        assert_eq!(decode(&bytes), (vec![Message::Text(Bytes::from(text))], None), "cut at {cut}");
    }
}

#[test]
fn text_must_be_utf8_to_its_end() {
    assert_eq!(violation(&[frame(FIN | TEXT, &[0xc3])]), Some(Violation::InvalidUtf8));
    let half = [frame(TEXT, b"a"), frame(FIN | CONTINUATION, &[0xe2, 0x82])];
    assert_eq!(violation(&half), Some(Violation::InvalidUtf8));
}

#[test]
fn wrong_byte_is_refused_before_the_frame_is_whole() {
    let whole = frame(FIN | TEXT, b"good\xff and then much more");
    assert_eq!(decode(&whole[..6 + 5]).1, Some(Violation::InvalidUtf8));
    assert_eq!(decode(&whole[..6 + 4]).1, None);
}

#[test]
fn messages_must_not_interrupt_each_other() {
    let interrupted = [frame(TEXT, b"abc"), frame(FIN | TEXT, b"def")];
    assert_eq!(violation(&interrupted), Some(Violation::InterruptedMessage));
    let interrupted = [frame(BINARY, b"abc"), frame(BINARY, b"def")];
    assert_eq!(violation(&interrupted), Some(Violation::InterruptedMessage));
    assert_eq!(violation(&[frame(FIN | CONTINUATION, b"abc")]), Some(Violation::UnexpectedContinuation));
    let continued = [frame(FIN | TEXT, b"abc"), frame(CONTINUATION, b"def")];
    assert_eq!(violation(&continued), Some(Violation::UnexpectedContinuation));
}

#[test]
fn limit_is_on_the_whole_message() {
    assert_eq!(violation(&[frame(FIN | BINARY, &[0; LIMIT])]), None);
    assert_eq!(violation(&[frame(FIN | BINARY, &[0; LIMIT + 1])]), Some(Violation::TooLarge));
    let half = [0; LIMIT / 2];
    assert_eq!(violation(&[frame(BINARY, &half), frame(FIN | CONTINUATION, &half)]), None);
    let three = [frame(BINARY, &half), frame(CONTINUATION, &half), frame(FIN | CONTINUATION, b"x")];
    assert_eq!(violation(&three), Some(Violation::TooLarge));
}

#[test]
fn fragments_are_counted() {
    let mut frames = vec![frame(CONTINUATION, b""); 16];
    frames[0] = frame(BINARY, b"");
    assert_eq!(violation(&frames[..16]), None);
    frames.push(frame(FIN | CONTINUATION, b""));
    assert_eq!(violation(&frames), Some(Violation::TooManyFragments));
}

#[test]
fn nothing_is_reserved_for_what_is_only_declared() {
    let mut decoder = Decoder::new(LIMIT, 16);
    let declared = frame(FIN | BINARY, &[0; LIMIT]);
    assert_eq!(decoder.decode(&mut &declared[..14]), Ok(None));
    assert_eq!(decoder.held_bytes(), 0);
    assert_eq!(decoder.decode(&mut &declared[14..114]), Ok(None));
    assert_eq!(decoder.held_bytes(), 100);
    assert!(!decoder.is_idle());
}

#[test]
fn finished_messages_leave_nothing_behind() {
    let mut decoder = Decoder::new(LIMIT, 16);
    let bytes = [frame(TEXT, b"abc"), frame(FIN | PING, b"x"), frame(FIN | CONTINUATION, b"def")].concat();
    let mut input = bytes.as_slice();
    while decoder.decode(&mut input).unwrap().is_some() {}
    assert!(decoder.is_idle());
    assert_eq!(decoder.held_bytes(), 0);
}

/// A valid message and the frames that it comes in.
fn message() -> impl Strategy<Value = (Message, Vec<u8>)> {
    let control = proptest::collection::vec(any::<u8>(), 0..=125);
    let binary = proptest::collection::vec(any::<u8>(), 0..700);
    prop_oneof![
        (".{0,200}", any::<[u8; 4]>(), 1..5_usize).prop_map(|(text, mask, parts)| (
            Message::Text(Bytes::from(text.clone())),
            fragments(TEXT, mask, text.as_bytes(), parts)
        )),
        (binary, any::<[u8; 4]>(), 1..5_usize).prop_map(|(data, mask, parts)| (
            Message::Binary(Bytes::from(data.clone())),
            fragments(BINARY, mask, &data, parts)
        )),
        (control.clone(), any::<[u8; 4]>()).prop_map(|(data, mask)| (
            Message::Ping(Bytes::from(data.clone())),
            masked(FIN | PING, mask, &data)
        )),
        (control, any::<[u8; 4]>()).prop_map(|(data, mask)| (
            Message::Pong(Bytes::from(data.clone())),
            masked(FIN | PONG, mask, &data)
        )),
        (3000..5000_u16, "[a-zäß]{0,40}", any::<[u8; 4]>()).prop_map(|(code, reason, mask)| {
            let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
            (Message::Close { code: Some(code), reason }, masked(FIN | CLOSE, mask, &payload))
        }),
    ]
}

fn fragments(opcode: u8, mask: [u8; 4], payload: &[u8], parts: usize) -> Vec<u8> {
    let size = payload.len().div_ceil(parts).max(1);
    let pieces: Vec<&[u8]> = if payload.is_empty() { vec![payload] } else { payload.chunks(size).collect() };
    let last = pieces.len() - 1;
    let frames = pieces.iter().enumerate().map(|(index, piece)| {
        let opcode = if index == 0 { opcode } else { CONTINUATION };
        masked(if index == last { FIN | opcode } else { opcode }, mask, piece)
    });
    frames.collect::<Vec<_>>().concat()
}

/// Cuts the bytes into chunks of these sizes, again and again.
fn chunks<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        let (chunk, rest) = bytes.split_at((*size).min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    chunks
}

proptest! {
    #[test]
    fn any_split_gives_the_same_messages(
        sent in proptest::collection::vec(message(), 1..8),
        sizes in proptest::collection::vec(1..40_usize, 1..20),
    ) {
        let (messages, frames): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
        let bytes = frames.concat();
        prop_assert_eq!(&decode(&bytes).0, &messages);
        prop_assert_eq!(decode_chunks(chunks(&bytes, &sizes)), (messages, None));
    }

    #[test]
    fn any_split_gives_the_same_violation(
        good in message(),
        junk in proptest::collection::vec(any::<u8>(), 1..200),
        sizes in proptest::collection::vec(1..40_usize, 1..20),
    ) {
        let bytes = [good.1, junk].concat();
        prop_assert_eq!(decode_chunks(chunks(&bytes, &sizes)), decode(&bytes));
    }

    #[test]
    fn junk_never_panics_nor_is_kept_over_the_limit(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..20),
        first in prop_oneof![Just(TEXT), Just(BINARY), Just(FIN | BINARY), any::<u8>()],
    ) {
        const SMALL: usize = 256;
        let mut decoder = Decoder::new(SMALL, 1_000);
        // Long heads that are valid lead deeper than random bytes do.
        let mut pieces: Vec<Vec<u8>> = pieces;
        pieces.insert(0, vec![first, 0x80 | 126, 0, 200]);
        for piece in pieces {
            let mut input = piece.as_slice();
            while let Ok(Some(_)) = decoder.decode(&mut input) {}
            // Also after a violation, though no caller goes on then.
            prop_assert!(decoder.held_bytes() <= SMALL + 125);
        }
    }
}
