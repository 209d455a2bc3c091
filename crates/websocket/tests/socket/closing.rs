//! Both sides learn that the connection ends, and nobody waits for ever.

use crate::support::{CLOSE, FIN, TEXT, connect, frame};
use std::io::ErrorKind;
use std::time::Duration;
use websocket::{FrameQueue, Limits, Message, PushError, close, close_reply, text};

/// Long enough that a test which waits for it is seen to hang.
const BOUND: Duration = Duration::from_secs(600);

#[tokio::test]
async fn clients_close_is_answered_with_its_code() {
    let (mut reader, mut writer, mut client) = connect(Limits::default()).await;
    client.send(&frame(FIN | CLOSE, b"\x0f\xa0done")).await;
    let Ok(Message::Close { code, reason }) = reader.next().await else { panic!("no close") };
    assert_eq!((code, reason.as_str()), (Some(4000), "done"));
    let server = tokio::spawn(async move {
        writer.finish(&mut reader, &FrameQueue::default(), close_reply(code), BOUND).await
    });
    assert_eq!(client.receive_close().await, (4000, String::new()));
    assert!(client.receive().await.is_none());
    drop(client);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn servers_close_comes_after_what_was_queued_and_waits_for_the_clients() {
    let (mut reader, mut writer, mut client) = connect(Limits::default()).await;
    let queue = FrameQueue::default();
    queue.push(text(b"last words")).unwrap();
    let handle = queue.clone();
    let server =
        tokio::spawn(async move { writer.finish(&mut reader, &queue, close(4503, "draining"), BOUND).await });
    assert_eq!(client.receive().await.unwrap(), (FIN | TEXT, b"last words".to_vec()));
    assert_eq!(client.receive_close().await, (4503, "draining".to_owned()));
    assert_eq!(handle.push(text(b"too late")), Err(PushError::Closed));

    // The connection stays until the client's close frame; what was under way is passed over.
    tokio::select! {
        biased;
        end = client.receive() => panic!("{end:?} before the client closed"),
        () = tokio::task::yield_now() => {}
    }
    client.send(&frame(FIN | TEXT, b"under way")).await;
    client.send(&frame(FIN | CLOSE, b"\x11\x97")).await;
    assert!(client.receive().await.is_none());
    drop(client);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn client_that_never_closes_is_left_after_the_bound() {
    let (mut reader, mut writer, mut client) = connect(Limits::default()).await;
    let queue = FrameQueue::default();
    let result = writer.finish(&mut reader, &queue, close(1001, ""), Duration::from_millis(20)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    drop((reader, writer));
    assert_eq!(client.receive_close().await, (1001, String::new()));
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn client_that_never_reads_is_reset_after_the_bound() {
    let (mut reader, mut writer, mut client) = connect(Limits::default()).await;
    let queue = FrameQueue::new(64 * 1024 * 1024);
    for _ in 0..1_000 {
        queue.push(text(&[b'x'; 32 * 1024])).unwrap();
    }
    let result = writer.finish(&mut reader, &queue, close(1001, ""), Duration::from_millis(20)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    drop((reader, writer));
    let mut sink = tokio::io::sink();
    let error = tokio::io::copy(&mut client.receiver.stream, &mut sink).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn client_that_writes_before_it_reads_gets_everything() {
    let (mut reader, mut writer, mut client) = connect(Limits::default()).await;
    let queue = FrameQueue::new(64 * 1024 * 1024);
    for _ in 0..300 {
        queue.push(text(&[b'x'; 32 * 1024])).unwrap();
    }
    let server =
        tokio::spawn(async move { writer.finish(&mut reader, &queue, close(1001, ""), BOUND).await });
    // More than the sockets buffer: it only gets through if the server reads while it writes.
    let message = frame(FIN | TEXT, &[b'y'; 32 * 1024]);
    for _ in 0..300 {
        client.send(&message).await;
    }
    client.send(&frame(FIN | CLOSE, b"\x03\xe9")).await;
    for _ in 0..300 {
        assert_eq!(client.receive().await.unwrap().1.len(), 32 * 1024);
    }
    assert_eq!(client.receive_close().await, (1001, String::new()));
    drop(client);
    server.await.unwrap().unwrap();
}
