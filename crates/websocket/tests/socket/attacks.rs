//! What a hostile client gets: the right close code, and no memory.

use crate::support::{BINARY, CONTINUATION, Client, FIN, PING, TEXT, connect, frame, head};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use websocket::{FrameQueue, Limits, ReadError, Reader, Violation, Writer};

/// For clients that end the connection themselves.
const LONG: Duration = Duration::from_secs(600);
/// For clients that never do.
const SHORT: Duration = Duration::from_millis(100);

/// Reads until the client breaks a rule, closes the connection for it within `bound`, and gives how much it held.
async fn serve(mut reader: Reader, mut writer: Writer, bound: Duration) -> (ReadError, usize) {
    let error = loop {
        if let Err(error) = reader.next().await {
            break error;
        }
    };
    let held = reader.held_bytes();
    let close = error.close_frame().unwrap();
    // It ends in an error if the client stays for longer.
    let _ = writer.finish(&mut reader, &FrameQueue::default(), close, bound).await;
    (error, held)
}

/// Sends the bytes, and checks that the server closes with this code, and how much it held.
async fn attack(bytes: &[u8], violation: Violation, code: u16) -> usize {
    let (reader, writer, mut client) = connect(Limits::default()).await;
    let server = tokio::spawn(serve(reader, writer, LONG));
    client.send(bytes).await;
    assert_eq!(client.receive_close().await, (code, violation.to_string()));
    assert!(client.receive().await.is_none());
    drop(client);
    let (error, held) = server.await.unwrap();
    assert!(matches!(error, ReadError::Violation(found) if found == violation), "{error:?}");
    held
}

/// Sends the same fragment without end, until the server ends the connection, and gives the close code and reason.
async fn flood(client: Client, fragment: Vec<u8>) -> (u16, String) {
    let Client { mut receiver, mut sender } = client;
    let flood = tokio::spawn(async move { while sender.write_all(&fragment).await.is_ok() {} });
    let close = receiver.receive_close().await;
    flood.await.unwrap();
    close
}

#[tokio::test]
async fn endless_fragments_are_closed_and_bounded() {
    let limits = Limits { max_fragments: u32::MAX, ..Limits::default() };
    let (reader, writer, mut client) = connect(limits).await;
    let server = tokio::spawn(serve(reader, writer, SHORT));
    client.send(&frame(TEXT, b"never-ending")).await;
    let close = flood(client, frame(CONTINUATION, &[b'x'; 1_000])).await;
    assert_eq!(close, (4413, Violation::TooLarge.to_string()));
    let (_, held) = server.await.unwrap();
    assert!(held <= limits.max_message_bytes, "{held}");
}

#[tokio::test]
async fn endless_empty_fragments_are_closed() {
    let (reader, writer, mut client) = connect(Limits::default()).await;
    let server = tokio::spawn(serve(reader, writer, SHORT));
    client.send(&frame(TEXT, b"")).await;
    let close = flood(client, frame(CONTINUATION, b"")).await;
    assert_eq!(close, (4413, Violation::TooManyFragments.to_string()));
    assert_eq!(server.await.unwrap().1, 0);
}

#[tokio::test]
async fn huge_declared_length_is_closed_with_nothing_reserved() {
    let mut bytes = head(FIN | BINARY, 0x80, 64 * 1024 * 1024);
    bytes.extend_from_slice(&[1, 2, 3, 4]);
    assert_eq!(attack(&bytes, Violation::TooLarge, 4413).await, 0);
}

#[tokio::test]
async fn length_with_the_top_bit_is_closed() {
    let mut bytes = head(FIN | BINARY, 0x80, 1 << 63);
    bytes.extend_from_slice(&[1, 2, 3, 4]);
    attack(&bytes, Violation::MalformedLength, 1002).await;
}

#[tokio::test]
async fn allowed_declared_length_reserves_nothing_before_data_come() {
    let (mut reader, _writer, mut client) = connect(Limits::default()).await;
    let mut bytes = frame(FIN | PING, b"");
    bytes.extend_from_slice(&head(FIN | BINARY, 0x80, 65_536));
    bytes.extend_from_slice(&[1, 2, 3, 4]);
    client.send(&bytes).await;
    reader.next().await.unwrap();
    tokio::select! {
        biased;
        _ = reader.next() => panic!("a message without data"),
        () = tokio::task::yield_now() => {}
    }
    assert!(reader.held_bytes() < 16, "{}", reader.held_bytes());
}

#[tokio::test]
async fn unmasked_frame_is_closed() {
    attack(b"\x81\x02hi", Violation::Unmasked, 1002).await;
}

#[tokio::test]
async fn text_inside_unfinished_text_is_closed() {
    let bytes = [frame(TEXT, b"abc"), frame(FIN | TEXT, b"def")].concat();
    attack(&bytes, Violation::InterruptedMessage, 1002).await;
}

#[tokio::test]
async fn half_a_character_at_the_end_is_closed() {
    let bytes = [frame(TEXT, b"abc\xc3"), frame(FIN | CONTINUATION, b"")].concat();
    attack(&bytes, Violation::InvalidUtf8, 1007).await;
}

#[tokio::test]
async fn compressed_frame_is_closed() {
    attack(&frame(FIN | 0x40 | TEXT, b"abc"), Violation::ReservedBit, 1002).await;
}

#[tokio::test]
async fn message_that_does_not_end_is_closed() {
    let limits = Limits { message_timeout: Duration::from_millis(20), ..Limits::default() };
    let (reader, writer, mut client) = connect(limits).await;
    let server = tokio::spawn(serve(reader, writer, LONG));
    client.send(&frame(FIN | TEXT, b"abc")[..5]).await;
    assert_eq!(client.receive_close().await, (4408, ReadError::TimedOut.to_string()));
    drop(client);
    assert!(matches!(server.await.unwrap().0, ReadError::TimedOut));
}

#[tokio::test]
async fn what_follows_a_broken_rule_does_not_cost_the_client_the_close_frame() {
    let (reader, writer, mut client) = connect(Limits::default()).await;
    let server = tokio::spawn(serve(reader, writer, LONG));
    client.send(b"\x81\x02hi").await;
    // More than the sockets buffer: were it left unread, the connection would be reset.
    for _ in 0..1_000 {
        client.send(&frame(FIN | BINARY, &[0; 16 * 1024])).await;
    }
    assert_eq!(client.receive_close().await.0, 1002);
    drop(client);
    server.await.unwrap();
}
