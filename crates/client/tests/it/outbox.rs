//! Requests are answered once, whatever happens to the connection.

use client::{Chat, ChatEvent, ChatOptions, End, Error, NewMessage, Window};
use protocol::ErrorCode;
use serde_json::json;

use crate::server::{HOME, Server, options, seqs, until};

#[tokio::test]
async fn what_was_not_acked_before_a_cut_is_sent_again_under_its_id() {
    let server = Server::start().await;
    let (chat, mut events) = Chat::connect(&server.log_in().await, ChatOptions { window: 2, ..options() });
    let (mut peer, _) = server.serve().await;
    peer.resumed(0).await;
    let (first, second) =
        (chat.send(NewMessage::text(HOME, "one")).await, chat.send(NewMessage::text(HOME, "two")).await);
    let before = [peer.expect("send").await, peer.expect("send").await];
    drop(peer);
    let (mut peer, _) = server.serve().await;
    let after = [peer.expect("send").await, peer.expect("send").await];
    assert_eq!(before, after);
    peer.resumed(0).await;
    peer.ack(&after[0]["id"], 1, true).await;
    peer.ack(&after[1]["id"], 2, false).await;
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((first.seq, first.duplicate, second.seq), (1, true, 2));
    assert_eq!(seqs(&mut events, 2).await, [1, 2]);
}

#[tokio::test]
async fn messages_keep_their_order_although_the_server_refuses_one() {
    let server = Server::start().await;
    let (chat, _events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    for text in ["one", "two"] {
        drop(chat.send(NewMessage::text(HOME, text)).await);
    }
    let frame = peer.expect("send").await;
    let error = json!({
        "type": "error", "id": frame["id"], "code": "rate_limited", "detail": "later", "retry_after_ms": 1,
    });
    peer.send(error).await;
    assert_eq!(peer.expect("send").await, frame);
    peer.ack(&frame["id"], 1, false).await;
    assert_eq!(peer.expect("send").await["text"], "two");
}

#[tokio::test]
async fn no_two_requests_have_the_same_id() {
    let server = Server::start().await;
    let session = server.log_in().await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..2 {
        let (chat, _events) = Chat::connect(&session, options());
        let (mut peer, _) = server.serve().await;
        for _ in 0..10 {
            drop(chat.send(NewMessage::text(HOME, "x")).await);
            let frame = peer.expect("send").await;
            peer.ack(&frame["id"], 1, false).await;
            assert!(ids.insert(frame["id"].to_string()));
        }
        drop(peer);
        chat.close().await;
    }
}

#[tokio::test]
async fn a_refusal_for_a_while_is_repeated_and_a_definite_one_fails() {
    let server = Server::start().await;
    let (chat, _events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    let sent = chat.send(NewMessage::text(HOME, "x")).await;
    let frame = peer.expect("send").await;
    let error = json!({
        "type": "error", "id": frame["id"], "code": "rate_limited", "detail": "later", "retry_after_ms": 5,
    });
    peer.send(error).await;
    assert_eq!(peer.expect("send").await, frame);
    let error = json!({"type": "error", "id": frame["id"], "code": "not_allowed", "detail": "no"});
    peer.send(error).await;
    let error = sent.await.unwrap_err();
    assert!(error.is(ErrorCode::NotAllowed), "{error:?}");
}

#[tokio::test]
async fn a_frame_too_large_for_the_server_fails_without_being_sent() {
    let server = Server::start().await;
    let (chat, _events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    let large = chat.send(NewMessage::text(HOME, "x".repeat(2000))).await;
    let small = chat.send(NewMessage::text(HOME, "x")).await;
    assert_eq!(peer.expect("send").await["id"], small.id().as_str());
    assert!(large.await.unwrap_err().is(ErrorCode::TooLarge));
}

#[tokio::test]
async fn history_edits_and_reactions_are_asked_and_answered() {
    let server = Server::start().await;
    let (chat, mut events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    peer.resumed(0).await;
    let history = tokio_util::task::TaskTracker::new().spawn({
        let chat = chat.clone();
        async move { chat.history(HOME, Window::Before(9), 3).await }
    });
    let frame = peer.expect("history").await;
    assert_eq!((&frame["before"], &frame["limit"]), (&json!(9), &json!(3)));
    let page =
        json!({"type": "history", "id": frame["id"], "conversation": HOME, "messages": [], "more": true});
    peer.send(page).await;
    assert!(history.await.unwrap().unwrap().more);
    let edit = chat.edit(HOME, 1, "new").await;
    let react = chat.react(HOME, 1, "👍", true).await;
    let delete = chat.delete(HOME, 1).await;
    peer.messages([1]).await;
    for (seq, kind) in [(2, "edit"), (3, "react"), (4, "delete")] {
        let frame = peer.expect(kind).await;
        peer.ack(&frame["id"], seq, false).await;
    }
    assert_eq!(edit.await.unwrap().seq, 2);
    assert_eq!((react.await.unwrap().seq, delete.await.unwrap().seq), (3, 4));
    let target = |event: ChatEvent| event.logged().and_then(|logged| logged.body.target);
    assert_eq!(until(&mut events, target).await, 1);
}

#[tokio::test]
async fn what_has_no_answer_fails_when_the_connection_is_closed() {
    let server = Server::start().await;
    let (chat, _events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    let sent = chat.send(NewMessage::text(HOME, "x")).await;
    peer.expect("send").await;
    let clone = chat.clone();
    let (closed, ()) = tokio::join!(peer.next(), chat.close());
    assert_eq!(closed.unwrap_err(), Some(1000));
    assert!(matches!(sent.await, Err(Error::Ended(End::Closed))));
    assert!(matches!(clone.send(NewMessage::text(HOME, "y")).await.await, Err(Error::Ended(End::Closed))));
}

#[tokio::test]
async fn a_read_mark_is_said_again_after_a_cut() {
    let server = Server::start().await;
    let (chat, _events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    chat.read(HOME, 4).await;
    assert_eq!(peer.expect("read").await["seq"], 4);
    drop(peer);
    let (mut peer, _) = server.serve().await;
    assert_eq!(peer.expect("read").await["seq"], 4);
}

#[tokio::test]
async fn who_wants_no_events_sends_all_the_same_and_catches_up_on_nothing() {
    let server = Server::start().await;
    let session = server.log_in().await;
    let (chat, events) = Chat::connect(&session, options());
    drop(events);
    let mut peer = server.accept().await;
    peer.welcome().await;
    let sent = chat.send(NewMessage::text(HOME, "x")).await;
    let frame = peer.expect("send").await;
    peer.ack(&frame["id"], 7, false).await;
    assert_eq!(sent.await.unwrap().seq, 7);
}
