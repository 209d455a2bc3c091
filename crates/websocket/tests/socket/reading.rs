//! What an honest client sends arrives, however it is cut and however reading is interrupted.

use crate::support::{BINARY, CLOSE, CONTINUATION, FIN, PING, TEXT, connect, connect_early, frame};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::{Instant, advance, pause, sleep};
use websocket::{Limits, Message, ReadError};

fn conversation() -> (Vec<u8>, Vec<Message>) {
    let long: Vec<u8> = (0..40_000_u32).map(|index| index as u8).collect();
    let bytes = [
        frame(FIN | TEXT, "grüße".as_bytes()),
        frame(TEXT, b"a"),
        frame(FIN | PING, b"still there?"),
        frame(FIN | CONTINUATION, b"b"),
        frame(FIN | BINARY, &long[..300]),
        frame(FIN | BINARY, &long),
        frame(FIN | CLOSE, b"\x03\xe8bye"),
    ];
    let messages = vec![
        Message::Text(Bytes::from("grüße")),
        Message::Ping(Bytes::from_static(b"still there?")),
        Message::Text(Bytes::from_static(b"ab")),
        Message::Binary(Bytes::copy_from_slice(&long[..300])),
        Message::Binary(Bytes::from(long)),
        Message::Close { code: Some(1000), reason: "bye".to_owned() },
    ];
    (bytes.concat(), messages)
}

#[tokio::test]
async fn messages_sent_together_come_one_by_one_and_leave_nothing_behind() {
    let (bytes, expected) = conversation();
    let (mut reader, _writer, mut client) = connect(Limits::default()).await;
    client.send(&bytes).await;
    for message in expected {
        assert_eq!(reader.next().await.unwrap(), message);
    }
    assert_eq!(reader.held_bytes(), 0);
    assert!(matches!(reader.next().await, Err(ReadError::Ended)));
}

#[tokio::test]
async fn messages_sent_with_the_handshake_arrive() {
    let (bytes, expected) = conversation();
    let (early, late) = bytes.split_at(30);
    let (mut reader, _writer, mut client) = connect_early(Limits::default(), early).await;
    client.send(late).await;
    for message in expected {
        assert_eq!(reader.next().await.unwrap(), message);
    }
}

#[tokio::test]
async fn reading_may_be_dropped_between_any_two_bytes() {
    let (bytes, expected) = conversation();
    let (mut reader, _writer, mut client) = connect(Limits::default()).await;
    let mut bytes = bytes.iter();
    let mut messages = Vec::new();
    while messages.len() < expected.len() {
        tokio::select! {
            biased;
            message = reader.next() => messages.push(message.unwrap()),
            () = tokio::task::yield_now() => {
                if let Some(byte) = bytes.next() {
                    client.send(&[*byte]).await;
                }
            }
        }
    }
    assert_eq!(messages, expected);
}

#[tokio::test]
async fn vanished_client_is_told_from_one_that_closed() {
    let (mut reader, _writer, client) = connect(Limits::default()).await;
    drop(client);
    let error = reader.next().await.unwrap_err();
    assert!(matches!(error, ReadError::Ended));
    assert_eq!(error.close_frame(), None);
}

#[tokio::test]
async fn control_frames_do_not_prolong_a_message() {
    let (mut reader, _writer, mut client) = connect(Limits::default()).await;
    pause();
    client.send(&frame(TEXT, b"a")).await;
    let start = Instant::now();
    let pinging = async {
        for _ in 0..4 {
            sleep(Duration::from_secs(1)).await;
            client.send(&frame(FIN | PING, b"")).await;
        }
        std::future::pending::<()>().await;
    };
    let mut pings = 0;
    let reading = async {
        loop {
            match reader.next().await {
                Ok(message) => pings += u32::from(message == Message::Ping(Bytes::new())),
                Err(error) => break error,
            }
        }
    };
    let error = tokio::select! {
        error = reading => error,
        () = pinging => unreachable!(),
    };
    assert!(matches!(error, ReadError::TimedOut));
    assert!(pings > 0);
    // Virtual time: the limit is 5 s from the first byte, which came before the first ping.
    assert!(start.elapsed() < Duration::from_millis(6_100), "{:?}", start.elapsed());
}

#[tokio::test]
async fn slow_server_does_not_make_a_message_late() {
    let (mut reader, _writer, mut client) = connect(Limits::default()).await;
    client.send(&frame(TEXT, b"a")).await;
    client.send(&frame(FIN | PING, b"")).await;
    assert!(matches!(reader.next().await, Ok(Message::Ping(_))));
    tokio::select! {
        biased;
        _ = reader.next() => panic!("the message is not whole"),
        () = tokio::task::yield_now() => {}
    }
    client.send(&frame(FIN | CONTINUATION, b"b")).await;
    pause();
    advance(Duration::from_secs(60)).await;
    assert_eq!(reader.next().await.unwrap(), Message::Text(Bytes::from_static(b"ab")));
}

#[tokio::test]
async fn every_message_has_its_own_time() {
    let (mut reader, _writer, mut client) = connect(Limits::default()).await;
    pause();
    for _ in 0..2 {
        client.send(&frame(TEXT, b"a")).await;
        tokio::select! {
            biased;
            message = reader.next() => panic!("{message:?} is not whole"),
            () = sleep(Duration::from_secs(4)) => {}
        }
        client.send(&frame(FIN | CONTINUATION, b"b")).await;
        assert_eq!(reader.next().await.unwrap(), Message::Text(Bytes::from_static(b"ab")));
    }
}
